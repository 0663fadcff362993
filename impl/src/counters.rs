//! What has become of the datagrams of a server.

use std::fmt;

use crate::wire::Rejection;

/// What happened to datagrams since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Handed to the network.
    pub sent: u64,
    /// Not sent: the network refused.
    pub not_sent: u64,
    /// Received and believed.
    pub received: u64,
    /// Not received: the network reported an error instead.
    pub errors: u64,
    rejected: [u64; Rejection::ALL.len()],
}

impl Counters {
    /// How many datagrams were rejected for this reason.
    pub fn rejected(&self, reason: Rejection) -> u64 {
        self.rejected[reason as usize]
    }

    /// One more was rejected.
    pub(crate) fn reject(&mut self, reason: Rejection) {
        self.rejected[reason as usize] += 1;
    }
}

/// The first, the second, the fourth, …: a flood of datagrams is no flood of lines.
pub(crate) const fn is_worth_a_line(count: u64) -> bool {
    count.is_power_of_two()
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, not_sent, received, errors, .. } = self;
        write!(f, "sent={sent} not_sent={not_sent} received={received} errors={errors}")?;
        for reason in Rejection::ALL.into_iter().filter(|&reason| self.rejected(reason) > 0) {
            write!(f, " rejected[{reason}]={}", self.rejected(reason))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_to_datagrams_is_told_with_the_reasons_that_there_were() {
        let mut counters =
            Counters { sent: 1, not_sent: 2, received: 3, errors: 4, ..Counters::default() };
        (0..2).for_each(|_| counters.reject(Rejection::Magic));
        let reason = Rejection::Magic;
        let told = format!("sent=1 not_sent=2 received=3 errors=4 rejected[{reason}]=2");
        assert_eq!(counters.to_string(), told);
    }

    #[test]
    fn a_line_is_written_whenever_their_number_has_doubled() {
        let lines: Vec<_> = (1..=9).filter(|&count| is_worth_a_line(count)).collect();
        assert_eq!(lines, [1, 2, 4, 8]);
    }
}
