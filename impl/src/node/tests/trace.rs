//! The trace of a node: one that is required, and one that comes and goes.

use std::fs;

use raft_model::election::Rule;
use raft_model::trace::Line;

use super::*;
use crate::node::driver::Driver;
use crate::node::trace::Order;
use crate::recorder::{Rotation, Trace, TraceError};

#[test]
fn a_required_trace_holds_a_step_before_it_is_taken_and_the_server_stops_without() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let path = pair.dir.path().join("trace");
    let node = pair.builder(true).trace(&path).needs_trace(true).start().unwrap();
    pair.says(REQUEST);
    pair.hears();
    let text = fs::read_to_string(&path).unwrap();
    let rules = text.lines().filter_map(|line| match Line::from_text(line).unwrap() {
        Line::Header(_) | Line::End(_) => None,
        Line::Step(record) => Some((record.sequence, record.step.rule)),
    });
    assert_eq!(rules.collect::<Vec<_>>(), [(0, Rule::Started), (1, Rule::VoteGranted)]);
    drop(node);
}

/// A server with a trace that turns out to be read-only, and a request for its vote.
fn with_a_trace_that_cannot_be_written(pair: &Pair, needs_trace: bool) -> Driver {
    let path = pair.dir.path().join("trace");
    let builder = pair.builder(true).trace(&path).needs_trace(true);
    let mut driver = builder.driver().unwrap().0;
    driver.obey().unwrap();
    let mut trace = driver.trace.take().unwrap();
    trace.replace_file(File::open(&path).unwrap());
    driver.trace = Some(if needs_trace { trace } else { trace.in_background().unwrap() });
    pair.says(REQUEST);
    driver.wait().unwrap();
    driver
}

#[test]
fn a_step_that_cannot_be_recorded_is_not_taken_if_the_trace_is_required() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let mut driver = with_a_trace_that_cannot_be_written(&pair, true);
    assert!(matches!(driver.turn(), Err(NodeError::Recorder(_))));
    pair.peer.set_nonblocking(true).unwrap();
    assert!(pair.peer.recv(&mut [0; 100]).is_err(), "it answered");
    assert_eq!(driver.store.ballot().voted_for, None);
}

#[test]
fn any_other_trace_ends_and_the_server_goes_on() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let mut driver = with_a_trace_that_cannot_be_written(&pair, false);
    driver.turn().unwrap();
    assert_eq!(pair.hears(), Message::RequestVoteResponse { term: ONE, vote_granted: true });
}

#[test]
fn a_trace_comes_and_goes_while_the_node_runs() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let node = pair.start();
    let file = |node: &Node| node.trace().map(|it| it.file);
    assert_eq!(file(&node), None);
    assert!(matches!(node.stop_trace(), Err(TraceError::Off)));
    assert!(matches!(node.rotate_trace(), Err(TraceError::Off)));

    let usual = pair.dir.path().join("data/trace.jsonl");
    assert_eq!(node.start_trace(None).unwrap(), usual);
    assert_eq!(file(&node), Some(usual.display().to_string()));
    assert!(matches!(node.start_trace(None), Err(TraceError::On { .. })));
    pair.says(REQUEST);
    pair.hears();
    node.rotate_trace().unwrap();
    node.stop_trace().unwrap();
    assert_eq!(file(&node), None);
    let kinds = |path: &Path| -> Vec<_> {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().map(|line| Line::from_text(line).unwrap());
        lines.map(|line| line.to_text().split('"').nth(1).unwrap().to_owned()).collect()
    };
    assert_eq!(kinds(&usual.with_added_extension("1")), ["header", "step"]);
    assert_eq!(kinds(&usual), ["header", "end"]);

    let other = pair.dir.path().join("other");
    assert_eq!(node.start_trace(Some(&other)).unwrap(), other);
    assert_eq!(file(&node), Some(other.display().to_string()));
}

#[test]
fn a_trace_that_is_required_does_not_go_and_is_not_changed_for_another() {
    let pair = Pair::patient(Protocol::FIGURE2);
    let path = pair.dir.path().join("trace");
    let (mut driver, shared) = pair.builder(true).trace(&path).needs_trace(true).driver().unwrap();
    let (reply, answer) = std::sync::mpsc::sync_channel(1);
    driver.obey_trace(Order::Stop(reply));
    assert!(matches!(answer.recv().unwrap(), Err(TraceError::Required)));
    let other = pair.dir.path().join("other");
    let other = Trace::open(&other, &pair.config, Rotation::default()).unwrap();
    let (reply, answer) = std::sync::mpsc::sync_channel(1);
    driver.obey_trace(Order::Start(Box::new(other), reply));
    assert!(matches!(answer.recv().unwrap(), Err(TraceError::On { .. })));
    let status = shared.trace().unwrap().status();
    assert_eq!(status.file, path.display().to_string());
}
