//! What is estimated of graphs, beside what they turn out to be.

use std::sync::Arc;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::growth::{Family, Guess, Known};
use raft_model::reduce::{PackedModel, Reductions};
use raft_model::search::parallel::{self, Crew};
use raft_model::search::{Control, Keys};
use raft_model::types::Term;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::properties::Property;

type Model = PackedModel<4>;

/// Protocols, with the numbers of servers and the last term up to which each graph is searched.
const FAMILIES: [(&str, &[(u8, u64)]); 4] = [
    ("figure2", &[(2, 4), (3, 3), (4, 2), (5, 1)]),
    ("pre-vote", &[(2, 3), (3, 2), (4, 1)]),
    ("check-quorum", &[(2, 4), (3, 2), (4, 1)]),
    ("guarded", &[(2, 4), (3, 2)]),
];

/// The graphs of some servers and up to so many terms, each searched in full.
fn family(protocol: &str, largest: &[(u8, u64)]) -> Family {
    let protocol: Protocol = protocol.parse().unwrap();
    let bounds =
        largest.iter().flat_map(|&(servers, terms)| (1..=terms).map(move |t| (servers, t)));
    bounds.map(|(servers, term)| ((servers, term), searched(protocol, servers, term))).collect()
}

fn searched(protocol: Protocol, servers: u8, term: u64) -> Known {
    let cluster = Cluster::with(servers, protocol).unwrap();
    let bounds = Bounds::new(cluster, Terms::UpTo(Term::new(term)), Replies::All);
    let model = Arc::new(Model::new(bounds, Reductions::of(protocol)).unwrap());
    let crew = Crew { workers: 1, peers: None, keys: Keys::Exact };
    let control = Arc::new(Control::default());
    let found = parallel::search(&model, &Property::of(&bounds), &crew, &control).unwrap();
    assert!(found.exhaustive);
    assert_eq!(control.levels(), found.levels[..found.levels.len() - 1], "told while it searched");
    Known { levels: found.levels, edges: found.coverage.edges }
}

/// How many of the first levels have so many of a hundred states, or more.
fn first_levels(known: &Known, hundredths: usize) -> usize {
    let mut states = 0;
    let has_fewer = |level: &&usize| {
        let is_less = states * 100 < known.states() * hundredths;
        states += **level;
        is_less
    };
    known.levels.iter().take_while(has_fewer).count()
}

/// What is estimated is right by its factor in nine of ten cases, and the more is known, the closer
/// it is.
#[test]
fn estimates_turn_out_as_far_off_as_they_say() {
    println!("protocol     servers terms known  estimated   within  turned out    off");
    let (mut rows, mut within) = (0, 0);
    for (protocol, largest) in FAMILIES {
        let family = family(protocol, largest);
        for (&(servers, term), known) in family.iter().filter(|(_, known)| known.states() > 250) {
            let mut smaller = family.clone();
            smaller.remove(&(servers, term));
            for (guess, hundredths, farthest) in [
                (Guess::of(&smaller, servers, term), 1, 3.0),
                (Guess::of(&smaller, servers, term), 10, 4.0),
                (Guess::of(&smaller, servers, term), 50, 1.8),
                (Guess::BLIND, 60, 1.6),
                (Guess::BLIND, 90, 1.25),
            ] {
                let levels = &known.levels[..first_levels(known, hundredths)];
                let estimate = guess.given(levels);
                if estimate.factor.is_infinite() {
                    continue; // It says that it cannot tell.
                }
                let truth = f64::from(u32::try_from(known.states()).unwrap());
                let off = (estimate.states / truth).ln().abs().exp();
                println!(
                    "{protocol:<12} {servers:<7} {term:<5} {hundredths:>3} % {:>11.0} x{:>6.2} \
                     {truth:>11} x{off:>6.2}",
                    estimate.states, estimate.factor
                );
                assert!(off < farthest, "{protocol} {servers} {term}: {estimate:?}, {truth}");
                rows += 1;
                within += usize::from(off <= estimate.factor);
            }
        }
    }
    println!("{within} of {rows} within what they say");
    assert!(rows >= 30, "{rows} estimates");
    assert!(within * 10 >= rows * 9, "{within} of {rows}");
}
