//! How far the clocks of servers are apart, by their messages.
//!
//! A message is received after it was sent. By two clocks it takes as long as it does, and as much
//! more as the receiver's is ahead. The quickest messages both ways between two servers take about
//! as long: half of the difference is how far one clock is ahead of the other. One after the other
//! they may go through further servers: so what is said of all clocks fits together.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::reader::{ReplayError, each_line};
use super::{Cause, End, Line, Record, StepId};
use crate::types::ServerId;

/// What messages say of clocks.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    quickest: BTreeMap<(ServerId, ServerId), i64>,
    early: u64,
}

/// By how many microseconds the clock of each server is ahead of that of the first one. Of which
/// nothing is known, that is taken to be right.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Ahead(BTreeMap<ServerId, i64>);

impl Clocks {
    /// What all messages in these traces say.
    ///
    /// # Errors
    ///
    /// [`ReplayError`] if a file is no trace or cannot be read.
    pub fn read(paths: &[PathBuf]) -> Result<Self, ReplayError> {
        let mut sent: HashMap<(ServerId, StepId), u64> = HashMap::new();
        each_line(paths, |_, line| {
            if let Line::Step(record) = line {
                sent.insert((record.server, record.id()), record.wall_us);
            }
        })?;
        let mut clocks = Self::default();
        each_line(paths, |_, line| {
            if let Line::Step(record) = line
                && let Cause::Receive { from, sent_in, .. } = record.cause
                && let Some(&sent_us) = sent.get(&(from, sent_in))
            {
                clocks.note((from, sent_us), (record.server, record.wall_us));
            }
        })?;
        Ok(clocks)
    }

    /// Learns from a message: who sent it and who received it, and when, each by its own clock.
    pub fn note(&mut self, (from, sent_us): (ServerId, u64), (to, received_us): (ServerId, u64)) {
        let took = received_us.cast_signed().saturating_sub(sent_us.cast_signed());
        self.early += u64::from(took < 0);
        let quickest = self.quickest.entry((from, to)).or_insert(took);
        *quickest = took.min(*quickest);
    }

    /// How many messages were received before they were sent.
    pub const fn early(&self) -> u64 {
        self.early
    }

    /// Whose clock is ahead of whose, by so many microseconds at least: a message was received
    /// before it was sent.
    pub fn disagree(&self) -> impl Iterator<Item = (ServerId, ServerId, u64)> {
        let early = self.quickest.iter().filter(|(_, took)| **took < 0);
        early.map(|(&(from, to), took)| (from, to, took.unsigned_abs()))
    }

    /// How far each clock is ahead. By all of them, no message was received before it was sent.
    pub fn ahead(&self) -> Ahead {
        let servers: BTreeSet<ServerId> =
            self.quickest.keys().flat_map(|&(from, to)| [from, to]).collect();
        let Some(&first) = servers.first() else { return Ahead::default() };
        // The quickest ways of one message after another, through any servers.
        let mut ways = self.quickest.clone();
        for by in &servers {
            for from in &servers {
                for to in &servers {
                    let (one, other) = (ways.get(&(*from, *by)), ways.get(&(*by, *to)));
                    let Some((one, other)) = one.zip(other) else { continue };
                    let took = one.saturating_add(*other);
                    let quickest = ways.entry((*from, *to)).or_insert(took);
                    *quickest = took.min(*quickest);
                }
            }
        }
        let ahead = |server: ServerId| {
            let there = ways.get(&(first, server)).copied();
            let back = ways.get(&(server, first)).copied();
            match (there, back) {
                _ if server == first => Some(0),
                (Some(there), Some(back)) => Some(there.saturating_sub(back).div_euclid(2)),
                // Of one way alone it is only known that nothing came before it was sent.
                (Some(there), None) => Some(there.min(0)),
                (None, Some(back)) => Some(back.saturating_neg().max(0)),
                (None, None) => None,
            }
        };
        Ahead(servers.into_iter().filter_map(|server| Some((server, ahead(server)?))).collect())
    }
}

impl Ahead {
    /// Nothing is said of any clock: each is taken to be right.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How far each clock is ahead of the first one, in words.
    pub fn told(&self) -> Vec<String> {
        let Some((first, _)) = self.0.first_key_value() else { return Vec::new() };
        let told = self.0.iter().skip(1).map(|(server, &ahead)| {
            let seconds = Duration::from_micros(ahead.unsigned_abs()).as_secs_f64();
            let by = if ahead < 0 { "behind" } else { "ahead of" };
            format!(
                "the clock of {server} is {seconds:.6} s {by} that of {first}, and is set right"
            )
        });
        told.collect()
    }

    /// A time of this server's clock, by that of the first one.
    pub fn aligned(&self, server: ServerId, us: u64) -> u64 {
        let ahead = self.0.get(&server).copied().unwrap_or_default();
        us.saturating_add_signed(ahead.saturating_neg())
    }

    /// Reads traces as [`each_line`] does, with their times aligned.
    pub(super) fn each_line(
        &self,
        paths: &[PathBuf],
        mut tell: impl FnMut(Line),
    ) -> Result<(), ReplayError> {
        each_line(paths, |_, line| {
            tell(match line {
                Line::Step(record) => {
                    let wall_us = self.aligned(record.server, record.wall_us);
                    Line::Step(Record { wall_us, ..record })
                }
                Line::End(end) => {
                    let wall_us = self.aligned(end.server, end.wall_us);
                    Line::End(End { wall_us, ..end })
                }
                Line::Header(_) => line,
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::tests::{header_of, record};

    fn id(number: u8) -> ServerId {
        ServerId::new(number).unwrap()
    }

    fn clocks(took: &[(u8, u8, i64)]) -> Clocks {
        let mut clocks = Clocks::default();
        for &(from, to, took) in took {
            clocks.note((id(from), 5000), (id(to), 5000_u64.saturating_add_signed(took)));
        }
        clocks
    }

    #[test]
    fn half_of_the_difference_of_the_quickest_is_the_offset() {
        // S2 is 1000 ahead of S1, S3 is 500 behind S2; a message takes 100, or longer.
        let took = [(1, 2, 1300), (1, 2, 1100), (2, 1, -900), (2, 3, -400), (3, 2, 600)];
        let ahead = clocks(&took).ahead();
        assert_eq!(ahead, Ahead(BTreeMap::from([(id(1), 0), (id(2), 1000), (id(3), 500)])));
        assert_eq!(ahead.aligned(id(2), 7000), 6000);
        assert_eq!(ahead.aligned(id(4), 7000), 7000, "nothing is known of it");
    }

    #[test]
    fn nothing_comes_before_it_was_sent_by_aligned_clocks() {
        // By pairs alone S3 would be 376 behind S1, and hear S2 before that speaks.
        let took =
            [(1, 2, 1300), (2, 1, -1090), (1, 3, 60), (3, 1, 811), (2, 3, -1120), (3, 2, 1501)];
        let clocks = clocks(&took);
        let ahead = clocks.ahead();
        for (&(from, to), took) in &clocks.quickest {
            let apart = ahead.0[&to] - ahead.0[&from];
            assert!(took - apart >= 0, "{from} to {to} takes {}", took - apart);
        }
    }

    #[test]
    fn one_way_alone_only_says_that_nothing_came_before_it_was_sent() {
        for (took, ahead) in [(700, 0), (-700, -700)] {
            let found = clocks(&[(1, 2, took)]).ahead();
            assert_eq!(found, Ahead(BTreeMap::from([(id(1), 0), (id(2), ahead)])));
        }
    }

    #[test]
    fn how_far_a_clock_is_ahead_is_told_in_words() {
        let ahead =
            Ahead(BTreeMap::from([(id(1), 0), (id(2), 1_500_000), (id(3), -250), (id(4), 0)]));
        let told = [
            "the clock of S2 is 1.500000 s ahead of that of S1, and is set right",
            "the clock of S3 is 0.000250 s behind that of S1, and is set right",
            "the clock of S4 is 0.000000 s ahead of that of S1, and is set right",
        ];
        assert_eq!(ahead.told(), told);
        let none = Ahead(BTreeMap::new());
        assert!(none.told().is_empty() && none.is_empty() && !ahead.is_empty());
    }

    #[test]
    fn traces_are_read_by_the_clock_of_the_first_server() {
        let Line::Step(record) = record() else { unreachable!("it is a step") };
        let end = End {
            server: record.server,
            boot: record.boot,
            sequence: record.sequence + 1,
            wall_us: record.wall_us,
            reason: String::new(),
        };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace");
        let header = Line::Header(header_of(record.server, record.boot));
        let lines = [header, Line::Step(record), Line::End(end)].map(|line| line.to_text());
        std::fs::write(&path, lines.concat()).unwrap();
        let mut times = Vec::new();
        let ahead = Ahead(BTreeMap::from([(id(1), 0), (record.server, 300)]));
        let read = ahead.each_line(&[path], |line| match line {
            Line::Step(Record { wall_us, .. }) | Line::End(End { wall_us, .. }) => {
                times.push(wall_us);
            }
            Line::Header(_) => {}
        });
        read.unwrap();
        assert_eq!(times, [record.wall_us - 300; 2]);
    }

    #[test]
    fn clocks_disagree_by_the_message_that_was_earliest() {
        let clocks = clocks(&[(1, 2, -3), (1, 2, -20), (2, 1, 40), (1, 3, 0)]);
        assert!(clocks.disagree().eq([(id(1), id(2), 20)]));
        assert_eq!(clocks.early(), 2);
    }
}
