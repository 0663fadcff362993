//! TLA+ and Rust have the same graph where that is too large for the tests:
//! `cargo bench --bench tla`. A minute or two; it fails at the first difference.

use std::time::Instant;

use raft_model::cluster::Cluster;
use raft_model::types::Term;
use raft_model::world::WorldModel;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use support::counts;
use support::graph::Graph;
use support::tlc::{Specification, is_ready};

fn main() {
    if !is_ready() {
        std::process::exit(2);
    }
    let bounds = Bounds::new(
        Cluster::new(3).expect("1 to 7 servers"),
        Terms::UpTo(Term::new(2)),
        Replies::Useful,
    );
    let started = Instant::now();
    let tla = Specification::unchanged().within(&bounds, "MCRaftElection.cfg").graph();
    let dumped = started.elapsed().as_secs_f64();
    let rust = Graph::of("Rust", &WorldModel::new(bounds));
    if let Some(difference) = tla.difference(&rust) {
        panic!("{bounds:?}: {difference}");
    }
    assert_eq!(tla.coverage(), counts::of(&bounds));
    println!(
        "3 servers, terms up to 2, useful replies: TLA+ and Rust have the same graph, {:?}; TLC and \
         its dump took {dumped:.1} s, all of it {:.1} s",
        rust.coverage(),
        started.elapsed().as_secs_f64(),
    );
}
