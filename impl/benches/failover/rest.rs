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
    cpu: f64,
    /// Resident memory of the leader, in MiB.
    rss: f64,
    /// What crossed the loopback device in a second, others' packets included.
    packets: f64,
}

impl Rest {
    pub(crate) fn of<C: Cluster>(start: impl FnOnce(&Path) -> Result<C>) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut cluster = start(folder.path())?;
        let leader = cluster.settled()?;
        sleep(Duration::from_secs(1)); // what a start leaves to do is over
        let process = Path::new("/proc").join(cluster.process(leader.server)?.to_string());
        let (started, busy_before, packets_before) = (Instant::now(), busy(&process)?, packets()?);
        sleep(WATCHED);
        let seconds = started.elapsed().as_secs_f64();
        Ok(Self {
            cpu: 100.0 * (busy(&process)? - busy_before) / seconds,
            rss: resident(&process)?,
            packets: (packets()? - packets_before) / seconds,
        })
    }

    pub(crate) fn print(self, program: &str) -> Self {
        let Self { cpu, rss, packets } = self;
        println!(
            "  {program:<10} the leader {cpu:6.2} % of a CPU, {rss:5.1} MiB resident; {packets:6.0} packets/s"
        );
        self
    }

    pub(crate) fn compare(&self, peer: &Self) {
        let [cpu, rss, packets] =
            [self.cpu / peer.cpu, self.rss / peer.rss, self.packets / peer.packets];
        println!(
            "  {:<10}            {cpu:6.2}           {rss:6.2}               {packets:6.2}",
            "ratio"
        );
    }
}

/// Seconds on a CPU, of all threads.
fn busy(process: &Path) -> Result<f64> {
    let mut seconds = 0.0;
    for thread in fs::read_dir(process.join("task"))? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        seconds += text.split(' ').next().unwrap_or_default().parse::<f64>()? / 1e9;
    }
    Ok(seconds)
}

fn resident(process: &Path) -> Result<f64> {
    let status = fs::read_to_string(process.join("status"))?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.split_whitespace().next());
    Ok(kilobytes.ok_or("no VmRSS")?.parse::<f64>()? / 1024.0)
}

fn packets() -> Result<f64> {
    let text = fs::read_to_string("/proc/net/dev")?;
    let loopback = text.lines().find_map(|line| line.trim().strip_prefix("lo:"));
    let packets = loopback.and_then(|line| line.split_whitespace().nth(1));
    Ok(packets.ok_or("no loopback device")?.parse()?)
}
