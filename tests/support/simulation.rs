//! Traces for tests of what reads traces: a cluster of the node's own simulator, by Figure 2.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::Outgoing;
use raft_model::trace::{Cause, Line, Record};
use raft_model::types::{Attempt, ServerId};
use raft_node::simulate::{Options, Session};
use tempfile::TempDir;

use crate::bounds;

/// A cluster, and what each of its servers has written.
pub struct Simulation(Session);

impl Simulation {
    pub fn new(size: u8, seed: u64) -> Self {
        let (servers, protocol) = (size, Protocol::FIGURE2);
        let options = Options { servers, protocol, has_key: false, ..Options::default() };
        Self(Session::start(&options, seed).unwrap())
    }

    /// Lets so many milliseconds pass.
    pub fn run(&mut self, milliseconds: u64) {
        self.0.run(Duration::from_millis(milliseconds)).unwrap();
    }

    /// A server is killed, and comes up again.
    pub fn restart(&mut self, server: ServerId) {
        self.0.restart(server).unwrap();
    }

    /// What a server has written.
    pub fn trace(&self, server: ServerId) -> Vec<Line> {
        self.0.trace(server).lines().map(|line| Line::from_text(line).unwrap()).collect()
    }
}

/// The text of a trace.
pub fn text(lines: impl AsRef<[Line]>) -> String {
    lines.as_ref().iter().map(Line::to_text).collect()
}

/// The traces of three servers, of which S2 dies after it wrote a record, before it did what the
/// record says. And that record.
pub fn with_a_step_that_did_not_happen() -> (Vec<String>, Line) {
    let mut simulation = Simulation::new(3, 5);
    simulation.run(60); // nobody's timer has fired yet
    let mut lines = simulation.trace(id(2));
    let Some(&Line::Step(last)) = lines.last() else { unreachable!() };
    let before = last.step.state;
    let cause = Cause::Timeout { before, attempt: Attempt::FIRST };
    let step = cause.step_of(&bounds::server(last.server, Cluster::new(3).unwrap()));
    let record = Record { sequence: last.sequence + 1, cause, step, ..last };
    assert!(record.step.persist && record.step.outgoing != Outgoing::Nothing);
    simulation.restart(id(2));
    let restarted = simulation.trace(id(2))[lines.len()..].to_vec();
    let campaign = Line::Step(record);
    lines.push(campaign.clone());
    lines.extend(restarted);
    let traces = vec![text(simulation.trace(id(1))), text(&lines), text(simulation.trace(id(3)))];
    (traces, campaign)
}

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// Writes the traces of S1, S2 … to files.
pub fn write(folder: &TempDir, traces: &[String]) -> Vec<PathBuf> {
    let write = |(number, trace): (usize, &String)| {
        let path = folder.path().join(format!("{number}.trace"));
        fs::write(&path, trace).unwrap();
        path
    };
    (1..).zip(traces).map(write).collect()
}
