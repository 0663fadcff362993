//! The same graph, searched by our models and by the checkers that people use: the Actor model, the
//! packed model, Spin and TLC. It shows how many distinct states each finds, which must be equal,
//! and what a state costs.
//!
//! `cargo bench --package raft-model --bench peers`, and on another graph
//! `… -- SERVERS MAX_TERM useful|all [PROGRAM]…`. Spin needs `apt-get install spin gcc`; TLC needs
//! what `tla/tlc --help` says.
//!
//! What is compared: nothing is reduced, by anybody. All keep states that can be told apart, but
//! stateright and TLC, which keep 64 bits of each. All but the Actor model judge `ElectionSafety`;
//! the packed model also counts edges. Each has one thread. A program is started again until it has
//! had ten seconds, and they take turns, since machines are not equally fast at all times: the time
//! is the mean, with the start of the program in it. Memory is the most that the process had,
//! divided by the states.
//!
//! The limit is what no search with our table is faster than: the keys that the packed model looks
//! up, each in its turn, put into that table, and nothing else.
//!
//! Spin searches depth first, which is faster than its breadth first; its hash table has room for
//! all states from the beginning. Its partial order reduction is off, since it would leave states
//! out, and so is compression (`COLLAPSE`), which is slower.

mod promela;
mod unjudged;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use raft_model::actor::ActorElection;
use raft_model::cluster::Cluster;
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::{Bare, Keys, parallel};
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::properties::Property;
use stateright::{Checker, Model};
use tempfile::TempDir;
use unjudged::Unjudged;
use wait4::Wait4;

/// The programs, by their names in the table.
const PROGRAMS: [&str; 5] = ["actor", "packed", "limit", "spin", "tlc"];

/// What stands before the time that a program says it took, if that is not all of its own.
const IN_SECONDS: &str = ", CPU seconds: ";

/// The time that a program gets at least.
const LONG_ENOUGH: Duration = Duration::from_secs(10);

fn main() {
    // Cargo passes --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        // One that all can search, and one that takes long enough to be measured well, but by the
        // Actor model and by TLC takes many minutes.
        [] => {
            compare(["3", "2", "useful"], &PROGRAMS);
            compare(["3", "2", "all"], &["packed", "limit", "spin"]);
        }
        [servers, max_term, replies] => compare([servers, max_term, replies], &PROGRAMS),
        ["search", servers, max_term, replies, "limit"] => {
            let (states, seconds) = limit(bounds([servers, max_term, replies]));
            println!("{states} states{IN_SECONDS}{seconds}");
        }
        ["search", servers, max_term, replies, program] => {
            println!("{} states", search(program, bounds([servers, max_term, replies])));
        }
        [servers, max_term, replies, ref programs @ ..] => {
            compare([servers, max_term, replies], programs);
        }
        _ => panic!("SERVERS MAX_TERM useful|all [PROGRAM]…"),
    }
}

fn bounds([servers, max_term, replies]: [&str; 3]) -> Bounds {
    Bounds::new(
        Cluster::new(servers.parse().expect("a number")).expect("1 to 7 servers"),
        Terms::UpTo(Term::new(max_term.parse().expect("a number"))),
        match replies {
            "useful" => Replies::Useful,
            "all" => Replies::All,
            other => panic!("{other}: useful or all"),
        },
    )
}

/// Prints a table, a line for each program.
fn compare(graph: [&str; 3], programs: &[&str]) {
    let [servers, max_term, replies] = graph;
    println!("{servers} servers, terms up to {max_term}, {replies} replies, no reductions");
    println!("program       states  runs   CPU s   states/CPU-s   B/state");
    let folder = tempfile::tempdir().expect("a temporary directory");
    let mut found: Option<usize> = None;
    let mut entrants = Vec::new();
    for &program in programs {
        let command = match program {
            "actor" | "packed" | "limit" => Ok(ours(graph, program)),
            "spin" => spin(&bounds(graph), &folder, found),
            "tlc" => tlc(&bounds(graph), &folder),
            other => panic!("{other} is none of {PROGRAMS:?}"),
        };
        match command {
            Ok(command) => {
                let mut cost = Cost::default();
                cost.run(&command);
                assert_eq!(*found.get_or_insert(cost.states), cost.states, "{program} errs");
                entrants.push((program, command, cost));
            }
            Err(missing) => println!("{program:<8} not run: {missing}"),
        }
    }
    let so_far = |(_, _, cost): &&mut (_, _, Cost)| cost.total.as_nanos();
    while let Some((_, command, cost)) = entrants.iter_mut().min_by_key(so_far)
        && cost.total < LONG_ENOUGH
    {
        cost.run(command);
    }
    let mut rates = BTreeMap::new();
    for (program, _, cost) in &entrants {
        println!("{program:<8} {cost}");
        rates.insert(*program, cost.rate());
    }
    if let Some(ours) = rates.get("packed") {
        for other in ["limit", "spin"] {
            let rate = rates.get(other);
            rate.inspect(|rate| println!("packed / {other}: {:.2}", ours / **rate));
        }
    }
    println!();
}

/// How to start a program, and what stands after the number of states in what it prints.
struct Program {
    path: PathBuf,
    arguments: Vec<String>,
    after_states: &'static str,
}

/// What a search cost, in all its runs.
#[derive(Default)]
struct Cost {
    states: usize,
    runs: u32,
    total: Duration,
    bytes: u64,
}

#[allow(clippy::cast_precision_loss, reason = "a table needs few digits")]
impl Cost {
    fn rate(&self) -> f64 {
        self.states as f64 * f64::from(self.runs) / self.total.as_secs_f64()
    }

    /// Adds a run.
    fn run(&mut self, program: &Program) {
        let mut command = Command::new(&program.path);
        let mut child = command
            .args(&program.arguments)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", program.path.display()));
        let output = std::io::read_to_string(child.stdout.take().expect("piped")).expect("text");
        let usage = child.wait4().expect("it ends");
        assert!(usage.status.success(), "{}: {output}", program.path.display());
        let (before, _) = output.split_once(program.after_states).expect("a number of states");
        let number = before.rsplit(|c: char| !c.is_ascii_digit()).next().expect("a number");
        self.states = number.parse().expect("a number");
        let says = output.split_once(IN_SECONDS).map(|(_, seconds)| seconds.trim().parse());
        let used = usage.rusage.utime + usage.rusage.stime;
        self.total += says
            .map_or(used, |seconds| Duration::from_secs_f64(seconds.expect("a number of seconds")));
        self.bytes = usage.rusage.maxrss.max(self.bytes);
        self.runs += 1;
    }
}

impl std::fmt::Display for Cost {
    #[allow(clippy::cast_precision_loss, reason = "a table needs few digits")]
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { states, runs, total, bytes } = self;
        let (rate, size) = (self.rate(), *bytes as f64 / *states as f64);
        let seconds = total.as_secs_f64() / f64::from(*runs);
        write!(f, "{states:>11} {runs:>5} {seconds:>7.3} {rate:>14.0} {size:>9.1}")
    }
}

/// This program, which searches with one of our models.
fn ours(graph: [&str; 3], program: &str) -> Program {
    let arguments = ["search"].into_iter().chain(graph).chain([program]);
    Program {
        path: std::env::current_exe().expect("this program"),
        arguments: arguments.map(str::to_owned).collect(),
        after_states: " states",
    }
}

/// Searches, and says how many states there are.
fn search(program: &str, bounds: Bounds) -> usize {
    if program == "actor" {
        let checker = Unjudged(ActorElection::new(bounds)).checker().threads(1).spawn_bfs().join();
        return checker.unique_state_count();
    }
    packed::<1>(bounds)
        .or_else(|| packed::<2>(bounds))
        .or_else(|| packed::<3>(bounds))
        .or_else(|| packed::<4>(bounds))
        .expect("256 bits are enough")
}

/// Puts the keys of a search into its table, and says how many states they are, and how many
/// seconds that took.
fn limit(bounds: Bounds) -> (usize, f64) {
    let two = || PackedModel::<2>::new(bounds, Reductions::NONE);
    let four = || PackedModel::<4>::new(bounds, Reductions::NONE);
    match PackedModel::<1>::new(bounds, Reductions::NONE) {
        Some(model) => timed(&Bare::of(&model)),
        None => two()
            .map(|model| timed(&Bare::of(&model)))
            .or_else(|| four().map(|model| timed(&Bare::of(&model))))
            .expect("256 bits are enough"),
    }
}

fn timed<const W: usize>(bare: &Bare<W>) -> (usize, f64) {
    let started = cpu_time();
    let states = bare.insert();
    (states, (cpu_time() - started).as_secs_f64())
}

/// How long this thread has run.
fn cpu_time() -> Duration {
    let text = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux tells");
    let nanoseconds = text.split(' ').next().expect("it begins with nanoseconds");
    Duration::from_nanos(nanoseconds.parse().expect("a number"))
}

fn packed<const W: usize>(bounds: Bounds) -> Option<usize> {
    let model = PackedModel::<W>::new(bounds, Reductions::NONE)?;
    let crew = parallel::Crew { workers: 1, peers: None, keys: Keys::Exact };
    let properties = [Property::ElectionSafety];
    let outcome = parallel::search(&Arc::new(model), &properties, &crew, &Arc::default());
    let outcome = outcome.expect("one process");
    assert!(outcome.exhaustive);
    Some(outcome.coverage.states)
}

/// Runs a program that prepares something, in a folder.
fn prepare(folder: &Path, program: &str, arguments: &str, package: &str) -> Result<(), String> {
    let mut command = Command::new(program);
    command.args(arguments.split(' ')).current_dir(folder).stdout(Stdio::null());
    match command.status() {
        Ok(status) => {
            assert!(status.success(), "{program} {arguments}");
            Ok(())
        }
        Err(error) => Err(format!("{program}: {error} (apt-get install {package})")),
    }
}

/// Spin, once the model is compiled.
fn spin(bounds: &Bounds, folder: &TempDir, states: Option<usize>) -> Result<Program, String> {
    fs::write(folder.path().join("raft.pml"), promela::model(bounds)).expect("it can be written");
    prepare(folder.path(), "spin", "-a raft.pml", "spin")?;
    let options = "-O3 -DSAFETY -DNOREDUCE -DMEMLIM=16000 -o pan pan.c";
    prepare(folder.path(), "gcc", options, "gcc")?;
    let room = states.unwrap_or(1 << 24).next_power_of_two().ilog2();
    Ok(Program {
        path: folder.path().join("pan"),
        arguments: vec!["-m10000".to_owned(), format!("-w{room}")],
        after_states: " states, stored",
    })
}

/// TLC, on the specification in TLA+.
fn tlc(bounds: &Bounds, folder: &TempDir) -> Result<Program, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tla/tlc");
    let ready = Command::new(&path).arg("--ready").output().expect("tla/tlc runs");
    if !ready.status.success() {
        return Err(String::from_utf8_lossy(&ready.stderr).trim().to_owned());
    }
    let servers: Vec<_> = bounds.cluster.servers().map(|server| server.to_string()).collect();
    let module = "---- MODULE Peer ----\nEXTENDS RaftElection\n====\n";
    let config = format!(
        "SPECIFICATION Spec\nCONSTANTS\n    Nil = Nil\n    Server = {{{}}}\n    MaxTerm = {}\n    \
         Replies = \"{}\"\nINVARIANT ElectionSafety\n",
        servers.join(", "),
        bounds.terms.last(),
        bounds.replies
    );
    fs::write(folder.path().join("Peer.tla"), module).expect("it can be written");
    let file = folder.path().join("Peer.cfg");
    fs::write(&file, config).expect("it can be written");
    let arguments = [file.to_str().expect("a path"), "-workers", "1"].map(str::to_owned);
    Ok(Program { path, arguments: arguments.into(), after_states: " distinct states found, 0 " })
}
