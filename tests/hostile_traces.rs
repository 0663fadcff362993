//! Whatever file is given as a trace, a replay ends, with what is wrong with it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::sync::mpsc::channel;
use std::time::Duration;
use support::simulation;

use raft_model::trace::reader::ReplayError;
use raft_model::trace::replay::{Report, replay};
use raft_model::trace::{Line, VERSION};
use raft_model::types::ServerId;
use simulation::{Simulation, text};

/// The trace of S1, which was killed and restarted.
fn lines() -> Vec<Line> {
    let one = ServerId::new(1).unwrap();
    let mut simulation = Simulation::new(3, 1);
    for _ in 0..5 {
        simulation.run(500);
        simulation.restart(one);
    }
    simulation.trace(one).to_vec()
}

/// What a replay of this file says. It fails if that takes long.
fn replayed(path: &Path) -> Result<Report, ReplayError> {
    let (sender, result) = channel();
    let files = [path.to_owned()];
    std::thread::spawn(move || {
        let _ = sender.send(replay(&files));
    });
    result.recv_timeout(Duration::from_secs(30)).expect("it hangs")
}

fn complaint(path: &Path) -> String {
    let error = replayed(path).unwrap_err().to_string();
    assert!(error.contains(path.to_str().unwrap()), "{error}");
    error
}

#[test]
fn what_is_no_file_is_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    assert!(complaint(folder.path()).contains("no regular file"));
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    assert!(complaint(&pipe).contains("no regular file"));
}

/// Nobody has the memory for a line of a terabyte.
#[test]
fn a_line_without_end_is_read_to_the_longest_that_a_trace_has() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    for (content, line) in [(String::new(), "line 1:"), (text(&lines()[..2]), "trace:3:")] {
        fs::write(&path, content).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(1 << 40).unwrap();
        let what = complaint(&path);
        assert!(what.contains(line) && what.contains("longer than any line"), "{what}");
    }
}

#[test]
fn what_is_not_text_is_no_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    for (content, line) in [(String::new(), "line 1:"), (text(&lines()[..2]), "trace:3:")] {
        fs::write(&path, [content.as_bytes(), b"\xff\n"].concat()).unwrap();
        let what = complaint(&path);
        assert!(what.contains(line) && what.contains("it is not text"), "{what}");
    }
}

#[test]
fn a_run_in_another_version_of_the_format_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let mut lines = lines();
    let restart = lines.iter().rposition(|line| matches!(line, Line::Header(_))).unwrap();
    let Line::Header(header) = &mut lines[restart] else { unreachable!() };
    header.version = VERSION + 1;
    fs::write(&path, text(&lines)).unwrap();
    assert!(complaint(&path).contains(&format!("trace:{}: a run in version", restart + 1)));
}

#[test]
fn a_trace_in_another_version_of_the_format_is_no_trace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    for version in [0, VERSION + 1] {
        let mut lines = lines();
        let Line::Header(header) = &mut lines[0] else { unreachable!() };
        header.version = version;
        fs::write(&path, text(&lines)).unwrap();
        assert!(complaint(&path).contains(&format!("it has version {version}")));
    }
}

#[test]
fn a_trace_of_the_first_version_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let mut lines = lines();
    for line in &mut lines {
        if let Line::Header(header) = line {
            header.version = 1;
        }
    }
    fs::write(&path, text(&lines)).unwrap();
    assert!(replayed(&path).is_ok());
}

/// A disk is full when the server comes up again, and the server is killed: twice.
#[test]
fn headers_that_are_cut_off_are_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let lines = lines();
    let restart = lines.iter().rposition(|line| matches!(line, Line::Header(_))).unwrap();
    let cut = "{\"step\":{\"server\":1,\n{\"header\":{\"version\":1,\"clu\n{\"hea\n";
    let content = text(&lines[..restart]) + cut + &text(&lines[restart..]);
    fs::write(&path, &content).unwrap();
    let notes = replayed(&path).unwrap().notes;
    assert_eq!(notes.iter().filter(|note| note.contains("cut off")).count(), 3, "{notes:?}");

    fs::write(&path, content.replace("{\"hea\n", "hea\n")).unwrap();
    assert!(complaint(&path).contains(&format!("trace:{}: ", restart + 1)));
}

/// What was written when the replay began is replayed, to the byte, in each of its readings.
#[test]
fn a_trace_may_grow_while_it_is_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace");
    let text = text(lines());
    let (start, rest) = text.split_at(2000);
    fs::write(&path, start).unwrap();
    let mut file = File::options().append(true).open(&path).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(move || {
            for some in rest.as_bytes().chunks(500) {
                file.write_all(some).unwrap();
                std::thread::sleep(Duration::from_micros(200));
            }
        });
        while !writer.is_finished() {
            replayed(&path).unwrap();
        }
    });
    assert_eq!(replayed(&path).unwrap().runs, 6);
}
