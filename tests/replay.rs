//! Replay accepts what servers recorded, and nothing else.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use support::bounds;
use support::run::Run;
use support::{binary, simulation};

use raft_model::cluster::Cluster;
use raft_model::election::Outgoing;
use raft_model::message::Message;
use raft_model::trace::clocks::Clocks;
use raft_model::trace::reader::ReplayError;
use raft_model::trace::replay::{Report, replay, replay_aligned};
use raft_model::trace::rule::Rule;
use raft_model::trace::{Cause, Line, Record, StepId};
use raft_model::types::{ServerId, Term};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};
use simulation::{Simulation, text, with_a_step_that_did_not_happen, write};
use tempfile::TempDir;

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// Three servers that elect, each killed and restarted now and then.
fn three_servers(seed: u64) -> Simulation {
    let mut simulation = Simulation::new(3, seed);
    for round in 0..6_u8 {
        simulation.run(500);
        simulation.restart(id(1 + round % 3));
    }
    simulation.run(500);
    simulation
}

fn replayed(traces: &[String]) -> Result<Report, ReplayError> {
    let folder = TempDir::new().unwrap();
    replay(&write(&folder, traces))
}

/// The line of which a replay complains, and what it says.
fn complaint(traces: &[String]) -> (String, String) {
    match replayed(traces) {
        Err(ReplayError::Damage { place, what } | ReplayError::Refused { place, what, .. }) => {
            let place = place.to_string();
            (Path::new(&place).file_name().unwrap().to_str().unwrap().to_owned(), what)
        }
        other => panic!("not damaged: {other:?}"),
    }
}

fn texts(simulation: &Simulation) -> Vec<String> {
    (1..=3).map(|number| text(simulation.trace(id(number)))).collect()
}

#[test]
fn what_servers_recorded_is_accepted() {
    for seed in 0..20 {
        let simulation = three_servers(seed);
        let report = replayed(&texts(&simulation)).unwrap();
        let records: usize = (1..=3)
            .flat_map(|number| simulation.trace(id(number)))
            .filter(|line| matches!(line, Line::Step(_)))
            .count();
        assert_eq!(report.records, records as u64);
        assert_eq!((report.runs, report.on_trust), (9, 0));
        assert!(report.received > 50 && !report.elected.is_empty(), "{report:?}");
        assert_eq!(report.notes, Vec::<String>::new());
        assert!(report.elected.keys().eq(report.elected_after.keys()));
        assert!(report.elected_after.values().is_sorted(), "later terms are elected later");
    }
}

#[test]
fn of_one_server_alone_the_messages_are_taken_on_trust() {
    let report = replayed(&texts(&three_servers(1))[..1]).unwrap();
    assert!(report.on_trust > 0 && report.received == 0);
    assert!(report.notes[0].contains("taken on trust"), "{:?}", report.notes);
}

/// Where each scalar of a record stands, as a JSON pointer.
fn scalars(value: &Value, pointer: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                scalars(field, &format!("{pointer}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                scalars(item, &format!("{pointer}/{index}"), found);
            }
        }
        _ => found.push(pointer.to_owned()),
    }
}

fn change(value: &mut Value, random: &mut StdRng) {
    *value = match value {
        Value::Null => json!(1),
        Value::Bool(flag) => json!(!*flag),
        Value::Number(number) => json!(number.as_u64().unwrap() + random.random_range(1..3)),
        Value::String(text) if text == "Follower" => json!("Leader"),
        Value::String(text) if text == "Nothing" => json!("Something"),
        Value::String(_) => json!("Follower"),
        _ => unreachable!("a scalar"),
    };
}

/// A thousand times, one field of one record is changed, and the line is given a checksum that
/// fits, so that only the replay itself can notice.
#[test]
fn a_changed_field_is_noticed_at_its_record() {
    let original = texts(&three_servers(7));
    let mut random = StdRng::seed_from_u64(7);
    let mut edits = 0;
    while edits < 1000 {
        let file = random.random_range(0..3);
        let lines: Vec<_> = original[file].lines().collect();
        let index = random.random_range(0..lines.len());
        let (body, _) = lines[index].rsplit_once(",\"crc\":").unwrap();
        let mut value: Value = serde_json::from_str(&format!("{body}}}")).unwrap();
        if value.get("step").is_none() {
            continue;
        }
        let mut pointers = Vec::new();
        scalars(&value, "", &mut pointers);
        let pointer = pointers.choose(&mut random).unwrap().clone();
        // What the machine's clocks said cannot be derived from anything else; of two heartbeats
        // that say the same, either may be the one that arrived; and without pre-vote nobody asks,
        // whatever the number of the attempt.
        let is_open = ["_us", "/attempt"].iter().any(|end| pointer.ends_with(end));
        if is_open || pointer.contains("/sent_in/") {
            continue;
        }
        change(value.pointer_mut(&pointer).unwrap(), &mut random);
        let mut changed = value.to_string();
        let crc = crc32fast::hash(changed.as_bytes());
        changed.pop();
        let line = format!("{changed},\"crc\":\"{crc:08x}\"}}");
        let mut lines: Vec<&str> = lines;
        lines[index] = &line;
        let mut traces = original.clone();
        traces[file] = lines.join("\n") + "\n";
        let (place, what) = complaint(&traces);
        assert_eq!(place, format!("{}.trace:{}", file + 1, index + 1), "{pointer}: {what}");
        edits += 1;
    }
}

/// Whatever else is changed in a line, the clocks too, its checksum says so.
#[test]
fn a_changed_byte_is_noticed_at_its_record() {
    let original = texts(&three_servers(8));
    let mut random = StdRng::seed_from_u64(8);
    for _ in 0..1000 {
        let file = random.random_range(0..3);
        let mut bytes = original[file].clone().into_bytes();
        let index = random.random_range(original[file].find('\n').unwrap() + 1..bytes.len());
        let line = 1 + bytes[..index].iter().filter(|&&byte| byte == b'\n').count();
        // The last line of a run may be cut off, and have no checksum.
        let next = original[file].lines().nth(line);
        let is_last = next.is_none_or(|next| next.starts_with("{\"header\""));
        if bytes[index] == b'\n' || is_last {
            continue;
        }
        bytes[index] = if bytes[index] == b'0' { b'1' } else { b'0' };
        let mut traces = original.clone();
        traces[file] = String::from_utf8(bytes).unwrap();
        let (place, what) = complaint(&traces);
        assert_eq!(place, format!("{}.trace:{line}", file + 1), "{what}");
    }
}

/// The clock of S2, which is elected, is a second ahead.
#[test]
fn times_are_aligned_where_that_is_asked_for() {
    let mut run = Run::new("test");
    (1..=3).for_each(|server| run.start(if server == 2 { 1000 } else { 0 }, server));
    let request = run.timeout(1200, 2);
    let vote = run.receive(201, 1, request);
    run.receive(1202, 2, vote);
    let folder = TempDir::new().unwrap();
    let paths = write(&folder, &run.texts());
    let elected = |report: Report| report.elected_after[&Term::new(1)].as_millis();
    assert_eq!(elected(replay(&paths).unwrap()), 1202);
    let ahead = Clocks::read(&paths).unwrap().ahead();
    assert_eq!(elected(replay_aligned(ahead, &paths).unwrap()), 202);
}

#[test]
fn a_missing_record_is_noticed() {
    let mut traces = texts(&three_servers(3));
    let lines: Vec<_> = traces[0].lines().collect();
    traces[0] = [&lines[..5], &lines[6..]].concat().join("\n");
    assert_eq!(complaint(&traces).0, "1.trace:6");
}

#[test]
fn a_missing_run_is_noticed() {
    let mut traces = texts(&three_servers(3));
    let starts: Vec<_> = traces[0].match_indices("{\"header\"").map(|(start, _)| start).collect();
    traces[0].replace_range(starts[1]..starts[2], "");
    let (_, what) = complaint(&traces);
    assert!(what.contains("came up with another ballot") || what.contains("in no trace"), "{what}");
}

#[test]
fn a_killed_servers_last_record_need_not_have_happened() {
    let (traces, _) = with_a_step_that_did_not_happen();
    let report = replayed(&traces).unwrap();
    assert_eq!(report.notes.len(), 1);
    assert!(report.notes[0].contains("did not take effect"), "{:?}", report.notes);
}

#[test]
fn a_vote_that_was_recorded_and_not_given_can_be_given_to_another() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(0, server));
    let [request, other] = [2, 3].map(|server| run.timeout(200, server));
    run.killed_before(300, 1, |run| {
        run.receive(201, 1, request);
    });
    run.receive(400, 1, other);
    replayed(&run.texts()).unwrap();
}

#[test]
fn what_a_killed_server_recorded_earlier_did_happen() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(0, server));
    let says = |message| (id(3), message, StepId { boot: 1, sequence: 1 }); // it gave no trace
    for server in [1, 2] {
        run.timeout(200, server);
        let term = Term::new(1);
        run.receive(201, server, says(Message::RequestVoteResponse { term, vote_granted: true }));
    }
    run.killed_before(300, 1, |run| {
        run.receive(202, 1, says(Message::RequestVote { term: Term::new(2), hand_over: false }));
    });
    let refused = replayed(&run.texts()[..2]);
    assert!(matches!(refused, Err(ReplayError::Refused { rule: Rule::OneLeader, .. })));
}

#[test]
fn unless_somebody_received_its_message() {
    let (mut traces, campaign) = with_a_step_that_did_not_happen();
    let Line::Step(sent) = campaign else { unreachable!() };
    let Outgoing::Broadcast { message } = sent.step.outgoing else { unreachable!() };
    let last = traces[0].lines().last().unwrap();
    let Ok(Line::Step(last)) = Line::from_text(last) else { unreachable!() };
    let cause =
        Cause::Receive { before: last.step.state, from: id(2), message, sent_in: sent.id() };
    let step = cause.step_of(&bounds::server(last.server, Cluster::new(3).unwrap()));
    let received = Record { sequence: last.sequence + 1, cause, step, ..last };
    traces[0] += &Line::Step(received).to_text();
    let (place, what) = complaint(&traces);
    assert!(place.starts_with("1.trace:"), "{place}");
    assert!(what.contains("did not take effect"), "{what}");
}

#[test]
fn a_line_that_is_cut_off_at_the_end_is_passed_over() {
    let mut traces = texts(&three_servers(4));
    let records = replayed(&traces).unwrap().records;
    let line = traces[2].lines().last().unwrap()[..40].to_owned();
    traces[2] += &line;
    let report = replayed(&traces).unwrap();
    assert_eq!(report.records, records);
    assert!(report.notes[0].contains("cut off"), "{:?}", report.notes);
}

#[test]
fn a_line_that_is_cut_off_in_the_middle_is_damage() {
    let mut traces = texts(&three_servers(4));
    let lines: Vec<_> = traces[2].lines().collect();
    let cut = &lines[3][..40];
    traces[2] = [&lines[..3], &[cut], &lines[4..]].concat().join("\n");
    assert_eq!(complaint(&traces).0, "3.trace:4");
}

/// Two runs that know nothing of each other, told as one: S1 is elected in one, S2 in the other.
#[test]
fn two_leaders_of_one_term_are_noticed() {
    let leader_of_term_1 = |simulation: &Simulation| {
        (1..=3).map(id).find(|&server| {
            simulation.trace(server).iter().any(|line| {
                matches!(line, Line::Step(record) if record.step.state.role.is_leader()
                    && record.step.state.ballot.current_term.number() == 1)
            })
        })
    };
    let elections: Vec<_> = (0..100)
        .map(|seed| {
            let mut simulation = Simulation::new(3, seed);
            simulation.run(400);
            simulation
        })
        .filter_map(|simulation| Some((leader_of_term_1(&simulation)?, simulation)))
        .collect();
    // What each of them received from the other is left out, with all that followed.
    let alone = |simulation: &Simulation, server: ServerId, other: ServerId| {
        let is_from_other = |line: &&Line| {
            matches!(line, Line::Step(record)
                if matches!(record.cause, Cause::Receive { from, .. } if from == other))
        };
        let trace = simulation.trace(server);
        text(&trace[..trace.iter().position(|line| is_from_other(&line)).unwrap_or(trace.len())])
    };
    // Each was elected by the third server.
    let elected = |leader: ServerId, other: ServerId| {
        let of_leader = elections.iter().filter(|(server, _)| *server == leader);
        let mut traces = of_leader.map(|(_, simulation)| alone(simulation, leader, other));
        traces.find(|trace| trace.contains("\"Elected\"")).expect("one of a hundred seeds")
    };
    let traces = [elected(id(1), id(2)), elected(id(2), id(1))];
    let (_, what) = complaint(&traces);
    assert!(what.contains("two leaders of term 1"), "{what}");
}

fn raft_model(arguments: &[&str]) -> Output {
    Command::new(binary::built("raft-model")).args(arguments).output().unwrap()
}

#[test]
fn the_command_says_what_it_replayed_and_what_is_wrong() {
    let folder = TempDir::new().unwrap();
    let mut traces = texts(&three_servers(2));
    let files = write(&folder, &traces);
    let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
    let output = raft_model(&[&["replay", "--json"], &files[..]].concat());
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!((&report["replayed"], &report["runs"]), (&json!(true), &json!(9)));

    traces[1] = traces[1].replacen("\"persist\":true", "\"persist\":false", 1);
    write(&folder, &traces);
    let output = raft_model(&[&["replay"], &files[..]].concat());
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(error.contains("2.trace:") && error.contains("it was changed"), "{error}");
}

/// What TLC says of the modules stands in `tests/tla/traces.rs`.
#[test]
fn a_module_needs_all_traces_from_the_beginning_and_a_name() {
    let folder = TempDir::new().unwrap();
    let mut traces = texts(&three_servers(2));
    let write_module = |traces: &[String], module: &str| {
        let files = write(&folder, traces);
        let files: Vec<&str> = files.iter().map(|file| file.to_str().unwrap()).collect();
        let out = folder.path().join(module);
        let output =
            raft_model(&[&["replay", "--tla", out.to_str().unwrap()], &files[..]].concat());
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(write_module(&traces, "Run.tla"), (Some(0), String::new()));

    let (code, error) = write_module(&traces[..2], "Run.tla");
    assert_eq!(code, Some(2));
    assert!(error.contains("there is no trace of S3"), "{error}");

    let (code, error) = write_module(&traces, "3.tla");
    assert_eq!(code, Some(2));
    assert!(error.contains("a module's file is named NAME.tla"), "{error}");

    let second_run = traces[0].match_indices("{\"header\"").nth(1).unwrap().0;
    traces[0].replace_range(..second_run, "");
    let (code, error) = write_module(&traces, "Run.tla");
    assert_eq!(code, Some(2));
    assert!(error.contains("1.trace:2: the trace begins in term "), "{error}");
}

#[test]
fn a_file_that_is_no_trace_ends_with_2() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("file");
    let file = path.to_str().unwrap();
    for (content, message) in [
        (&b""[..], "it is empty"),
        (b"Dear diary\n", "it does not end with its checksum"),
        (b"\xff\xfe\n", "it is not text"),
    ] {
        fs::write(&path, content).unwrap();
        let output = raft_model(&["replay", file]);
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(error.contains(&format!("{file} is no trace: ")), "{error}");
        assert!(error.contains(message), "{error}");
    }
    let output = raft_model(&["replay", "/no/such/file"]);
    assert_eq!(output.status.code(), Some(2));
}
