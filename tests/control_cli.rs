//! What is said to a running node, and what it answers: `raft-node status`, `hand-over`,
//! `step-down`, `log-level`.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use raft_node::control::{Client, Snapshot};
use rustix::process::{Pid, Signal, kill_process};
use support::cluster::{Cluster, Leadership, Timing};
use support::network::Loopback;
use support::node::raft_node;

fn run(arguments: &[&str], data: &Path) -> Output {
    Command::new(raft_node()).args(arguments).arg("--data").arg(data).output().unwrap()
}

/// What a command says that succeeds.
fn said(arguments: &[&str], data: &Path) -> String {
    let output = run(arguments, data);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), stderr.as_str()), (Some(0), ""), "{arguments:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs a command that fails with this exit code, and says why in all these words.
fn fails(arguments: &[&str], data: &Path, code: i32, words: &[&str]) {
    let output = run(arguments, data);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
    for word in words {
        assert!(stderr.contains(word), "{arguments:?}: no {word:?} in: {stderr}");
    }
}

fn three() -> (Cluster<Loopback>, Leadership) {
    let mut cluster = Cluster::start(3, Timing::Patient);
    let leadership = cluster.agreed(0, &[1, 2, 3]);
    (cluster, leadership)
}

#[test]
fn a_status_is_told_to_people_and_to_programs() {
    let (cluster, Leadership { leader, term }) = three();
    let follower = cluster.others(&[leader])[0];
    let text = said(&["status"], &cluster.data(leader));
    assert!(text.contains(&format!("S{leader} leads in term {term}.\n")), "{text}");
    assert!(text.lines().all(|line| line.len() <= 80), "{text}");
    let text = said(&["status"], &cluster.data(follower));
    let follows = format!("S{follower} is a follower in term {term}; S{leader} leads.\n");
    assert!(text.contains(&follows), "{text}");
    let json = said(&["status", "--json"], &cluster.data(leader));
    let snapshot: Snapshot = serde_json::from_str(&json).unwrap();
    assert!(snapshot.status.is_leader() && snapshot.cluster == support::cluster::NAME);
    assert_eq!(snapshot.status.peers.len(), 2);
}

#[test]
fn a_leader_hands_over_to_the_server_that_is_named_and_then_steps_down() {
    let (mut cluster, old) = three();
    let to = cluster.others(&[old.leader])[1];
    let told = said(&["hand-over", "--to", &to.to_string()], &cluster.data(old.leader));
    let term = old.term + 1;
    let expected = format!("S{} has left office; S{to} leads in term {term}.\n", old.leader);
    assert_eq!(told, expected);
    assert_eq!(cluster.agreed(old.term, &[1, 2, 3]), Leadership { leader: to, term });

    let words = ["this server does not lead", &format!("S{to} does"), "Nothing has changed"];
    fails(&["step-down"], &cluster.data(old.leader), 1, &words);
    let told = said(&["step-down"], &cluster.data(to));
    assert!(told.starts_with(&format!("S{to} has left office; S")), "{told}");
    assert_ne!(cluster.agreed(term, &[1, 2, 3]).leader, to);
    cluster.replayed();
}

#[test]
fn a_leader_that_leaves_while_nobody_is_there_says_so() {
    let (mut cluster, _) = three();
    // On a busy machine it may have left by itself before it is asked.
    let (old, told) = cluster.until("a leader that is asked in time", |cluster| {
        let old = cluster.agreed(0, &[1, 2, 3]);
        let others = cluster.others(&[old.leader]);
        others.iter().for_each(|&server| cluster.pause(server));
        let output = run(&["step-down"], &cluster.data(old.leader));
        others.iter().for_each(|&server| cluster.resume(server));
        output.status.success().then(|| (old, String::from_utf8(output.stdout).unwrap()))
    });
    let expected = format!("S{} has left office. It knows of no other leader yet.\n", old.leader);
    assert_eq!(told, expected);
}

#[test]
fn who_watches_sees_the_leader_change_and_the_node_stop() {
    let (mut cluster, old) = three();
    let follower = cluster.others(&[old.leader])[0];
    let mut command = Command::new(raft_node());
    command.args(["status", "--watch", "--json", "--data"]).arg(cluster.data(follower));
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(watch.stdout.take().unwrap()).lines();
    let mut next = move || -> Option<Snapshot> {
        lines.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap())
    };
    assert_eq!(next().unwrap().status.term.number(), old.term);
    said(&["step-down"], &cluster.data(old.leader));
    while next().unwrap().status.leader.is_none_or(|it| usize::from(it.number()) == old.leader) {}
    cluster.stop(follower);
    while next().is_some() {}
    let output = watch.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr.contains("has stopped"), "{stderr}");
}

#[test]
fn who_has_seen_enough_closes_the_pipe() {
    let (cluster, Leadership { leader, .. }) = three();
    let mut command = Command::new(raft_node());
    command.args(["status", "--watch", "--json", "--data"]).arg(cluster.data(leader));
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(watch.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let output = watch.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(0), Vec::new()));
}

#[test]
fn a_node_that_is_not_there_or_does_not_answer_is_named() {
    let (mut cluster, Leadership { leader, .. }) = three();
    let follower = cluster.others(&[leader])[0];
    let data = cluster.data(follower);
    cluster.kill(follower);
    let path = data.to_str().unwrap();
    for command in [["status"].as_slice(), &["step-down"], &["log-level", "debug"]] {
        fails(command, &data, 1, &["no node runs on ", path]);
        fails(command, Path::new("/nowhere"), 1, &["no node runs on /nowhere"]);
    }
    cluster.pause(leader);
    fails(&["status"], &cluster.data(leader), 1, &["does not answer", "paused"]);
    cluster.resume(leader);
}

#[test]
fn how_much_is_logged_can_be_changed() {
    let (cluster, Leadership { leader, .. }) = three();
    let data = cluster.data(leader);
    let lines = || std::fs::read_to_string(cluster.log(leader)).unwrap().contains(" DEBUG ");
    assert!(!lines(), "it begins with what matters");
    assert_eq!(said(&["log-level", "debug"], &data), "The node logs debug from now on.\n");
    support::browser::eventually("every step in the log", || {
        if lines() { Ok(()) } else { Err("none".to_owned()) }
    });
    fails(&["log-level", "loud"], &data, 2, &["\"loud\"", "off, warn, info, debug or trace"]);
}

#[test]
fn wrong_orders_are_refused_with_the_reason() {
    let (cluster, Leadership { leader, .. }) = three();
    let data = cluster.data(leader);
    let own = leader.to_string();
    fails(&["hand-over", "--to", &own], &data, 1, &["cannot take over", "Nothing has changed"]);
    fails(&["hand-over", "--to", "7"], &data, 1, &["S7 cannot take over"]);
    fails(&["hand-over", "--to", "8"], &data, 2, &["\"8\" is not the number of a server"]);
}

/// However many ask, the leader leads on in the same term.
#[test]
fn a_flood_of_questions_does_not_disturb_a_leader() {
    let (mut cluster, leadership) = three();
    let data = cluster.data(leadership.leader);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let patience = std::time::Duration::from_secs(30);
                let mut client = Client::connect(&data, patience).unwrap();
                (0..500).for_each(|_| drop(client.status().unwrap()));
            });
        }
    });
    assert_eq!(cluster.agreed(0, &[1, 2, 3]), leadership);
    cluster.replayed();
}

/// A node that was killed leaves its socket behind; the next one on the same data answers there.
#[test]
fn a_node_that_comes_back_answers_again() {
    let (mut cluster, Leadership { leader, .. }) = three();
    let data = cluster.data(leader);
    let before: Snapshot = serde_json::from_str(&said(&["status", "--json"], &data)).unwrap();
    let process = Pid::from_raw(i32::try_from(before.process).unwrap()).unwrap();
    assert!(kill_process(process, Signal::CONT).is_ok(), "its process has this number");
    cluster.kill(leader);
    cluster.restart(leader);
    let after: Snapshot = serde_json::from_str(&said(&["status", "--json"], &data)).unwrap();
    assert_ne!(after.process, before.process);
}
