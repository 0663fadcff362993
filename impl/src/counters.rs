//! What has become of the datagrams of a server.

use std::fmt;

use raft_model::cluster::Cluster;
use raft_model::types::ServerId;

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
    /// Hellos and answers that were believed: they are no messages, and only there with a key.
    pub greetings: u64,
    /// Not received: the network reported an error instead.
    pub errors: u64,
    rejected: [Rejected; 1 + Cluster::MAX_SIZE as usize], // of a server, and last those of nobody
}

/// How many were rejected, for each reason.
type Rejected = [u64; Rejection::ALL.len()];

impl Counters {
    /// How many datagrams were rejected for this reason.
    pub fn rejected(&self, reason: Rejection) -> u64 {
        self.rejected.iter().map(|source| source[reason as usize]).sum()
    }

    /// How many datagrams were rejected that came from the address of this server, or from one that
    /// no server has, for each reason.
    pub fn rejected_from(
        &self,
        server: Option<ServerId>,
    ) -> impl Iterator<Item = (Rejection, u64)> {
        Rejection::ALL.into_iter().zip(self.rejected[row(server)])
    }

    /// One more was rejected.
    pub(crate) fn reject(&mut self, reason: Rejection, server: Option<ServerId>) {
        self.rejected[row(server)][reason as usize] += 1;
    }
}

fn row(server: Option<ServerId>) -> usize {
    server.map_or(Cluster::MAX_SIZE as usize, ServerId::index)
}

/// The first, the second, the fourth, …: a flood of datagrams is no flood of lines.
pub(crate) const fn is_worth_a_line(count: u64) -> bool {
    count.is_power_of_two()
}

impl fmt::Display for Counters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sent, not_sent, received, errors, .. } = self;
        write!(f, "sent={sent} not_sent={not_sent} received={received} errors={errors}")?;
        if self.greetings > 0 {
            write!(f, " greetings={}", self.greetings)?;
        }
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
        (1..=2).for_each(|it| counters.reject(Rejection::Magic, ServerId::new(it)));
        let reason = Rejection::Magic;
        let told = format!("sent=1 not_sent=2 received=3 errors=4 rejected[{reason}]=2");
        assert_eq!(counters.to_string(), told);
        let told = "sent=0 not_sent=0 received=0 errors=0 greetings=5";
        assert_eq!(Counters { greetings: 5, ..Counters::default() }.to_string(), told);
    }

    #[test]
    fn a_rejection_is_counted_for_its_reason_and_for_where_it_came_from() {
        let mut counters = Counters::default();
        let [one, seven] = [1, 7].map(ServerId::new);
        [one, seven, seven, None]
            .into_iter()
            .for_each(|server| counters.reject(Rejection::Kind, server));
        let of = |server| counters.rejected_from(server).map(|(_, count)| count).sum::<u64>();
        assert_eq!([of(one), of(seven), of(None), of(ServerId::new(2))], [1, 2, 1, 0]);
        assert_eq!(counters.rejected(Rejection::Kind), 4);
        let kind = |(reason, count)| (reason == Rejection::Kind) == (count > 0);
        assert!(counters.rejected_from(seven).all(kind));
    }

    #[test]
    fn a_line_is_written_whenever_their_number_has_doubled() {
        let lines: Vec<_> = (1..=9).filter(|&count| is_worth_a_line(count)).collect();
        assert_eq!(lines, [1, 2, 4, 8]);
    }
}
