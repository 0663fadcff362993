//! How a server leaves office when it is told to stop: it hands over, and stays until somebody else
//! leads. Without a hand-over the others would wait for an election timeout, and elect then.
//!
//! The specification asks that all that was handed out of a lease is over before. Nothing is handed
//! out in this version, so there is nothing to wait for.

use std::os::fd::BorrowedFd;
use std::time::Instant;

use raft_model::trace::Cause;
use raft_model::types::ServerId;

use super::{Node, NodeError};

impl Node {
    /// Leaves, if this server leads a cluster in which a leader can: returns when somebody else
    /// leads, after two minimum election timeouts at the latest, or when it shall stop at once. In
    /// between it serves as always. So its vote helps the next leader; and if it is elected itself,
    /// since its order was lost, it hands over again.
    pub(super) fn leave(&mut self, stop: BorrowedFd<'_>) -> Result<(), NodeError> {
        if !self.status.state.role.is_leader() {
            return Ok(());
        }
        let deadline = Instant::now() + 2 * *self.link.config().election_timeout().start();
        while self.hand_over()? {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.wait(stop, left)? {
                break;
            }
            self.turn()?;
        }
        Ok(())
    }

    /// Hands over if this server leads. Whether it is still waited for somebody to lead.
    fn hand_over(&mut self) -> Result<bool, NodeError> {
        if self.status.state.role.is_leader()
            && let Some(to) = self.successor()
        {
            self.step(Cause::HandOver { before: self.status.state, to })?;
        }
        Ok(self.status.leader.is_none())
    }

    /// Who shall lead: the follower that was heard last, or else any other server, but no witness.
    /// Nobody without check-quorum: the others would not hold still for it.
    fn successor(&self) -> Option<ServerId> {
        let cluster = self.server.cluster;
        if !cluster.protocol().check_quorum() {
            return None;
        }
        let can_lead = |server: &ServerId| !cluster.is_witness(*server);
        let any = || cluster.others(self.server.id).find(can_lead);
        self.follower.filter(can_lead).or_else(any)
    }
}

/// Takes one request to stop; false if its other end was closed, and nobody can make another.
pub(super) fn take_request(stop: BorrowedFd<'_>) -> bool {
    matches!(rustix::io::read(stop, &mut [0]), Ok(1))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::UdpSocket;
    use std::os::fd::AsFd as _;
    use std::os::unix::net::UnixStream;

    use raft_model::cluster::Protocol;
    use raft_model::election::Role;
    use raft_model::message::Message;
    use raft_model::types::{Attempt, Round, Term};

    use super::*;
    use crate::link::Link;
    use crate::testing::{self, SENT_IN, said, server};

    const ONE: Term = Term::new(1);
    const TWO: Term = Term::new(2);
    const FOLLOWS: Role = Role::Follower { contact: true };

    fn times_out(node: &mut Node) {
        let (before, attempt) = (node.status.state, Attempt::FIRST);
        node.step(Cause::Timeout { before, attempt }).unwrap();
    }

    fn hears(node: &mut Node, from: u8, message: Message) {
        let (before, from, sent_in) = (node.status.state, server(from), SENT_IN);
        node.step(Cause::Receive { before, from, message, sent_in }).unwrap();
    }

    /// S1 of two servers, which leads term 1, and the socket of the other.
    fn leader_and_peer(dir: &tempfile::TempDir, protocol: Protocol) -> (Node, Link) {
        let [one, mut two] = testing::links_by(protocol);
        let config = one.config().clone();
        let mut node = Node::new(one, testing::bootstrapped(dir, &config));
        times_out(&mut node); // its contact is over, if it had any
        if protocol.check_quorum() {
            times_out(&mut node);
        }
        hears(&mut node, 2, Message::RequestVoteResponse { term: ONE, vote_granted: true });
        assert!(node.status.state.role.is_leader());
        two.receive();
        (node, two)
    }

    /// Lets it leave, and ends that if nothing else does.
    fn leaves(node: &mut Node, requests: &[u8]) {
        let (stop, mut stopper) = UnixStream::pair().unwrap();
        stopper.write_all(requests).unwrap();
        let (_done, is_done) = std::sync::mpsc::channel::<()>();
        std::thread::spawn(move || {
            let _ = is_done.recv_timeout(std::time::Duration::from_secs(30));
            drop(stopper);
        });
        node.leave(stop.as_fd()).unwrap();
    }

    #[test]
    fn a_leader_hands_over_and_stays_until_another_leads() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = leader_and_peer(&dir, Protocol::CHECK_QUORUM);
        let request = Message::RequestVote { term: TWO, hand_over: true };
        let heartbeat = Message::AppendEntries { term: TWO, round: Round::FIRST };
        for message in [request, heartbeat] {
            peer.send(server(1), message, SENT_IN);
        }
        leaves(&mut node, b"");
        assert_eq!(node.status.leader, Some(server(2)));
        let expected = [
            Message::HandOver { term: ONE },
            Message::RequestVoteResponse { term: TWO, vote_granted: true },
            Message::AppendEntriesResponse { term: TWO, round: Some(Round::FIRST) },
        ];
        assert_eq!(said(peer.receive()), expected.map(|message| (server(1), message)));
    }

    #[test]
    fn a_second_request_does_not_wait_for_another_leader() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = leader_and_peer(&dir, Protocol::CHECK_QUORUM);
        leaves(&mut node, b"x");
        assert_eq!((node.status.state.role, node.status.leader), (FOLLOWS, None));
        assert_eq!(said(peer.receive()), [(server(1), Message::HandOver { term: ONE })]);
    }

    #[test]
    fn without_check_quorum_or_alone_or_not_leading_it_stops_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let (mut node, mut peer) = leader_and_peer(&dir, Protocol::FIGURE2);
        leaves(&mut node, b"");
        assert_eq!((node.status.state.role, said(peer.receive())), (Role::LEADER, vec![]));

        hears(&mut node, 2, Message::AppendEntries { term: TWO, round: Round::FIRST });
        peer.receive();
        times_out(&mut node);
        leaves(&mut node, b"");
        assert!(matches!(node.status.state.role, Role::Candidate { .. }));

        let dir = tempfile::tempdir().unwrap();
        let (config, link) = testing::lone();
        let mut node = Node::new(link, testing::bootstrapped(&dir, &config));
        (0..2).for_each(|_| times_out(&mut node));
        assert!(node.status.state.role.is_leader());
        leaves(&mut node, b"");
        assert!(node.status.state.role.is_leader());
    }

    #[test]
    fn the_follower_that_answered_last_shall_lead() {
        let dir = tempfile::tempdir().unwrap();
        let config = testing::config(3);
        let link = Link::of(&config, UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
        let mut node = Node::new(link, testing::bootstrapped(&dir, &config));
        assert_eq!(node.successor(), Some(server(2)), "nobody has answered");
        for from in [2, 3] {
            let round = Some(Round::FIRST);
            hears(&mut node, from, Message::AppendEntriesResponse { term: Term::ZERO, round });
            assert_eq!(node.successor(), Some(server(from)));
        }
        hears(&mut node, 2, Message::RequestVoteResponse { term: Term::ZERO, vote_granted: true });
        assert_eq!(node.successor(), Some(server(3)), "that answers no heartbeat");
    }
}
