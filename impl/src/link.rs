//! The one socket of a server, through which it talks to all the others.
//!
//! A datagram is never worth an error: one that cannot be sent is a lost message, and one that does
//! not belong here counts as lost. Both are counted.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use raft_model::election::Server;
use raft_model::message::Message;
use raft_model::trace::StepId;
use raft_model::types::ServerId;

use crate::config::Config;
use crate::wire::{Frame, MAX_FRAME, Received, Rejection};

/// How many datagrams are received at a time, so that a flood of them cannot hold up the timer.
const BATCH: usize = 64;

/// The socket of a server.
#[derive(Debug)]
pub struct Link {
    config: Config,
    socket: UdpSocket,
    counters: Counters,
}

impl Link {
    /// A socket at the configured address of this server.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the address is in use, or is none of this machine.
    pub fn bind(config: &Config) -> Result<Self, LinkError> {
        let address = config.own_address();
        UdpSocket::bind(address)
            .and_then(|socket| Self::of(config, socket))
            .map_err(|source| LinkError { address, source })
    }

    pub(crate) fn of(config: &Config, socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { config: config.clone(), socket, counters: Counters::default() })
    }

    /// The configuration of this server.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// What has been sent, received and rejected so far.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Sends a message of this step to another server of the cluster, or loses it.
    pub fn send(&mut self, to: ServerId, message: Message, sent_in: StepId) {
        let Some(address) = self.config.address_of(to) else { return };
        let Server { id: from, cluster, .. } = self.config.server();
        let frame = Frame {
            cluster: self.config.cluster_name().clone(),
            servers: cluster.size(),
            guards: cluster.protocol().bits(),
            witnesses: cluster.witnesses().bits(),
            from,
            to,
            message,
            sent_in,
        };
        match self.socket.send_to(&frame.encode(), address) {
            Ok(_) => {
                self.counters.sent += 1;
                tracing::trace!(%to, ?message, "sent");
            }
            Err(error) => {
                self.counters.not_sent += 1;
                let count = self.counters.not_sent;
                tracing::debug!(%to, ?message, %error, "not sent");
                if is_worth_a_line(count) {
                    tracing::warn!(%to, %address, %error, count, "datagrams not sent");
                }
            }
        }
    }

    /// Receives what is there, without waiting: a bounded number of datagrams.
    pub fn receive(&mut self) -> Vec<Received> {
        // One byte more than the longest frame, so that what is too long cannot look complete.
        let mut buffer = [0; MAX_FRAME + 1];
        let mut messages = Vec::new();
        for _ in 0..BATCH {
            match self.socket.recv_from(&mut buffer) {
                Ok((len, source)) => messages.extend(self.admit(&buffer[..len], source)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                // The system reports here that something sent earlier did not arrive.
                Err(error) => {
                    self.counters.errors += 1;
                    tracing::debug!(%error, "not received");
                }
            }
        }
        messages
    }

    fn admit(&mut self, bytes: &[u8], source: SocketAddr) -> Option<Received> {
        match Frame::decode(bytes).and_then(|frame| frame.admit(&self.config, source)) {
            Ok(received) => {
                self.counters.received += 1;
                tracing::trace!(from = %received.from, message = ?received.message, "received");
                Some(received)
            }
            Err(reason) => {
                self.counters.reject(reason, source);
                None
            }
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// What happened to datagrams since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

    fn reject(&mut self, reason: Rejection, source: SocketAddr) {
        let count = &mut self.rejected[reason as usize];
        *count += 1;
        tracing::debug!(%source, %reason, "datagram rejected");
        if is_worth_a_line(*count) {
            tracing::warn!(%source, %reason, count = *count, "datagrams rejected");
        }
    }
}

/// The first, the second, the fourth, …: a flood of datagrams is no flood of lines.
const fn is_worth_a_line(count: u64) -> bool {
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

/// The socket cannot be had.
#[derive(Debug, thiserror::Error)]
#[error(
    "cannot receive at {address}, the address of this server: {source}. It has to be an address of \
     this machine, with a port that no other process uses"
)]
pub struct LinkError {
    /// The address.
    pub address: SocketAddr,
    /// Why.
    pub source: io::Error,
}

#[cfg(test)]
mod tests {
    use raft_model::types::Round;

    use super::*;
    use crate::testing::{self, SENT_IN, TERM, server};

    #[test]
    fn a_message_arrives_with_its_sender() {
        let [mut one, mut two] = testing::links();
        one.send(server(2), Message::RequestVote { term: TERM, hand_over: false }, SENT_IN);
        let (from, message, sent_in) =
            (server(1), Message::RequestVote { term: TERM, hand_over: false }, SENT_IN);
        assert_eq!(two.receive(), [Received { from, message, sent_in }]);
        assert_eq!((one.counters().sent, two.counters().received), (1, 1));
    }

    #[test]
    fn a_stranger_is_rejected_and_counted() {
        let [_, mut two] = testing::links();
        let address = two.socket.local_addr().unwrap();
        let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
        stranger.send_to(b"hello", address).unwrap();
        let frame = Frame {
            cluster: two.config.cluster_name().clone(),
            servers: 2,
            guards: two.config.server().cluster.protocol().bits(),
            witnesses: 0,
            from: server(1),
            to: server(2),
            message: Message::AppendEntries { term: TERM, round: Round::FIRST },
            sent_in: SENT_IN,
        };
        stranger.send_to(&frame.encode(), address).unwrap();
        stranger.send_to(&[0; 2000], address).unwrap();
        stranger.send_to(&[], address).unwrap();

        assert_eq!(two.receive(), []);
        let rejected = |reason| two.counters().rejected(reason);
        assert_eq!(rejected(Rejection::Magic), 2);
        assert_eq!(rejected(Rejection::SenderAddress), 1);
        assert_eq!(rejected(Rejection::Truncated), 1);
    }

    #[test]
    fn a_frame_with_a_long_tail_does_not_look_complete() {
        let [one, mut two] = testing::links();
        let cluster = crate::config::ClusterName::new("x".repeat(32)).unwrap();
        let message = Message::RequestVoteResponse { term: TERM, vote_granted: true };
        let (servers, from, to, sent_in) = (2, server(1), server(2), SENT_IN);
        let frame = Frame { cluster, servers, guards: 0, witnesses: 0, from, to, message, sent_in };
        let mut bytes = frame.encode();
        bytes.resize(5000, 0);
        one.socket.send_to(&bytes, two.socket.local_addr().unwrap()).unwrap();

        assert_eq!(two.receive(), []);
        assert_eq!(two.counters().rejected(Rejection::TrailingBytes), 1);
    }

    #[test]
    fn a_flood_is_received_in_batches() {
        let [mut one, mut two] = testing::links();
        for _ in 0..BATCH + 1 {
            one.send(
                server(2),
                Message::AppendEntries { term: TERM, round: Round::FIRST },
                SENT_IN,
            );
        }
        assert_eq!(two.receive().len(), BATCH);
        assert_eq!(two.receive().len(), 1);
    }

    #[test]
    fn an_error_that_the_network_reports_is_counted_and_keeps_nothing_back() {
        let [mut one, mut two] = testing::links();
        let address = two.socket.local_addr().unwrap();
        // A connected socket hears that nobody listens there.
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        one.socket.connect(closed).unwrap();
        one.socket.send(b"anybody there?").unwrap();
        one.socket.connect(address).unwrap();
        two.send(server(1), Message::RequestVote { term: TERM, hand_over: false }, SENT_IN);
        assert_eq!(one.receive().len(), 1);
        assert_eq!((one.counters().errors, one.counters().received), (1, 1));
    }

    #[test]
    fn a_message_that_cannot_be_sent_is_counted() {
        let [mut one, _] = testing::links();
        // An IPv4 socket cannot send to an IPv6 address, which no valid configuration has.
        one.socket = UdpSocket::bind("[::1]:0").unwrap();
        one.send(server(2), Message::AppendEntries { term: TERM, round: Round::FIRST }, SENT_IN);
        assert_eq!((one.counters().sent, one.counters().not_sent), (0, 1));
    }

    #[test]
    fn what_happened_to_datagrams_is_told_with_the_reasons_that_there_were() {
        let mut counters =
            Counters { sent: 1, not_sent: 2, received: 3, errors: 4, ..Counters::default() };
        for _ in 0..2 {
            counters.reject(Rejection::Magic, SocketAddr::from(([127, 0, 0, 1], 7001)));
        }
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
