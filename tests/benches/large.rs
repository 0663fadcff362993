//! The largest graphs of `tests/counts.toml`, searched by all cores: `cargo bench --bench large`.
//! Minutes; it fails if a count is another than expected.

use std::sync::Arc;
use std::time::Instant;
use support::counts;

use raft_model::reduce::PackedModel;
use raft_model::search::parallel::{self, Crew};
use raft_model::search::{Control, Keys};
use raft_model::world::properties::Property;

fn main() {
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let mut sizes = counts::Found::default();
    for counts in counts::reduced().into_iter().filter(counts::Counts::is_large) {
        let (bounds, reductions) = (counts.bounds(), counts.reductions());
        let model =
            Arc::new(PackedModel::<8>::new(bounds, reductions).expect("512 bits are enough"));
        let crew = Crew { workers, peers: None, keys: Keys::Exact };
        let started = Instant::now();
        let properties = Property::of(&bounds);
        let found = parallel::search(&model, &properties, &crew, &Arc::new(Control::default()))
            .expect("one process");
        assert!(found.exhaustive && !found.violated.contains(&true), "{bounds:?}");
        sizes.graph(&counts, found.coverage);
        println!(
            "{}, terms up to {}: {:?}, safe, in {:.1} s with {workers} workers",
            bounds.cluster,
            bounds.terms.last(),
            found.coverage,
            started.elapsed().as_secs_f64(),
        );
    }
    sizes.settle();
}
