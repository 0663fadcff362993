//! Three members of etcd. Who leads is read from their logs, which say it to the millisecond.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::{Cluster, Leader, Result, Timing, wait};

const DAY: u64 = 24 * 60 * 60 * 1_000_000;

/// The members, killed when this value is dropped.
pub(crate) struct Members {
    members: Vec<Member>,
    timing: Timing,
    cluster: String,
    /// Elections that nobody has asked for yet.
    elected: VecDeque<(u64, Leader)>,
}

struct Member {
    folder: PathBuf,
    /// Addresses for its peers and for clients.
    urls: [String; 2],
    child: Option<Child>,
    log: BufReader<File>,
    /// A line that is not whole yet.
    line: String,
    /// Its name in the logs, once known.
    id: Option<String>,
    /// The leader that it knows, and the term.
    follows: Option<(String, u64)>,
}

impl Members {
    pub(crate) fn start(timing: Timing, folder: &Path) -> Result<Self> {
        let sockets: Vec<_> =
            (0..6).map(|_| TcpListener::bind("127.0.0.1:0")).collect::<std::io::Result<_>>()?;
        let url = |socket: &TcpListener| Ok(format!("http://{}", socket.local_addr()?));
        let urls: Vec<_> = sockets.iter().map(url).collect::<std::io::Result<_>>()?;
        drop(sockets);
        let mut members = Vec::new();
        for (folder, urls) in folders(folder)?.into_iter().zip(urls.chunks_exact(2)) {
            let mut options = File::options();
            let log = options.create(true).append(true).read(true).open(folder.join("log"))?;
            let log = BufReader::new(log);
            let urls = [urls[0].clone(), urls[1].clone()];
            members.push(Member {
                folder,
                urls,
                child: None,
                log,
                line: String::new(),
                id: None,
                follows: None,
            });
        }
        let named = |(number, member): (usize, &Member)| format!("{number}={}", member.urls[0]);
        let cluster = members.iter().enumerate().map(named).collect::<Vec<_>>().join(",");
        let mut all = Self { members, timing, cluster, elected: VecDeque::new() };
        (0..3).try_for_each(|member| all.spawn(member))?;
        Ok(all)
    }

    fn spawn(&mut self, number: usize) -> Result<()> {
        let member = &mut self.members[number];
        let [peers, clients] = &member.urls;
        let log = File::options().append(true).open(member.folder.join("log"))?;
        let mut command = Command::new("etcd");
        command.arg(format!("--name={number}")).arg("--data-dir").arg(member.folder.join("data"));
        command.arg(format!("--heartbeat-interval={}", self.timing.heartbeat));
        command.arg(format!("--election-timeout={}", self.timing.election.0));
        command.args(["--pre-vote=true", "--logger=zap", "--log-outputs=stderr"]);
        command.arg(format!("--listen-peer-urls={peers}"));
        command.arg(format!("--initial-advertise-peer-urls={peers}"));
        command.arg(format!("--listen-client-urls={clients}"));
        command.arg(format!("--advertise-client-urls={clients}"));
        command.arg(format!("--initial-cluster={}", self.cluster));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let child = command.spawn();
        member.child = Some(child.map_err(|error| format!("etcd: {error}; Debian: etcd-server"))?);
        Ok(())
    }

    /// Reads what was logged since the last time.
    fn read(&mut self) -> Result<()> {
        for number in 0..self.members.len() {
            while let Some(line) = self.members[number].next_line()? {
                self.note(number, &line);
            }
        }
        Ok(())
    }

    fn note(&mut self, number: usize, line: &str) {
        let Ok(line) = serde_json::from_str::<Value>(line) else { return };
        let (Some(at), Some(text)) = (line["ts"].as_str(), line["msg"].as_str()) else { return };
        let member = &mut self.members[number];
        match text.split(' ').collect::<Vec<_>>()[..] {
            ["raft.node:", id, "elected", "leader", leader, "at", "term", term]
            | [
                "raft.node:",
                id,
                "changed",
                "leader",
                "from",
                _,
                "to",
                leader,
                "at",
                "term",
                term,
            ] => {
                member.id = Some(id.to_owned());
                member.follows = term.parse().ok().map(|term| (leader.to_owned(), term));
            }
            ["raft.node:", _, "lost", "leader", ..] => member.follows = None,
            [_, "became", "leader", "at", "term", term] => {
                if let (Some(at), Ok(term)) = (time_of_day(at), term.parse()) {
                    self.elected.push_back((at, Leader { server: number, term }));
                }
            }
            _ => {}
        }
    }
}

impl Member {
    fn next_line(&mut self) -> Result<Option<String>> {
        self.log.read_line(&mut self.line)?;
        Ok(self.line.ends_with('\n').then(|| std::mem::take(&mut self.line)))
    }
}

/// Microseconds since midnight, of a time such as `2026-02-03T04:05:06.789Z`.
fn time_of_day(text: &str) -> Option<u64> {
    let time = text.strip_suffix('Z')?.split_once('T')?.1;
    let mut parts = time.split(':');
    let (hours, minutes): (u64, u64) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let seconds: f64 = parts.next()?.parse().ok()?;
    let micros = u64::try_from(Duration::from_secs_f64(seconds).as_micros()).ok()?;
    Some((hours * 60 + minutes) * 60_000_000 + micros)
}

/// The moment of this time of day that is nearest to now.
fn moment(time_of_day: u64) -> Result<SystemTime> {
    let now = u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?;
    let ago = (now + DAY - time_of_day) % DAY;
    Ok(UNIX_EPOCH + Duration::from_micros(now - ago))
}

impl Cluster for Members {
    fn settled(&mut self) -> Result<Leader> {
        wait("a leader of etcd that everybody follows", || {
            self.read()?;
            let Some((leader, term)) = self.members[0].follows.clone() else { return Ok(None) };
            let all = self.members.iter().all(|member| {
                member.follows.as_ref().is_some_and(|(of, at)| *of == leader && *at == term)
            });
            let is_leader = |member: &Member| member.id.as_ref() == Some(&leader);
            let server = self.members.iter().position(is_leader).filter(|_| all);
            Ok(server.map(|server| Leader { server, term }))
        })
    }

    fn signal(&mut self, server: usize, signal: Signal) -> Result<()> {
        self.members[server].follows = None;
        let child = self.members[server].child.as_ref().ok_or("the member does not run")?;
        Ok(kill_process(Pid::from_child(child), signal)?)
    }

    fn elected_after(&mut self, old: Leader) -> Result<(SystemTime, Leader)> {
        wait("a new leader of etcd", || {
            self.read()?;
            while let Some((at, new)) = self.elected.pop_front() {
                if new.term > old.term && new.server != old.server {
                    return Ok(Some((moment(at)?, new)));
                }
            }
            Ok(None)
        })
    }

    fn restart(&mut self, server: usize) -> Result<()> {
        if let Some(mut child) = self.members[server].child.take() {
            child.kill()?;
            child.wait()?;
        }
        self.read()?;
        self.members[server].follows = None;
        self.spawn(server)
    }

    fn process(&self, server: usize) -> Result<u32> {
        Ok(self.members[server].child.as_ref().ok_or("the member does not run")?.id())
    }
}

impl Drop for Members {
    fn drop(&mut self) {
        for child in self.members.iter_mut().filter_map(|member| member.child.as_mut()) {
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

/// A folder of its own for each server.
fn folders(folder: &Path) -> Result<[PathBuf; 3]> {
    let folders = [1, 2, 3].map(|number| folder.join(number.to_string()));
    for folder in &folders {
        fs::create_dir(folder)?;
    }
    Ok(folders)
}
