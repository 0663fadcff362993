//! One run of a server, as far as traces tell of it: parts, which may stand in several files.

use super::super::{Cause, Header, Record};
use crate::election::{Ballot, Outgoing, State};
use crate::trace::reader::Place;

/// One run of a server.
#[derive(Default)]
pub(super) struct Run {
    /// In the order of their steps, once all are read.
    pub(super) parts: Vec<Part>,
    pub(super) last: Last,
}

/// Whether the last step that a run tells of took effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Last {
    #[default]
    Taken,
    NotTaken,
    /// What the server came back with is told nowhere.
    Unknown,
}

/// What stands under one header: steps one after the other.
pub(super) struct Part {
    pub(super) place: Place,
    pub(super) header: Header,
    pub(super) steps: Option<Steps>,
    /// Whether the run went on when this ended, and what it did then is told nowhere.
    pub(super) ended: bool,
}

/// Steps without a gap.
pub(super) struct Steps {
    /// The state before the first; `None` if that is the start.
    pub(super) before: Option<State>,
    /// Why the first was taken, and the ballot before it.
    pub(super) first: Cause,
    pub(super) found: Ballot,
    pub(super) last: Record,
    /// From which step on what was sent.
    sent: Vec<(u64, Outgoing)>,
}

impl Steps {
    pub(super) fn beginning(first: &Record) -> Self {
        let (before, found) = (first.cause.before(), first.cause.ballot_before());
        Self {
            before,
            first: first.cause,
            found,
            last: *first,
            sent: vec![(first.sequence, first.step.outgoing)],
        }
    }

    pub(super) fn add(&mut self, record: &Record) {
        self.last = *record;
        if self.sent.last().is_some_and(|&(_, sent)| sent != record.step.outgoing) {
            self.sent.push((record.sequence, record.step.outgoing));
        }
    }

    /// The ballot before the last step, and after it.
    pub(super) fn last_ballots(&self) -> (Ballot, Ballot) {
        (self.last.cause.ballot_before(), self.last.step.state.ballot)
    }
}

impl Part {
    pub(super) const fn of(place: Place, header: Header) -> Self {
        Self { place, header, steps: None, ended: false }
    }

    /// The number of the step with which it begins.
    pub(super) const fn first(&self) -> u64 {
        self.header.sequence
    }

    /// The number of the step that follows.
    pub(super) fn next(&self) -> u64 {
        self.steps.as_ref().map_or(self.first(), |steps| steps.last.sequence + 1)
    }

    const fn is_empty(&self) -> bool {
        self.steps.is_none() && !self.ended
    }
}

impl Run {
    /// Brings the parts into their order. One in which nothing happens may be told again.
    pub(super) fn sort(&mut self) {
        self.parts.sort_by_key(|part| (part.first(), part.next()));
        let mut end = None;
        self.parts.retain(|part| {
            let is_news = !part.is_empty() || end.is_none_or(|end| end < part.first());
            if is_news {
                end = end.max(Some(part.next()));
            }
            is_news
        });
    }

    /// The first steps and the last that are told.
    pub(super) fn ends(&self) -> Option<(&Steps, &Steps)> {
        let mut told = self.parts.iter().filter_map(|part| part.steps.as_ref());
        let first = told.next()?;
        Some((first, told.next_back().unwrap_or(first)))
    }

    /// Whether it is told only from a later step on.
    pub(super) fn begins_in_its_midst(&self) -> bool {
        self.parts.first().is_some_and(|part| part.first() > 0)
    }

    /// Whether it went on when its trace ended.
    pub(super) fn went_on(&self) -> bool {
        self.parts.last().is_some_and(|part| part.ended)
    }

    /// Whether the traces say themselves that they do not tell of this step.
    pub(super) fn leaves_out(&self, sequence: u64) -> bool {
        match self.parts.iter().rev().find(|part| part.first() <= sequence) {
            Some(part) => part.ended && part.next() <= sequence,
            None => self.begins_in_its_midst(),
        }
    }

    /// What was sent in a step that took effect, as far as that is known.
    pub(super) fn sent_in(&self, sequence: u64) -> Option<Outgoing> {
        let told = self.parts.iter().filter(|it| (it.first()..it.next()).contains(&sequence));
        let sent = &told.filter_map(|part| part.steps.as_ref()).next_back()?.sent;
        let next = sent.partition_point(|&(from, _)| from <= sequence);
        let is_real = self.last != Last::NotTaken || !self.is_last(sequence);
        if is_real { Some(sent[next.checked_sub(1)?].1) } else { None }
    }

    /// Whether this step certainly took effect.
    pub(super) fn took(&self, sequence: u64) -> bool {
        self.last == Last::Taken || !self.is_last(sequence)
    }

    fn is_last(&self, sequence: u64) -> bool {
        self.ends().is_some_and(|(_, last)| last.last.sequence == sequence)
    }
}
