//! How fast traces are replayed: `cargo bench --bench replay`.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;
use support::simulation;

use raft_model::trace::replay::replay;
use raft_model::types::ServerId;
use simulation::{Simulation, text};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let files: Vec<PathBuf> =
        (1..=3).map(|number| folder.path().join(format!("{number}.trace"))).collect();
    for moments in [40_000, 400_000, 1_600_000] {
        let mut simulation = Simulation::new(3, 1);
        simulation.run(moments);
        for (number, file) in (1..).zip(&files) {
            let server = ServerId::new(number).expect("a number from 1 to 3");
            fs::write(file, text(simulation.trace(server))).expect("the traces can be written");
        }
        drop(simulation);
        let started = Instant::now();
        let report = replay(&files).expect("the traces are sound");
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "{:>8} records in {seconds:6.2} s: {:>8.0} a second",
            report.records,
            report.records as f64 / seconds,
        );
    }
}
