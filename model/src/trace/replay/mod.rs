//! Replay: does once more what traces say that servers did, with the specification.
//!
//! What it judges by are the [`RULES`](crate::trace::rule::RULES).
//!
//! A server that is killed, or whose disk is full, leaves two marks that are no damage: a last line
//! that is cut off, and a last record whose step did not take effect, since the record is written
//! first. The second is accepted only if the ballot that the server came back with is the older
//! one, and nobody received what that step would have sent.
//!
//! A run may be told in several files, given in any order: each begins with a header that says with
//! which step it goes on, so that a file that is missing in between is noticed.
//!
//! The steps that a run took after the [`End`](crate::trace::End) of its trace are not known, nor
//! those before the first file that tells of it. Messages of these are taken on trust, and the
//! ballot that the server came back with may be any later one. Of what else is missing from the
//! traces of a server nothing is.
//!
//! A server that has lost its disk says so in a run of its own, which ends with the ballot that it
//! came back with. Of such a server only votes for others are looked at: it may have forgotten that
//! it voted for itself, and what it votes when it comes back is given to nobody.
//!
//! Each file is read twice, first for the runs, then for what was received. What is kept of a run
//! is what it sent, one entry for each time that this changed: a leader's heartbeats in a term, for
//! instance, are one entry.

mod messages;
mod run;
mod runs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use self::run::Run;
use crate::cluster::Cluster;
use crate::trace::Header;
use crate::trace::clocks::Ahead;
use crate::trace::reader::{Place, ReplayError};
use crate::trace::rule::Rule;
use crate::types::{ServerId, Term};

/// What traces show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The name of the cluster.
    pub cluster: String,
    /// Its servers.
    pub servers: Cluster,
    /// Steps that were done again.
    pub records: u64,
    /// Runs of servers: one more than it was restarted, for each.
    pub runs: usize,
    /// Messages received whose sending is in a trace.
    pub received: u64,
    /// Messages received from servers of which no trace was given, or of steps that their traces
    /// say they leave out.
    pub on_trust: u64,
    /// Who was elected in which term.
    pub elected: BTreeMap<Term, ServerId>,
    /// And when, counted from the first record, as far as the clocks of the servers agree.
    pub elected_after: BTreeMap<Term, Duration>,
    /// How far the clocks are taken to be ahead of each other.
    pub ahead: Ahead,
    /// What a killed server left, and other things worth knowing.
    pub notes: Vec<String>,
}

/// Does again what the traces in these files say.
///
/// # Errors
///
/// [`ReplayError`] if a file is no trace, cannot be read, or tells what cannot have happened.
pub fn replay(paths: &[PathBuf]) -> Result<Report, ReplayError> {
    replay_without(&[], paths)
}

/// The same, with times that are aligned: clocks are taken to be ahead of each other by as much.
///
/// # Errors
///
/// As above.
pub fn replay_aligned(ahead: Ahead, paths: &[PathBuf]) -> Result<Report, ReplayError> {
    Replay { ahead, ..Replay::default() }.read(paths)
}

/// The same, where these rules are not heeded: to see that each is needed.
///
/// # Errors
///
/// As above.
pub fn replay_without(rules: &[Rule], paths: &[PathBuf]) -> Result<Report, ReplayError> {
    Replay { unheeded: rules.to_vec(), ..Replay::default() }.read(paths)
}

#[derive(Default)]
struct Replay {
    unheeded: Vec<Rule>,
    ahead: Ahead,
    header: Option<Header>,
    runs: BTreeMap<(ServerId, u64), Run>,
    records: u64,
    received: u64,
    on_trust: u64,
    first_us: Option<u64>,
    elected: BTreeMap<Term, (ServerId, Place)>,
    elected_us: BTreeMap<Term, u64>,
    votes: BTreeMap<(Term, ServerId), (ServerId, Place)>,
    /// The terms in which servers were.
    terms: BTreeSet<(ServerId, Term)>,
    /// The servers whose disks were lost.
    lost: BTreeSet<ServerId>,
    notes: Vec<String>,
}

impl Replay {
    fn read(mut self, paths: &[PathBuf]) -> Result<Report, ReplayError> {
        let read = paths.iter().map(|path| self.read_runs(path)).collect::<Result<Vec<_>, _>>()?;
        self.connect_runs()?;
        for (path, read) in paths.iter().zip(read) {
            if self.read_messages(path, read.bytes)? != read.records {
                return Err(ReplayError::Changed { file: path.clone() });
            }
        }
        self.report()
    }

    /// Refuses what breaks a rule.
    fn demand(
        &self,
        rule: Rule,
        holds: bool,
        place: &Place,
        what: impl FnOnce() -> String,
    ) -> Result<(), ReplayError> {
        if holds || self.unheeded.contains(&rule) {
            return Ok(());
        }
        Err(place.refused(rule, what()))
    }

    fn report(mut self) -> Result<Report, ReplayError> {
        let Some(Header { cluster, servers, .. }) = self.header else {
            return Err(ReplayError::NoFiles);
        };
        if self.on_trust > 0 {
            self.notes.push(format!(
                "{} messages came from servers of which no trace was given, or of steps that their traces leave out: taken on trust",
                self.on_trust
            ));
        }
        let first_us = self.first_us.unwrap_or_default();
        let after =
            |(term, us): (Term, u64)| (term, Duration::from_micros(us.saturating_sub(first_us)));
        Ok(Report {
            cluster,
            servers,
            records: self.records,
            runs: self.runs.values().filter(|run| run.ends().is_some()).count(),
            received: self.received,
            on_trust: self.on_trust,
            elected: self.elected.into_iter().map(|(term, (leader, _))| (term, leader)).collect(),
            elected_after: self.elected_us.into_iter().map(after).collect(),
            ahead: self.ahead,
            notes: self.notes,
        })
    }
}
