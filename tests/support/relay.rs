//! A network in this process: every link between two servers leads through a pair of sockets here,
//! so that a test decides what becomes of each datagram. It needs no privileges.
//!
//! A server knows another by the address of a socket of the relay. What it sends there goes on to
//! the other's own address, from the socket by which the other knows the first.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

use crate::network::{Faulty, Network, own_ip, port};

/// From which server to which.
pub type Link = (usize, usize);

/// What one server has sent to another.
#[derive(Clone)]
pub struct Datagram {
    pub link: Link,
    pub bytes: Vec<u8>,
}

/// The relay of one cluster. It ends with this value.
pub struct Relay {
    sockets: Arc<Sockets>,
    state: Arc<Mutex<State>>,
    stop: Option<UnixStream>,
    thread: Option<JoinHandle<()>>,
}

struct Sockets {
    servers: BTreeMap<usize, SocketAddr>,
    /// By link: where the first server reaches the second.
    inlets: BTreeMap<Link, UdpSocket>,
}

struct State {
    cut: BTreeSet<Link>,
    disturbed: bool,
    random: StdRng,
    /// All that was ever sent, oldest first.
    history: Vec<Datagram>,
    /// What is under way, by the time of its arrival. The number is its place in the history.
    under_way: BTreeMap<(Instant, usize, u8), Datagram>,
    /// The last that has arrived, by link.
    arrived: BTreeMap<Link, usize>,
    lost: u64,
    repeated: u64,
    overtaken: u64,
}

impl Sockets {
    /// Brings a datagram to the server at the end of its link, from the address by which that
    /// server knows the other.
    fn deliver(&self, (from, to): Link, bytes: &[u8]) -> io::Result<()> {
        self.inlets[&(to, from)].send_to(bytes, self.servers[&to]).map(drop)
    }
}

impl State {
    fn accept(&mut self, datagram: &Datagram) {
        let number = self.history.len();
        self.history.push(datagram.clone());
        let copies = match (self.disturbed, self.random.random_range(0..100)) {
            (true, 0..20) => 0,
            (true, 20..40) => 2,
            _ => 1,
        };
        self.lost += u64::from(copies == 0);
        self.repeated += u64::from(copies == 2);
        for copy in 0..copies {
            let delay = if self.disturbed { self.random.random_range(0..120) } else { 0 };
            let arrival = Instant::now() + Duration::from_millis(delay);
            self.under_way.insert((arrival, number, copy), datagram.clone());
        }
    }

    fn deliver_what_is_due(&mut self, sockets: &Sockets) {
        while let Some(first) = self.under_way.first_entry()
            && first.key().0 <= Instant::now()
        {
            let ((_, number, _), Datagram { link, bytes }) = first.remove_entry();
            if self.cut.contains(&link) {
                continue;
            }
            let latest = self.arrived.entry(link).or_default();
            self.overtaken += u64::from(number < *latest);
            *latest = number.max(*latest);
            // A server that is full or down loses it, as in any network.
            let _ = sockets.deliver(link, &bytes);
        }
    }

    fn until_next(&self) -> Option<Duration> {
        let (&(arrival, ..), _) = self.under_way.first_key_value()?;
        Some(arrival.saturating_duration_since(Instant::now()))
    }
}

impl Relay {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the relay lives")
    }

    /// All that servers have sent so far, oldest first.
    pub fn history(&self) -> Vec<Datagram> {
        self.state().history.clone()
    }

    /// Brings these bytes to a server, from the very address of another.
    pub fn inject(&self, link: Link, bytes: &[u8]) {
        self.sockets.deliver(link, bytes).expect("it can be sent");
    }

    /// The same, for a thread of its own.
    pub fn injector(&self) -> Injector {
        Injector(Arc::clone(&self.sockets))
    }

    /// The own address of a server, at which it receives.
    pub fn own_address(&self, server: usize) -> SocketAddr {
        self.sockets.servers[&server]
    }
}

/// Sends in the name of servers.
pub struct Injector(Arc<Sockets>);

impl Injector {
    /// Brings all these datagrams to a server, from the very address of another. How many of them
    /// the system took.
    pub fn inject(&self, (from, to): Link, datagrams: &[&[u8]]) -> usize {
        send_all(&self.0.inlets[&(to, from)], self.0.servers[&to], datagrams)
    }
}

/// Sends datagrams by one call of the system. How many of them it took.
pub fn send_all(socket: &UdpSocket, to: SocketAddr, datagrams: &[&[u8]]) -> usize {
    let address = SocketAddrAny::from(to);
    let bytes: Vec<_> = datagrams.iter().map(|it| [IoSlice::new(it)]).collect();
    let mut nothing: Vec<_> = datagrams.iter().map(|_| SendAncillaryBuffer::default()).collect();
    let message = |(bytes, nothing)| MMsgHdr::new_with_addr(&address, bytes, nothing);
    let mut messages: Vec<_> =
        bytes.iter().map(|it| &it[..]).zip(&mut nothing).map(message).collect();
    sendmmsg(socket, &mut messages, SendFlags::empty()).unwrap_or(0)
}

impl Network for Relay {
    fn new(size: usize) -> Self {
        let ip = own_ip();
        let links = (1..=size).flat_map(|from| (1..=size).map(move |to| (from, to)));
        let inlet = |link| {
            let socket = UdpSocket::bind((ip, 0)).expect("a socket of the relay");
            socket.set_nonblocking(true).expect("a socket that does not block");
            (link, socket)
        };
        let sockets = Arc::new(Sockets {
            servers: (1..=size).map(|n| (n, SocketAddr::new(ip, port(n)))).collect(),
            inlets: links.filter(|(from, to)| from != to).map(inlet).collect(),
        });
        let state = Arc::new(Mutex::new(State {
            cut: BTreeSet::new(),
            disturbed: false,
            random: StdRng::seed_from_u64(1),
            history: Vec::new(),
            under_way: BTreeMap::new(),
            arrived: BTreeMap::new(),
            lost: 0,
            repeated: 0,
            overtaken: 0,
        }));
        let (stop, stopped) = UnixStream::pair().expect("a pair of sockets");
        let thread = {
            let (sockets, state) = (Arc::clone(&sockets), Arc::clone(&state));
            std::thread::spawn(move || run(&sockets, &state, &stopped))
        };
        Self { sockets, state, stop: Some(stop), thread: Some(thread) }
    }

    fn address(&self, of: usize, known_to: usize) -> SocketAddr {
        match self.sockets.inlets.get(&(known_to, of)) {
            Some(inlet) => inlet.local_addr().expect("a bound socket"),
            None => self.own_address(of),
        }
    }
}

impl Faulty for Relay {
    fn cut(&mut self, links: &[Link]) {
        self.state().cut = links.iter().copied().collect();
    }

    fn disturb(&mut self) {
        self.state().disturbed = true;
    }

    /// A leader goes on sending, so that sooner or later each has happened.
    fn assert_disturbed(&self) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let State { lost, repeated, overtaken, .. } = *self.state();
            if lost > 0 && repeated > 0 && overtaken > 0 {
                return;
            }
            let counts = format!("{lost} lost, {repeated} repeated, {overtaken} overtaken");
            assert!(Instant::now() < deadline, "{counts}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.stop.take());
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(sockets: &Sockets, state: &Mutex<State>, stopped: &UnixStream) {
    let mut buffer = [0; 1 << 16];
    loop {
        let until_next = state.lock().expect("the test lives").until_next();
        let timeout = until_next.and_then(|time| Timespec::try_from(time).ok());
        let mut fds = vec![PollFd::new(stopped, PollFlags::IN)];
        fds.extend(sockets.inlets.values().map(|socket| PollFd::new(socket, PollFlags::IN)));
        poll(&mut fds, timeout.as_ref()).expect("datagrams can be waited for");
        if !fds[0].revents().is_empty() {
            return;
        }
        let mut state = state.lock().expect("the test lives");
        for (&link, socket) in &sockets.inlets {
            while let Ok((length, source)) = socket.recv_from(&mut buffer) {
                if source == sockets.servers[&link.0] {
                    state.accept(&Datagram { link, bytes: buffer[..length].to_vec() });
                }
            }
        }
        state.deliver_what_is_due(sockets);
    }
}
