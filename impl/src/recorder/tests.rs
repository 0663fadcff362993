//! What stands in a trace, and whose.

use std::fs::{self, File};
use std::num::NonZero;

use raft_model::cluster::Protocol;
use raft_model::election::State;
use raft_model::trace::replay::replay;
use raft_model::types::Attempt;

use super::*;
use crate::testing::config_by;

/// Behind pre-vote whoever is alone would not campaign.
fn config(size: u8) -> Config {
    config_by(size, Protocol::FIGURE2)
}

fn opened(path: &Path, servers: u8, boot: u64) -> Result<Recorder, RecorderError> {
    Trace::open(path, &config(servers), Rotation::default())?.begin(boot)
}

#[test]
fn each_run_adds_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    opened(&path, 3, 1).unwrap();
    opened(&path, 3, 2).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let boots: Vec<_> = text
        .lines()
        .map(|line| match Line::from_text(line).unwrap() {
            Line::Header(header) => header.boot,
            _ => panic!("nothing has happened"),
        })
        .collect();
    assert_eq!(boots, [1, 2]);
}

#[test]
fn a_header_tells_the_timing_in_milliseconds() {
    let Header { heartbeat_ms, election_ms, .. } = header(&config(3), 1);
    assert_eq!((heartbeat_ms, election_ms), (50, (150, 225)));
}

#[test]
fn a_line_that_was_cut_off_gets_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let mut recorder = opened(&path, 3, 1).unwrap();
    recorder.write(0, "{\"step\":{\"serv".to_owned()).unwrap();
    drop(recorder);
    opened(&path, 3, 2).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().nth(1), Some("{\"step\":{\"serv"));
    assert!(Line::from_text(text.lines().nth(2).unwrap()).is_ok());
}

#[test]
fn another_file_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    for other in ["Dear diary\n", "\n", "no newline"] {
        fs::write(&path, other).unwrap();
        assert!(matches!(opened(&path, 3, 1), Err(RecorderError::Foreign { .. })));
        assert_eq!(fs::read_to_string(&path).unwrap(), other);
    }
    fs::remove_file(&path).unwrap();
    opened(&path, 5, 1).unwrap();
    assert!(matches!(opened(&path, 3, 2), Err(RecorderError::Foreign { .. })));
}

#[test]
fn a_server_with_a_trace_is_not_new() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let open = || Trace::open(&path, &config(3), Rotation::default()).unwrap();
    open().check_new().unwrap();
    open().check_new().unwrap(); // no run began in the one before
    open().begin(1).unwrap();
    assert!(matches!(open().check_new(), Err(RecorderError::HasRun { .. })));
}

#[test]
fn a_trace_in_another_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let header = Header { version: VERSION + 1, ..header(&config(3), 1) };
    fs::write(&path, Line::Header(header).to_text()).unwrap();
    assert!(matches!(opened(&path, 3, 2), Err(RecorderError::Foreign { .. })));
}

/// A pipe that nobody reads is a disk that stands still. Once it gets on, so does the trace.
#[test]
fn a_trace_that_falls_behind_says_what_is_missing_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = opened(&dir.path().join("trace"), 3, 1).unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    recorder.replace_file(File::from(std::os::fd::OwnedFd::from(writer)));
    let mut recorder = recorder.in_background().unwrap();
    let line = |sequence: u64| format!("{sequence} {}\n", "x".repeat(1000));
    (0..10_000).for_each(|it| recorder.write(it, line(it)).unwrap());
    let read = std::thread::spawn(move || std::io::read_to_string(reader).unwrap());
    for sequence in 10_000.. {
        let before = recorder.progress.status().dropped;
        recorder.write(sequence, line(sequence)).unwrap();
        if recorder.progress.status().dropped == before {
            break; // there is room again
        }
        std::thread::yield_now();
    }
    let dropped = recorder.progress.status().dropped;
    drop(recorder);
    let (mut next, mut missing) = (0, 0);
    for line in read.join().unwrap().lines() {
        match Line::from_text(line) {
            Ok(Line::End(end)) => {
                assert_eq!((end.sequence, end.reason.as_str()), (next, "the disk is too slow"));
            }
            Ok(Line::Header(header)) => {
                missing += header.sequence - next;
                next = header.sequence;
            }
            _ => {
                assert_eq!(line.split_once(' ').unwrap().0, next.to_string());
                next += 1;
            }
        }
    }
    assert!(dropped > 0);
    assert_eq!(missing, dropped);
}

/// In the background it is what it would be otherwise.
#[test]
fn a_trace_in_the_background_goes_on_in_new_files_and_ends_where_it_was_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let (mut recorder, mut state) = (opened(&path, 3, 1).unwrap().in_background().unwrap(), None);
    record(&mut recorder, 0..5, &mut state);
    rotate(&mut recorder, 5);
    record(&mut recorder, 5..8, &mut state);
    let progress = Arc::clone(recorder.progress());
    recorder.stop(8);
    drop(recorder);
    let status = TraceStatus { file: path.display().to_string(), dropped: 0, ended: None };
    assert_eq!(progress.status(), status);
    let files = files_of(&path);
    let report = replay(&files).unwrap();
    let end = "S1: the trace of run 1 ends before step 8, and the server went on: it was stopped by \
               an order";
    assert_eq!((files.len(), report.records, report.notes), (2, 8, vec![end.to_owned()]));
}

#[test]
fn a_trace_that_fails_in_the_background_ends_and_what_comes_later_counts_as_missing() {
    let dir = tempfile::tempdir().unwrap();
    let mut recorder = opened(&dir.path().join("trace"), 3, 1).unwrap();
    recorder.replace_file(File::options().append(true).open("/dev/full").unwrap());
    let mut recorder = recorder.in_background().unwrap();
    record(&mut recorder, 0..1, &mut None);
    let progress = Arc::clone(recorder.progress());
    drop(recorder);
    assert!(progress.has_ended());
    let ended = progress.status().ended.unwrap();
    assert!(ended.contains("cannot write the trace: No space left on device"), "{ended}");
}

#[test]
fn the_trace_itself_says_why_it_ends_without_its_name_and_without_advice() {
    let path = Path::new("trace");
    let full = RecorderError::io(path)(io::ErrorKind::StorageFull.into());
    assert_eq!(full.in_short(), "cannot write: no storage space");
    let locked = RecorderError::Locked { path: path.to_owned() };
    assert_eq!(locked.in_short(), locked.to_string());
}

/// What a server does that nobody answers, as often as one likes.
fn record(recorder: &mut Recorder, steps: std::ops::Range<u64>, state: &mut Option<State>) {
    let server = config(3).server();
    for sequence in steps {
        let cause = match *state {
            None => Cause::Start { stored: Ballot::INITIAL },
            Some(before) => Cause::Timeout { before, attempt: Attempt::new(sequence) },
        };
        let step = cause.step_of(&server);
        recorder.record(sequence, cause, step).unwrap();
        *state = Some(step.state);
    }
}

/// Goes on in a new file, before the step of this number.
fn rotate(recorder: &mut Recorder, sequence: u64) {
    let (reply, answer) = std::sync::mpsc::sync_channel(1);
    recorder.rotate(sequence, reply);
    answer.recv().unwrap().unwrap();
}

/// All files of a trace, the oldest first.
fn files_of(path: &Path) -> Vec<PathBuf> {
    let older = numbered::all(path).unwrap().into_iter().map(|(_, file)| file);
    older.chain([path.to_owned()]).collect()
}

/// They tell of so many steps, none of which is missing.
fn tells(path: &Path, steps: u64) -> Vec<PathBuf> {
    let files = files_of(path);
    let report = replay(&files).unwrap();
    assert_eq!((report.records, report.notes), (steps, vec![]));
    files
}

#[test]
fn a_trace_goes_on_in_a_new_file_before_one_is_too_long() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let rotation = Rotation { size: Some(2000), keep: None };
    let mut recorder = Trace::open(&path, &config(3), rotation).unwrap().begin(1).unwrap();
    record(&mut recorder, 0..30, &mut None);
    let files = tells(&path, 30);
    assert!(files.len() > 5, "{files:?}");
    assert!(files.iter().all(|file| file.metadata().unwrap().len() <= 2000));
    drop(recorder);

    // Whatever the size, a file has a record.
    let path = dir.path().join("other");
    let rotation = Rotation { size: Some(1), keep: NonZero::new(3) };
    let mut recorder = Trace::open(&path, &config(3), rotation).unwrap().begin(1).unwrap();
    record(&mut recorder, 0..10, &mut None);
    let kept: Vec<_> = numbered::all(&path).unwrap().into_iter().map(|(it, _)| it).collect();
    assert_eq!(kept, [7, 8, 9]);
}

/// A record that ends where the file may end is still in it.
#[test]
fn a_file_may_be_exactly_as_long_as_it_may_be() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let files = |size: Option<u64>| {
        let rotation = Rotation { size, keep: None };
        let mut recorder = Trace::open(&path, &config(3), rotation).unwrap().begin(1).unwrap();
        (0..3).for_each(|it| recorder.write(it, "a record\n".to_owned()).unwrap());
        let files = files_of(&path);
        let length = files[0].metadata().unwrap().len();
        files.iter().for_each(|it| fs::remove_file(it).unwrap());
        (files.len(), length)
    };
    let (_, length) = files(None);
    assert_eq!(files(Some(length)), (1, length));
    assert_eq!(files(Some(length - 1)).0, 2);
}

#[test]
fn a_trace_goes_on_when_somebody_else_renames_it_or_copies_and_truncates_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let (mut recorder, mut state) = (opened(&path, 3, 1).unwrap(), None);
    record(&mut recorder, 0..5, &mut state);
    fs::copy(&path, dir.path().join("trace.1")).unwrap();
    File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
    record(&mut recorder, 5..10, &mut state);
    fs::rename(&path, dir.path().join("trace.2")).unwrap();
    record(&mut recorder, 10..12, &mut state);
    rotate(&mut recorder, 12);
    record(&mut recorder, 12..15, &mut state);
    assert_eq!(tells(&path, 15).len(), 3);
}

#[test]
fn a_run_that_is_told_afterwards_stands_there_as_one_that_was_recorded() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let cause = Cause::Start { stored: Ballot::INITIAL };
    let step = cause.step_of(&config(3).server());
    let trace = Trace::open(&path, &config(3), Rotation::default()).unwrap();
    trace.tell(1, &[(cause, step)]).unwrap();
    assert_eq!(tells(&path, 1).len(), 1);
}

#[test]
fn a_record_tells_when_it_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let mut recorder = opened(&path, 3, 1).unwrap();
    let before = wall_us();
    assert!(before > 1_767_225_600_000_000, "{before} is before this was written");
    record(&mut recorder, 0..1, &mut None);
    let text = fs::read_to_string(&path).unwrap();
    let Ok(Line::Step(made)) = Line::from_text(text.lines().nth(1).unwrap()) else {
        panic!("no step: {text}");
    };
    assert!((before..=wall_us()).contains(&made.wall_us), "{made:?}");
}

/// Whenever it is truncated while a record is written, what stays is nothing or a trace.
#[test]
fn a_trace_that_is_truncated_at_any_moment_begins_with_a_header() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let (mut recorder, mut state) = (opened(&path, 3, 1).unwrap(), None);
    let file = File::options().write(true).open(&path).unwrap();
    let (truncate, orders) = std::sync::mpsc::sync_channel(0);
    let (done, is_done) = std::sync::mpsc::sync_channel(0);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            for moment in orders {
                (0..moment).for_each(|_| std::hint::spin_loop());
                file.set_len(0).unwrap();
                done.send(()).unwrap();
            }
        });
        for sequence in 0..6000 {
            truncate.send(sequence % 1000 * 4).unwrap();
            record(&mut recorder, sequence..sequence + 1, &mut state);
            is_done.recv().unwrap();
            let text = fs::read_to_string(&path).unwrap();
            let begins = text.lines().next().map(Line::from_text);
            assert!(matches!(begins, None | Some(Ok(Line::Header(_)))), "{sequence}: {text}");
        }
        drop(truncate);
    });
}

#[test]
fn a_trace_has_one_writer() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let first = opened(&path, 3, 1).unwrap();
    assert!(matches!(opened(&path, 3, 2), Err(RecorderError::Locked { .. })));
    drop(first);
    opened(&path, 3, 2).unwrap();
}

/// A copy of an old data directory has been put in place of the new one.
#[test]
fn a_ballot_that_the_trace_contradicts_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let (mut recorder, mut state) = (opened(&path, 3, 5).unwrap(), None);
    record(&mut recorder, 0..4, &mut state);
    let before = state.unwrap().ballot;
    record(&mut recorder, 4..5, &mut state);
    let after = state.unwrap().ballot;
    let check = |boot, ballot| {
        let trace = Trace::open(&path, &config(3), Rotation::default()).unwrap();
        match trace.check_ballot(boot, ballot) {
            Err(RecorderError::LostBallot { .. }) => false,
            other => other.is_ok(),
        }
    };
    rotate(&mut recorder, 5); // nothing has happened in the newest file
    drop(recorder);
    let no_vote = Ballot { voted_for: None, ..before };
    let later = Ballot { current_term: after.current_term.next().unwrap(), voted_for: None };
    assert!(before.voted_for.is_some() && before != after, "each step is a campaign");
    assert!(check(6, after) && check(6, later) && check(6, before), "the last step may be lost");
    assert!(!check(6, Ballot::INITIAL) && !check(6, no_vote), "what stood before it may not");
    assert!(!check(5, after), "nor may a run");
}
