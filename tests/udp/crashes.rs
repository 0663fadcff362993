//! Servers are killed and restarted, stopped, or paused for a while.

use raft_model::cluster::Protocol;
use raft_model::election::{Outgoing, Rule};
use raft_model::message::Message;
use raft_model::types::Term;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};

use support::cluster::{Cluster, Leadership, Timing};
use support::network::Loopback;
use support::waiting::rounds;

fn three_servers() -> Cluster<Loopback> {
    Cluster::start(3, Timing::Quick)
}

#[test]
fn three_servers_elect_one_leader() {
    let mut cluster = three_servers();
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3]);

    let report = cluster.replayed();
    let elected: Vec<_> = report.elected.iter().map(|(t, s)| (t.number(), s.number())).collect();
    assert!(elected.contains(&(term, u8::try_from(leader).unwrap())), "{elected:?}");
}

#[test]
fn a_killed_server_comes_back_again_and_again() {
    servers_are_killed_and_come_back(Protocol::GUARDED);
}

#[test]
fn a_killed_server_comes_back_again_and_again_in_figure2() {
    servers_are_killed_and_come_back(Protocol::FIGURE2);
}

/// Every other time it is the leader that is killed, and else any server.
fn servers_are_killed_and_come_back(protocol: Protocol) {
    let mut random = StdRng::seed_from_u64(1);
    let mut cluster = Cluster::<Loopback>::start_by(protocol, 3, Timing::Quick);
    let mut last = cluster.agreed(0, &[1, 2, 3]);
    for round in 0..rounds(20) {
        let victim = if round % 2 == 0 { last.leader } else { random.random_range(1..=3) };
        cluster.kill(victim);
        let after = if victim == last.leader { last.term } else { last.term - 1 };
        last = cluster.agreed(after, &cluster.others(&[victim]));
        cluster.restart(victim);
        last = cluster.agreed(last.term - 1, &[1, 2, 3]);
    }
    cluster.replayed();
}

#[test]
fn with_two_of_three_killed_nobody_leads_until_one_is_back() {
    let mut cluster = three_servers();
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3]);
    let followers = cluster.others(&[leader]);
    let (survivor, other) = (followers[0], followers[1]);

    cluster.kill(other);
    cluster.kill(leader);
    cluster.campaign_in_vain(&[survivor], 5);

    cluster.restart(other);
    cluster.agreed(term, &[survivor, other]);
    cluster.replayed();
}

#[test]
fn when_all_are_killed_and_restarted_terms_do_not_go_back() {
    let mut random = StdRng::seed_from_u64(2);
    let mut cluster = three_servers();
    cluster.agreed(0, &[1, 2, 3]);
    for _ in 0..3 {
        let mut standing = cluster.servers();
        while let Some(&server) = standing.choose(&mut random) {
            cluster.kill(server);
            standing.retain(|&other| other != server);
        }
        let last_terms = [1, 2, 3].map(|server| cluster.last_term(server));
        for (server, last_term) in (1..).zip(last_terms) {
            let before = cluster.seen().len();
            cluster.restart(server);
            let steps = &cluster.seen()[before..];
            let started = steps.iter().find(|step| step.server == server).expect("it started");
            assert!(started.is(Rule::Started) && started.term() >= last_term, "{started:?}");
        }
        let highest = last_terms.into_iter().max().unwrap();
        cluster.agreed(highest - 1, &[1, 2, 3]);
    }
    cluster.replayed();
}

/// Nobody waits for a timeout: who shall lead next stands for election at once, in the next term,
/// with the leave of the one that goes.
#[test]
fn a_leader_that_is_stopped_hands_over() {
    let mut cluster = Cluster::<Loopback>::start(3, Timing::Patient);
    let mut last = cluster.agreed(0, &[1, 2, 3]);
    let mut next = Vec::new();
    for _ in 0..3 {
        let old = last;
        cluster.stop(old.leader);
        last = cluster.agreed(old.term, &cluster.others(&[old.leader]));
        assert_eq!(last.term, old.term + 1);
        next.push(last);
        cluster.restart(old.leader);
        assert_eq!(cluster.agreed(old.term, &[1, 2, 3]), last);
    }
    cluster.terminate();
    for Leadership { leader, term } in next {
        let message = Message::RequestVote { term: Term::new(term), hand_over: true };
        let campaigns = cluster.records(leader).into_iter().filter(|record| {
            record.step.rule == Rule::Campaigned
                && record.step.state.ballot.current_term == Term::new(term)
        });
        let sent: Vec<_> = campaigns.map(|record| record.step.outgoing).collect();
        assert_eq!(sent, [Outgoing::Broadcast { message }], "S{leader} in term {term}");
    }
    cluster.replayed();
}

/// It still holds itself for the leader when it goes on, and everybody else for followers.
#[test]
fn a_leader_paused_until_another_leads_steps_down() {
    let mut cluster = three_servers();
    let mut last = cluster.agreed(0, &[1, 2, 3]);
    for _ in 0..3 {
        let old = last;
        cluster.pause(old.leader);
        let new = cluster.agreed(old.term, &cluster.others(&[old.leader]));

        cluster.resume(old.leader);
        cluster.wait_for("the old leader to step down", |step| {
            step.server == old.leader && step.is_follower() && step.term() >= new.term
        });
        last = cluster.agreed(new.term - 1, &[1, 2, 3]);
    }
    cluster.replayed();
}
