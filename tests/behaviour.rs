//! The module of TLA+ that tells of a recorded run. What TLC says of such modules stands in
//! `tests/tla/traces.rs`.

use std::path::Path;

use raft_model::trace::behaviour::{Behaviour, BehaviourError};
use support::run::{Run, three_elections};
use support::simulation::{with_a_step_that_did_not_happen, write};
use tempfile::TempDir;

/// The module of these traces, which lie in a folder of this name.
fn module_in(name: &str, traces: &[String]) -> String {
    let parent = TempDir::new().unwrap();
    let folder = tempfile::Builder::new().prefix(name).rand_bytes(0).tempdir_in(&parent).unwrap();
    let module = Behaviour::read(&write(&folder, traces)).unwrap().module("Run");
    module.replace(&format!("{}/", parent.path().display()), "")
}

/// Where the records of the module stand in the traces.
fn places(module: &str) -> Vec<&str> {
    let records = module.split("Record(\"").skip(1);
    records.map(|record| record.split('"').next().unwrap()).collect()
}

#[test]
fn a_run_is_told_like_this() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(u64::from(server), server));
    let request = run.timeout(200, 1);
    let vote = run.receive(201, 2, request);
    run.receive(202, 1, vote);
    assert_eq!(module_in("of", &run.texts()), include_str!("tla/Run.tla.golden"));
}

#[test]
fn what_tla_cannot_spell_is_told_in_other_letters() {
    let module = module_in("a \"ü\\", &three_elections("demo").texts());
    assert!(module.contains("Record(\"a \\\"?\\\\/1.trace:2\""), "{module}");
}

#[test]
fn every_step_that_happened_is_told_once() {
    let traces = three_elections("demo").texts();
    let lines = traces.iter().zip(1..).flat_map(|(trace, file)| {
        let steps = trace.lines().zip(1..).filter(|(line, _)| line.starts_with("{\"step\""));
        steps.map(move |(_, line)| format!("of/{file}.trace:{line}"))
    });
    let mut expected: Vec<_> = lines.collect();
    expected.sort();
    let module = module_in("of", &traces);
    let mut told = places(&module);
    told.sort_unstable();
    assert_eq!(told, expected);
}

#[test]
fn a_step_that_did_not_happen_is_left_out() {
    let (traces, campaign) = with_a_step_that_did_not_happen();
    let campaign = campaign.to_text();
    let line = traces[1].lines().position(|line| line == campaign.trim_end()).unwrap() + 1;
    let module = module_in("of", &traces);
    assert!(!places(&module).contains(&&*format!("of/2.trace:{line}")), "{module}");
}

/// S3 has lost its disk. By its clock it hears of a term before anybody has come to it, and by that
/// of S1 it is long after that.
#[test]
fn a_term_is_heard_as_soon_as_its_server_has_come_to_it_whatever_clocks_say() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(u64::from(server), server));
    let request = run.timeout(200, 1);
    run.receive(201, 2, request);
    run.lose_disk(100, 3);
    let term = run.last(1).step.state.ballot.current_term;
    run.hear_term(110, 3, 1, term);
    run.hear_term(120, 3, 2, term);
    run.timeout(500, 1);
    let module = module_in("of", &run.texts());
    let told = [
        "1.trace:2",
        "2.trace:2",
        "3.trace:2",
        "3.trace:4",
        "1.trace:3",
        "3.trace:5",
        "2.trace:3",
        "3.trace:6",
        "1.trace:4",
    ];
    assert_eq!(places(&module), told.map(|place| format!("of/{place}")));
    assert_eq!(module.matches("\"LoseDisk\"").count(), 1);
}

#[test]
fn a_run_of_which_the_beginning_is_missing_is_not_told() {
    let mut traces = three_elections("demo").texts();
    let second_run = traces[0].match_indices("{\"header\"").nth(1).unwrap().0;
    traces[0].replace_range(..second_run, "");
    let folder = TempDir::new().unwrap();
    let Err(BehaviourError::NotFromTheBeginning { place, .. }) =
        Behaviour::read(&write(&folder, &traces))
    else {
        panic!("it is told");
    };
    assert!(Path::new(&place.to_string()).ends_with("1.trace:2"), "{place}");
}
