//! The network between the servers is cut, or loses, repeats, delays and reorders what they say.
//! See also `guards.rs`.

use raft_model::election::Rule;

use support::cluster::{Cluster, Leadership, Step, Timing};
use support::network::Faulty;

stories! {
    Namespaces:
        a_leader_that_is_cut_off_is_replaced_and_steps_down
        the_half_without_a_leader_elects_nobody
        a_leader_that_nobody_hears_is_replaced
        seven_servers_with_three_cut_off_again_and_again;
    Netem:
        leaders_are_elected_when_messages_are_lost_repeated_and_late;
}

fn a_leader_that_is_cut_off_is_replaced_and_steps_down<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(3, Timing::Quick);
    let old = cluster.agreed(0, &[1, 2, 3]);
    let others = cluster.others(&[old.leader]);
    cluster.network.partition(&[&[old.leader], &others]);
    let new = cluster.agreed(old.term, &others);

    cluster.network.heal();
    cluster.wait_for("the old leader to step down", |step| {
        step.server == old.leader && step.is_follower() && step.term() >= new.term
    });
    cluster.agreed(new.term - 1, &[1, 2, 3]);
    cluster.replayed();
}

/// Nor does the other half, whose leader was elected before: it leaves office.
fn the_half_without_a_leader_elects_nobody<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(4, Timing::Quick);
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3, 4]);
    let followers = cluster.others(&[leader]);
    let half = &followers[1..];
    cluster.network.partition(&[&[leader, followers[0]], half]);
    cluster.wait_for("the leader to leave office", |step| {
        step.server == leader && step.is(Rule::QuorumLost)
    });
    cluster.campaign_in_vain(half, 6);

    cluster.network.heal();
    cluster.agreed(term, &[1, 2, 3, 4]);
    cluster.replayed();
}

/// A cut in one direction. The leader hears no answers, and later the new leader.
fn a_leader_that_nobody_hears_is_replaced<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(3, Timing::Quick);
    let old = cluster.agreed(0, &[1, 2, 3]);
    let others = cluster.others(&[old.leader]);
    cluster.network.cut(&[(old.leader, others[0]), (old.leader, others[1])]);
    let new = cluster.agreed(old.term, &[1, 2, 3]);
    assert_ne!(new.leader, old.leader);

    cluster.network.heal();
    cluster.agreed(new.term - 1, &[1, 2, 3]);
    cluster.replayed();
}

/// Each round cuts off another three; in every other one the leader is among them. They hear each
/// other, or in every third round nobody at all.
fn seven_servers_with_three_cut_off_again_and_again<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(7, Timing::Quick);
    let all = cluster.servers();
    let mut last = cluster.agreed(0, &all);
    for round in 0..9 {
        let mut candidates = cluster.others(&[last.leader]);
        candidates.rotate_left(round % 6);
        let with_leader = round % 2 == 0;
        let three = if with_leader {
            vec![last.leader, candidates[0], candidates[1]]
        } else {
            candidates[..3].to_vec()
        };
        let majority = cluster.others(&three);
        if round % 3 == 2 {
            let [a, b, c] = *three else { unreachable!("three") };
            cluster.network.partition(&[&majority, &[a], &[b], &[c]]);
        } else {
            cluster.network.partition(&[&majority, &three]);
        }
        let before = cluster.seen().len();
        let after = if with_leader { last.term } else { last.term - 1 };
        let new = cluster.agreed(after, &majority);
        let by_the_three = |step: &&Step| three.contains(&step.server) && step.is(Rule::Elected);
        assert_eq!(cluster.seen()[before..].iter().find(by_the_three), None);

        cluster.network.heal();
        last = cluster.agreed(new.term - 1, &all);
    }
    cluster.replayed();
}

/// A fifth of all messages is lost, a fifth arrives twice, and none in the time that a heartbeat
/// takes; and the leader is killed, again and again.
fn leaders_are_elected_when_messages_are_lost_repeated_and_late<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(3, Timing::Quick);
    cluster.network.disturb();
    let mut last = cluster.agreed(0, &[1, 2, 3]);
    for _ in 0..5 {
        let victim = last.leader;
        cluster.kill(victim);
        last = cluster.agreed(last.term, &cluster.others(&[victim]));
        cluster.restart(victim);
        last = cluster.agreed(last.term - 1, &[1, 2, 3]);
    }
    cluster.network.assert_disturbed();
    cluster.replayed();
}
