//! Whether check-quorum with free news covers both guards, world for world, where there are too
//! many worlds for the tests: `cargo bench --bench covers`, 3 servers up to term 3, two minutes.

use std::time::Instant;
use support::bounds::guarded;
use support::counts;
use support::covers::not_covered;

use raft_model::cluster::Protocol;
use raft_model::reduce::Reductions;
use raft_model::world::bounds::{Limits, Replies};

fn main() {
    let limits = Limits { hand_over: true, leases: true, ..Limits::SMALL };
    let bounds = guarded(Protocol::GUARDED, 3, 3, Replies::All, limits);
    let started = Instant::now();
    let (worlds, missing) = not_covered::<4>(bounds);
    assert_eq!(worlds, counts::of_reduced(&bounds, Reductions::GUARDED).states);
    assert_eq!(missing, None);
    println!("{worlds} of {worlds} worlds, in {:.0} s", started.elapsed().as_secs_f64());
}
