//! Elections among real processes, over loopback UDP. What is tested is what the servers say in
//! their logs; nothing is assumed about how long it takes them.

mod support {
    pub(crate) mod binary;
    pub(crate) mod node;
}

use std::collections::BTreeMap;

use support::node::{Cluster, Line};

/// Waits until a server has been elected in a term after this one, and every other server that runs
/// follows it. On a slow machine that may take several elections.
fn agreed_leader(cluster: &mut Cluster, after: u64, followers: &[usize]) -> (usize, u64) {
    let mut elected = BTreeMap::new();
    let mut following: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    loop {
        let line = cluster.wait_for("a leader that everybody follows", |line| {
            line.term().is_some_and(|term| term > after)
        });
        let term = line.term().unwrap();
        if line.is_election() {
            elected.insert(term, line.server);
        }
        if line.field("role") == Some("follower") && line.field("leader").is_some() {
            following.entry(term).or_default().push(line.server);
        }
        for (&term, &leader) in &elected {
            let follows = |server| following.get(&term).is_some_and(|all| all.contains(server));
            if followers.iter().filter(|&&server| server != leader).all(follows) {
                return (leader, term);
            }
        }
    }
}

/// Election Safety (§5.2), judged on everything that the servers have said.
fn assert_one_leader_a_term(lines: &[Line]) {
    let mut leaders = BTreeMap::new();
    for line in lines.iter().filter(|line| line.is_election()) {
        let leader = *leaders.entry(line.term()).or_insert(line.server);
        assert_eq!(leader, line.server, "two leaders in term {:?}", line.term());
    }
}

#[test]
fn three_servers_elect_one_leader() {
    let mut cluster = Cluster::start(3);
    agreed_leader(&mut cluster, 0, &[1, 2, 3]);
    assert_one_leader_a_term(cluster.seen());
}

#[test]
fn a_killed_leader_is_replaced_and_follows_when_it_comes_back() {
    let mut cluster = Cluster::start(3);
    let (old, old_term) = agreed_leader(&mut cluster, 0, &[1, 2, 3]);

    cluster.kill(old);
    let survivors: Vec<_> = (1..=3).filter(|&server| server != old).collect();
    let (new, term) = agreed_leader(&mut cluster, old_term, &survivors);
    assert_ne!(new, old);
    assert!(term > old_term);

    cluster.restart(old);
    cluster.wait_for("the old leader to follow", |line| {
        line.server == old
            && line.field("role") == Some("follower")
            && line.field("leader").is_some()
            && line.term() >= Some(term)
    });
    assert_one_leader_a_term(cluster.seen());
}

#[test]
fn a_minority_elects_nobody() {
    let mut cluster = Cluster::start(3);
    let (leader, term) = agreed_leader(&mut cluster, 0, &[1, 2, 3]);
    let survivor = if leader == 1 { 2 } else { 1 };
    for server in (1..=3).filter(|&server| server != survivor) {
        cluster.kill(server);
    }
    // A server that elected itself would lead, and campaign no more.
    cluster.wait_for("the survivor to campaign in vain", |line| {
        line.server == survivor
            && line.field("rule") == Some("Campaigned")
            && line.term() > Some(term + 3)
    });
    assert_one_leader_a_term(cluster.seen());
}
