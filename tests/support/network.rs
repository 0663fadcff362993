//! Networks between the servers of a cluster.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// Where servers are, and how they reach each other. They are numbered from 1.
pub trait Network {
    /// A network for this many servers.
    fn new(size: usize) -> Self;

    /// The address at which a server knows another, or itself.
    fn address(&self, of: usize, known_to: usize) -> SocketAddr;

    /// A command that runs a program at the place of a server.
    fn command(&self, _server: usize, program: &Path) -> Command {
        Command::new(program)
    }
}

/// A network that can be made to fail.
pub trait Faulty: Network {
    /// Loses from now on all that is sent along these links, each from one server to another, and
    /// nothing along others.
    fn cut(&mut self, links: &[(usize, usize)]);

    /// Loses, repeats and delays what is sent, at random.
    fn disturb(&mut self);

    /// Fails unless something was really lost.
    fn assert_disturbed(&self);

    /// Cuts every link between servers of different groups.
    fn partition(&mut self, groups: &[&[usize]]) {
        let group = |server| groups.iter().position(|group| group.contains(&server));
        let servers: Vec<usize> = groups.concat();
        let links = servers.iter().flat_map(|&from| servers.iter().map(move |&to| (from, to)));
        self.cut(&links.filter(|&(from, to)| group(from) != group(to)).collect::<Vec<_>>());
    }

    /// Cuts nothing.
    fn heal(&mut self) {
        self.cut(&[]);
    }
}

/// An address of the loopback network that no other cluster uses, in this process or in another: so
/// the address of a killed server is still free when it comes back.
pub fn own_ip() -> IpAddr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = std::process::id() % 0x1_0000 * 64 + COUNT.fetch_add(1, Ordering::Relaxed) % 64;
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 64, 0, 0).to_bits() + number).into()
}

/// The loopback network, without faults.
pub struct Loopback(IpAddr);

impl Network for Loopback {
    fn new(_size: usize) -> Self {
        Self(own_ip())
    }

    fn address(&self, of: usize, _known_to: usize) -> SocketAddr {
        SocketAddr::new(self.0, port(of))
    }
}

/// The port of a server, where all have the same IP address.
pub fn port(server: usize) -> u16 {
    7000 + u16::try_from(server).expect("a few servers")
}
