//! What servers recorded is a behaviour of the specification in TLA+, and what was edited is not.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use raft_model::election::Rule;
use raft_model::types::ServerId;
use serde_json::{Value, json};
use tempfile::TempDir;

use support::binary;
use support::cluster::{Cluster, Timing};
use support::network::Loopback;
use support::simulation::{Simulation, text, with_a_step_that_did_not_happen, write};
use support::tlc::{self, Verdict, is_ready};

/// Writes the module of a run, and says what `raft-model replay` says of it.
fn module(folder: &TempDir, traces: &[PathBuf]) -> (PathBuf, Output) {
    let module = folder.path().join("Run.tla");
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("replay").arg("--tla").arg(&module).arg("--json").args(traces);
    (module, command.output().unwrap())
}

/// TLC and replay accept a run, record for record.
fn assert_accepted(traces: &[PathBuf], left_out: u64) {
    let folder = TempDir::new().unwrap();
    let (module, output) = module(&folder, traces);
    assert!(output.status.success(), "{output:?}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let checked = tlc::check(&module, &[]);
    assert_eq!(checked.verdict, Verdict::Holds);
    // The state at the beginning, and one after each record.
    assert_eq!(checked.depth as u64 + left_out, 1 + report["records"].as_u64().unwrap());
}

#[test]
fn what_three_servers_did_when_their_leader_was_killed_is_a_behaviour() {
    if !is_ready() {
        return;
    }
    let mut cluster = Cluster::<Loopback>::start(3, Timing::Quick);
    let old = cluster.agreed(0, &[1, 2, 3]);
    cluster.kill(old.leader);
    let new = cluster.agreed(old.term, &cluster.others(&[old.leader]));
    cluster.restart(old.leader);
    cluster.agreed(new.term - 1, &[1, 2, 3]);
    cluster.terminate();

    // A killed server may have recorded a step that it did not take any more.
    let unreal = raft_model::trace::replay::replay(&cluster.traces()).unwrap().notes;
    let unreal = unreal.iter().filter(|note| note.contains("did not take effect")).count();
    assert_accepted(&cluster.traces(), unreal as u64);
}

#[test]
fn a_step_that_was_recorded_but_did_not_happen_is_left_out() {
    if !is_ready() {
        return;
    }
    let folder = TempDir::new().unwrap();
    assert_accepted(&write(&folder, &with_a_step_that_did_not_happen().0), 1);
}

#[test]
fn an_edited_record_is_rejected_at_its_line() {
    if !is_ready() {
        return;
    }
    let mut simulation = Simulation::new(3, 1);
    simulation.run(2000);
    let original: Vec<_> =
        (1..=3).map(|s| text(simulation.trace(ServerId::new(s).unwrap()))).collect();
    for (rule, pointer, value) in [
        (Rule::Elected, "/step/step/state/role", json!("Follower")),
        (Rule::VoteGranted, "/step/step/state/ballot/voted_for", Value::Null),
        (Rule::VoteGranted, "/step/step/persist", json!(false)),
        (Rule::Campaigned, "/step/cause/Timeout/before/ballot/current_term", json!(7)),
        (Rule::HeartbeatAccepted, "/step/cause/Receive/message/AppendEntries/term", json!(9)),
        (
            Rule::VoteGranted,
            "/step/step/outgoing/Reply/message/RequestVoteResponse/vote_granted",
            json!(false),
        ),
    ] {
        let (traces, place) = edited(&original, rule, pointer, value);
        let folder = TempDir::new().unwrap();
        let (module, output) = module(&folder, &write(&folder, &traces));
        assert_eq!(output.status.code(), Some(1), "{pointer}: {output:?}");
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let Verdict::AssertionFails(text) = tlc::check(&module, &[]).verdict else {
            panic!("{pointer}: accepted");
        };
        let (rejected, _) = text.split_once(": ").unwrap();
        assert!(Path::new(rejected).ends_with(&place), "{pointer}: {text}");
        assert_eq!(report["place"], rejected, "{pointer}");
    }
}

/// These traces, with other text in the first record of a rule; and the line where it stands.
fn edited(traces: &[String], rule: Rule, pointer: &str, value: Value) -> (Vec<String>, PathBuf) {
    let is_it = |line: &&str| line.contains(&format!("\"rule\":\"{rule:?}\""));
    let (file, index) = (0..traces.len())
        .find_map(|file| Some((file, traces[file].lines().position(|line| is_it(&line))?)))
        .unwrap_or_else(|| panic!("nobody made a step by {rule:?}"));
    let mut lines: Vec<String> = traces[file].lines().map(str::to_owned).collect();
    let (body, _) = lines[index].rsplit_once(",\"crc\":").unwrap();
    let mut record: Value = serde_json::from_str(&format!("{body}}}")).unwrap();
    *record.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}: {body}")) = value;
    let mut body = record.to_string();
    let crc = crc32fast::hash(body.as_bytes());
    body.pop();
    lines[index] = format!("{body},\"crc\":\"{crc:08x}\"}}");
    let mut traces = traces.to_vec();
    traces[file] = lines.join("\n") + "\n";
    (traces, format!("{}.trace:{}", file + 1, index + 1).into())
}
