//! Whether reductions keep what worlds can do, at every world of a graph that is too large for the
//! tests: `cargo bench --bench bisimulation [-- SERVERS MAX_TERM useful|all [PROTOCOL ROUNDS
//! ATTEMPTS [hand-over]]]`, 3 servers up to term 2 with every reply if nothing is said. It takes
//! minutes, and fails at the first difference.

use std::time::Instant;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::reduce::PackedModel;
use raft_model::reduce::{Reductions, bisimulation};
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};

type Model = PackedModel<4>;

fn main() {
    // Cargo passes --bench.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let [servers, max_term, replies, guards @ ..] = &arguments[..] else {
        return compare(bounds("3", "2", "all", &[]));
    };
    compare(bounds(servers, max_term, replies, guards));
}

fn compare(bounds: Bounds) {
    let raw = Model::new(bounds, Reductions::NONE).expect("256 bits are enough");
    let exact = if bounds.cluster.protocol() == Protocol::FIGURE2 {
        Reductions::EXACT
    } else {
        Reductions::GUARDED
    };
    let symmetry = Reductions { symmetry: true, ..Reductions::NONE };
    for reductions in [Reductions::MESSAGES, symmetry, exact] {
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

fn bounds(servers: &str, max_term: &str, replies: &str, guards: &[String]) -> Bounds {
    let number = |text: &str| -> u8 { text.parse().expect("a number") };
    let mut limits = Limits::SMALL;
    let mut protocol = Protocol::FIGURE2;
    if let [name, rounds, attempts, hand_over @ ..] = guards {
        protocol = name.parse().expect("a protocol");
        (limits.rounds, limits.attempts) = (number(rounds).into(), number(attempts).into());
        limits.hand_over = !hand_over.is_empty();
        limits.leases = protocol.check_quorum();
    }
    let cluster = Cluster::with(number(servers), protocol).expect("1 to 7 servers");
    let replies = match replies {
        "useful" => Replies::Useful,
        "all" => Replies::All,
        other => panic!("{other}: useful or all"),
    };
    Bounds {
        limits,
        ..Bounds::new(cluster, Terms::UpTo(Term::new(number(max_term).into())), replies)
    }
}
