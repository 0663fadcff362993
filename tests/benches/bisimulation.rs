//! Whether reductions keep what worlds can do, at every world of a graph that is too large for the
//! tests: `cargo bench --bench bisimulation [-- SERVERS MAX_TERM useful|all]`, 3 servers up to term
//! 2 with every reply if nothing is said. It takes minutes, and fails at the first difference.

use std::time::Instant;

use raft_model::cluster::Cluster;
use raft_model::reduce::PackedModel;
use raft_model::reduce::{Reductions, bisimulation};
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};

type Model = PackedModel<4>;

fn main() {
    // Cargo passes --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let bounds = match &arguments[..] {
        [] => bounds("3", "2", "all"),
        [servers, max_term, replies] => bounds(servers, max_term, replies),
        _ => panic!("SERVERS MAX_TERM useful|all"),
    };
    let raw = Model::new(bounds, Reductions::NONE).expect("256 bits are enough");
    for reductions in [
        Reductions { messages: true, ..Reductions::NONE },
        Reductions { symmetry: true, ..Reductions::NONE },
        Reductions::EXACT,
    ] {
        let reduced = Model::new(bounds, reductions).expect("256 bits are enough");
        let started = Instant::now();
        let (checked, difference) = bisimulation(&raw, &reduced, bounds.terms.last());
        assert_eq!(difference, None, "{reductions:?}");
        println!(
            "{reductions:?}: exact at {checked} worlds, in {:.0} s",
            started.elapsed().as_secs_f64()
        );
    }
}

fn bounds(servers: &str, max_term: &str, replies: &str) -> Bounds {
    let number = |text: &str| text.parse().expect("a number");
    Bounds {
        cluster: Cluster::new(number(servers)).expect("1 to 7 servers"),
        terms: Terms::UpTo(Term::new(number(max_term).into())),
        replies: match replies {
            "useful" => Replies::Useful,
            "all" => Replies::All,
            other => panic!("{other}: useful or all"),
        },
    }
}
