//! Where servers are: addresses, and names that stand for some.

use std::fmt;
use std::net::{IpAddr, SocketAddr, SocketAddrV6, ToSocketAddrs as _};
use std::str::FromStr;
use std::thread;
use std::time::{Duration, Instant};

use raft_model::types::ServerId;
use raft_node::Node;
use raft_node::clock::Moment;
use rustix::net::netdevice::name_to_index;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};

/// How often a name is looked up that does not stand for anything.
const AGAIN: Duration = Duration::from_secs(1);

/// A server, by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Server {
    pub(crate) number: u8,
    pub(crate) place: Place,
}

/// Where a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At this address.
    Ip(SocketAddr),
    /// At the address that this name stands for, and this port.
    Name(String, u16),
}

impl FromStr for Server {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (number, place) = text.split_once('=').ok_or("write it as 1=10.0.0.1:7000")?;
        Ok(Self { number: self::number(number)?, place: place.parse()? })
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.number, self.place)
    }
}

pub(super) fn number(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| format!("{text:?} is not the number of a server"))
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse() {
            return Ok(Self::Ip(address));
        }
        if let Some(address) = scoped(text)? {
            return Ok(Self::Ip(address));
        }
        if text.parse::<IpAddr>().is_ok() {
            return Err(format!(
                "{text:?} has no port: write it as 10.0.0.1:7000 or [fd00::1]:7000"
            ));
        }
        let Some((host, port)) = text.rsplit_once(':') else {
            return Err(format!("{text:?} has no port: write it as {text}:7000"));
        };
        let port = port.parse().ok().filter(|&port| port > 0);
        let port = port
            .ok_or_else(|| format!("{text:?} has no port from 1 to 65535 after the last colon"))?;
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._".contains(letter);
        // What looks like an address and is none is no name either.
        let is_number = host.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
        if host.is_empty() || is_number || !host.chars().all(is_name) {
            return Err(format!(
                "{text:?} is not an address such as 10.0.0.1:7000, [fd00::1]:7000 or db1.example:7000"
            ));
        }
        Ok(Self::Name(host.to_owned(), port))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(address) => address.fmt(f),
            Self::Name(name, port) => write!(f, "{name}:{port}"),
        }
    }
}

/// An address with the name of an interface, as `[fe80::1%eth0]:7000`. So one list serves machines
/// on which that interface has different numbers.
fn scoped(text: &str) -> Result<Option<SocketAddr>, String> {
    let parts = text.strip_prefix('[').and_then(|rest| {
        let (inside, port) = rest.split_once("]:")?;
        let (ip, interface) = inside.split_once('%')?;
        Some((ip.parse().ok()?, interface, port.parse().ok()?))
    });
    let Some((ip, interface, port)) = parts else { return Ok(None) };
    let index = interface_index(interface)
        .map_err(|error| format!("{text:?}: no interface {interface:?} here: {error}"))?;
    Ok(Some(SocketAddrV6::new(ip, port, 0, index).into()))
}

fn interface_index(name: &str) -> rustix::io::Result<u32> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::INET6, SocketType::DGRAM, flags, None)?;
    name_to_index(&socket, name)
}

/// Whether one of them has a name: what that stands for is decided elsewhere.
pub(super) fn has_names(servers: &[Server]) -> bool {
    servers.iter().any(|server| server.place.address().is_none())
}

impl Place {
    /// The first address that this stands for now, of the family that is wanted, if one is.
    pub(crate) fn look_up(&self, is_ipv4: Option<bool>) -> Option<SocketAddr> {
        let Self::Name(name, port) = self else { return self.address() };
        let found: Vec<_> = (name.as_str(), *port).to_socket_addrs().ok()?.collect();
        let is_wanted = |v4| is_ipv4.is_none_or(|wanted| wanted == v4);
        // A name may have both, and all servers have to choose the same.
        let first = |v4| found.iter().find(|it| it.is_ipv4() == v4 && is_wanted(v4));
        first(true).or_else(|| first(false)).copied()
    }

    /// The address, if this is one.
    pub(crate) const fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Ip(address) => Some(*address),
            Self::Name(..) => None,
        }
    }
}

fn family(servers: &[Server]) -> Option<bool> {
    servers.iter().find_map(|server| server.place.address()).map(|address| address.is_ipv4())
}

/// The address of each server. Names are looked up again until each stands for one, or until it is
/// time to stop.
pub(crate) fn resolve(
    servers: &[Server],
    mut goes_on: impl FnMut(Duration) -> bool,
) -> Option<Vec<(u8, SocketAddr)>> {
    let is_ipv4 = family(servers);
    let mut said = None::<Instant>;
    loop {
        let found: Vec<_> = servers.iter().map(|it| (it, it.place.look_up(is_ipv4))).collect();
        let unknown: Vec<_> = found.iter().filter(|(_, address)| address.is_none()).collect();
        if unknown.is_empty() {
            return Some(found.into_iter().filter_map(|(it, at)| Some((it.number, at?))).collect());
        }
        if said.is_none_or(|said| said.elapsed() > Duration::from_secs(30)) {
            let names: Vec<_> = unknown.iter().map(|(it, _)| it.place.to_string()).collect();
            tracing::warn!("no address yet for {}; trying again", names.join(", "));
            said = Some(Instant::now());
        }
        if !goes_on(AGAIN) {
            return None;
        }
    }
}

/// Looks after servers that have names: when one has fallen silent, its name may stand for another
/// address by now.
#[derive(Debug)]
pub(crate) struct Moving(pub(crate) Vec<Server>);

impl Moving {
    /// Does so for as long as this process runs, in a thread of its own.
    pub(crate) fn watch(self, node: std::sync::Weak<Node>) {
        if !has_names(&self.0) {
            return;
        }
        let watch = move || {
            while let Some(node) = node.upgrade() {
                self.look(&node);
                drop(node);
                thread::sleep(AGAIN);
            }
        };
        // Without it, names are what they were at the start.
        let _ = thread::Builder::new().name("raft-names".to_owned()).spawn(watch);
    }

    fn look(&self, node: &Node) {
        let (status, now) = (node.status(), Moment::now());
        let silence = 2 * *node.config().election_timeout().end();
        let is_ipv4 = Some(node.config().own_address().is_ipv4());
        for server in &self.0 {
            let Some(id) = ServerId::new(server.number).filter(|&id| id != status.server) else {
                continue;
            };
            let heard = status.peer(id).last_heard;
            if heard.is_some_and(|heard| now.since(heard) < silence) {
                continue;
            }
            if let Place::Name(name, _) = &server.place
                && let Some(address) = server.place.look_up(is_ipv4)
            {
                tracing::debug!(%id, %name, %address, "looked up again");
                node.set_address(id, address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;
    use std::sync::Arc;

    use raft_node::config::{Config, Settings};

    use super::*;

    /// How long to wait for what must happen, however slow the machine is.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// What is written as a name may stand for addresses of one family only.
    #[test]
    fn a_name_stands_for_an_address_of_the_family_that_the_others_have() {
        let [v4, v6] = ["127.0.0.1", "::1"].map(|name| Place::Name(name.to_owned(), 7000));
        let found = |place: &Place| [None, Some(true), Some(false)].map(|it| place.look_up(it));
        let [here, there] = ["127.0.0.1:7000", "[::1]:7000"].map(|it| it.parse().ok());
        assert_eq!(found(&v4), [here, here, None]);
        assert_eq!(found(&v6), [there, None, there]);
        let servers =
            |text: &str| text.split(' ').map(|it| it.parse().unwrap()).collect::<Vec<_>>();
        assert_eq!(family(&servers("1=one:7000 2=[fd00::2]:7000")), Some(false));
        assert_eq!(family(&servers("1=one:7000 2=10.0.0.2:7000")), Some(true));
        assert_eq!(family(&servers("1=one:7000 2=two:7000")), None);
    }

    /// A node that campaigns, and was told that the other two are where nobody is; with names of
    /// the other two, both of which stand for where they are now.
    #[test]
    fn a_server_that_has_fallen_silent_is_spoken_to_where_its_name_leads() {
        let folder = tempfile::tempdir().unwrap();
        let [own, here, there] = [(); 3].map(|()| UdpSocket::bind("127.0.0.1:0").unwrap());
        let address = own.local_addr().unwrap();
        let ports = [&here, &there].map(|socket| socket.local_addr().unwrap().port());
        let nobody = |port| SocketAddr::from(([127, 0, 0, 2], port));
        let list = vec![(1, address), (2, nobody(ports[0])), (3, nobody(ports[1]))];
        drop(own);
        let config = Config::new(Settings::new("names", 1, list)).unwrap();
        let builder = Node::builder(config).data(folder.path()).bootstrap(true).insecure(true);
        let node = Arc::new(builder.start().unwrap());
        let names = [(1, address.port()), (2, ports[0]), (3, ports[1])]
            .map(|(number, port)| format!("{number}=localhost:{port}").parse().unwrap());
        Moving(names.to_vec()).watch(Arc::downgrade(&node));
        for socket in [here, there] {
            socket.set_read_timeout(Some(PATIENCE)).unwrap();
            assert_eq!(socket.recv_from(&mut [0; 1500]).unwrap().1, address);
        }
    }
}
