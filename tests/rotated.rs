//! A trace in several files, of which each goes on where another ends: replay takes them in any
//! order, compressed or not, and notices one that is missing.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use raft_model::trace::reader::ReplayError;
use raft_model::trace::replay::{Report, replay};
use raft_model::trace::rule::Rule;
use raft_model::trace::{End, Header, Line, Record};
use raft_model::types::ServerId;
use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use support::binary;
use support::simulation::{Simulation, text, write};
use tempfile::TempDir;

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// How many records a file has.
const RECORDS: usize = 20;

/// Three servers that elect; S1 was restarted.
fn three_servers() -> Vec<Vec<Line>> {
    with_a_restart_of(1)
}

fn with_a_restart_of(server: u8) -> Vec<Vec<Line>> {
    let mut simulation = Simulation::new(3, 7);
    simulation.run(3000);
    simulation.restart(id(server));
    simulation.run(3000);
    (1..=3).map(|number| simulation.trace(id(number))).collect()
}

/// The same trace in files of a few records.
fn rotated(lines: &[Line]) -> Vec<Vec<Line>> {
    let mut files: Vec<Vec<Line>> = vec![vec![]];
    let mut header: Option<Header> = None;
    let mut records = 0;
    for line in lines {
        match line {
            Line::Header(it) => header = Some(it.clone()),
            Line::Step(Record { sequence, .. }) if records == RECORDS && *sequence > 0 => {
                let header = header.clone().expect("a trace begins with a header");
                files.push(vec![Line::Header(Header { sequence: *sequence, ..header })]);
                records = 0;
            }
            Line::Step(_) | Line::End(_) => {}
        }
        records += usize::from(matches!(line, Line::Step(_)));
        files.last_mut().unwrap().push(line.clone());
    }
    files
}

/// What a replay says of these files.
fn judged<'a>(files: impl IntoIterator<Item = &'a Vec<Line>>) -> Result<Report, ReplayError> {
    let folder = TempDir::new().unwrap();
    let texts: Vec<_> = files.into_iter().map(text).collect();
    replay(&write(&folder, &texts))
}

#[track_caller]
fn refused(result: Result<Report, ReplayError>, by: Rule, words: &str) {
    match result {
        Err(error @ ReplayError::Refused { rule, .. }) if rule == by => {
            assert!(error.to_string().contains(words), "{error}");
        }
        other => panic!("{by:?} does not refuse it: {other:?}"),
    }
}

#[test]
fn files_in_any_order_tell_what_one_tells() {
    let whole = three_servers();
    let expected = judged(&whole).unwrap();
    assert_eq!((expected.elected.len(), expected.runs, expected.on_trust), (1, 4, 0));
    let mut files: Vec<_> = whole.iter().flat_map(|lines| rotated(lines)).collect();
    assert!(files.len() > 9, "each trace is in several files");
    assert_eq!(judged(&files).unwrap(), expected);
    files.reverse();
    let reversed = judged(&files).unwrap();
    assert_eq!(
        (reversed.records, reversed.received, &reversed.elected),
        (expected.records, expected.received, &expected.elected)
    );
}

#[test]
fn a_file_that_is_missing_in_between_is_named_by_its_steps() {
    let whole = three_servers();
    let files = rotated(&whole[1]);
    let given = files.iter().enumerate().filter(|(number, _)| *number != 1).map(|(_, file)| file);
    let words = format!("steps {RECORDS} to {} of run 1 of S2 are missing", 2 * RECORDS - 1);
    refused(judged(given.chain([&whole[0], &whole[2]])), Rule::NoneMissing, &words);
}

#[test]
fn a_file_that_is_given_twice_is_noticed() {
    let whole = three_servers();
    let files = rotated(&whole[1]);
    let twice = files.iter().chain([&files[2], &whole[0], &whole[2]]);
    refused(judged(twice), Rule::RunOnce, &format!("step {} of run 1 of S2", 2 * RECORDS));
}

#[test]
fn a_file_goes_on_in_the_state_in_which_another_ended() {
    let whole = three_servers();
    let mut files = rotated(&whole[0]);
    // A follower. The file before tells of another end, which the specification takes as well.
    let [.., Line::Step(before), Line::Step(last)] = &mut files[0][..] else { unreachable!() };
    *last = Record { sequence: last.sequence, ..*before };
    last.cause = raft_model::trace::Cause::Timeout {
        before: before.step.state,
        attempt: raft_model::types::Attempt::FIRST,
    };
    let Line::Header(header) = &files[0][0] else { unreachable!() };
    let expected = last_record(&files[0]).expected(header);
    let Some(Line::Step(last)) = files[0].last_mut() else { unreachable!() };
    last.step = expected;
    refused(judged(files.iter()), Rule::GoesOn, "does not go on where it ended at");
    // A file in which nothing happened hides nothing between two others.
    let nothing = vec![files[1][0].clone()];
    let with_nothing = files.iter().chain([&nothing]);
    refused(judged(with_nothing), Rule::GoesOn, "does not go on where it ended at");
}

#[test]
fn a_file_in_which_nothing_happened_tells_how_far_the_run_had_come() {
    let files = rotated(&three_servers()[0]);
    let [next, later] = [1, 2].map(|at| vec![files[at][0].clone()]);
    judged([&files[0], &next]).unwrap();
    refused(judged([&files[0], &later]), Rule::NoneMissing, "are missing");
}

fn last_record(lines: &[Line]) -> Record {
    let Some(Line::Step(record)) = lines.last() else { panic!("it ends with a record") };
    *record
}

/// The oldest files were removed. What they told is not known, and the files say so themselves.
#[test]
fn what_was_before_the_first_file_is_taken_on_trust() {
    let whole = three_servers();
    let files = rotated(&whole[1]);
    let report = judged(files.iter().skip(2).chain([&whole[0], &whole[2]])).unwrap();
    assert!(report.on_trust > 0, "{report:?}");
    let note =
        format!("S2: what run 1 did before step {} is in no file that was given", 2 * RECORDS);
    assert!(report.notes.contains(&note), "{:?}", report.notes);
}

/// Of a run before that, no file is left. Of a run after it there would be one.
#[test]
fn whole_runs_before_the_first_file_are_taken_on_trust_and_none_after_the_last() {
    let whole = with_a_restart_of(2); // which leads before, and votes after that
    let is_header = |line: &Line| matches!(line, Line::Header(_));
    let restart = whole[1].iter().rposition(is_header).unwrap();
    let [before, after] = [&whole[1][..restart], &whole[1][restart..]].map(rotated);
    let with_rest =
        |files: &[Vec<Line>]| judged(files.iter().skip(2).chain([&whole[0], &whole[2]]));
    assert!(with_rest(&after).unwrap().on_trust > 0);
    refused(with_rest(&before), Rule::WasSent, "what S2 did not send");
}

/// A server whose trace is only a header has said nothing.
#[test]
fn nothing_is_taken_on_trust_of_a_server_of_which_a_trace_was_given() {
    let whole = three_servers();
    let header = vec![whole[1][0].clone()];
    refused(judged([&whole[0], &header, &whole[2]]), Rule::WasSent, "what S2 did not send");
    assert!(judged([&whole[0], &whole[2]]).unwrap().on_trust > 0);
}

/// Stopped by order, and started again: what was in between is told nowhere.
#[test]
fn what_lies_between_an_end_and_the_header_that_goes_on_is_taken_on_trust() {
    let whole = three_servers();
    let files = rotated(&whole[1]);
    let Record { server, boot, sequence, wall_us, .. } = last_record(&files[0]);
    let reason = "stopped by order".to_owned();
    let end = Line::End(End { server, boot, sequence: sequence + 1, wall_us, reason });
    let first = [files[0].clone(), vec![end]].concat();
    let given: Vec<_> = files[2..].iter().chain([&whole[0], &first, &whole[2]]).collect();
    let report = judged(given).unwrap();
    assert!(report.on_trust > 0 && report.received > 0, "{report:?}");
}

fn compressed(text: &str, number: usize) -> Vec<u8> {
    match number % 3 {
        0 => text.as_bytes().to_vec(),
        1 => {
            let mut out = GzEncoder::new(Vec::new(), Compression::fast());
            out.write_all(text.as_bytes()).unwrap();
            out.finish().unwrap()
        }
        _ => {
            // Two frames, as `cat` joins them.
            let (one, other) = text.split_at(text.len() / 2);
            let frame = |text: &str| compress_to_vec(text.as_bytes(), CompressionLevel::Fastest);
            [frame(one), frame(other)].concat()
        }
    }
}

#[test]
fn compressed_files_are_read_like_others() {
    let whole = three_servers();
    let expected = judged(&whole).unwrap();
    let folder = TempDir::new().unwrap();
    let texts = whole.iter().flat_map(|lines| rotated(lines)).map(text);
    let paths: Vec<PathBuf> = texts
        .enumerate()
        .map(|(number, text)| {
            let path = folder.path().join(format!("trace.{number}"));
            std::fs::write(&path, compressed(&text, number)).unwrap();
            path
        })
        .collect();
    assert_eq!(replay(&paths).unwrap().received, expected.received);

    // The last bytes are lost.
    for path in &paths[1..=2] {
        let length = path.metadata().unwrap().len();
        File::options().write(true).open(path).unwrap().set_len(length - 10).unwrap();
        let error = replay(&paths).unwrap_err();
        assert!(matches!(&error, ReplayError::Io { file, .. } if file == path), "{error}");
        std::fs::remove_file(path).unwrap();
        std::fs::copy(&paths[0], path).unwrap();
    }
}

#[test]
fn several_traces_come_through_standard_input() {
    let whole = three_servers();
    let expected = judged(&whole).unwrap();
    let mut command = Command::new(binary::built("raft-model"));
    command.args(["replay", "--json", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let packed = whole.iter().rev().flat_map(|lines| compressed(&text(lines), 1));
    child.stdin.take().unwrap().write_all(&packed.collect::<Vec<_>>()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&report["records"], &report["received"]),
        (&expected.records.into(), &expected.received.into())
    );

    let mut command = Command::new(binary::built("raft-model"));
    command.args(["replay", "-"]).stdin(Stdio::null()).stderr(Stdio::piped());
    let output = command.output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("standard input is no trace: it is empty"), "{error}");
}
