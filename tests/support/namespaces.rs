//! A network of Linux network namespaces: one for each server and one for the router between them.
//! No link leads out of it. It needs root and `ip` and `tc` (Debian: iproute2).
//!
//! The router forwards from each server to each other; a link is cut by a rule of its routing
//! policy, so in one direction and without a word to the sender.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Once;
use std::sync::atomic::{AtomicU32, Ordering};

use rustix::process::{Pid, Signal, kill_process};

use crate::network::{Faulty, Network, port};

/// What every link does to what is sent while the network is disturbed; the delay reorders.
const DISTURBANCE: &str = "netem loss 20% duplicate 20% delay 30ms 30ms";

/// Namespaces of one cluster. They are removed with this value.
pub struct Namespaces {
    name: String,
    size: usize,
    cut: BTreeSet<(usize, usize)>,
}

impl Namespaces {
    /// Makes such a network and cuts a link, to see whether the machine permits it.
    pub fn permitted() -> Result<(), String> {
        remove_those_of_the_dead();
        Self::try_new(2)?.try_cut(&[(1, 2)])
    }

    /// Disturbs such a network, to see whether the kernel can.
    pub fn can_be_disturbed() -> Result<(), String> {
        Self::permitted()?;
        let disturbed = Self::try_new(1)?.try_disturb();
        disturbed.map_err(|error| format!("this kernel has no netem: {error}"))
    }

    fn try_new(size: usize) -> Result<Self, String> {
        let network = Self { name: new_name(), size, cut: BTreeSet::new() };
        let router = network.router();
        let add: String = network.all().map(|name| format!("netns add {name}\n")).collect();
        run("ip", &["-batch", "-"], &add)?;
        let links: String = (1..=size)
            .map(|n| {
                format!(
                    "link add s{n} type veth peer name uplink netns {}\n\
                     address add 10.83.{n}.1/24 dev s{n}\n\
                     link set s{n} up\n",
                    network.namespace(n)
                )
            })
            .collect();
        run("ip", &["-n", &router, "-batch", "-"], &links)?;
        for n in 1..=size {
            let link = format!(
                "address add 10.83.{n}.2/24 dev uplink\n\
                 link set uplink up\n\
                 route add default via 10.83.{n}.1\n"
            );
            run("ip", &["-n", &network.namespace(n), "-batch", "-"], &link)?;
        }
        let forward = "echo 1 > /proc/sys/net/ipv4/ip_forward";
        run("ip", &["netns", "exec", &router, "sh", "-c", forward], "")?;
        Ok(network)
    }

    fn try_cut(&mut self, links: &[(usize, usize)]) -> Result<(), String> {
        let cut: BTreeSet<_> = links.iter().copied().collect();
        let rule = |verb: &str, &(from, to): &(usize, usize)| {
            format!("rule {verb} from 10.83.{from}.2 to 10.83.{to}.2 blackhole priority 100\n")
        };
        let add = cut.difference(&self.cut).map(|link| rule("add", link));
        let delete = self.cut.difference(&cut).map(|link| rule("delete", link));
        let rules: String = add.chain(delete).collect();
        run("ip", &["-n", &self.router(), "-batch", "-"], &rules)?;
        self.cut = cut;
        Ok(())
    }

    fn try_disturb(&self) -> Result<(), String> {
        let disturb: String =
            (1..=self.size).map(|n| format!("qdisc add dev s{n} root {DISTURBANCE}\n")).collect();
        run("tc", &["-n", &self.router(), "-batch", "-"], &disturb).map(drop)
    }

    fn router(&self) -> String {
        format!("{}-router", self.name)
    }

    fn namespace(&self, server: usize) -> String {
        format!("{}-s{server}", self.name)
    }

    fn all(&self) -> impl Iterator<Item = String> {
        std::iter::once(self.router()).chain((1..=self.size).map(|server| self.namespace(server)))
    }
}

impl Network for Namespaces {
    fn new(size: usize) -> Self {
        Self::try_new(size).unwrap_or_else(|error| panic!("{error}"))
    }

    fn address(&self, of: usize, _known_to: usize) -> SocketAddr {
        let of_server = |n: usize| u8::try_from(n).expect("a few servers");
        SocketAddr::from(([10, 83, of_server(of), 2], port(of)))
    }

    fn command(&self, server: usize, program: &Path) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.namespace(server)]).arg(program);
        command
    }
}

impl Faulty for Namespaces {
    fn cut(&mut self, links: &[(usize, usize)]) {
        self.try_cut(links).unwrap_or_else(|error| panic!("{error}"));
    }

    fn disturb(&mut self) {
        self.try_disturb().unwrap_or_else(|error| panic!("{error}"));
    }

    fn assert_disturbed(&self) {
        let statistics = run("tc", &["-n", &self.router(), "-statistics", "qdisc"], "")
            .unwrap_or_else(|error| panic!("{error}"));
        let lost = |line: &&str| line.contains("dropped ") && !line.contains("dropped 0,");
        assert!(statistics.lines().any(|line| lost(&line)), "nothing was lost:\n{statistics}");
    }
}

impl Drop for Namespaces {
    fn drop(&mut self) {
        for name in self.all() {
            let _ = run("ip", &["netns", "delete", &name], "");
        }
    }
}

/// A name for namespaces that says which process they belong to.
fn new_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("raft-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Removes, once, what tests that were killed have left behind: namespaces and servers.
fn remove_those_of_the_dead() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let names = run("ip", &["netns", "list"], "").unwrap_or_default();
        for name in names.lines().filter_map(|line| line.split(' ').next()) {
            let process = name.strip_prefix("raft-").and_then(|rest| rest.split_once('-'));
            let Some(Ok(process)) = process.map(|(process, _)| process.parse::<u32>()) else {
                continue;
            };
            if Path::new("/proc").join(process.to_string()).exists() {
                continue;
            }
            for server in run("ip", &["netns", "pids", name], "").unwrap_or_default().lines() {
                if let Some(server) = server.parse().ok().and_then(Pid::from_raw) {
                    let _ = kill_process(server, Signal::KILL);
                }
            }
            let _ = run("ip", &["netns", "delete", name], "");
        }
    });
}

/// Runs a program with this input. Its output; or, if it fails, why.
fn run(program: &str, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let output = command.spawn().and_then(|mut child| {
        child.stdin.take().expect("piped").write_all(input.as_bytes())?;
        child.wait_with_output()
    });
    match output {
        Err(error) => Err(format!("{program}: {error} (Debian: apt-get install iproute2)")),
        Ok(output) if output.status.success() => {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Ok(output) => {
            let error = String::from_utf8_lossy(&output.stderr);
            let error = error.lines().collect::<Vec<_>>().join(" ");
            Err(format!("{program} {}: {error}", arguments.join(" ")))
        }
    }
}
