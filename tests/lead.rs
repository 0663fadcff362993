//! `raft-node lead`: a command beside each of three nodes, of which one runs at a time, whatever
//! becomes of nodes and supervisors.
//!
//! The command is `ticks`, which writes a line each millisecond, as one that acts would. However
//! many trials: what was written with one token was written before anything with the next.
//! `RAFT_ROUNDS` says how many; 3 without it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use raft_model::trace::replay::replay;
use rustix::process::{Pid, Signal, kill_process, kill_process_group, test_kill_process};
use support::binary::example;
use support::cluster::{Cluster, Leadership, Timing};
use support::network::Loopback;
use support::node::raft_node;
use tempfile::TempDir;

const PATIENCE: Duration = Duration::from_secs(60);

fn rounds() -> u32 {
    std::env::var("RAFT_ROUNDS").map_or(3, |text| text.parse().expect("RAFT_ROUNDS is a number"))
}

#[track_caller]
fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = attempt() {
            return found;
        }
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The program `ticks`, built once.
fn ticking() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("raft-node", "ticks"))
}

/// Three nodes, and a supervisor beside each.
struct Service {
    cluster: Cluster<Loopback>,
    supervisors: BTreeMap<usize, Child>,
    folder: TempDir,
    options: Vec<String>,
    script: String,
}

impl Service {
    /// Each supervisor has these options and runs this script, which finds the program `ticks` as
    /// `$1`, a file for it as `$2`, and a folder for whatever else as `$3`.
    fn start(options: &[&str], script: &str) -> Self {
        let mut cluster = Cluster::start(3, Timing::Quick);
        cluster.agreed(0, &[1, 2, 3]);
        let mut service = Self {
            cluster,
            supervisors: BTreeMap::new(),
            folder: tempfile::tempdir().unwrap(),
            options: options.iter().map(ToString::to_string).collect(),
            script: script.to_owned(),
        };
        (1..=3).for_each(|server| service.supervise(server));
        service
    }

    fn ticking() -> Self {
        Self::start(&[], "exec \"$1\" \"$2\"")
    }

    fn supervise(&mut self, server: usize) {
        let mut command = Command::new(raft_node());
        command.args(["lead", "--data"]).arg(self.cluster.data(server)).args(&self.options);
        command.args(["--", "/bin/sh", "-c", &self.script, "sh"]);
        command.arg(ticking()).arg(self.ticks(server));
        command.arg(self.folder.path());
        let log = fs::File::options().create(true).append(true).open(self.log(server)).unwrap();
        let child = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        self.supervisors.insert(server, child);
    }

    fn ticks(&self, server: usize) -> PathBuf {
        self.folder.path().join(format!("S{server}.ticks"))
    }

    fn log(&self, server: usize) -> PathBuf {
        self.folder.path().join(format!("S{server}.log"))
    }

    /// What the work beside a server has written: tokens and moments.
    fn ticked(&self, server: usize) -> Vec<(u64, u64)> {
        let text = fs::read_to_string(self.ticks(server)).unwrap_or_default();
        text.lines().map(|line| tick(line).unwrap_or_else(|| panic!("{line:?}"))).collect()
    }

    /// The last of it.
    fn last_tick(&self, server: usize) -> Option<(u64, u64)> {
        let mut file = fs::File::open(self.ticks(server)).ok()?;
        file.seek(SeekFrom::End(-100)).ok()?;
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        tick(text.lines().last()?)
    }

    /// The server beside which work is done with a later token than this one.
    fn at_work(&self, after: u64) -> (usize, u64) {
        eventually("work", || {
            let last = |server| Some((server, self.last_tick(server)?.0));
            (1..=3).filter_map(last).max_by_key(|it| it.1).filter(|it| it.1 > after)
        })
    }

    /// Does something to the server at work; when another one is, the second thing. Many rounds.
    fn in_rounds(
        &mut self,
        mut hit: impl FnMut(&mut Self, usize),
        mut mend: impl FnMut(&mut Self, usize),
    ) {
        let (_, mut token) = self.at_work(0);
        for _ in 0..rounds() {
            let server = self.at_work(token - 1).0;
            hit(self, server);
            token = self.at_work(token).1;
            mend(self, server);
        }
    }

    fn signal(&self, server: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.supervisors[&server]), signal).unwrap();
    }

    /// How a supervisor ends, which it does soon.
    fn end(&mut self, server: usize) -> ExitStatus {
        let mut child = self.supervisors.remove(&server).expect("it runs");
        eventually("a supervisor to end", || child.try_wait().unwrap())
    }

    /// Nothing more is done beside a server.
    fn assert_idle(&self, server: usize) {
        eventually("the work to end", || {
            let before = self.last_tick(server);
            std::thread::sleep(Duration::from_millis(50));
            (self.last_tick(server) == before).then_some(())
        });
    }

    /// Ends everything. What was written with a token was written before anything with the next.
    fn never_two_at_once(mut self) {
        for (_, mut child) in std::mem::take(&mut self.supervisors) {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            let _ = child.wait();
        }
        let mut works: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (token, at) in (1..=3).flat_map(|server| self.ticked(server)) {
            let (first, last) = works.entry(token).or_insert((at, at));
            (*first, *last) = ((*first).min(at), (*last).max(at));
        }
        let works: Vec<_> = works.into_iter().collect();
        for two in works.windows(2) {
            let [(old, (_, last)), (new, (first, _))] = *two else { unreachable!("two") };
            let late = last.saturating_sub(first);
            assert!(last < first, "with token {old}, {late} ns after the first with token {new}");
        }
        println!("{} tokens, one after the other", works.len());
        self.cluster.terminate();
        replay(&self.cluster.traces()).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn tick(line: &str) -> Option<(u64, u64)> {
    let (token, at) = line.split_once(' ')?;
    Some((token.parse().ok()?, at.parse().ok()?))
}

impl Drop for Service {
    fn drop(&mut self) {
        for child in self.supervisors.values_mut() {
            let _ = kill_process(Pid::from_child(child), Signal::CONT);
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.folder.path().display());
        }
    }
}

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

/// Writes its token again and again, behind a fence: `seen` has the highest that was written, and
/// whoever has a lower one is `refused`, and ends.
const FENCED: &str = r#"
while flock "$1/fence" sh -c '
    if [ "$RAFT_TERM" -lt "$(cat "$0/seen")" ]; then echo "$RAFT_TERM" >> "$0/refused"; exit 1; fi
    echo "$RAFT_TERM" > "$0/seen"; echo "$RAFT_TERM" >> "$0/written"' "$1"
do sleep 0.01; done"#;

/// Numbers that commands have written to a file, a line each.
fn numbers(path: &Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines().map(|line| line.parse().unwrap_or_else(|_| panic!("{line:?}"))).collect()
}

impl Service {
    /// Each command is this script, for which the fenced writer is at `$3/writer`.
    fn fenced(script: &str) -> Self {
        let script = format!("until [ -e \"$3/writer\" ]; do sleep 0.01; done; {script}");
        let service = Self::start(&[], &script);
        fs::write(service.folder.path().join("fence"), "").unwrap();
        fs::write(service.folder.path().join("seen"), "0\n").unwrap();
        fs::write(service.folder.path().join("writer.new"), FENCED).unwrap();
        let folder = service.folder.path();
        fs::rename(folder.join("writer.new"), folder.join("writer")).unwrap();
        service
    }

    /// The highest token that was written, once it is higher than this one.
    fn written(&self, after: u64) -> u64 {
        eventually("a write", || {
            numbers(&self.folder.path().join("written")).pop().filter(|&token| token > after)
        })
    }

    /// The writer with this token was refused at last, and no token was written after a higher one.
    fn is_refused(&self, token: u64) {
        let refused = self.folder.path().join("refused");
        eventually("a late write to be refused", || {
            numbers(&refused).contains(&token).then_some(())
        });
        let written = numbers(&self.folder.path().join("written"));
        assert!(written.is_sorted(), "a late write got in: {written:?}");
    }
}

/// Nobody is left who could end the command, so it wakes up and acts once more.
#[test]
fn a_machine_that_is_frozen_and_thaws_is_refused_by_its_token() {
    let mut service =
        Service::fenced("echo $$ > \"$3/S$RAFT_SERVER.pid\"; sh \"$3/writer\" \"$3\"");
    let Leadership { leader, term } = service.cluster.agreed(0, &[1, 2, 3]);
    let token = service.written(term - 1);
    let pid = service.folder.path().join(format!("S{leader}.pid"));
    let group = || {
        let group = fs::read_to_string(&pid).unwrap().trim().parse().unwrap();
        Pid::from_raw(group).expect("a process has a number")
    };
    // In no moment in which it keeps others from the fence: a real one is on another machine.
    let fence = fs::File::open(service.folder.path().join("fence")).unwrap();
    fence.lock().unwrap();
    service.signal(leader, Signal::STOP);
    kill_process_group(group(), Signal::STOP).unwrap();
    service.cluster.pause(leader);
    fence.unlock().unwrap();
    service.written(token);
    kill_process_group(group(), Signal::CONT).unwrap();
    service.is_refused(token);
    service.cluster.resume(leader);
    service.signal(leader, Signal::CONT);
    service.never_two_at_once();
}

#[test]
fn a_process_that_has_left_its_group_is_refused_by_its_token() {
    let mut service = Service::fenced("setsid sh \"$3/writer\" \"$3\" & wait");
    let Leadership { leader, term } = service.cluster.agreed(0, &[1, 2, 3]);
    let token = service.written(term - 1);
    service.cluster.kill(leader);
    service.written(token);
    service.is_refused(token);
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
