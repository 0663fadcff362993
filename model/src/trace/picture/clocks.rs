//! Clocks that disagree. Nobody receives what was not yet sent; if the records say so, then by
//! clocks of which one is ahead of the other.

use super::Picture;
use super::marks::length;
use crate::trace::clocks::Clocks;

impl Picture {
    /// Of which servers the clocks disagree, and by how much at least, as the messages say that are
    /// drawn.
    pub fn clocks(&self) -> Vec<String> {
        let mut clocks = Clocks::default();
        for (sending, journey) in &self.journeys {
            let Some(sent) = journey.sent else { continue };
            for &received in &journey.received {
                clocks.note((sending.from, sent), (sending.to, received));
            }
        }
        let told = clocks.disagree().map(|(from, to, by)| {
            let by = length(by);
            format!("the clock of {from} is ahead of that of {to}, by {by} or more")
        });
        told.collect()
    }
}
