//! How the processes of a search find each other.
//!
//! Each process listens at its own address, and connects to those of the processes before it. Both
//! say what they check; processes that check different things part at once. Who is not there in
//! time is named. The links are neither encrypted nor authenticated: they are for networks that one
//! trusts.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::thread;
use std::time::{Duration, Instant};

use super::control::{Control, Stop};
use crate::packed::mix;

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
    #[error(
        "process {process} runs another check: bounds, reductions, keys, workers, hosts and version \
         must be the same"
    )]
    Different {
        /// Which.
        process: usize,
    },
    /// This process was asked to stop.
    #[error("stopped before all processes were there")]
    Stopped(Stop),
    /// The connections cannot be used.
    #[error("cannot use the connections: {0}")]
    Network(#[from] io::Error),
}

const PAUSE: Duration = Duration::from_millis(50);
/// For how long a connection may take to say who it is.
const INTRODUCTION: Duration = Duration::from_secs(2);

/// What a process says of itself: what it checks, and which process it is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hello {
    check: u64,
    process: u64,
}

impl Hello {
    fn write(self, stream: &mut TcpStream) -> io::Result<()> {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.check.to_le_bytes());
        bytes[8..].copy_from_slice(&self.process.to_le_bytes());
        stream.write_all(&bytes)
    }

    fn read(stream: &mut TcpStream) -> io::Result<Self> {
        let number = |stream: &mut TcpStream| {
            let mut bytes = [0; 8];
            stream.read_exact(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        };
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(INTRODUCTION))?;
        let hello = Self { check: number(stream)?, process: number(stream)? };
        stream.set_read_timeout(None)?;
        stream.set_nodelay(true)?;
        Ok(hello)
    }
}

/// A number for what a process checks: different checks have different ones, most likely.
pub(super) fn number_of(check: &str) -> u64 {
    let version = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));
    let bytes = version.bytes().chain(check.bytes());
    bytes.fold(0, |so_far, byte| mix(so_far ^ u64::from(byte)))
}

/// Connects this process with all others: a stream for each of them, `None` for itself.
pub(super) fn connect(
    peers: &Peers,
    check: u64,
    control: &Control,
) -> Result<Vec<Option<TcpStream>>, PeersError> {
    let own_address = &peers.hosts[peers.process];
    let listen = |error| PeersError::Listen { address: own_address.clone(), error };
    let listener = TcpListener::bind(own_address).map_err(listen)?;
    listener.set_nonblocking(true).map_err(listen)?;
    let own = Hello { check, process: peers.process as u64 };
    let mut streams: Vec<Option<TcpStream>> = peers.hosts.iter().map(|_| None).collect();
    let started = Instant::now();
    loop {
        while let Ok((mut stream, _)) = listener.accept() {
            // Who does not introduce itself is not one of us.
            let Ok(hello) = Hello::read(&mut stream) else { continue };
            let Ok(process) = usize::try_from(hello.process) else { continue };
            if process <= peers.process || process >= streams.len() {
                continue;
            }
            own.write(&mut stream)?;
            if hello.check != check {
                return Err(PeersError::Different { process });
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
fn call(address: &str, process: usize, own: Hello) -> Result<Option<TcpStream>, PeersError> {
    let Some(address) = address.to_socket_addrs().ok().and_then(|mut all| all.next()) else {
        return Ok(None);
    };
    let Ok(mut stream) = TcpStream::connect_timeout(&address, INTRODUCTION) else {
        return Ok(None);
    };
    if own.write(&mut stream).is_err() {
        return Ok(None);
    }
    match Hello::read(&mut stream) {
        Ok(hello) if hello == (Hello { process: process as u64, ..own }) => Ok(Some(stream)),
        Ok(_) => Err(PeersError::Different { process }),
        Err(_) => Ok(None),
    }
}
