//! The servers of a cluster as processes on this machine.
//!
//! None of them outlives the process that started it: each has a pipe as its standard input, and
//! stops when the system closes it.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::{SocketAddr, UdpSocket};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use raft_model::types::ServerId;
use rustix::process::{Pid, Signal, kill_process};

use crate::config::Config;

/// Processes of `raft-node run`, one a server. They are killed when this value is dropped.
#[derive(Debug)]
pub struct Servers {
    program: PathBuf,
    config: Config,
    directory: PathBuf,
    traces: PathBuf,
    key: Option<PathBuf>,
    children: Vec<Option<Child>>, // by `ServerId::index`
}

impl Servers {
    /// The servers of the cluster that this is the configuration of one server of; none of them
    /// runs yet. Their data and logs are in `directory`, their traces in `traces`, which exist.
    pub fn new(program: &Path, config: Config, directory: &Path, traces: &Path) -> Self {
        Self {
            program: program.to_owned(),
            children: config.server().cluster.servers().map(|_| None).collect(),
            config,
            directory: directory.to_owned(),
            traces: traces.to_owned(),
            key: None,
        }
    }

    /// The same, with the key of the cluster in this file.
    pub fn with_key(mut self, file: &Path) -> Self {
        self.key = Some(file.to_owned());
        self
    }

    /// The configuration of one of them.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// The servers.
    pub fn ids(&self) -> impl Iterator<Item = ServerId> + use<> {
        self.config.server().cluster.servers()
    }

    /// The trace of a server.
    pub fn trace(&self, server: ServerId) -> PathBuf {
        self.traces.join(format!("{server}.trace"))
    }

    /// What a server says on its standard error.
    pub fn log(&self, server: ServerId) -> PathBuf {
        self.directory.join(format!("{server}.log"))
    }

    /// The process of a server, while it has one.
    pub fn process(&self, server: ServerId) -> Option<u32> {
        self.children[server.index()].as_ref().map(Child::id)
    }

    /// Starts a server that does not run, on the data it has.
    ///
    /// # Errors
    ///
    /// If the system cannot start it. What the server itself fails at, it says in its log.
    pub fn start(&mut self, server: ServerId) -> io::Result<u32> {
        let data = self.directory.join(server.to_string());
        let log = File::options().create(true).append(true).open(self.log(server))?;
        let mut command = Command::new(&self.program);
        command.args(["run", "--stop-with-stdin"]);
        command.args(["--cluster", self.config.cluster_name().as_str()]);
        command.args(["--id", &server.number().to_string()]);
        for id in self.ids() {
            if let Some(address) = self.config.address_of(id) {
                command.arg(format!("--server={}={address}", id.number()));
            }
        }
        command.args(["--protocol", self.config.server().cluster.protocol().name()]);
        for witness in self.config.server().cluster.witnesses().iter() {
            command.args(["--witness", &witness.number().to_string()]);
        }
        command.args(["--heartbeat", &self.config.heartbeat().as_millis().to_string()]);
        let election = self.config.election_timeout();
        let range = format!("{}..{}", election.start().as_millis(), election.end().as_millis());
        command.args(["--election", &range]);
        let percent = f64::from(self.config.clock_error().ppm()) / 10_000.0;
        command.args(["--clock-error", &percent.to_string()]);
        command.arg("--data").arg(&data);
        if let Some(file) = &self.key {
            command.arg("--key").arg(file);
        }
        command.arg("--trace").arg(self.trace(server)).arg("--trace-required");
        // The directory is ours alone: without a ballot there, the server has never run.
        if !data.join("ballot").exists() {
            command.arg("--bootstrap");
        }
        command.env_remove("RAFT_LOG").stdin(Stdio::piped()).stdout(Stdio::null()).stderr(log);
        command.process_group(0); // Ctrl-C in a terminal is for the parent, which stops the rest
        let child = command.spawn()?;
        let process = child.id();
        self.children[server.index()] = Some(child);
        Ok(process)
    }

    /// How a server ended, if it did since it was last asked for.
    ///
    /// # Errors
    ///
    /// If the system does not tell.
    pub fn ended(&mut self, server: ServerId) -> io::Result<Option<ExitStatus>> {
        let child = &mut self.children[server.index()];
        let Some(running) = child else { return Ok(None) };
        let status = running.try_wait()?;
        if status.is_some() {
            *child = None;
        }
        Ok(status)
    }

    /// Asks every server that runs to stop at once, by two signals: after the first, a leader would
    /// wait for one of the others to lead.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn terminate(&self) -> io::Result<()> {
        self.ids().try_for_each(|server| {
            self.signal(server, Signal::TERM)?;
            self.signal(server, Signal::INT)
        })
    }

    /// Sends a signal to a server, if it runs.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn signal(&self, server: ServerId, signal: Signal) -> io::Result<()> {
        match &self.children[server.index()] {
            Some(child) => Ok(kill_process(Pid::from_child(child), signal)?),
            None => Ok(()),
        }
    }

    /// Kills a server if it runs, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// If the system refuses.
    pub fn kill(&mut self, server: ServerId) -> io::Result<()> {
        let Some(mut child) = self.children[server.index()].take() else { return Ok(()) };
        child.kill()?;
        child.wait().map(drop)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        for server in self.ids() {
            let _ = self.kill(server); // what cannot be killed loses its standard input
        }
    }
}

/// Numbers and addresses for so many servers, which nobody uses at the moment.
///
/// # Errors
///
/// If the system has none.
pub fn free_addresses(count: u8) -> io::Result<Vec<(u8, SocketAddr)>> {
    // All sockets are held until the last has its address: so the addresses differ.
    let sockets: io::Result<Vec<_>> =
        (1..=count).map(|number| Ok((number, UdpSocket::bind("127.0.0.1:0")?))).collect();
    sockets?.into_iter().map(|(number, socket)| Ok((number, socket.local_addr()?))).collect()
}

/// The last line of a log, which says why a server ended.
pub(super) fn last_line(path: &Path) -> io::Result<String> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(1 << 12);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(1 << 12).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    Ok(text.trim_end().lines().last().unwrap_or("it said nothing").to_owned())
}
