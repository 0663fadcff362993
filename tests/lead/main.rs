//! `raft-node lead`: a command beside each of three nodes, of which one runs at a time, whatever
//! becomes of nodes and supervisors.
//!
//! The command is `ticks`, which writes a line each millisecond, as one that acts would. However
//! many trials: what was written with one token was written before anything with the next.
//! `RAFT_ROUNDS` says how many; 3 without it.

mod service;
mod token;

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use support::cluster::{Cluster, Leadership, Timing};
use support::network::Loopback;
use support::node::raft_node;
use support::waiting::eventually;

use crate::service::Service;

#[test]
fn a_node_that_is_killed_costs_its_command_before_another_one_begins() {
    let mut service = Service::ticking();
    let restart = |service: &mut Service, server| service.cluster.restart(server);
    service.in_rounds(|service, server| service.cluster.kill(server), restart);
    service.never_two_at_once();
}

/// It ignores SIGTERM, so it has to be killed.
#[test]
fn a_node_that_is_stopped_costs_even_a_stubborn_command() {
    let mut service = Service::start(&[], "trap '' TERM; exec \"$1\" \"$2\"");
    let resume = |service: &mut Service, server| {
        service.assert_idle(server);
        service.cluster.resume(server);
    };
    service.in_rounds(|service, server| service.cluster.pause(server), resume);
    service.never_two_at_once();
}

#[test]
fn a_supervisor_that_is_killed_takes_its_command_and_all_its_group_with_it() {
    let mut service = Service::start(&[], "\"$1\" \"$2\" & exec \"$1\" \"$2\"");
    let kill = |service: &mut Service, server| {
        service.signal(server, Signal::KILL);
        service.end(server);
        service.assert_idle(server);
        // The node leads on; its office is of no use without the command.
        let step_down = ["step-down", "--data"];
        let data = service.cluster.data(server);
        let told = Command::new(raft_node()).args(step_down).arg(data).output().unwrap();
        assert!(told.status.success(), "{told:?}");
    };
    service.in_rounds(kill, Service::supervise);
    service.never_two_at_once();
}

#[test]
fn a_supervisor_that_is_stopped_loses_its_command_to_the_node() {
    let mut service = Service::start(&[], "\"$1\" \"$2\" & exec \"$1\" \"$2\"");
    let stop = |service: &mut Service, server| {
        service.signal(server, Signal::STOP);
        service.assert_idle(server);
        service.cluster.kill(server);
    };
    let resume = |service: &mut Service, server| {
        service.cluster.restart(server);
        service.signal(server, Signal::CONT);
    };
    service.in_rounds(stop, resume);
    let ended = service.supervisors.values_mut().any(|it| it.try_wait().unwrap().is_some());
    assert!(!ended, "a supervisor that was stopped supervises again");
    service.never_two_at_once();
}

/// The node is held, so that it cannot be the one that ends the command.
#[test]
fn a_supervisor_that_is_killed_takes_its_command_with_it_even_if_its_node_is_killed_too() {
    let mut service = Service::ticking();
    let kill = |service: &mut Service, server| {
        service.cluster.pause(server);
        service.signal(server, Signal::KILL);
        service.end(server);
        service.cluster.kill(server);
        service.assert_idle(server);
    };
    let restart = |service: &mut Service, server| {
        service.cluster.restart(server);
        service.supervise(server);
    };
    service.in_rounds(kill, restart);
    service.never_two_at_once();
}

/// It needs far longer than what is left of a lease, and gets that time.
#[test]
fn a_node_that_hands_over_or_stops_waits_until_the_command_has_ended() {
    let slow = "trap 'sleep 2; echo ended >> \"$3/ended\"; exit' TERM; \"$1\" \"$2\" & wait; wait";
    let mut service = Service::start(&[], slow);
    let ended = service.folder.path().join("ended");
    let lines = |path: &Path| fs::read_to_string(path).unwrap_or_default().lines().count();
    let (server, token) = service.at_work(0);
    let data = service.cluster.data(server);
    let told = Command::new(raft_node()).args(["step-down", "--data"]).arg(data).output().unwrap();
    assert!(told.status.success(), "{told:?}");
    assert_eq!(lines(&ended), 1, "it had its time");
    let (next, token) = service.at_work(token);
    assert_ne!(next, server);
    service.cluster.stop(next);
    assert_eq!(lines(&ended), 2, "and so had the next one");
    service.at_work(token);
    service.never_two_at_once();
}

#[test]
fn a_command_that_fails_ends_its_supervisor_with_its_code_and_another_server_leads() {
    let mut service = Service::start(&[], "test -e \"$3/works\" && exec \"$1\" \"$2\"; exit 42");
    let Leadership { leader, term } = service.cluster.agreed(0, &[1, 2, 3]);
    assert_eq!(service.end(leader).code(), Some(42));
    fs::write(service.folder.path().join("works"), "").unwrap();
    let (server, token) = service.at_work(0);
    assert!(server != leader && token > term, "S{server} with token {token}");
    service.never_two_at_once();
}

#[test]
fn a_command_is_run_again_if_that_is_wanted() {
    let always = ["--restart", "always", "--restart-delay", "10"];
    let service = Service::start(&always, "echo >> \"$3/runs\"; exit 3");
    let runs = service.folder.path().join("runs");
    eventually("three runs", || {
        let text = fs::read_to_string(&runs).unwrap_or_default();
        (text.lines().count() >= 3).then_some(())
    });
}

#[test]
fn a_signal_ends_command_and_supervisor_and_another_server_leads() {
    let mut service = Service::ticking();
    let (server, token) = service.at_work(0);
    service.signal(server, Signal::TERM);
    assert_eq!(service.end(server).code(), Some(0));
    let (next, _) = service.at_work(token);
    assert_ne!(next, server);
    service.never_two_at_once();
}

#[test]
fn the_hook_is_told_what_is_so_one_change_after_the_other() {
    let hook = tempfile::tempdir().unwrap();
    let (program, told) = (hook.path().join("hook"), hook.path().join("told"));
    let script = format!("#!/bin/sh\necho $1 $RAFT_TERM $RAFT_LEADER >> {}\n", told.display());
    fs::write(&program, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&program, mode).unwrap();
    let mut cluster = Cluster::<Loopback>::start(3, Timing::Quick);
    let Leadership { leader, term } = cluster.agreed(0, &[1, 2, 3]);
    let follower = cluster.others(&[leader])[0];
    let mut command = Command::new(raft_node());
    command.args(["lead", "--on-change"]).arg(&program).arg("--data").arg(cluster.data(follower));
    let mut supervisor = command.stderr(Stdio::null()).spawn().unwrap();
    let says = |wanted: &str| {
        eventually(wanted, || {
            let text = fs::read_to_string(&told).unwrap_or_default();
            text.lines().any(|line| line == wanted).then_some(())
        });
    };
    says(&format!("following {term} {leader}"));
    cluster.kill(leader);
    let next = cluster.agreed(term, &cluster.others(&[leader]));
    let word = if next.leader == follower { "leading" } else { "following" };
    says(&format!("{word} {} {}", next.term, next.leader));
    kill_process(Pid::from_child(&supervisor), Signal::TERM).unwrap();
    assert_eq!(supervisor.wait().unwrap().code(), Some(0));
}

/// Runs it beside a lone node until it ends.
fn alone(options: &[&str], command: &[&str]) -> (Option<i32>, String) {
    let cluster = Cluster::<Loopback>::start(1, Timing::Quick);
    let mut lead = Command::new(raft_node());
    lead.args(["lead", "--data"]).arg(cluster.data(1)).args(options).arg("--").args(command);
    let output = lead.output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn exit_codes_are_those_of_the_command() {
    for (command, expected) in [
        (["sh", "-c", "exit 0"], 0),
        (["sh", "-c", "exit 7"], 7),
        (["sh", "-c", "kill -9 $$"], 137),
        (["/nowhere/orders", "", ""], 127),
        (["/etc/passwd", "", ""], 126),
    ] {
        let (code, stderr) = alone(&[], &command);
        assert_eq!(code, Some(expected), "{command:?}: {stderr}");
    }
}

#[test]
fn a_command_that_is_not_there_is_known_before_it_is_needed() {
    let folder = tempfile::tempdir().unwrap(); // where no node runs: it would be waited for
    let mut lead = Command::new(raft_node());
    let output = lead.args(["lead", "--data"]).arg(folder.path()).args(["--", "no-such-command"]);
    let output = output.output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(127), "{stderr}");
    assert!(stderr.starts_with("error: cannot run no-such-command: No such file"), "{stderr}");
}

#[test]
fn a_command_knows_its_token_its_server_and_its_lease() {
    let check = "test $RAFT_TERM -ge 1 && test $RAFT_SERVER = 1 && test $RAFT_LEASE_MS = 294";
    assert_eq!(alone(&[], &["sh", "-c", check]).0, Some(0));
}

#[test]
fn margins_that_cannot_work_are_refused_with_the_reason() {
    let (code, stderr) = alone(&["--stop-before", "250"], &["true"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("--stop-before 250ms would end the command again"), "{stderr}");
    let (code, stderr) = alone(&["--stop-before", "20", "--kill-before", "30"], &["true"]);
    assert_eq!(code, Some(2), "{stderr}");
    assert!(stderr.contains("less than --kill-before"), "{stderr}");
}

#[test]
fn nothing_is_left_of_a_group_whose_leader_ends() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pid");
    let script = format!("sleep 1000 & echo $! > {}", path.display());
    assert_eq!(alone(&[], &["sh", "-c", &script]).0, Some(0));
    let left: i32 = fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    eventually("it to end", || {
        test_kill_process(Pid::from_raw(left).unwrap()).is_err().then_some(())
    });
}
