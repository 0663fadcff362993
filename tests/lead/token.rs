//! What no supervisor can end is refused by its token.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process_group};
use support::cluster::Leadership;
use support::waiting::eventually;

use crate::service::Service;

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
