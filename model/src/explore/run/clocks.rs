//! How far the clocks of servers are apart, by their messages.
//!
//! A message is received after it was sent. By two clocks it takes as long as it does, and as much
//! more as the receiver's is ahead. The quickest messages both ways between two servers take about
//! as long: half of the difference is how far one clock is ahead of the other.

use std::collections::{BTreeMap, HashMap};

use crate::trace::{Cause, Record, StepId};
use crate::types::ServerId;

/// What messages say of clocks.
#[derive(Clone, Debug, Default)]
pub struct Clocks {
    sent: HashMap<(ServerId, StepId), u64>,
    quickest: BTreeMap<(ServerId, ServerId), i64>,
    /// Messages that were received before they were sent.
    pub early: u64,
}

impl Clocks {
    /// Notes when a step was taken, before the steps that receive what it sent; or after, if clocks
    /// say so: then nothing is learnt of those.
    pub fn note_sending(&mut self, record: &Record) {
        self.sent.insert((record.server, record.id()), record.wall_us);
    }

    /// Learns from a message that arrived.
    pub fn note_arrival(&mut self, record: &Record) {
        let Cause::Receive { from, sent_in, .. } = record.cause else { return };
        let Some(&sent) = self.sent.get(&(from, sent_in)) else { return };
        let took = record.wall_us.cast_signed().saturating_sub(sent.cast_signed());
        self.early += u64::from(took < 0);
        let quickest = self.quickest.entry((from, record.server)).or_insert(took);
        *quickest = took.min(*quickest);
    }

    /// Forgets when a step was taken.
    pub(super) fn forget(&mut self, step: (ServerId, StepId)) {
        self.sent.remove(&step);
    }

    /// By how many microseconds the clock of each server is ahead of that of the first one of
    /// which anything is known; a server that is linked to none by messages is left out.
    pub fn ahead(&self) -> BTreeMap<ServerId, i64> {
        let mut ahead = BTreeMap::new();
        let Some(&(first, _)) = self.quickest.keys().next() else { return ahead };
        ahead.insert(first, 0);
        loop {
            let found = self.quickest.iter().find_map(|(&(from, to), &there)| {
                let back = self.quickest.get(&(to, from)).copied();
                // Of one way alone it is only known that no message came before it was sent.
                let offset = back.map_or(there.min(0), |back| (there - back) / 2);
                match (ahead.get(&from), ahead.get(&to)) {
                    (Some(known), None) => Some((to, known + offset)),
                    (None, Some(known)) => Some((from, known - offset)),
                    _ => None,
                }
            });
            match found {
                Some((server, offset)) => ahead.insert(server, offset),
                None => return ahead,
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u8) -> ServerId {
        ServerId::new(number).unwrap()
    }

    #[test]
    fn half_of_the_difference_of_the_quickest_is_the_offset() {
        let mut clocks = Clocks::default();
        // S2 is 1000 ahead of S1, S3 is 500 behind S2; a message takes 100.
        for (from, to, took) in [(1, 2, 1100), (2, 1, -900), (2, 3, -400), (3, 2, 600)] {
            clocks.quickest.insert((id(from), id(to)), took);
        }
        assert_eq!(clocks.ahead(), BTreeMap::from([(id(1), 0), (id(2), 1000), (id(3), 500)]));
    }

    #[test]
    fn one_way_alone_only_says_that_nothing_came_before_it_was_sent() {
        let mut clocks = Clocks::default();
        clocks.quickest.insert((id(1), id(2)), 700);
        assert_eq!(clocks.ahead()[&id(2)], 0);
        clocks.quickest.insert((id(1), id(2)), -700);
        assert_eq!(clocks.ahead()[&id(2)], -700);
    }
}
