//! The first reading: each step by itself, and the runs that they make up.

use std::cmp::Ordering;
use std::path::Path;

use super::Replay;
use super::run::{Last, Part, Run, Steps};
use crate::election::State;
use crate::trace::reader::{Place, Reader, ReplayError};
use crate::trace::rule::Rule;
use crate::trace::{Cause, End, Header, Line, Record, VERSION, may_become};
use crate::types::ServerId;

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
        let mut part: Option<Part> = None;
        while let Some((place, line)) = reader.next()? {
            match line {
                Line::Header(header) => {
                    self.accept_header(&place, &header)?;
                    self.add(part.replace(Part::of(place, header)));
                }
                Line::Step(record) => {
                    let part = part.as_mut().expect("a trace begins with a header");
                    self.demand(Rule::EndsOnce, !part.ended, &place, || {
                        format!("a record after the end of run {}", part.header.boot)
                    })?;
                    self.check_place(&place, part, &record)?;
                    let expected = record.expected(&part.header);
                    self.demand(Rule::SameStep, record.step == expected, &place, || {
                        let step = record.step;
                        format!(
                            "the specification takes another step\n  recorded: {step:?}\n  expected: {expected:?}"
                        )
                    })?;
                    self.records += 1;
                    let us = self.ahead.aligned(record.server, record.wall_us);
                    let first_us = self.first_us.get_or_insert(us);
                    *first_us = us.min(*first_us);
                    self.remember(&record, part.steps.is_none());
                    match &mut part.steps {
                        Some(steps) => steps.add(&record),
                        steps @ None => *steps = Some(Steps::beginning(&record)),
                    }
                }
                Line::End(ended) => {
                    let part = part.as_mut().expect("a trace begins with a header");
                    self.check_end(&place, part, &ended)?;
                    part.ended = true;
                }
            }
        }
        self.add(part);
        let extent = Extent { bytes: reader.length(), records: self.records - records_before };
        self.notes.extend(reader.notes());
        Ok(extent)
    }

    /// The term in which the server is now, and whether its disk was lost.
    fn remember(&mut self, Record { server, step, cause, .. }: &Record, is_first: bool) {
        let term = step.state.ballot.current_term;
        if step.persist || is_first {
            self.terms.insert((*server, term));
        }
        if *cause == Cause::LoseDisk {
            self.lost.insert(*server);
        }
    }

    /// Whatever has been told of a run belongs to it.
    fn add(&mut self, part: Option<Part>) {
        let Some(part) = part else { return };
        let told = part.steps.as_ref().map(|steps| (steps.last.server, steps.last.boot));
        let run = told.unwrap_or((part.header.server, part.header.boot));
        self.runs.entry(run).or_default().parts.push(part);
    }

    /// A record stands where it belongs: in the run of its header, right after the one before.
    fn check_place(&self, place: &Place, part: &Part, record: &Record) -> Result<(), ReplayError> {
        let header = &part.header;
        let is_in_it = (record.server, record.boot) == (header.server, header.boot);
        self.demand(Rule::InItsRun, is_in_it, place, || {
            format!(
                "a record of run {} of {} among those of run {} of {}",
                record.boot, record.server, header.boot, header.server
            )
        })?;
        let expected = part.next();
        self.demand(Rule::NoneMissing, record.sequence == expected, place, || {
            format!(
                "a record is missing\n  recorded: step {}\n  expected: step {expected}",
                record.sequence
            )
        })?;
        let before = part.steps.as_ref().map(|steps| steps.last.step.state);
        let begins = record.cause.before();
        let is_first = before.is_none() && part.first() == 0;
        self.demand(Rule::StartsOnce, is_first == begins.is_none(), place, || {
            if is_first { "a run begins with a start" } else { "a server starts once a run" }
                .to_owned()
        })?;
        let (Some(previous), Some(state)) = (before, begins) else { return Ok(()) };
        self.demand(Rule::GoesOn, previous == state, place, || {
            format!(
                "the step does not begin where the one before it ended\n  recorded: {state:?}\n  expected: {previous:?}"
            )
        })
    }

    /// The end of a run stands behind its last record.
    fn check_end(&mut self, place: &Place, part: &Part, end: &End) -> Result<(), ReplayError> {
        let header = &part.header;
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
        let expected = part.next();
        self.demand(Rule::NoneMissing, *sequence == expected, place, || {
            format!("a record is missing\n  recorded: the end at step {sequence}\n  expected: step {expected}")
        })?;
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

    /// Between the readings: the parts of a run, and the runs of a server, go on from those before.
    pub(super) fn connect_runs(&mut self) -> Result<(), ReplayError> {
        self.runs.values_mut().for_each(Run::sort);
        for (&(server, boot), run) in &self.runs {
            for parts in run.parts.windows(2) {
                let [before, part] = parts else { continue };
                self.check_part(server, boot, before, part)?;
            }
            if run.begins_in_its_midst() {
                let first = run.parts[0].first();
                self.notes.push(format!(
                    "{server}: what run {boot} did before step {first} is in no file that was given"
                ));
            }
        }
        let told = self.runs.iter().filter(|(_, run)| run.ends().is_some());
        let told: Vec<_> = told.map(|(&key, _)| key).collect();
        for pair in told.windows(2) {
            let [earlier, later] = *pair else { continue };
            if earlier.0 == later.0 {
                let last = self.check_run(earlier, later)?;
                self.runs.get_mut(&earlier).expect("it is one of the runs").last = last;
            }
        }
        Ok(())
    }

    /// A part of a run goes on where the one before it ends.
    fn check_part(
        &self,
        server: ServerId,
        boot: u64,
        before: &Part,
        part: &Part,
    ) -> Result<(), ReplayError> {
        let (next, first, place) = (before.next(), part.first(), &part.place);
        let timing = |it: &Part| (it.header.heartbeat_ms, it.header.election_ms);
        self.demand(Rule::OneTiming, timing(before) == timing(part), place, || {
            format!("run {boot} of {server} has another timing than at {}", before.place)
        })?;
        self.demand(Rule::RunOnce, next <= first, place, || {
            format!(
                "step {first} of run {boot} of {server} is told at {} already: one file was given \
                 twice, or the server was bootstrapped twice, its ballot deleted in between",
                before.place
            )
        })?;
        let is_told = first <= next || before.ended;
        self.demand(Rule::NoneMissing, is_told, place, || {
            format!(
                "steps {next} to {} of run {boot} of {server} are missing: in a file that was not \
                 given, or cut off with the end of one",
                first - 1
            )
        })?;
        let (Some(ended), Some(steps)) = (&before.steps, &part.steps) else { return Ok(()) };
        let (last, state) = (ended.last.step.state, steps.before);
        let goes_on = match first.cmp(&next) {
            Ordering::Less => true, // `RunOnce` refuses it
            Ordering::Equal => state == Some(last),
            Ordering::Greater => may_become(last.ballot, steps.found),
        };
        self.demand(Rule::GoesOn, goes_on, place, || {
            format!(
                "the run does not go on where it ended at {}\n  recorded: {state:?}\n  expected: {last:?}",
                before.place
            )
        })
    }

    /// A run of a server begins with the ballot that the one before left. Whether that took its
    /// last step.
    fn check_run(
        &mut self,
        earlier: (ServerId, u64),
        later: (ServerId, u64),
    ) -> Result<Last, ReplayError> {
        let (run, next) = (&self.runs[&earlier], &self.runs[&later]);
        let (Some((_, ended)), Some((steps, _))) = (run.ends(), next.ends()) else {
            return Ok(Last::Taken);
        };
        if steps.first == Cause::LoseDisk {
            let note = format!("{}: its disk was lost before run {}", later.0, later.1);
            self.notes.push(note);
            return Ok(Last::Unknown);
        }
        let (stored, (before, after)) = (steps.found, ended.last_ballots());
        let (in_midst, place) = (next.begins_in_its_midst(), &next.parts[0].place);
        // Whoever waits for terms has no ballot.
        let is_waiting = |state: State| state.role.is_returning();
        let is_back = stored == after || !ended.last.cause.before().is_some_and(is_waiting);
        let is_back = is_back && !is_waiting(ended.last.step.state);
        self.demand(Rule::BallotKept, is_back, place, || {
            format!(
                "{} came up before all others had told it their terms, in the run {}",
                later.0, earlier.1
            )
        })?;
        if stored == after || (run.went_on() && may_become(after, stored)) {
            return Ok(if in_midst { Last::Unknown } else { Last::Taken });
        }
        let is_kept = stored == before || (in_midst && may_become(before, stored));
        self.demand(Rule::BallotKept, is_kept, place, || {
            format!(
                "{} came up with another ballot than it had before\n  recorded: {stored:?}\n  expected: {after:?}, from the run {}",
                later.0, earlier.1
            )
        })?;
        if in_midst {
            return Ok(Last::Unknown);
        }
        if stored != before {
            return Ok(Last::Taken);
        }
        self.notes.push(format!(
            "{}: the last step of run {} was recorded, but did not take effect: the server was killed before, or its disk was full",
            earlier.0, earlier.1
        ));
        Ok(Last::NotTaken)
    }
}
