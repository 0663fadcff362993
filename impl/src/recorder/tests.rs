//! What stands in a trace, and whose.

use std::fs;

use super::*;
use crate::testing::config;

fn opened(path: &Path, servers: u8, boot: u64) -> Result<Recorder, RecorderError> {
    Trace::open(path, &config(servers))?.begin(boot)
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
    let open = || Trace::open(&path, &config(3)).unwrap();
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

/// A required trace ends with an error; any other says so in the file, if that takes anything.
#[test]
fn a_trace_that_falls_behind_ends_with_a_record_of_that() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("trace");
    let mut recorder = opened(&path, 3, 1).unwrap().in_background().unwrap();
    // A pipe that nobody reads is a disk that stands still.
    let (reader, writer) = std::io::pipe().unwrap();
    let Sink::Background(background) = &mut recorder.sink else { unreachable!() };
    let file = File::from(std::os::fd::OwnedFd::from(writer));
    let run = Run { server: crate::testing::server(1), boot: 1 };
    *background = Background::start(file, &path, run).unwrap();
    let line = "x".repeat(1000) + "\n";
    for sequence in 0..10_000 {
        recorder.write(sequence, line.clone()).unwrap();
    }
    let read = std::thread::spawn(move || std::io::read_to_string(reader).unwrap());
    drop(recorder);
    let text = read.join().unwrap();
    let written = text.lines().filter(|text| text.starts_with('x')).count() as u64;
    let Ok(Line::End(end)) = Line::from_text(text.lines().last().unwrap()) else {
        panic!("no record of the end: {:?}", text.lines().last());
    };
    assert_eq!((end.sequence, end.reason.as_str()), (written, "the disk is too slow"));
    assert!(written < 10_000);
}
