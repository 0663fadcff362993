//! The one socket of a server, through which it talks to all the others.
//!
//! A datagram is never worth an error: one that cannot be sent is a lost message, and one that does
//! not belong here counts as lost. Both are counted.

use std::io::{self, ErrorKind};
use std::net::{SocketAddr, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};

use crate::config::Config;
use crate::session::MAX_DATAGRAM;

/// How many datagrams are received at a time, so that a flood of them cannot hold up the timer.
///
/// Each by a call of its own: `recvmmsg`, by the crate nix, was tried and does not pay. At 67,000 a
/// second, two or three wait at a time; each took 2.4 to 2.9 µs of processor time, and 2.8 to 3.0
/// by a call of its own.
pub(crate) const BATCH: usize = 64;

/// What came out of a socket.
#[derive(Debug)]
pub(crate) enum Arrival {
    /// These bytes, from this address.
    Datagram(Vec<u8>, SocketAddr),
    /// What the system reports instead: something sent earlier did not arrive.
    Error(io::Error),
}

/// The socket of a server.
#[derive(Debug)]
pub struct Link {
    socket: UdpSocket,
}

impl Link {
    /// A socket at the address where this server receives.
    ///
    /// # Errors
    ///
    /// [`LinkError`] if the address is in use, or is none of this machine.
    pub fn bind(config: &Config) -> Result<Self, LinkError> {
        let address = config.listen_address();
        UdpSocket::bind(address).and_then(Self::of).map_err(|source| LinkError { address, source })
    }

    pub(crate) fn of(socket: UdpSocket) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        Ok(Self { socket })
    }

    /// Hands this to the network.
    pub(crate) fn send(&self, datagram: &[u8], address: SocketAddr) -> io::Result<()> {
        self.socket.send_to(datagram, address).map(drop)
    }

    /// What is there, without waiting: nothing if there is nothing.
    pub(crate) fn receive(&self) -> Option<Arrival> {
        // One byte more than the longest, so that what is too long cannot look complete.
        let mut buffer = [0; MAX_DATAGRAM + 1];
        match self.socket.recv_from(&mut buffer) {
            Ok((len, source)) => Some(Arrival::Datagram(buffer[..len].to_vec(), source)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => Some(Arrival::Error(error)),
        }
    }
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
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

impl LinkError {
    /// Whether no interface of this machine has the address, or not yet.
    pub fn is_missing_address(&self) -> bool {
        self.source.kind() == ErrorKind::AddrNotAvailable
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> (Link, SocketAddr) {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        (Link::of(socket).unwrap(), address)
    }

    #[test]
    fn a_datagram_arrives_with_the_address_of_its_sender() {
        let ((one, from), (two, to)) = (link(), link());
        assert!(two.receive().is_none());
        one.send(b"hello", to).unwrap();
        assert!(
            matches!(two.receive(), Some(Arrival::Datagram(it, source)) if it == b"hello" && source == from)
        );
    }

    #[test]
    fn one_that_is_too_long_does_not_look_complete() {
        let ((one, _), (two, to)) = (link(), link());
        one.send(&[0; 5000], to).unwrap();
        assert!(
            matches!(two.receive(), Some(Arrival::Datagram(it, _)) if it.len() == MAX_DATAGRAM + 1)
        );
    }

    #[test]
    fn an_error_that_the_network_reports_keeps_nothing_back() {
        let ((one, to), (two, _)) = (link(), link());
        // A connected socket hears that nobody listens there.
        let closed = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        one.socket.connect(closed).unwrap();
        one.socket.send(b"anybody there?").unwrap();
        one.socket.connect(to).unwrap();
        assert!(matches!(one.receive(), Some(Arrival::Error(_))));
        drop(two);
    }

    #[test]
    fn an_address_that_is_missing_may_come_and_one_in_use_is_not_missing() {
        let is_missing = |kind: ErrorKind| {
            LinkError { address: link().1, source: kind.into() }.is_missing_address()
        };
        assert!(is_missing(ErrorKind::AddrNotAvailable));
        assert!(!is_missing(ErrorKind::AddrInUse));
    }

    #[test]
    fn what_cannot_be_sent_is_an_error() {
        let (one, _) = link();
        assert!(one.send(b"hello", "[::1]:7001".parse().unwrap()).is_err());
    }
}
