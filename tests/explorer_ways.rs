//! The ways that the explorer keeps: to what each mutant breaks, and round the lassos of liveness.
//!
//! ```sh
//! UPDATE_WAYS=1 cargo test --test explorer_ways
//! ```
//!
//! finds them anew, which takes minutes; `UPDATE_WAYS=links` those on few links, `lasso` and
//! `mutant` the others.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use raft_model::election::State;
use raft_model::explore::codes::Code;
use raft_model::explore::setting::Setting;
use raft_model::explore::walk::{self, Place, Walker};
use raft_model::explore::{evidence, scenario, ways};
use raft_model::mutant::hunt::Hunt;
use raft_model::mutant::{Catch, MUTANTS, Mutant, Pinned};
use raft_model::run::World;
use raft_model::search::Control;
use raft_model::world::Handlers;

/// What a link says.
struct Way {
    setting: Setting,
    path: Vec<Code>,
    from: Option<usize>,
}

fn parsed(link: &str) -> Way {
    let pairs: Vec<_> = link.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let get = |name: &str| pairs.iter().find(|pair| pair.0 == name).map(|pair| pair.1);
    Way {
        setting: Setting::parse(get).unwrap(),
        path: walk::parse(get("path").unwrap_or_default()).unwrap(),
        from: get("loop").map(|number| number.parse().unwrap()),
    }
}

fn kept(mutant: &Mutant) -> Option<Way> {
    ways::kept(&ways::of_mutant(mutant)).map(parsed)
}

/// The worlds of a path that is possible to its end.
#[track_caller]
fn walked(way: &Way) -> Vec<World> {
    let worlds = walk::worlds(&way.setting, &way.path);
    assert_eq!(worlds.len(), way.path.len() + 1, "{}: it stops", way.setting);
    worlds
}

/// The properties that each step of a path breaks.
fn broken(way: &Way) -> Vec<Vec<evidence::Evidence>> {
    let worlds = walked(way);
    let bounds = way.setting.bounds();
    let steps = worlds.windows(2).zip(&way.path);
    steps.map(|(two, code)| evidence::broken(&bounds, &two[0], code.server, &two[1])).collect()
}

#[test]
fn a_mutant_that_is_not_safe_breaks_its_property_in_the_last_step() {
    for mutant in MUTANTS {
        let Catch::Safety(property) = mutant.caught_by else { continue };
        let Pinned::Steps { servers, max_term, steps } = mutant.pinned else { unreachable!() };
        let way = kept(mutant).unwrap_or_else(|| panic!("no way is kept for {}", mutant.name));
        let name = mutant.name;
        assert_eq!(way.path.len(), steps, "{name}");
        assert_eq!(way.setting.cluster.size(), servers, "{name}");
        assert_eq!(way.setting.last_term.number(), max_term, "{name}");
        let (last, before) =
            broken(&way).split_last().map(|(a, b)| (a.clone(), b.to_vec())).unwrap();
        assert!(before.iter().all(Vec::is_empty), "{name}: {before:?}");
        let found = last.iter().find(|evidence| evidence.property == property);
        let evidence = found.unwrap_or_else(|| panic!("{name}: {last:?}"));
        assert!(!evidence.servers.is_empty(), "{name}: nobody is to blame");
    }
}

#[test]
fn a_mutant_that_is_not_live_comes_back_to_where_it_was() {
    for mutant in MUTANTS {
        let Pinned::Run { servers, stem, cycle } = mutant.pinned else { continue };
        let way = kept(mutant).unwrap_or_else(|| panic!("no way is kept for {}", mutant.name));
        assert_eq!(way.setting.cluster.size(), servers, "{}", mutant.name);
        assert_eq!((way.from, way.path.len()), (Some(stem), stem + cycle), "{}", mutant.name);
        assert!(comes_back(&way), "{}: its cycle ends elsewhere than it began", mutant.name);
    }
}

#[test]
fn every_lasso_comes_back_to_where_it_was() {
    let mut missing = Vec::new();
    for (protocol, without) in ways::lassos() {
        let name = ways::of_lasso(protocol, without);
        match ways::kept(&name) {
            Some(link) => {
                assert!(
                    comes_back(&parsed(link)),
                    "{name}: its cycle ends elsewhere than it began"
                );
            }
            None => missing.push(name),
        }
    }
    // Behind both guards heartbeats need not hold.
    assert_eq!(missing, ["lasso guarded heartbeats-hold"]);
}

#[test]
fn every_run_on_few_links_comes_back_to_where_it_was() {
    let kept = ways::topologies().filter_map(|(protocol, size, links, _)| {
        let name = ways::of_topology(protocol, size, links);
        ways::kept(&name).map(|link| (protocol, name, link))
    });
    let mut found = BTreeSet::new();
    for (protocol, name, link) in kept {
        assert!(comes_back(&parsed(link)), "{name}: its cycle ends elsewhere than it began");
        found.insert(protocol.name());
    }
    // With both guards a leader stays wherever one can.
    assert_eq!(found, BTreeSet::from(["check-quorum", "figure2", "pre-vote"]));
}

/// Whether a lasso ends with the roles and votes with which its cycle began, and with terms that
/// are equal or not; those of dead servers fall ever farther behind.
fn comes_back(way: &Way) -> bool {
    let worlds = walked(way);
    let looks = |world: &World| {
        let term = |state: &State| state.ballot.current_term.number();
        let highest = world.servers.iter().map(term).max().unwrap();
        let behind = |state: &State| (highest - term(state)).min(1);
        let look = |state: &State| (state.role.name(), state.ballot.voted_for, behind(state));
        world.servers.iter().map(look).collect::<Vec<_>>()
    };
    looks(&worlds[way.from.unwrap()]) == looks(worlds.last().unwrap())
}

#[test]
fn a_mutant_that_breaks_nothing_differs_from_raft_in_the_last_step() {
    for mutant in MUTANTS.iter().filter(|m| matches!(m.caught_by, Catch::Counts | Catch::Test(_))) {
        let way = kept(mutant).unwrap_or_else(|| panic!("no way is kept for {}", mutant.name));
        let worlds = walked(&way);
        let (Some(&code), Some(last)) = (way.path.last(), worlds.iter().nth_back(1)) else {
            // No server asks a witness to take over: there is no path on which one does.
            let name = mutant.name;
            assert_eq!(name, "witness-takes-over", "{name}: no step is kept that differs");
            continue;
        };
        let walker = Walker::new(&way.setting);
        let differs = code
            .trigger(last)
            .is_some_and(|trigger| walker.unlike(last, code.server, trigger).is_some());
        assert!(differs, "{}: the specification takes the same step", mutant.name);
    }
}

#[test]
fn every_scenario_is_a_path_to_the_same_end() {
    for (name, script) in scenario::SCRIPTS {
        let played = scenario::play(Handlers::RAFT, script);
        let (_, plays) = played.unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(!plays.is_empty(), "{name}");
        for play in plays {
            let link = format!("{}&path={}", play.setting, walk::written(&play.path));
            let way = parsed(&link);
            let walker = Walker::new(&way.setting);
            let mut place = Place::from(way.setting.initial());
            for &code in &way.path {
                assert_eq!(walker.impossible(&place, code), None, "{name}: {code}");
                place = walker.step(&place, code).1;
            }
            assert!(broken(&way).iter().all(Vec::is_empty), "{name}");
            assert_eq!(place.world, play.end, "{name}");
        }
    }
}

#[test]
fn ways_are_found_anew_where_that_is_asked_for() {
    let Some(asked) = std::env::var_os("UPDATE_WAYS") else { return };
    let control = Arc::new(Control::default());
    let mut hunt = Hunt::default();
    let mut text = String::new();
    // All, or those of a kind: mutant, lasso or links.
    let mut add = |kind: &str, name: String, find: &mut dyn FnMut() -> Option<String>| {
        let is_asked = asked == "1" || asked == kind;
        let found = if is_asked { find() } else { None };
        match found.or_else(|| ways::kept(&name).map(str::to_owned)) {
            Some(link) => writeln!(text, "{name}\t{link}").unwrap(),
            None => eprintln!("no way: {name}"),
        }
    };
    for mutant in MUTANTS {
        let mut find = || ways::find_mutant(mutant, &mut hunt, &control).unwrap();
        add("mutant", ways::of_mutant(mutant), &mut find);
    }
    for (protocol, without) in ways::lassos() {
        let mut find = || ways::find_lasso(protocol, without, &control).unwrap();
        add("lasso", ways::of_lasso(protocol, without), &mut find);
    }
    for (protocol, size, links, _) in ways::topologies() {
        let mut find = || ways::find_topology(protocol, size, links, &control).unwrap();
        add("links", ways::of_topology(protocol, size, links), &mut find);
    }
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("model/src/explore/ways.txt");
    std::fs::write(file, text).unwrap();
}
