//! TLA+ and Rust have the same graph where that is too large for the tests:
//! `cargo bench --bench tla`. Some minutes; it fails at the first difference.

use std::time::Instant;

use raft_model::world::WorldModel;
use support::counts;
use support::graph::Graph;
use support::tlc::{LARGE, Specification, config, is_ready};

fn main() {
    if !is_ready() {
        std::process::exit(2);
    }
    let is_large = |counts: &counts::Counts| counts.coverage().states > LARGE;
    for counts in counts::full().into_iter().filter(is_large) {
        let bounds = counts.bounds();
        let started = Instant::now();
        let tla =
            Specification::unchanged().within(&bounds, config(&bounds)).graph(config(&bounds));
        let dumped = started.elapsed().as_secs_f64();
        let rust = Graph::of("Rust", &WorldModel::new(bounds));
        if let Some(difference) = tla.difference(&rust) {
            panic!("{bounds:?}: {difference}");
        }
        assert_eq!(tla.coverage(), counts.coverage());
        println!(
            "{}, terms {}, {} replies: TLA+ and Rust have the same graph, {:?}; TLC and its dump \
             took {dumped:.1} s, all of it {:.1} s",
            bounds.cluster,
            bounds.terms,
            bounds.replies,
            rust.coverage(),
            started.elapsed().as_secs_f64(),
        );
    }
}
