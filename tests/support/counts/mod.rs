//! The expected counts, from `tests/counts.toml`. What a test finds it compares all at once, so
//! that one table shows what a change has changed; with `UPDATE_COUNTS` set it is written there.

mod proof;

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use raft_model::cluster::{Cluster, Protocol};
use raft_model::reduce::Reductions;
use raft_model::search::Coverage;
use raft_model::types::{Beats, ServerSet, Term};
use raft_model::world::bounds::{Bounds, Limits, Replies, Terms};
use serde::{Deserialize, Deserializer};
use toml_edit::{DocumentMut, Item, Table};

pub use self::proof::Proof;

/// A graph, by its bounds, and what it has to be like.
#[derive(Clone, Debug, Deserialize)]
pub struct Counts {
    /// Which of the graphs of the file it is.
    #[serde(skip)]
    place: usize,
    pub servers: u8,
    pub max_term: u64,
    replies: RepliesName,
    /// How they elect, if not as in Figure 2.
    #[serde(default = "figure2", deserialize_with = "named")]
    protocol: Protocol,
    /// Who votes and never campaigns.
    #[serde(default)]
    witnesses: ServerSet,
    /// What bounds the guards, if not [`Limits::SMALL`].
    #[serde(default)]
    hand_over: bool,
    rounds: Option<u64>,
    attempts: Option<u64>,
    patience: Option<u8>,
    #[serde(default)]
    leases: bool,
    /// The reductions that are on.
    #[serde(default)]
    reductions: Vec<ReductionName>,
    /// Whether it takes a release build, and patience.
    #[serde(default)]
    large: bool,
    states: usize,
    edges: usize,
    depth: usize,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RepliesName {
    Useful,
    All,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ReductionName {
    Messages,
    Window,
    Outcomes,
    Symmetry,
    #[serde(rename = "free news")]
    FreeNews,
    #[serde(rename = "at once")]
    AtOnce,
}

const fn figure2() -> Protocol {
    Protocol::FIGURE2
}

fn named<'de, D: Deserializer<'de>>(name: D) -> Result<Protocol, D::Error> {
    String::deserialize(name)?.parse().map_err(serde::de::Error::custom)
}

impl Counts {
    pub fn bounds(&self) -> Bounds {
        let term = Term::new(self.max_term);
        let is_window = self.reductions.contains(&ReductionName::Window);
        let terms = if is_window { Terms::Window(term) } else { Terms::UpTo(term) };
        let replies = match self.replies {
            RepliesName::Useful => Replies::Useful,
            RepliesName::All => Replies::All,
        };
        let cluster = Cluster::with(self.servers, self.protocol).expect("counts.toml: servers");
        let cluster = cluster.with_witnesses(self.witnesses).expect("counts.toml: witnesses");
        Bounds { limits: self.limits(), ..Bounds::new(cluster, terms, replies) }
    }

    fn limits(&self) -> Limits {
        let small = Limits::SMALL;
        Limits {
            hand_over: self.hand_over,
            rounds: self.rounds.unwrap_or(small.rounds),
            attempts: self.attempts.unwrap_or(small.attempts),
            patience: self.patience.map_or(small.patience, Beats::new),
            leases: self.leases,
        }
    }

    pub fn reductions(&self) -> Reductions {
        Reductions {
            messages: self.reductions.contains(&ReductionName::Messages),
            outcomes: self.reductions.contains(&ReductionName::Outcomes),
            symmetry: self.reductions.contains(&ReductionName::Symmetry),
            free_news: self.reductions.contains(&ReductionName::FreeNews),
            at_once: self.reductions.contains(&ReductionName::AtOnce),
        }
    }

    pub fn is_large(&self) -> bool {
        self.large
    }

    pub fn coverage(&self) -> Coverage {
        Coverage { states: self.states, edges: self.edges, depth: self.depth }
    }
}

/// The graph on which liveness is judged.
#[derive(Clone, Debug, Deserialize)]
pub struct LivenessCounts {
    #[serde(skip)]
    place: usize,
    pub servers: u8,
    pub window: u64,
    /// How they elect, if not as in Figure 2.
    #[serde(default = "figure2", deserialize_with = "named")]
    protocol: Protocol,
    /// Who votes and never campaigns.
    #[serde(default)]
    witnesses: ServerSet,
    /// Whether it takes a release build, and patience.
    #[serde(default)]
    pub large: bool,
    pub states: usize,
    pub moves: usize,
}

/// All links of so many servers under one protocol: how many have a centre; on how many of these a
/// leader stays, on all runs or on almost all; on how many it may never be followed by somebody
/// whom it hears.
#[derive(Clone, Debug, Deserialize)]
pub struct TopologyCounts {
    #[serde(skip)]
    place: usize,
    pub servers: u8,
    #[serde(default)]
    pub directed: bool,
    #[serde(deserialize_with = "named")]
    pub protocol: Protocol,
    pub mutant: Option<String>,
    /// Whether it takes a release build, and patience.
    #[serde(default)]
    pub large: bool,
    pub centre: usize,
    pub ok: usize,
    pub almost: usize,
    #[serde(default)]
    pub excludes: usize,
    pub states: usize,
    pub moves: usize,
}

impl LivenessCounts {
    pub fn bounds(&self) -> Bounds {
        let cluster = Cluster::with(self.servers, self.protocol).expect("counts.toml: servers");
        let cluster = cluster.with_witnesses(self.witnesses).expect("counts.toml: witnesses");
        Bounds::new(cluster, Terms::Window(Term::new(self.window)), Replies::All)
    }
}

#[derive(Deserialize)]
struct File {
    graph: Vec<Counts>,
    liveness: Vec<LivenessCounts>,
    topologies: Vec<TopologyCounts>,
    proof: Proof,
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/counts.toml")
}

fn read() -> File {
    let text = fs::read_to_string(path()).expect("tests/counts.toml can be read");
    let mut file: File = toml_edit::de::from_str(&text).expect("tests/counts.toml is as expected");
    (0..).zip(&mut file.graph).for_each(|(place, counts)| counts.place = place);
    (0..).zip(&mut file.liveness).for_each(|(place, counts)| counts.place = place);
    (0..).zip(&mut file.topologies).for_each(|(place, counts)| counts.place = place);
    file
}

fn file() -> Vec<Counts> {
    read().graph
}

/// The graphs on which liveness is judged.
pub fn liveness() -> Vec<LivenessCounts> {
    read().liveness
}

/// What there is to find on links that are few.
pub fn topologies() -> Vec<TopologyCounts> {
    read().topologies
}

pub fn proof() -> Proof {
    read().proof
}

/// What a test has found of things that the file counts.
#[derive(Default)]
pub struct Found(Vec<Row>);

/// A number of the file, and the one that was found.
struct Row {
    /// Where it stands: the name of the table, and which one it is if there are several.
    table: (&'static str, Option<usize>),
    /// What the table is about, in words.
    of: String,
    name: &'static str,
    expected: usize,
    found: usize,
}

impl Found {
    /// A graph has this size.
    pub fn graph(&mut self, counts: &Counts, found: Coverage) {
        let (bounds, is_on) = (counts.bounds(), counts.reductions());
        let limits = bounds.limits;
        let on = [
            (limits.hand_over, ", hand-over"),
            (limits.leases, ", leases"),
            (is_on.messages, ", messages"),
            (is_on.outcomes, ", outcomes"),
            (is_on.symmetry, ", symmetry"),
            (is_on.free_news, ", free news"),
            (is_on.at_once, ", at once"),
        ];
        let on: String = on.into_iter().filter_map(|(is_on, name)| is_on.then_some(name)).collect();
        let of = format!("{}, {}, {}{on}", bounds.cluster, bounds.terms, bounds.replies);
        let table = ("graph", Some(counts.place));
        self.add(table, &of, "states", counts.states, found.states);
        self.add(table, &of, "edges", counts.edges, found.edges);
        self.add(table, &of, "depth", counts.depth, found.depth);
    }

    /// A graph on which liveness is judged has this size.
    pub fn liveness(&mut self, counts: &LivenessCounts, found: Coverage) {
        let of = format!("liveness, {}, window {}", counts.bounds().cluster, counts.window);
        let table = ("liveness", Some(counts.place));
        self.add(table, &of, "states", counts.states, found.states);
        self.add(table, &of, "moves", counts.moves, found.edges);
    }

    /// These numbers, by their names, were found on all links.
    pub fn topologies(&mut self, counts: &TopologyCounts, found: [usize; 6]) {
        let TopologyCounts { servers, protocol, mutant, .. } = counts;
        let of = format!("links of {servers}, {protocol} {}", mutant.as_deref().unwrap_or(""));
        let names = ["centre", "ok", "almost", "excludes", "states", "moves"];
        let TopologyCounts { centre, ok, almost, excludes, states, moves, .. } = *counts;
        let expected = [centre, ok, almost, excludes, states, moves];
        for ((name, expected), found) in names.into_iter().zip(expected).zip(found) {
            self.add(("topologies", Some(counts.place)), &of, name, expected, found);
        }
    }

    /// The proof has these numbers.
    pub fn proof(&mut self, found: Proof) {
        let expected = proof();
        for (name, expected, found) in [
            ("paths", expected.paths, found.paths),
            ("possible", expected.possible, found.possible),
            ("excluded", expected.excluded, found.excluded),
            ("obligations", expected.obligations, found.obligations),
            ("files", expected.files, found.files),
            ("text", expected.text, found.text),
        ] {
            self.add(("proof", None), "the proof", name, expected, found);
        }
    }

    fn add(
        &mut self,
        table: (&'static str, Option<usize>),
        of: &str,
        name: &'static str,
        expected: usize,
        found: usize,
    ) {
        self.0.push(Row { table, of: of.to_owned(), name, expected, found });
    }

    /// All that differ, as a table.
    pub fn differences(&self) -> Option<String> {
        let mut text = format!("{:<48}{:<13}{:>12}{:>12}\n", "of", "number", "expected", "found");
        for Row { of, name, expected, found, .. } in self.differing() {
            let _ = writeln!(text, "{of:<48}{name:<13}{expected:>12}{found:>12}");
        }
        self.differing().next().map(|_| text)
    }

    fn differing(&self) -> impl Iterator<Item = &Row> {
        self.0.iter().filter(|row| row.expected != row.found)
    }

    /// Fails if any number is not the one of the file; or, if `UPDATE_COUNTS` is set, writes it
    /// there.
    pub fn settle(&self) {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        let Some(differences) = self.differences() else { return };
        assert!(
            env::var_os("UPDATE_COUNTS").is_some(),
            "tests/counts.toml expects other numbers:\n\n{differences}\nIf these are right, run this \
             once more with UPDATE_COUNTS=1, and say in the commit why they changed."
        );
        let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
        let text = fs::read_to_string(path()).expect("tests/counts.toml can be read");
        fs::write(path(), self.updated(&text)).expect("tests/counts.toml can be written");
    }

    /// The file with what was found. Everything else in it stays.
    pub fn updated(&self, text: &str) -> String {
        let mut file: DocumentMut = text.parse().expect("tests/counts.toml is TOML");
        for Row { table: (table, place), name, found, .. } in self.differing() {
            let table: &mut Table = match (&mut file[table], place) {
                (Item::ArrayOfTables(all), Some(place)) => {
                    all.get_mut(*place).expect("it was read")
                }
                (Item::Table(table), None) => table,
                (other, _) => panic!("{table} is no table: {other}"),
            };
            let value = table[name].as_value_mut().expect("a number");
            let beside = value.decor().clone();
            *value = i64::try_from(*found).expect("a count").into();
            *value.decor_mut() = beside;
        }
        file.to_string()
    }
}

/// All full graphs of the file but the large ones.
pub fn all() -> Vec<Counts> {
    full().into_iter().filter(|counts| !counts.large).collect()
}

/// All full graphs of the file.
pub fn full() -> Vec<Counts> {
    file().into_iter().filter(|counts| counts.reductions.is_empty()).collect()
}

/// All reduced graphs of the file.
pub fn reduced() -> Vec<Counts> {
    file().into_iter().filter(|counts| !counts.reductions.is_empty()).collect()
}

/// The full graph of these bounds.
pub fn of(bounds: &Bounds) -> Coverage {
    of_reduced(bounds, Reductions::NONE)
}

/// The graph of these bounds, so reduced.
pub fn of_reduced(bounds: &Bounds, reductions: Reductions) -> Coverage {
    let is_it = |counts: &Counts| counts.bounds() == *bounds && counts.reductions() == reductions;
    let found = file().into_iter().find(is_it);
    let found = found.unwrap_or_else(|| panic!("no graph for {bounds:?}, {reductions:?}"));
    found.coverage()
}

#[cfg(test)]
mod tests;
