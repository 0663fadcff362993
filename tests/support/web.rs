//! Clusters whose servers answer over HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use ureq::Agent;

use crate::cluster::Cluster;
use crate::network::{Loopback, Network};

/// Who asks over HTTP, and waits so long at most. Whatever the status is, it is an answer.
pub fn agent(patience: Duration) -> Agent {
    let config = Agent::config_builder().http_status_as_error(false).proxy(None);
    config.timeout_global(Some(patience)).build().into()
}

/// The loopback network, on which each server also answers over HTTP.
pub struct Web {
    network: Loopback,
    named: usize, // the servers up to this number, to each other's pages
}

impl Network for Web {
    fn new(size: usize) -> Self {
        Self { network: Loopback::new(size), named: size }
    }

    fn address(&self, of: usize, known_to: usize) -> SocketAddr {
        self.network.address(of, known_to)
    }

    fn command(&self, server: usize, program: &Path) -> Command {
        let mut command = Command::new(program);
        let servers = (1..=self.named).map(|it| format!("{it}={}", self.http(it)));
        command.env("RAFT_HTTP", self.http(server).to_string());
        let servers: Vec<_> = servers.collect();
        if !servers.is_empty() {
            command.env("RAFT_HTTP_SERVERS", servers.join(","));
        }
        command
    }
}

impl Web {
    /// From now on, servers that start are not told where the others answer.
    pub fn name_nobody(&mut self) {
        self.named = 0;
    }

    /// Where a server answers: at the port of its number that it has for datagrams.
    pub fn http(&self, server: usize) -> SocketAddr {
        self.address(server, server)
    }
}

impl Cluster<Web> {
    /// What a server answers over HTTP: its code, and the body.
    pub fn get(&self, server: usize, path: &str) -> Result<(u16, String), String> {
        let url = format!("http://{}{path}", self.network.http(server));
        let mut answer =
            agent(Duration::from_secs(10)).get(url).call().map_err(|error| error.to_string())?;
        let body = answer.body_mut().read_to_string().map_err(|error| error.to_string())?;
        Ok((answer.status().as_u16(), body))
    }
}
