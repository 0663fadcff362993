//! Clocks that disagree. Nobody receives what was not yet sent; if the records say so, then by
//! clocks of which one is ahead of the other.

use std::collections::BTreeMap;

use super::Picture;
use super::marks::length;
use crate::types::ServerId;

impl Picture {
    /// Of which servers the clocks disagree, and by how much at least: a message was received
    /// before it was sent.
    pub fn clocks(&self) -> Vec<String> {
        let mut differ: BTreeMap<(ServerId, ServerId), u64> = BTreeMap::new();
        for (sending, journey) in &self.journeys {
            let (Some(sent), Some(received)) = (journey.sent, journey.received.iter().min()) else {
                continue;
            };
            if let Some(by) = sent.checked_sub(*received).filter(|by| *by > 0) {
                let most = differ.entry((sending.from, sending.to)).or_default();
                *most = by.max(*most);
            }
        }
        let told = |((from, to), by): (_, u64)| {
            let by = length(by);
            format!("the clock of {from} is ahead of that of {to}, by {by} or more")
        };
        differ.into_iter().map(told).collect()
    }
}
