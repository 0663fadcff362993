//! The network between the servers is cut, or loses, repeats, delays and reorders what they say.
//! Each story is told twice: of a relay in this process, which every machine has, and of network
//! namespaces, in which the kernel is the network.

use raft_model::election::Rule;

use support::cluster::{Cluster, Leadership, Line, Timing};
use support::namespaces::Namespaces;
use support::network::Faulty;
use support::relay::Relay;
use support::skipped::{note, skip};

macro_rules! stories {
    ($($needs:ident: $($story:ident)*;)*) => {
        mod through_a_relay {
            $($(#[test]
            fn $story() {
                super::$story::<super::Relay>();
            })*)*
        }

        mod between_namespaces {
            $($(#[test]
            fn $story() {
                if super::possible(super::Needs::$needs) {
                    super::$story::<super::Namespaces>();
                }
            })*)*
        }
    };
}

stories! {
    Namespaces:
        a_leader_that_is_cut_off_is_replaced_and_steps_down
        the_half_without_a_leader_elects_nobody
        a_leader_that_nobody_hears_is_replaced
        a_leader_that_hears_nobody_stays
        a_follower_that_hears_nobody_campaigns_in_vain
        seven_servers_with_three_cut_off_again_and_again;
    Netem:
        leaders_are_elected_when_messages_are_lost_repeated_and_late;
}

/// What a story needs of the machine, to be told of namespaces.
#[derive(Clone, Copy)]
enum Needs {
    Namespaces,
    Netem,
}

/// Whether the machine has what a story needs. If not, its test is skipped.
fn possible(needs: Needs) -> bool {
    let permitted = match needs {
        Needs::Namespaces => Namespaces::permitted(),
        Needs::Netem => Namespaces::can_be_disturbed(),
    };
    let Err(reason) = permitted else { return true };
    // No command brings a kernel, so that one test alone may be skipped everywhere.
    let without_netem = std::env::var_os("RAFT_WITHOUT_NETEM").is_some_and(|set| !set.is_empty());
    match needs {
        Needs::Netem if without_netem => note(&reason, "it takes a kernel with netem"),
        _ => skip(&reason, "as root, `apt-get install iproute2` brings network namespaces"),
    }
    false
}

fn a_leader_that_is_cut_off_is_replaced_and_steps_down<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(3, Timing::Quick);
    let old = cluster.agreed(0, &[1, 2, 3]);
    let others = cluster.others(&[old.leader]);
    cluster.network.partition(&[&[old.leader], &others]);
    let new = cluster.agreed(old.term, &others);

    cluster.network.heal();
    cluster.wait_for("the old leader to step down", |line| {
        line.server == old.leader && line.is_follower() && line.term() >= Some(new.term)
    });
    cluster.agreed(new.term - 1, &[1, 2, 3]);
    cluster.replayed();
}

/// Nor does the other half: its leader was elected before, and does not know that it has lost its
/// quorum.
fn the_half_without_a_leader_elects_nobody<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(4, Timing::Quick);
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3, 4]);
    let followers = cluster.others(&[leader]);
    let half = &followers[1..];
    cluster.network.partition(&[&[leader, followers[0]], half]);
    cluster.campaign_in_vain(half, 6);

    cluster.network.heal();
    cluster.agreed(term, &[1, 2, 3, 4]);
    cluster.replayed();
}

/// A cut in one direction. The leader hears that there is a newer term, and later the new leader.
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

/// A cut in the other direction: nobody misses the leader, so nobody campaigns.
fn a_leader_that_hears_nobody_stays<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(3, Timing::Patient);
    let old = cluster.agreed(0, &[1, 2, 3]);
    let others = cluster.others(&[old.leader]);
    cluster.network.cut(&[(others[0], old.leader), (others[1], old.leader)]);
    let (mut heartbeats, many) = (0, Timing::Patient.heartbeats_in_an_election_timeout() + 10);
    cluster.wait_for("more heartbeats than anybody would wait for", |line| {
        heartbeats += u32::from(line.is(Rule::HeartbeatAccepted) && line.server == others[0]);
        heartbeats == many
    });
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), old);
    cluster.replayed();
}

/// It brings the others its newer terms, and so down their leader, until it hears them again.
fn a_follower_that_hears_nobody_campaigns_in_vain<N: Faulty>() {
    let mut cluster = Cluster::<N>::start(3, Timing::Quick);
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3]);
    let followers = cluster.others(&[leader]);
    cluster.network.cut(&[(leader, followers[0]), (followers[1], followers[0])]);
    cluster.campaign_in_vain(&followers[..1], 5);

    cluster.network.heal();
    cluster.agreed(term, &[1, 2, 3]);
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
        let by_the_three = |line: &&Line| three.contains(&line.server) && line.is(Rule::Elected);
        assert_eq!(cluster.seen()[before..].iter().find(by_the_three).map(|line| &line.text), None);

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
