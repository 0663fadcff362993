//! What the guards are for: faults that cost Figure 2 a leader, or its terms. A server that is cut
//! off comes back, hears nobody, or does not hear one other.

use raft_model::cluster::Protocol;
use raft_model::election::Rule;

use support::cluster::{Cluster, Leadership, Step, Timing};
use support::network::Faulty;

stories! {
    Namespaces:
        a_follower_that_comes_back_disturbs_nobody
        a_follower_that_comes_back_deposes_the_leader_of_figure2
        a_follower_that_hears_nobody_disturbs_nobody
        a_follower_that_hears_nobody_campaigns_in_vain_in_figure2
        two_that_do_not_hear_each_other_disturb_nobody
        two_that_do_not_hear_each_other_depose_each_other_in_figure2
        a_leader_that_hears_nobody_is_replaced
        a_leader_that_hears_nobody_stays_in_figure2;
}

/// A cluster of three, its leadership, and its followers.
fn three<N: Faulty>(protocol: Protocol, timing: Timing) -> (Cluster<N>, Leadership, [usize; 2]) {
    let mut cluster = Cluster::start_by(protocol, 3, timing);
    let leadership = cluster.agreed(0, &[1, 2, 3]);
    let followers = cluster.others(&[leadership.leader]);
    (cluster, leadership, [followers[0], followers[1]])
}

/// Fails unless this leader leads these servers still, and none of them has been in another term
/// meanwhile.
fn assert_undisturbed<N: Faulty>(
    cluster: &mut Cluster<N>,
    since: usize,
    leadership: Leadership,
    servers: &[usize],
) {
    assert_eq!(cluster.agreed(0, servers), leadership);
    let elsewhere = |step: &&Step| servers.contains(&step.server) && step.term() != leadership.term;
    assert_eq!(cluster.seen()[since..].iter().find(elsewhere), None);
}

/// It is cut off for a hundred election timeouts.
fn a_follower_that_comes_back_disturbs_nobody<N: Faulty>() {
    let (mut cluster, _, [follower, _]) = three::<N>(Protocol::GUARDED, Timing::Quick);
    let others = cluster.others(&[follower]);
    cluster.network.partition(&[&[follower], &others]);
    for _ in 0..10 {
        cluster.campaign_in_vain(&[follower], 10);
    }

    // On a slow machine it may be another one by now.
    let leadership = cluster.agreed(0, &others);
    let since = cluster.seen().len();
    cluster.network.heal();
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), leadership);
    assert_undisturbed(&mut cluster, since, leadership, &others);
    cluster.replayed();
}

/// Ten election timeouts are enough.
fn a_follower_that_comes_back_deposes_the_leader_of_figure2<N: Faulty>() {
    let (mut cluster, _, [follower, _]) = three::<N>(Protocol::FIGURE2, Timing::Quick);
    let others = cluster.others(&[follower]);
    cluster.network.partition(&[&[follower], &others]);
    cluster.campaign_in_vain(&[follower], 10);

    let old = cluster.agreed(0, &others);
    cluster.network.heal();
    cluster.wait_for("the leader to be deposed", |step| {
        step.server == old.leader && step.is_follower() && step.term() > old.term
    });
    cluster.agreed(old.term, &[1, 2, 3]);
    cluster.replayed();
}

/// It asks again and again whether it would be elected, and is heard.
fn a_follower_that_hears_nobody_disturbs_nobody<N: Faulty>() {
    let (mut cluster, leadership, [follower, other]) =
        three::<N>(Protocol::GUARDED, Timing::Patient);
    let since = cluster.seen().len();
    cluster.network.cut(&[(leadership.leader, follower), (other, follower)]);
    cluster.campaign_in_vain(&[follower], 3);
    assert_undisturbed(&mut cluster, since, leadership, &[leadership.leader, other]);
    let refused = |step: &Step| step.server == other && step.is(Rule::PreVoteRefused);
    assert!(cluster.seen()[since..].iter().any(refused), "nobody heard it");

    cluster.network.heal();
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), leadership);
    cluster.replayed();
}

/// It brings the others its newer terms, and so down their leader, until it hears them again.
fn a_follower_that_hears_nobody_campaigns_in_vain_in_figure2<N: Faulty>() {
    let (mut cluster, Leadership { leader, term }, [follower, other]) =
        three::<N>(Protocol::FIGURE2, Timing::Quick);
    cluster.network.cut(&[(leader, follower), (other, follower)]);
    cluster.campaign_in_vain(&[follower], 5);

    cluster.network.heal();
    cluster.agreed(term, &[1, 2, 3]);
    cluster.replayed();
}

/// The third follows the leader, and so helps nobody else to office.
fn two_that_do_not_hear_each_other_disturb_nobody<N: Faulty>() {
    let (mut cluster, leadership, [follower, other]) =
        three::<N>(Protocol::GUARDED, Timing::Patient);
    let since = cluster.seen().len();
    cluster.network.cut(&[(leadership.leader, follower), (follower, leadership.leader)]);
    cluster.campaign_in_vain(&[follower], 3);
    assert_undisturbed(&mut cluster, since, leadership, &[leadership.leader, other]);

    cluster.network.heal();
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), leadership);
    cluster.replayed();
}

/// The third helps one of them to office, and so brings down the other, again and again.
fn two_that_do_not_hear_each_other_depose_each_other_in_figure2<N: Faulty>() {
    let (mut cluster, old, [follower, _]) = three::<N>(Protocol::FIGURE2, Timing::Quick);
    cluster.network.cut(&[(old.leader, follower), (follower, old.leader)]);
    let mut elections = 0;
    cluster.wait_for("three more elections", |step| {
        elections += u32::from(step.is(Rule::Elected) && step.term() > old.term);
        elections == 3
    });

    cluster.network.heal();
    cluster.agreed(old.term, &[1, 2, 3]);
    cluster.replayed();
}

/// It leaves office, since nobody answers it, and then asks in vain.
fn a_leader_that_hears_nobody_is_replaced<N: Faulty>() {
    let (mut cluster, old, others) = three::<N>(Protocol::GUARDED, Timing::Patient);
    cluster.network.cut(&[(others[0], old.leader), (others[1], old.leader)]);
    cluster.wait_for("the leader to leave office", |step| {
        step.server == old.leader && step.is(Rule::QuorumLost)
    });
    let new = cluster.agreed(old.term, &others);
    let since = cluster.seen().len();
    cluster.campaign_in_vain(&[old.leader], 2);
    assert_undisturbed(&mut cluster, since, new, &others);

    cluster.network.heal();
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), new);
    cluster.replayed();
}

/// Nobody misses it, so nobody campaigns.
fn a_leader_that_hears_nobody_stays_in_figure2<N: Faulty>() {
    let (mut cluster, old, others) = three::<N>(Protocol::FIGURE2, Timing::Patient);
    cluster.network.cut(&[(others[0], old.leader), (others[1], old.leader)]);
    let (mut heartbeats, many) = (0, Timing::Patient.heartbeats_in_an_election_timeout() + 10);
    cluster.wait_for("more heartbeats than anybody would wait for", |step| {
        heartbeats += u32::from(step.is(Rule::HeartbeatAccepted) && step.server == others[0]);
        heartbeats == many
    });
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), old);
    cluster.replayed();
}
