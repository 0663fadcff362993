//! How the processes of a search find each other.
//!
//! Each process listens at its own address, and connects to those of the processes before it. Both
//! say what they check; processes that check different things part at once. Who is not there in
//! time is named. The links are neither encrypted nor authenticated: they are for networks that one
//! trusts, or for the inside of a tunnel.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::control::{Control, Stop};

/// The processes that search together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peers {
    /// Where each of them listens, as `host:port`, in the same order everywhere.
    pub hosts: Vec<String>,
    /// Which of them this is, from 0.
    pub process: usize,
    /// For how long the others may be missing at the start, or silent later.
    pub patience: Duration,
}

/// Why the processes did not come together.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PeersError {
    /// This process cannot listen.
    #[error("cannot listen at {address}: {error}")]
    Listen {
        /// Where.
        address: String,
        /// Why.
        error: io::Error,
    },
    /// Others were not there in time.
    #[error("process {processes} did not come within {seconds} s")]
    Missing {
        /// Which.
        processes: String,
        /// For how long this one waited.
        seconds: u64,
    },
    /// Another process checks something else.
    #[error("process {process} runs another check: {difference}")]
    Different {
        /// Which.
        process: usize,
        /// The first setting that differs.
        difference: String,
    },
    /// This process was asked to stop.
    #[error("stopped before all processes were there")]
    Stopped(Stop),
    /// The connections cannot be used.
    #[error("cannot use the connections: {0}")]
    Network(#[from] io::Error),
}

/// What a worker panics with when another process is silent for longer than [`Peers::patience`].
#[derive(Clone, Copy, Debug)]
pub struct Silent {
    /// For how long it has been.
    pub seconds: u64,
}

const PAUSE: Duration = Duration::from_millis(50);
/// For how long a connection may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(2);

/// More than what a process says of itself takes.
const LONGEST: u32 = 1 << 16;
/// How it begins, so that a stranger is known to be one.
const GREETING: &str = "raft-model check\n";

/// What a process says of itself: which one it is, and what it checks.
#[derive(Clone, Copy)]
struct Hello<'a> {
    process: usize,
    /// A name and a value a line.
    settings: &'a str,
}

impl Hello<'_> {
    fn write(self, stream: &mut TcpStream) -> io::Result<()> {
        let text = format!("{GREETING}{}\n{}", self.process, self.settings);
        let length = u32::try_from(text.len()).map_err(io::Error::other)?;
        stream.write_all(&[&length.to_le_bytes(), text.as_bytes()].concat())
    }

    /// The process at the other end, and how what it checks differs.
    fn compare(self, stream: &mut TcpStream) -> io::Result<(usize, Option<String>)> {
        let stranger = || io::Error::from(io::ErrorKind::InvalidData);
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(INTRODUCTION))?;
        let mut length = [0; 4];
        stream.read_exact(&mut length)?;
        let length = u32::from_le_bytes(length);
        if length > LONGEST {
            return Err(stranger());
        }
        let mut text = String::new();
        stream.take(length.into()).read_to_string(&mut text)?;
        stream.set_read_timeout(None)?;
        stream.set_nodelay(true)?;
        let said = text.strip_prefix(GREETING).and_then(|text| text.split_once('\n'));
        let (process, settings) = said.ok_or_else(stranger)?;
        Ok((process.parse().map_err(|_| stranger())?, difference(self.settings, settings)))
    }
}

/// The first setting that differs. A list may be longer than one wants to read.
pub(super) fn difference(here: &str, there: &str) -> Option<String> {
    let named = |settings: &str, name: &str| {
        let value = settings.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
        value.unwrap_or("not known").to_owned()
    };
    let names = here.lines().chain(there.lines()).filter_map(|line| Some(line.split_once(": ")?.0));
    let mut differences = names.filter(|name| named(here, name) != named(there, name));
    differences.next().map(|name| {
        format!("its {name} is {}, and here it is {}", named(there, name), named(here, name))
    })
}

/// Connects this process with all others: a stream for each of them, `None` for itself.
pub(super) fn connect(
    peers: &Peers,
    settings: &str,
    control: &Control,
) -> Result<Vec<Option<TcpStream>>, PeersError> {
    let own_address = &peers.hosts[peers.process];
    let listen = |error| PeersError::Listen { address: own_address.clone(), error };
    let listener = TcpListener::bind(own_address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let own = Hello { process: peers.process, settings };
    let mut streams: Vec<Option<TcpStream>> = peers.hosts.iter().map(|_| None).collect();
    let started = Instant::now();
    loop {
        while let Ok((mut stream, _)) = listener.accept() {
            // Who does not introduce itself is not one of us.
            let Ok((process, difference)) = own.compare(&mut stream) else { continue };
            own.write(&mut stream)?;
            if let Some(difference) = difference {
                return Err(PeersError::Different { process, difference });
            }
            if process <= peers.process || process >= streams.len() {
                continue;
            }
            streams[process] = Some(stream);
        }
        let earlier = peers.hosts.iter().zip(&mut streams).take(peers.process).enumerate();
        for (process, (address, stream)) in earlier {
            if stream.is_none() {
                *stream = call(address, process, own)?;
            }
        }
        let is_missing = |process: &usize| *process != peers.process && streams[*process].is_none();
        let missing: Vec<_> = (0..streams.len()).filter(is_missing).collect();
        if missing.is_empty() {
            return Ok(streams);
        }
        if let Some(why) = control.stopped() {
            return Err(PeersError::Stopped(why));
        }
        if started.elapsed() >= peers.patience {
            let name = |process: &usize| format!("{process} ({})", peers.hosts[*process]);
            let processes = missing.iter().map(name).collect::<Vec<_>>().join(", ");
            return Err(PeersError::Missing { processes, seconds: peers.patience.as_secs() });
        }
        thread::sleep(PAUSE);
    }
}

/// Calls another process; `None` if it does not answer yet.
fn call(address: &str, process: usize, own: Hello<'_>) -> Result<Option<TcpStream>, PeersError> {
    let Some(address) = address.to_socket_addrs().ok().and_then(|mut all| all.next()) else {
        return Ok(None);
    };
    let Ok(mut stream) = TcpStream::connect_timeout(&address, INTRODUCTION) else {
        return Ok(None);
    };
    if own.write(&mut stream).is_err() {
        return Ok(None);
    }
    match own.compare(&mut stream) {
        Ok((_, Some(difference))) => Err(PeersError::Different { process, difference }),
        Ok((other, None)) if other == process => Ok(Some(stream)),
        Ok((other, None)) => {
            let difference = format!("it says that it is process {other}");
            Err(PeersError::Different { process, difference })
        }
        Err(_) => Ok(None),
    }
}
