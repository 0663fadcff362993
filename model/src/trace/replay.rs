//! Replay: does once more what traces say that servers did, with the specification.
//!
//! What it judges by are the [`RULES`](crate::trace::rule::RULES).
//!
//! A server that is killed, or whose disk is full, leaves two marks that are no damage: a last line
//! that is cut off, and a last record whose step did not take effect, since the record is written
//! first. The second is accepted only if the ballot that the server came back with is the older
//! one, and nobody received what that step would have sent.
//!
//! Each file is read twice, first for the runs, then for what was received. What is kept of a run
//! is what it sent, one entry for each time that this changed: a leader's heartbeats in a term, for
//! instance, are one entry.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{self, Ballot, Outgoing};
use crate::trace::reader::{Place, Reader, ReplayError};
use crate::trace::rule::Rule;
use crate::trace::{Cause, Header, Line, Record, StepId, VERSION};
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
    /// Messages received from servers of which no trace was given.
    pub on_trust: u64,
    /// Who was elected in which term.
    pub elected: BTreeMap<Term, ServerId>,
    /// And when, counted from the first record, as far as the clocks of the servers agree.
    pub elected_after: BTreeMap<Term, Duration>,
    /// What a killed server left, and other things worth knowing.
    pub notes: Vec<String>,
}

/// One run of a server.
struct Run {
    start: Place,
    stored: Ballot,
    /// The ballot before and after the last record.
    last_ballots: (Ballot, Ballot),
    /// The number of the last record.
    last: u64,
    /// From which record on what was sent.
    sent: Vec<(u64, Outgoing)>,
    /// Whether the last record's step took effect.
    last_is_real: bool,
}

impl Run {
    fn sent_in(&self, sequence: u64) -> Option<Outgoing> {
        let next = self.sent.partition_point(|&(from, _)| from <= sequence);
        let real = sequence < self.last || (sequence == self.last && self.last_is_real);
        if real { Some(self.sent[next.checked_sub(1)?].1) } else { None }
    }
}

/// Does again what the traces in these files say.
///
/// # Errors
///
/// [`ReplayError`] if a file is no trace, cannot be read, or tells what cannot have happened.
pub fn replay(paths: &[PathBuf]) -> Result<Report, ReplayError> {
    replay_without(&[], paths)
}

/// The same, where these rules are not heeded: to see that each is needed.
///
/// # Errors
///
/// As above.
pub fn replay_without(rules: &[Rule], paths: &[PathBuf]) -> Result<Report, ReplayError> {
    let mut replay = Replay { unheeded: rules.to_vec(), ..Replay::default() };
    let read = paths.iter().map(|path| replay.read_runs(path)).collect::<Result<Vec<_>, _>>()?;
    replay.connect_runs()?;
    for (path, read) in paths.iter().zip(read) {
        if replay.read_messages(path, read.bytes)? != read.records {
            return Err(ReplayError::Changed { file: path.clone() });
        }
    }
    replay.report()
}

/// What the first reading of a file read. A server may be adding to it since.
struct Extent {
    bytes: u64,
    records: u64,
}

#[derive(Default)]
struct Replay {
    unheeded: Vec<Rule>,
    header: Option<Header>,
    runs: BTreeMap<(ServerId, u64), Run>,
    records: u64,
    received: u64,
    on_trust: u64,
    first_us: Option<u64>,
    elected: BTreeMap<Term, (ServerId, Place)>,
    elected_us: BTreeMap<Term, u64>,
    votes: BTreeMap<(Term, ServerId), (ServerId, Place)>,
    notes: Vec<String>,
}

impl Replay {
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

    /// First reading: each step by itself, and the runs that they make up.
    fn read_runs(&mut self, path: &Path) -> Result<Extent, ReplayError> {
        let records_before = self.records;
        let mut reader = Reader::open(path)?;
        let mut run: Option<(Header, Option<Record>)> = None;
        while let Some((place, line)) = reader.next()? {
            match line {
                Line::Header(header) => {
                    self.accept_header(&place, &header)?;
                    run = Some((header, None));
                }
                Line::Step(record) => {
                    let (header, before) = run.as_mut().expect("a trace begins with a header");
                    self.check_place(&place, header, before.as_ref(), &record)?;
                    let expected = record.expected(header);
                    self.demand(Rule::SameStep, record.step == expected, &place, || {
                        let step = record.step;
                        format!(
                            "the specification takes another step\n  recorded: {step:?}\n  expected: {expected:?}"
                        )
                    })?;
                    self.accept_record(&place, before.as_ref(), &record)?;
                    *before = Some(record);
                }
            }
        }
        let extent = Extent { bytes: reader.length(), records: self.records - records_before };
        self.notes.extend(reader.notes());
        Ok(extent)
    }

    /// A record stands where it belongs: in the run of its header, right after the one before.
    fn check_place(
        &self,
        place: &Place,
        header: &Header,
        before: Option<&Record>,
        record: &Record,
    ) -> Result<(), ReplayError> {
        let is_in_it = (record.server, record.boot) == (header.server, header.boot);
        self.demand(Rule::InItsRun, is_in_it, place, || {
            format!(
                "a record of run {} of {} among those of run {} of {}",
                record.boot, record.server, header.boot, header.server
            )
        })?;
        let expected = before.map_or(0, |before| before.sequence + 1);
        self.demand(Rule::NoneMissing, record.sequence == expected, place, || {
            format!(
                "a record is missing\n  recorded: step {}\n  expected: step {expected}",
                record.sequence
            )
        })?;
        let begins = record.cause.before();
        self.demand(
            Rule::StartsOnce,
            before.is_none() == begins.is_none(),
            place,
            || match before {
                None => "a run begins with a start".to_owned(),
                Some(_) => "a server starts once a run".to_owned(),
            },
        )?;
        let (Some(previous), Some(state)) = (before, begins) else { return Ok(()) };
        self.demand(Rule::GoesOn, previous.step.state == state, place, || {
            format!(
                "the step does not begin where the one before it ended\n  recorded: {state:?}\n  expected: {:?}",
                previous.step.state
            )
        })
    }

    fn accept_header(&mut self, place: &Place, header: &Header) -> Result<(), ReplayError> {
        self.demand(Rule::OneVersion, header.is_readable(), place, || {
            format!("a run in version {}, not 1 to {VERSION}, of the format", header.version)
        })?;
        self.demand(Rule::OneCluster, header.servers.contains(header.server), place, || {
            format!("{} is no server of this cluster", header.server)
        })?;
        let first = self.header.get_or_insert_with(|| header.clone()).clone();
        let is_one = (&first.cluster, first.servers) == (&header.cluster, header.servers);
        self.demand(Rule::OneCluster, is_one, place, || {
            format!(
                "this is cluster {:?} of {} servers; the first trace is of {:?}, of {}",
                header.cluster,
                header.servers.size(),
                first.cluster,
                first.servers.size()
            )
        })
    }

    fn accept_record(
        &mut self,
        place: &Place,
        previous: Option<&Record>,
        record: &Record,
    ) -> Result<(), ReplayError> {
        self.records += 1;
        let first_us = self.first_us.get_or_insert(record.wall_us);
        *first_us = record.wall_us.min(*first_us);
        let after = record.step.state.ballot;
        let key = (record.server, record.boot);
        let before = match record.cause {
            Cause::Start { stored } => stored,
            Cause::Timeout { before, .. }
            | Cause::HandOver { before, .. }
            | Cause::Receive { before, .. } => before.ballot,
        };
        if previous.is_some() {
            let run = self.runs.get_mut(&key).expect("it has begun");
            run.last = record.sequence;
            run.last_ballots = (before, after);
            if run.sent.last().is_some_and(|&(_, sent)| sent != record.step.outgoing) {
                run.sent.push((record.sequence, record.step.outgoing));
            }
            return Ok(());
        }
        let run = Run {
            start: place.clone(),
            stored: before,
            last_ballots: (before, after),
            last: record.sequence,
            sent: vec![(record.sequence, record.step.outgoing)],
            last_is_real: true,
        };
        let other = self.runs.insert(key, run);
        self.demand(Rule::RunOnce, other.is_none(), place, || {
            format!(
                "run {} of {} began at {} already: one file was given twice, or the server was \
                 bootstrapped twice, its ballot deleted in between",
                record.boot,
                record.server,
                other.map_or(place.clone(), |other| other.start)
            )
        })
    }

    /// Between the readings: each run of a server goes on from the one before.
    fn connect_runs(&mut self) -> Result<(), ReplayError> {
        let starts: Vec<_> = self.runs.iter().map(|(&key, run)| (key, run.stored)).collect();
        for pair in starts.windows(2) {
            let [(earlier, _), (later, stored)] = pair else { continue };
            if earlier.0 != later.0 {
                continue;
            }
            let (before, after) = self.runs[earlier].last_ballots;
            if *stored == after {
                continue;
            }
            self.demand(Rule::BallotKept, *stored == before, &self.runs[later].start, || {
                format!(
                    "{} came up with another ballot than it had before\n  recorded: {stored:?}\n  expected: {after:?}, from the run {}",
                    later.0, earlier.1
                )
            })?;
            if *stored != before {
                continue;
            }
            let run = self.runs.get_mut(earlier).expect("it is one of the runs");
            run.last_is_real = false;
            self.notes.push(format!(
                "{}: the last step of run {} was recorded, but did not take effect: the server was killed before, or its disk was full",
                earlier.0, earlier.1
            ));
        }
        Ok(())
    }

    /// Second reading: what was received was sent; and what holds of all records together. Returns
    /// how many records there are.
    fn read_messages(&mut self, path: &Path, bytes: u64) -> Result<u64, ReplayError> {
        let mut reader = Reader::open_first(path, bytes)?;
        let mut records = 0;
        while let Some((place, line)) = reader.next()? {
            let Line::Step(record) = line else { continue };
            self.check_sent(&place, &record)?;
            let Some(run) = self.runs.get(&(record.server, record.boot)) else {
                return Err(ReplayError::Changed { file: path.to_owned() });
            };
            records += 1;
            if run.last_is_real || record.sequence < run.last {
                self.check_safety(&place, &record)?;
            }
        }
        Ok(records)
    }

    fn check_sent(&mut self, place: &Place, record: &Record) -> Result<(), ReplayError> {
        let Cause::Receive { from, message, sent_in, .. } = record.cause else { return Ok(()) };
        let receiver = record.server;
        let servers = self.header.as_ref().expect("a trace begins with a header").servers;
        let is_another = from != receiver && servers.contains(from);
        self.demand(Rule::FromAnother, is_another, place, || {
            format!("{receiver} received a message from {from}")
        })?;
        let StepId { boot, sequence } = sent_in;
        if self.runs.range((from, 0)..=(from, u64::MAX)).next().is_none() {
            self.on_trust += 1;
            return Ok(());
        }
        let sent = self.runs.get(&(from, boot)).and_then(|run| run.sent_in(sequence));
        let was_sent = sent
            .and_then(|sent| Envelope::of(from, sent))
            .is_some_and(|sent| sent.message == message && sent.to.is_none_or(|to| to == receiver));
        self.demand(Rule::WasSent, was_sent, place, || {
            let step = match sent {
                Some(sent) => format!("that step sent {sent:?}"),
                None => "that step is in no trace, or did not take effect".to_string(),
            };
            format!(
                "{receiver} received what {from} did not send in step {sequence} of run {boot}\n  recorded: {message:?}\n  expected: {step}"
            )
        })?;
        self.received += 1;
        Ok(())
    }

    fn check_safety(&mut self, place: &Place, record: &Record) -> Result<(), ReplayError> {
        let Ballot { current_term: term, voted_for } = record.step.state.ballot;
        let server = record.server;
        if record.step.rule == election::Rule::Elected {
            self.elected_us.insert(term, record.wall_us);
            let (leader, other) =
                self.elected.entry(term).or_insert_with(|| (server, place.clone())).clone();
            self.demand(Rule::OneLeader, leader == server, place, || {
                format!("two leaders of term {term}: {server} here, and {leader} at {other}")
            })?;
        }
        if let Some(candidate) = voted_for {
            let vote = self.votes.entry((term, server));
            let (earlier, other) = vote.or_insert_with(|| (candidate, place.clone())).clone();
            self.demand(Rule::OneVote, earlier == candidate, place, || {
                format!(
                    "{server} votes twice in term {term}: for {candidate} here, and for {earlier} at {other}"
                )
            })?;
        }
        Ok(())
    }

    fn report(mut self) -> Result<Report, ReplayError> {
        let Some(Header { cluster, servers, .. }) = self.header else {
            return Err(ReplayError::NoFiles);
        };
        if self.on_trust > 0 {
            self.notes.push(format!(
                "{} messages came from servers of which no trace was given: taken on trust",
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
            runs: self.runs.len(),
            received: self.received,
            on_trust: self.on_trust,
            elected: self.elected.into_iter().map(|(term, (leader, _))| (term, leader)).collect(),
            elected_after: self.elected_us.into_iter().map(after).collect(),
            notes: self.notes,
        })
    }
}
