//! Liveness on the large graphs of `tests/counts.toml`: `cargo bench --bench liveness`. Minutes;
//! it fails if a count or a verdict is another than expected. With `-- --servers 5` also 5 servers
//! in a window of 2 terms, which takes many minutes and 6 GiB.

use std::time::Instant;
use support::counts;

use counts::LivenessCounts;
use raft_model::cluster::Protocol;
use raft_model::liveness::assumptions::Assumptions;
use raft_model::liveness::{Hostile, Verdict};
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::Control;

fn main() {
    let is_asked_for_five = std::env::args().any(|argument| argument == "5");
    let large = counts::liveness().into_iter().filter(|counts| counts.large);
    for counts in large.filter(|counts| counts.servers < 5 || is_asked_for_five) {
        match counts.servers {
            3 if counts.bounds().cluster.protocol() == Protocol::FIGURE2 => judge::<2>(&counts),
            _ => judge::<4>(&counts),
        }
    }
}

fn judge<const W: usize>(counts: &LivenessCounts) {
    let (bounds, window) = (counts.bounds(), counts.window);
    let model = PackedModel::<W>::new(bounds, Reductions::MESSAGES).expect("its worlds fit");
    let started = Instant::now();
    let control = Control::default();
    let hostile = Hostile::explore(&model, &control).expect("nobody stops it");
    let explored = started.elapsed().as_secs_f64();
    let coverage = hostile.graph().coverage();
    println!("{}, window {window}: {coverage:?}, explored in {explored:.1} s", bounds.cluster);
    let mut found = counts::Found::default();
    found.liveness(counts, coverage);
    found.settle();
    let findings = hostile.judge(Assumptions::ALL, &control).expect("nobody stops it");
    let judged = started.elapsed().as_secs_f64() - explored;
    assert_eq!(findings.cut, 0, "worlds at which calm runs leave the window");
    assert!(findings.verdicts.iter().all(|(_, verdict)| *verdict == Verdict::Holds));
    println!("    holds: LeaderPossible, LeaderElected, LeaderStable; judged in {judged:.1} s");
}
