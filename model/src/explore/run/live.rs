//! A cluster that runs: its traces, followed while they grow.
//!
//! Each record is repeated with the specification as it comes. A message may arrive before the
//! record of its sending is read, since files are read one after the other: it is kept until that
//! comes. What was sent long ago is forgotten, and what arrives of it goes by on trust.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{MOST, cluster, step};
use crate::action::Envelope;
use crate::trace::clocks::Clocks;
use crate::trace::tail::{Tail, TailError};
use crate::trace::{Cause, Header, Line, Record, StepId};
use crate::types::ServerId;

/// How much of the end of a file is read at first, in bytes.
const RECENT: u64 = 256 << 10;
/// How many sendings, and arrivals without one, are remembered.
const REMEMBERED: usize = 50_000;

/// Traces, as they are followed.
#[derive(Debug)]
pub struct Live {
    tails: Vec<(Tail, Option<Header>)>,
    steps: VecDeque<Value>,
    /// The number of the first step that is kept.
    first: usize,
    /// When each step was taken, and what it sent.
    sent: HashMap<(ServerId, StepId), (u64, Option<Envelope>)>,
    order: VecDeque<(ServerId, StepId)>,
    pending: VecDeque<Record>,
    clocks: Clocks,
    repeated: u64,
    received: u64,
    refused: Option<String>,
    notes: Vec<String>,
    cluster: Option<Value>,
}

impl Live {
    /// Follows these traces. They need not exist yet.
    pub fn new(paths: &[PathBuf]) -> Self {
        let tails = paths.iter().map(|path| (Tail::recent(path.clone(), RECENT), None));
        Self {
            tails: tails.collect(),
            steps: VecDeque::new(),
            first: 0,
            sent: HashMap::new(),
            order: VecDeque::new(),
            pending: VecDeque::new(),
            clocks: Clocks::default(),
            repeated: 0,
            received: 0,
            refused: None,
            notes: Vec::new(),
            cluster: None,
        }
    }

    /// Reads what was added. Whether anything was.
    ///
    /// # Errors
    ///
    /// [`TailError`] if a file cannot be read, or is no trace.
    pub fn poll(&mut self) -> Result<bool, TailError> {
        let mut news: Vec<(Record, Header)> = Vec::new();
        for (tail, header) in &mut self.tails {
            if header.is_none() {
                *header = tail.header();
            }
            for line in tail.lines()? {
                match (line, &*header) {
                    (Line::Header(new), _) => *header = Some(new),
                    (Line::Step(record), Some(header)) => news.push((record, header.clone())),
                    (Line::End(end), _) => self
                        .notes
                        .push(format!("the trace of {} ends here: {}", end.server, end.reason)),
                    (Line::Step(_), None) => {}
                }
            }
        }
        news.sort_by_key(|(record, _)| (record.wall_us, record.server));
        let is_new = !news.is_empty();
        for (record, header) in news {
            self.note(&record, &header);
        }
        self.connect();
        Ok(is_new)
    }

    fn note(&mut self, record: &Record, header: &Header) {
        self.cluster.get_or_insert_with(|| cluster(header));
        if record.expected(header) == record.step {
            self.repeated += 1;
        } else if self.refused.is_none() {
            let (server, rule) = (record.server, record.step.rule);
            let (boot, number) = (record.boot, record.sequence);
            self.refused = Some(format!(
                "{server} did {rule:?} in step {number} of run {boot}, and the specification does not"
            ));
        }
        let id = (record.server, record.id());
        let sends = Envelope::of(record.server, record.step.outgoing);
        self.sent.insert(id, (record.wall_us, sends));
        self.order.push_back(id);
        if matches!(record.cause, Cause::Receive { .. }) {
            self.pending.push_back(*record);
        }
        self.steps.push_back(step(record, header.servers));
        while self.steps.len() > MOST {
            self.steps.pop_front();
            self.first += 1;
        }
        while self.order.len() > REMEMBERED {
            if let Some(old) = self.order.pop_front() {
                self.sent.remove(&old);
            }
        }
        while self.pending.len() > REMEMBERED {
            self.pending.pop_front();
        }
    }

    /// Finds the sending of each message that arrived.
    fn connect(&mut self) {
        let Self { pending, sent, clocks, received, refused, .. } = self;
        pending.retain(|record| {
            let Cause::Receive { from, message, sent_in, .. } = record.cause else { return false };
            let Some((sent_us, sending)) = sent.get(&(from, sent_in)) else { return true };
            clocks.note((from, *sent_us), (record.server, record.wall_us));
            *received += 1;
            let is_it = sending.is_some_and(|envelope| {
                envelope.message == message && envelope.to.is_none_or(|to| to == record.server)
            });
            if !is_it && refused.is_none() {
                let server = record.server;
                *refused =
                    Some(format!("{server} received {message} from {from}, who never sent it"));
            }
            false
        });
    }

    /// Says why it is followed no further.
    pub fn give_up(&mut self, why: &TailError) {
        self.refused.get_or_insert_with(|| why.to_string());
    }

    /// The number after that of the last step.
    pub fn end(&self) -> usize {
        self.first + self.steps.len()
    }

    /// What came from this step on, and what is known of all.
    pub fn since(&self, step: usize, now_us: u64) -> Value {
        let skip = step.saturating_sub(self.first);
        json!({
            "from": step.max(self.first),
            "steps": self.steps.iter().skip(skip).collect::<Vec<_>>(),
            "now_us": now_us,
            "cluster": self.cluster,
            "records": self.repeated,
            "received": self.received,
            "pending": self.pending.len(),
            "refused": self.refused,
            "notes": self.notes,
            "early": self.clocks.early(),
            "ahead_us": self.clocks.ahead(),
        })
    }
}
