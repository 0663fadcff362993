//! Recorded runs as modules of TLA+, with which TLC checks that they are behaviours of
//! `tla/RaftElection.tla`.
//!
//! Traces tell of one server each; a behaviour is one sequence of steps. [`Behaviour::read`] merges
//! them so that each server's records keep their order and nothing is received before it is sent;
//! among what is left, the clocks decide. Nothing is judged here: a record that is wrong is written
//! as it stands, and TLC rejects it. What [`replay`](crate::trace::replay) does with the
//! specification in Rust, TLC so does once more with the one in TLA+.
//!
//! The last record of a killed server may tell of a step that did not take effect: if the ballot
//! that the server came back with is the older one, that record is left out.

pub mod module;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use crate::cluster::Cluster;
use crate::election::Ballot;
use crate::trace::reader::{Place, ReplayError, each_line};
use crate::trace::{Cause, Line, Record, StepId};
use crate::types::{Beats, ServerId, Term};
use module::Told;

/// Why traces do not make a behaviour.
#[derive(Debug, thiserror::Error)]
pub enum BehaviourError {
    /// The traces cannot be read.
    #[error(transparent)]
    Read(#[from] ReplayError),
    /// What a server sent is not known.
    #[error("there is no trace of {0}: a behaviour is that of all servers of a cluster")]
    NoTrace(ServerId),
    /// What happened before is not known.
    #[error(
        "{place}: the trace begins in term {term}, after the server was bootstrapped: a behaviour \
         begins with the first step of all servers"
    )]
    NotFromTheBeginning {
        /// Where the trace begins.
        place: Place,
        /// The term of the ballot that the server had then.
        term: Term,
    },
    /// What happened after that is not known.
    #[error("{0}: the trace ends here, and the server went on: a behaviour has every step")]
    Ended(Place),
}

/// The recorded steps of all servers of a cluster, in one order.
#[derive(Clone, Debug)]
pub struct Behaviour {
    cluster: Cluster,
    entries: Vec<Entry>,
}

/// A record, where it stands, and the patience of its server in that run.
#[derive(Clone, Debug)]
struct Entry {
    place: Place,
    patience: Beats,
    record: Record,
}

/// The records of a server that are still to be placed.
type Queue = VecDeque<Entry>;

impl Behaviour {
    /// Reads traces, and brings their records into one order.
    ///
    /// # Errors
    ///
    /// [`BehaviourError`] if a file is no trace or cannot be read, or if the traces are not those
    /// of all servers from their first step on.
    pub fn read(paths: &[PathBuf]) -> Result<Self, BehaviourError> {
        let mut cluster = None;
        let mut runs: BTreeMap<(ServerId, u64), Queue> = BTreeMap::new();
        let (mut run, mut end) = (None, None);
        each_line(paths, |place, line| match line {
            Line::Header(header) => {
                cluster = Some(header.servers);
                run = Some(((header.server, header.boot), header.patience()));
            }
            Line::Step(record) => {
                let (run, patience) = run.expect("a trace begins with a header");
                runs.entry(run).or_default().push_back(Entry { place, patience, record });
            }
            Line::End(_) => end = end.take().or(Some(place)),
        })?;
        if let Some(place) = end {
            return Err(BehaviourError::Ended(place));
        }
        let cluster = cluster.ok_or(ReplayError::NoFiles)?;
        let mut servers: BTreeMap<ServerId, Queue> = BTreeMap::new();
        for ((server, _), mut run) in runs {
            // Its files may have been given in any order.
            run.make_contiguous().sort_by_key(|entry| entry.record.sequence);
            let so_far = servers.entry(server).or_default();
            if let Some(Cause::Start { stored }) = run.front().map(|first| first.record.cause) {
                leave_out_what_did_not_happen(so_far, stored);
            }
            so_far.extend(run);
        }
        for server in cluster.servers() {
            let Some(first) = servers.get(&server).and_then(VecDeque::front) else {
                return Err(BehaviourError::NoTrace(server));
            };
            let Record { cause, .. } = first.record;
            if cause != (Cause::Start { stored: Ballot::INITIAL }) {
                let (place, term) = (first.place.clone(), cause.ballot_before().current_term);
                return Err(BehaviourError::NotFromTheBeginning { place, term });
            }
        }
        Ok(Self { cluster, entries: merged(servers) })
    }

    /// The module that tells it. Its name has to be that of its file.
    pub fn module(&self, name: &str) -> String {
        let steps = self.entries.iter().map(Entry::told);
        module::module(
            name,
            "What servers recorded, written by `raft-model replay --tla`",
            self.cluster,
            steps,
        )
    }
}

impl Entry {
    fn told(&self) -> Told {
        let Record { server, cause, step, .. } = self.record;
        let (before, trigger) = (cause.before().ok_or(cause.ballot_before()), cause.trigger());
        Told { at: self.place.to_string(), server, patience: self.patience, before, trigger, step }
    }
}

/// A server came up with this ballot: its last step before took effect only if that fits.
fn leave_out_what_did_not_happen(records: &mut Queue, stored: Ballot) {
    let is_lost = records.back().is_some_and(|Entry { record: last, .. }| {
        let before = last.cause.before().map(|state| state.ballot);
        last.step.state.ballot != stored && before == Some(stored)
    });
    if is_lost {
        records.pop_back();
    }
}

/// The records of all servers in one order: each server's in its own, what is received after it was
/// sent, and otherwise by the clocks.
fn merged(mut servers: BTreeMap<ServerId, Queue>) -> Vec<Entry> {
    let id = |server: ServerId, record: &Record| (server, record.id());
    let mut to_come: BTreeSet<(ServerId, StepId)> = servers
        .iter()
        .flat_map(|(&server, queue)| queue.iter().map(move |entry| id(server, &entry.record)))
        .collect();
    let mut merged = Vec::new();
    let mut terms: BTreeMap<ServerId, Term> = BTreeMap::new();
    loop {
        let is_early = |record: &Record| match record.cause {
            Cause::Receive { from, sent_in, .. } => to_come.contains(&(from, sent_in)),
            Cause::HearTerm { from, term, .. } => terms.get(&from).is_none_or(|&it| it < term),
            Cause::Start { .. }
            | Cause::LoseDisk
            | Cause::Timeout { .. }
            | Cause::HandOver { .. } => false,
        };
        // If all are early, some record is wrong: TLC will say which.
        let heads =
            servers.iter().filter_map(|(&server, queue)| Some((server, &queue.front()?.record)));
        let next = heads.min_by_key(|(_, record)| (is_early(record), record.wall_us));
        let Some((server, record)) = next else { return merged };
        to_come.remove(&id(server, record));
        terms.insert(server, record.step.state.ballot.current_term);
        merged.extend(servers.get_mut(&server).and_then(VecDeque::pop_front));
    }
}
