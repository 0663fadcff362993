//! Paths of the explorer, at random.

use raft_model::cluster::{Cluster, Protocol};
use raft_model::explore::codes::{Cause, Code};
use raft_model::explore::setting::Setting;
use raft_model::explore::walk::{Place, Walker};
use raft_model::mutant::MUTANTS;
use raft_model::types::{ServerId, Term};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom, IteratorRandom};
use rand::{RngExt, SeedableRng};

/// A setting of some protocol, now and then with a mistake; and a path in it, with its places.
pub struct Walk {
    pub setting: Setting,
    pub path: Vec<Code>,
    pub places: Vec<Place>,
}

impl Walk {
    /// The walk of this seed.
    pub fn new(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let setting = some_setting(&mut random);
        Self::within(setting, 30, random)
    }

    /// The same, by the specification.
    pub fn of_raft(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let setting = some_setting(&mut random).without_mutant();
        Self::within(setting, 30, random)
    }

    /// So many steps in a setting, or as many as there are.
    pub fn within(setting: Setting, steps: usize, mut random: StdRng) -> Self {
        let walker = Walker::new(&setting);
        let mut places = vec![Place::from(setting.initial())];
        let mut path = Vec::new();
        for _ in 0..steps {
            let place = places.last().expect("where it begins");
            let Some(code) = some_step(&walker, place, &mut random) else { break };
            assert_eq!(walker.impossible(place, code), None, "{setting}: {code} was offered");
            places.push(walker.step(place, code).1);
            path.push(code);
        }
        Self { setting, path, places }
    }
}

fn some_setting(random: &mut StdRng) -> Setting {
    let protocol = *Protocol::ALL.choose(random).expect("there are four");
    let cluster = Cluster::with(random.random_range(1..=4), protocol).expect("few servers");
    let mut setting = Setting::new(cluster, Term::new(3));
    if random.random_bool(0.3) {
        let mutants: Vec<_> = MUTANTS.iter().filter(|one| one.protocol == protocol).collect();
        setting.mutant = mutants.choose(random).copied().copied();
    }
    setting
}

/// What can happen, or one time in six a link that is cut or mended.
fn some_step(walker: &Walker, place: &Place, random: &mut StdRng) -> Option<Code> {
    let cluster = walker.model().bounds.cluster;
    let ways =
        cluster.servers().flat_map(|server| cluster.others(server).map(move |from| (from, server)));
    if let Some((from, server)) = ways.choose(random).filter(|_| random.random_bool(1.0 / 6.0)) {
        return Some(relinked(place, from, server));
    }
    Some(walker.next(place).choose(random)?.0)
}

fn relinked(place: &Place, from: ServerId, server: ServerId) -> Code {
    let is_there = place.links.carry(from, server);
    Code { server, cause: if is_there { Cause::Cut(from) } else { Cause::Mend(from) } }
}
