//! Whether properties of safety see the same steps where what takes nothing away is done at once,
//! in graphs that are too large for the tests: `cargo bench --bench at_once`. A minute; it fails
//! at the first difference.

use std::time::Instant;

use raft_model::cluster::Protocol;
use raft_model::reduce::{PackedModel, Reductions, seen_steps};
use raft_model::world::bounds::{Limits, Replies};
use support::bounds::guarded;

fn main() {
    for protocol in [Protocol::PRE_VOTE, Protocol::CHECK_QUORUM, Protocol::GUARDED] {
        let limits = Limits { hand_over: true, leases: protocol.check_quorum(), ..Limits::SMALL };
        let bounds = guarded(protocol, 3, 2, Replies::All, limits);
        let [plain, at_once] = [Reductions::GUARDED, Reductions::SAFETY].map(|reductions| {
            let reductions = Reductions { symmetry: false, ..reductions };
            PackedModel::<4>::new(bounds, reductions).expect("256 bits are enough")
        });
        let started = Instant::now();
        let [all, few] = [&plain, &at_once].map(|model| seen_steps(model, &plain));
        assert_eq!(all.difference(&few).next(), None, "hidden by {protocol}");
        assert_eq!(few.difference(&all).next(), None, "invented by {protocol}");
        let (steps, seconds) = (all.len(), started.elapsed().as_secs_f64());
        println!("{protocol}: all {steps} steps that a property can see, in {seconds:.0} s");
    }
}
