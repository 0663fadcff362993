//! How many waits for the disk lie one behind another in an election, from the timer that fires to
//! the leader. The program does not say so, and is not asked: each wait is made longer, by strace,
//! and the time that an election takes grows by that, times the number of waits.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::node::Nodes;
use crate::{Cluster, Result, Timing};

/// How much longer a wait is made. Whoever campaigns is given more time than some of them take.
const LONGER: Duration = Duration::from_millis(40);
const TIMING: Timing = Timing { heartbeat: 60, election: (500, 900) };
/// The calls that wait for the disk.
const WAITS: &str = "fdatasync,fsync";
const ROUNDS: usize = 11;

/// Prints the median of some elections, with waits as they are and with longer ones.
pub(crate) fn print() -> Result<()> {
    println!("\nFrom the timer that fires to the leader, the median of {ROUNDS} elections:");
    let Some(medians) = medians()? else {
        println!("  not measured: there is no strace, which makes waits longer");
        return Ok(());
    };
    let [usual, longer] = medians.map(|time| 1e3 * time.as_secs_f64());
    let by = 1e3 * LONGER.as_secs_f64();
    println!("  {usual:6.1} ms, and {longer:6.1} ms if each wait for the disk takes {by} ms more:");
    println!("  so {:.2} of them lie one behind another", (longer - usual) / by);
    Ok(())
}

fn medians() -> Result<Option<[Duration; 2]>> {
    let usual = median(Duration::ZERO)?;
    Ok(usual.zip(median(LONGER)?).map(Into::into))
}

fn median(longer: Duration) -> Result<Option<Duration>> {
    let folder = tempfile::tempdir()?;
    let mut nodes = Nodes::start(TIMING, folder.path(), None)?;
    let mut times = Vec::new();
    while times.len() < ROUNDS {
        nodes.settled()?;
        let start = |server| Traced::start(nodes.process(server)?, longer);
        let traced = (0..3).map(start).collect::<Result<Option<Vec<_>>>>()?;
        let Some(_traced) = traced else { return Ok(None) };
        let old = nodes.settled()?;
        nodes.signal(old.server, Signal::KILL)?;
        let (_, new) = nodes.elected_after(old)?;
        if new.term == old.term + 1 {
            times.push(nodes.campaign(new.server));
        }
        nodes.restart(old.server)?;
    }
    nodes.replay()?;
    times.sort_unstable();
    Ok(Some(times[ROUNDS / 2]))
}

/// A process whose calls of the system strace sees. It goes on by itself when this is dropped.
struct Traced(Child);

impl Traced {
    /// From now on each wait for the disk takes so much longer. `None` if there is no strace.
    fn start(process: u32, longer: Duration) -> Result<Option<Self>> {
        let mut strace = Command::new("strace");
        let order = format!("inject={WAITS}:delay_enter={}", longer.as_micros());
        strace.args(["-f", "-e", &format!("trace={WAITS}"), "-p", &process.to_string()]);
        if !longer.is_zero() {
            strace.args(["-e", &order]);
        }
        let started =
            strace.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
        let Ok(mut child) = started else { return Ok(None) };
        let said = child.stderr.take().ok_or("a pipe")?;
        let traced = Self(child);
        let mut lines = BufReader::new(said).lines();
        let first = lines.next().ok_or("strace says nothing")??;
        if !first.contains("attached") {
            return Err(first.into());
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Some(traced))
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.0), Signal::TERM);
        let _ = self.0.wait();
    }
}
