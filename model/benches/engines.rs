//! The engines side by side on the same graph, without reductions, in one run: what each step from
//! a state to the next costs in processor time.
//!
//! `cargo bench --package raft-model --bench engines`, and on another graph
//! `… -- SERVERS MAX_TERM useful|all`.

#[path = "peers/unjudged.rs"]
mod unjudged;

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::time::Instant;

use raft_model::actor::ActorElection;
use raft_model::cluster::Cluster;
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::{Control, Keys, parallel, second_opinion};
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::properties::SAFETY;
use stateright::{Checker, Model};
use unjudged::Unjudged;

/// Words enough for the graphs that the Actor model can search in a minute.
const WORDS: usize = 3;

fn main() {
    // Cargo passes --bench; memory is that of a process, so every engine has one of its own.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let graph: Vec<&str> = arguments.iter().take(3).map(String::as_str).collect();
    let graph = if graph.is_empty() { vec!["4", "1", "all"] } else { graph };
    let [servers, max_term, replies] = graph[..] else {
        panic!("SERVERS MAX_TERM useful|all");
    };
    if let Some(engine) = arguments.get(3) {
        return measure(engine, bounds(servers, max_term, replies));
    }
    println!("{servers} servers, terms up to {max_term}, {replies} replies, no reductions");
    println!(
        "engine                        states   generated  CPU s  wall s  M/CPU-s  times  B/state"
    );
    let mut slowest = None;
    for engine in ["actor", "stateright", "timely 1", "timely 1 fp", "timely 2", "timely 2 fp"] {
        let this = std::env::current_exe().expect("this program");
        let output = Command::new(this).args([servers, max_term, replies, engine]).output();
        let output = String::from_utf8(output.expect("it runs").stdout).expect("numbers");
        let numbers: Vec<f64> =
            output.split_whitespace().map(|n| n.parse().expect("a number")).collect();
        let [states, generated, cpu, wall, bytes] = numbers[..] else { panic!("{output}") };
        let rate = generated / cpu / 1e6;
        let slowest = *slowest.get_or_insert(rate);
        let times = rate / slowest;
        println!(
            "{engine:<24} {states:>11} {generated:>11} {cpu:>6.2} {wall:>7.2} {rate:>8.3} \
             {times:>6.1} {bytes:>8.1}",
            bytes = bytes / states,
        );
    }
}

fn bounds(servers: &str, max_term: &str, replies: &str) -> Bounds {
    Bounds::new(
        Cluster::new(servers.parse().expect("a number")).expect("1 to 7 servers"),
        Terms::UpTo(Term::new(max_term.parse().expect("a number"))),
        if replies == "all" { Replies::All } else { Replies::Useful },
    )
}

/// Runs one engine, and prints states, generated steps, CPU seconds, wall seconds and bytes.
fn measure(engine: &str, bounds: Bounds) {
    let model = || PackedModel::<WORDS>::new(bounds, Reductions::NONE).expect("few words");
    let (memory, cpu, started) = (peak_memory(), cpu_seconds(), Instant::now());
    let (states, generated) = match engine {
        "actor" => {
            let checker = Unjudged(ActorElection::new(bounds)).checker().threads(1);
            let checker = checker.spawn_bfs().join();
            (checker.unique_state_count(), checker.state_count())
        }
        "stateright" => {
            let opinion = second_opinion::ask_stateright(model(), &SAFETY, 1, &Control::default());
            assert!(opinion.exhaustive);
            (opinion.coverage.states, opinion.generated)
        }
        timely => {
            let keys = if timely.ends_with("fp") { Keys::Fingerprints } else { Keys::Exact };
            let workers = if timely.contains('2') { 2 } else { 1 };
            let crew = parallel::Crew { workers, peers: None, keys };
            let control = Arc::default();
            let outcome = parallel::search(&Arc::new(model()), &SAFETY, &crew, &control);
            let outcome = outcome.expect("one process");
            assert!(outcome.exhaustive);
            (outcome.coverage.states, outcome.generated)
        }
    };
    let (cpu, wall) = (cpu_seconds() - cpu, started.elapsed().as_secs_f64());
    println!("{states} {generated} {cpu} {wall} {}", peak_memory() - memory);
}

/// The processor time of this process so far.
fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields = stat.rsplit(')').next().expect("a name in parentheses").split_whitespace();
    let ticks: f64 = fields.skip(11).take(2).map(|n| n.parse::<f64>().expect("a number")).sum();
    ticks / 100.0
}

/// The most memory that this process ever had, in bytes.
fn peak_memory() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("Linux");
    line.trim().trim_end_matches(" kB").parse::<f64>().expect("a number") * 1024.0
}
