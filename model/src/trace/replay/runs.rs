//! The first reading: each step by itself, and the runs that they make up.

use std::path::Path;

use super::Replay;
use crate::election::{Ballot, Outgoing};
use crate::trace::reader::{Place, Reader, ReplayError};
use crate::trace::rule::Rule;
use crate::trace::{Cause, End, Header, Line, Record, VERSION};

/// One run of a server.
pub(super) struct Run {
    pub(super) start: Place,
    pub(super) stored: Ballot,
    /// The ballot before and after the last record.
    pub(super) last_ballots: (Ballot, Ballot),
    /// The number of the last record.
    pub(super) last: u64,
    /// From which record on what was sent.
    pub(super) sent: Vec<(u64, Outgoing)>,
    /// Whether the last record's step took effect.
    pub(super) last_is_real: bool,
    /// Whether it went on when its trace ended.
    pub(super) went_on: bool,
}

impl Run {
    pub(super) fn sent_in(&self, sequence: u64) -> Option<Outgoing> {
        let next = self.sent.partition_point(|&(from, _)| from <= sequence);
        let real = sequence < self.last || (sequence == self.last && self.last_is_real);
        if real { Some(self.sent[next.checked_sub(1)?].1) } else { None }
    }

    /// Whether the run may have come to this ballot after its trace ended.
    fn may_have_left(&self, ballot: Ballot) -> bool {
        let last = self.last_ballots.1;
        let keeps_its_vote = last.voted_for.is_none() || last.voted_for == ballot.voted_for;
        self.went_on
            && (ballot.current_term > last.current_term
                || (ballot.current_term == last.current_term && keeps_its_vote))
    }
}

/// What the first reading of a file read. A server may be adding to it since.
pub(super) struct Extent {
    pub(super) bytes: u64,
    pub(super) records: u64,
}

impl Replay {
    /// First reading: each step by itself, and the runs that they make up.
    pub(super) fn read_runs(&mut self, path: &Path) -> Result<Extent, ReplayError> {
        let records_before = self.records;
        let mut reader = Reader::open(path)?;
        let mut run: Option<(Header, Option<Record>)> = None;
        let mut end: Option<Place> = None;
        while let Some((place, line)) = reader.next()? {
            match line {
                Line::Header(header) => {
                    self.accept_header(&place, &header)?;
                    run = Some((header, None));
                    end = None;
                }
                Line::Step(record) => {
                    let (header, before) = run.as_mut().expect("a trace begins with a header");
                    self.demand(Rule::EndsOnce, end.is_none(), &place, || {
                        format!("a record after the end of run {}", header.boot)
                    })?;
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
                Line::End(ended) => {
                    let (header, before) = run.as_ref().expect("a trace begins with a header");
                    self.check_end(&place, header, before.as_ref(), &ended)?;
                    end = Some(place);
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

    /// The end of a run stands behind its last record.
    fn check_end(
        &mut self,
        place: &Place,
        header: &Header,
        before: Option<&Record>,
        end: &End,
    ) -> Result<(), ReplayError> {
        let End { server, boot, sequence, reason, .. } = end;
        self.demand(
            Rule::InItsRun,
            (*server, *boot) == (header.server, header.boot),
            place,
            || {
                format!(
                    "the end of run {boot} of {server} stands in run {} of {}",
                    header.boot, header.server
                )
            },
        )?;
        let expected = before.map_or(0, |before| before.sequence + 1);
        self.demand(Rule::NoneMissing, *sequence == expected, place, || {
            format!("a record is missing\n  recorded: the end at step {sequence}\n  expected: step {expected}")
        })?;
        if let Some(run) = self.runs.get_mut(&(*server, *boot)) {
            run.went_on = true;
        }
        self.notes.push(format!(
            "{server}: the trace of run {boot} ends before step {sequence}, and the server went on: {reason}"
        ));
        Ok(())
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
        let us = self.ahead.aligned(record.server, record.wall_us);
        let first_us = self.first_us.get_or_insert(us);
        *first_us = us.min(*first_us);
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
            went_on: false,
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
    pub(super) fn connect_runs(&mut self) -> Result<(), ReplayError> {
        let starts: Vec<_> = self.runs.iter().map(|(&key, run)| (key, run.stored)).collect();
        for pair in starts.windows(2) {
            let [(earlier, _), (later, stored)] = pair else { continue };
            if earlier.0 != later.0 {
                continue;
            }
            let (before, after) = self.runs[earlier].last_ballots;
            if *stored == after || self.runs[earlier].may_have_left(*stored) {
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
}
