//! A command beside each of three nodes, and what is asked about it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use raft_model::trace::replay::replay;
use rustix::process::{Pid, Signal, kill_process};
use support::binary::example;
use support::cluster::{Cluster, Timing};
use support::network::Loopback;
use support::node::raft_node;
use support::waiting::{eventually, rounds};
use tempfile::TempDir;

/// The program `ticks`, built once.
fn ticking() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| example("raft-node", "ticks"))
}

/// Three nodes, and a supervisor beside each.
pub(crate) struct Service {
    pub(crate) cluster: Cluster<Loopback>,
    pub(crate) supervisors: BTreeMap<usize, Child>,
    pub(crate) folder: TempDir,
    options: Vec<String>,
    script: String,
}

impl Service {
    /// Each supervisor has these options and runs this script, which finds the program `ticks` as
    /// `$1`, a file for it as `$2`, and a folder for whatever else as `$3`.
    pub(crate) fn start(options: &[&str], script: &str) -> Self {
        let mut cluster = Cluster::start(3, Timing::Quick);
        cluster.agreed(0, &[1, 2, 3]);
        let mut service = Self {
            cluster,
            supervisors: BTreeMap::new(),
            folder: tempfile::tempdir().unwrap(),
            options: options.iter().map(ToString::to_string).collect(),
            script: script.to_owned(),
        };
        (1..=3).for_each(|server| service.supervise(server));
        service
    }

    pub(crate) fn ticking() -> Self {
        Self::start(&[], "exec \"$1\" \"$2\"")
    }

    pub(crate) fn supervise(&mut self, server: usize) {
        let mut command = Command::new(raft_node());
        command.args(["lead", "--data"]).arg(self.cluster.data(server)).args(&self.options);
        command.args(["--", "/bin/sh", "-c", &self.script, "sh"]);
        command.arg(ticking()).arg(self.ticks(server));
        command.arg(self.folder.path());
        let log = fs::File::options().create(true).append(true).open(self.log(server)).unwrap();
        let child = command.stderr(log).stdout(Stdio::null()).spawn().unwrap();
        self.supervisors.insert(server, child);
    }

    fn ticks(&self, server: usize) -> PathBuf {
        self.folder.path().join(format!("S{server}.ticks"))
    }

    fn log(&self, server: usize) -> PathBuf {
        self.folder.path().join(format!("S{server}.log"))
    }

    /// What the work beside a server has written: tokens and moments.
    fn ticked(&self, server: usize) -> Vec<(u64, u64)> {
        let text = fs::read_to_string(self.ticks(server)).unwrap_or_default();
        text.lines().map(|line| tick(line).unwrap_or_else(|| panic!("{line:?}"))).collect()
    }

    /// The last of it.
    fn last_tick(&self, server: usize) -> Option<(u64, u64)> {
        let mut file = fs::File::open(self.ticks(server)).ok()?;
        file.seek(SeekFrom::End(-100)).ok()?;
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        tick(text.lines().last()?)
    }

    /// The server beside which work is done with a later token than this one.
    pub(crate) fn at_work(&self, after: u64) -> (usize, u64) {
        eventually("work", || {
            let last = |server| Some((server, self.last_tick(server)?.0));
            (1..=3).filter_map(last).max_by_key(|it| it.1).filter(|it| it.1 > after)
        })
    }

    /// Does something to the server at work; when another one is, the second thing. Many rounds.
    pub(crate) fn in_rounds(
        &mut self,
        mut hit: impl FnMut(&mut Self, usize),
        mut mend: impl FnMut(&mut Self, usize),
    ) {
        let (_, mut token) = self.at_work(0);
        for _ in 0..rounds(3) {
            let server = self.at_work(token - 1).0;
            hit(self, server);
            token = self.at_work(token).1;
            mend(self, server);
        }
    }

    pub(crate) fn signal(&self, server: usize, signal: Signal) {
        kill_process(Pid::from_child(&self.supervisors[&server]), signal).unwrap();
    }

    /// How a supervisor ends, which it does soon.
    pub(crate) fn end(&mut self, server: usize) -> ExitStatus {
        let mut child = self.supervisors.remove(&server).expect("it runs");
        eventually("a supervisor to end", || child.try_wait().unwrap())
    }

    /// Nothing more is done beside a server.
    pub(crate) fn assert_idle(&self, server: usize) {
        eventually("the work to end", || {
            let before = self.last_tick(server);
            std::thread::sleep(Duration::from_millis(50));
            (self.last_tick(server) == before).then_some(())
        });
    }

    /// Ends everything. What was written with a token was written before anything with the next.
    pub(crate) fn never_two_at_once(mut self) {
        for (_, mut child) in std::mem::take(&mut self.supervisors) {
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
            let _ = child.wait();
        }
        let mut works: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for (token, at) in (1..=3).flat_map(|server| self.ticked(server)) {
            let (first, last) = works.entry(token).or_insert((at, at));
            (*first, *last) = ((*first).min(at), (*last).max(at));
        }
        let works: Vec<_> = works.into_iter().collect();
        for two in works.windows(2) {
            let [(old, (_, last)), (new, (first, _))] = *two else { unreachable!("two") };
            let late = last.saturating_sub(first);
            assert!(last < first, "with token {old}, {late} ns after the first with token {new}");
        }
        println!("{} tokens, one after the other", works.len());
        self.cluster.terminate();
        replay(&self.cluster.traces()).unwrap_or_else(|error| panic!("{error}"));
    }
}

fn tick(line: &str) -> Option<(u64, u64)> {
    let (token, at) = line.split_once(' ')?;
    Some((token.parse().ok()?, at.parse().ok()?))
}

impl Drop for Service {
    fn drop(&mut self) {
        for child in self.supervisors.values_mut() {
            let _ = kill_process(Pid::from_child(child), Signal::CONT);
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
            eprintln!("kept: {}", self.folder.path().display());
        }
    }
}
