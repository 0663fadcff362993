//! What a cluster costs while nothing happens.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::{Cluster, Result};

/// How long it is watched.
pub(crate) const WATCHED: Duration = Duration::from_secs(5);

/// A cluster at rest.
pub(crate) struct Rest {
    /// Share of a CPU that the leader uses, in per cent.
    leader: f64,
    /// The same of a follower, their mean.
    follower: f64,
    /// Resident memory of the leader, in MiB.
    rss: f64,
    /// What crossed the loopback device in a second, others' packets included.
    packets: f64,
    /// The kibibytes in them, headers of IP included.
    kibibytes: f64,
}

impl Rest {
    pub(crate) fn of<C: Cluster>(start: impl FnOnce(&Path) -> Result<C>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut cluster = start(folder.path())?;
        let leader = cluster.settled()?;
        sleep(Duration::from_secs(1)); // what a start leaves to do is over
        let processes = (0..3).map(|server| cluster.process(server)).collect::<Result<Vec<_>>>()?;
        let busy = || processes.iter().map(|&it| busy(it)).collect::<Result<Vec<_>>>();
        let (started, busy_before, crossed_before) = (Instant::now(), busy()?, crossed()?);
        sleep(WATCHED);
        let seconds = started.elapsed().as_secs_f64();
        let each = busy()?.into_iter().zip(busy_before);
        let cpu: Vec<_> = each.map(|(after, before)| 100.0 * (after - before) / seconds).collect();
        let (packets, bytes) = crossed()?;
        let own = cpu[leader.server];
        Ok(Self {
            leader: own,
            follower: (cpu.iter().sum::<f64>() - own) / 2.0,
            rss: resident(processes[leader.server])?,
            packets: (packets - crossed_before.0) / seconds,
            kibibytes: (bytes - crossed_before.1) / seconds / 1024.0,
        })
    }

    pub(crate) fn head() {
        println!(
            "  {:<16} {:>10} {:>10} {:>12} {:>10} {:>8}",
            "", "leader CPU", "follower", "leader's MiB", "packets/s", "KiB/s"
        );
    }

    pub(crate) fn print(self, program: &str) -> Self {
        let Self { leader, follower, rss, packets, kibibytes } = self;
        println!(
            "  {program:<16} {leader:8.2} % {follower:8.2} % {rss:12.1} {packets:10.0} {kibibytes:8.1}"
        );
        self
    }

    pub(crate) fn compare(&self, peer: &Self) {
        let [leader, follower, rss, packets, kibibytes] = [
            self.leader / peer.leader,
            self.follower / peer.follower,
            self.rss / peer.rss,
            self.packets / peer.packets,
            self.kibibytes / peer.kibibytes,
        ];
        println!(
            "  {:<16} {leader:8.2}   {follower:8.2}   {rss:12.2} {packets:10.2} {kibibytes:8.2}",
            "ratio"
        );
    }
}

/// Seconds on a CPU, of all threads.
fn busy(process: u32) -> Result<f64> {
    let mut seconds = 0.0;
    for thread in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        seconds += text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9;
    }
    Ok(seconds)
}

fn resident(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
}

/// Packets and bytes that have crossed the loopback device.
fn crossed() -> Result<(f64, f64)> {
    let text = fs::read_to_string("/proc/net/dev")?;
    let loopback = text.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    let mut numbers = loopback.ok_or("no loopback device")?.split_whitespace();
    let mut next =
        || Ok::<f64, Box<dyn std::error::Error>>(numbers.next().ok_or("no number")?.parse()?);
    let bytes = next()?;
    Ok((next()?, bytes))
}
