//! TLC, run by `tla/tlc` on copies of the modules in `tla`, as they stand or with a mistake in
//! them.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

use raft_model::action::Action;
use raft_model::search::Coverage;
use raft_model::types::ServerSet;
use raft_model::world::bounds::Bounds;
use tempfile::TempDir;

use crate::graph::Graph;
use crate::skipped::skip;
use crate::value;

/// A graph of more states than this takes TLC minutes: benches compare those.
pub const LARGE: usize = 50_000;

/// A path in the directory `tla`.
fn tla(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tla").join(name)
}

/// Whether TLC can run here. A test that needs it is skipped otherwise.
pub fn is_ready() -> bool {
    let ready = Command::new(tla("tlc")).arg("--ready").output().expect("tla/tlc runs");
    if !ready.status.success() {
        let reason = String::from_utf8_lossy(&ready.stderr);
        skip(&reason, "`apt-get install openjdk-17-jre-headless && tla/tlc --fetch` brings TLC");
    }
    ready.status.success()
}

/// The configuration of the module that tells of leases, or of the one that does not.
pub fn config(bounds: &Bounds) -> &'static str {
    if bounds.has_leases() { "MCLeases.cfg" } else { "MCRaftElection.cfg" }
}

/// What TLC says of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All that was asked of it holds.
    Holds,
    /// A property of safety is violated, after so many steps.
    Violated { property: String, steps: usize },
    /// A property of liveness is violated.
    LivenessViolated,
    /// An assertion in a module fails, and says this.
    AssertionFails(String),
}

/// What TLC found.
#[derive(Clone, Debug)]
pub struct Checked {
    pub verdict: Verdict,
    /// Distinct states, and levels.
    pub states: usize,
    pub depth: usize,
}

/// The modules, in a directory of their own.
pub struct Specification {
    directory: TempDir,
}

impl Specification {
    /// The modules as they stand.
    pub fn unchanged() -> Self {
        let directory = tempfile::Builder::new().prefix("raft-tla-").tempdir().unwrap();
        for entry in fs::read_dir(tla("")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "tla" || extension == "cfg") {
                fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        Self { directory }
    }

    pub fn path(&self, file: &str) -> PathBuf {
        self.directory.path().join(file)
    }

    /// The same, with other text in a file, which has to be there as often as is said.
    pub fn change(self, file: &str, times: usize, old: &str, new: &str) -> Self {
        let text = fs::read_to_string(self.path(file)).unwrap();
        assert_eq!(text.matches(old).count(), times, "{file} has other text than “{old}”");
        fs::write(self.path(file), text.replace(old, new)).unwrap();
        self
    }

    /// The same, with other bounds in a configuration.
    pub fn within(self, bounds: &Bounds, config: &str) -> Self {
        let servers: ServerSet = bounds.cluster.servers().collect();
        let (protocol, limits) = (bounds.cluster.protocol(), bounds.limits);
        let boolean = |value: bool| value.to_string().to_uppercase();
        let constants = [
            ("Server", servers.to_string()),
            ("PreVote", boolean(protocol.pre_vote())),
            ("CheckQuorum", boolean(protocol.check_quorum())),
            ("Witness", bounds.cluster.witnesses().to_string()),
            ("LosesDisk", bounds.lost_disks.to_string()),
            ("Patience", limits.patience.to_string()),
            ("MaxTerm", bounds.terms.last().to_string()),
            ("MaxRound", limits.rounds.to_string()),
            ("MaxAttempt", limits.attempts.to_string()),
            ("MayHandOver", boolean(limits.hand_over)),
            ("Replies", format!("\"{}\"", bounds.replies)),
        ];
        let text = fs::read_to_string(self.path(config)).unwrap();
        let mut text: Vec<String> = text.lines().map(str::to_owned).collect();
        for (name, value) in constants {
            let start = format!("    {name} = ");
            let mut lines = text.iter_mut().filter(|line| line.starts_with(&start));
            let line = lines.next().unwrap_or_else(|| panic!("{config} does not set {name}"));
            *line = start.clone() + &value;
            assert!(lines.next().is_none(), "{config} sets {name} twice");
        }
        fs::write(self.path(config), text.join("\n") + "\n").unwrap();
        self
    }

    /// The same, with nothing asked in a configuration: so the whole graph is visited.
    pub fn unjudged(self, config: &str) -> Self {
        let text = fs::read_to_string(self.path(config)).unwrap();
        let (text, _) = text.split_once("INVARIANTS").expect("properties come last");
        fs::write(self.path(config), text).unwrap();
        self
    }

    /// Checks a configuration.
    ///
    /// # Panics
    ///
    /// If TLC comes to no verdict.
    pub fn check(&self, config: &str) -> Checked {
        check(&self.path(config), &[])
    }

    /// The graph of a configuration. Steps that change nothing are left out, as `[][Next]_vars`
    /// does.
    pub fn graph(&self, config: &str) -> Graph {
        let dump = self.path("graph.dot");
        let options = ["-dump", "dot,actionlabels", dump.to_str().unwrap()];
        let checked = check(&self.path(config), &options);
        let graph = read(&dump);
        let Coverage { states, depth, .. } = graph.coverage();
        if checked.verdict == Verdict::Holds {
            assert_eq!((states, depth), (checked.states, checked.depth), "all states are dumped");
        }
        graph
    }
}

/// Runs TLC on a configuration, or on a module that a trace was written to.
pub fn check(file: &Path, options: &[&str]) -> Checked {
    // Of several violations the one after the fewest steps is found if one worker searches.
    let mut tlc = Command::new(tla("tlc"));
    let output = tlc.arg(file).args(["-workers", "1"]).args(options).output().expect("it runs");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let between = |start: &str, end: &str| {
        let (_, rest) = text.split_once(start)?;
        Some(rest.split_once(end)?.0.trim().to_owned())
    };
    let number = |text: Option<String>| {
        let digits = text.and_then(|text| text.rsplit(' ').next()?.replace(',', "").parse().ok());
        digits.unwrap_or(0)
    };
    // A story of so many states ends with the violation.
    let states_told = text.lines().filter(|line| line.starts_with("State ")).count();
    let violated = |property| Verdict::Violated { property, steps: states_told.saturating_sub(1) };
    let verdict = match output.status.code() {
        Some(0) => Some(Verdict::Holds),
        Some(12) => between("Error: Invariant ", " is violated").map(violated),
        Some(13) if text.contains("Error: Action property ") => {
            between("Error: Action property ", " is violated").map(violated)
        }
        Some(13) => Some(Verdict::LivenessViolated),
        Some(75) => between("the second argument was:\n\"", "\"\n").map(Verdict::AssertionFails),
        _ => None,
    };
    let stderr = String::from_utf8_lossy(&output.stderr);
    Checked {
        verdict: verdict.unwrap_or_else(|| panic!("no verdict: {text}{stderr}")),
        states: number(between(" states generated, ", " distinct states found, 0 states left")),
        depth: number(between("The depth of the complete state graph search is ", ".")),
    }
}

/// Reads a graph that TLC has dumped: a line for each state and for each step.
fn read(dump: &Path) -> Graph {
    let mut graph = Graph::empty("TLA+");
    let mut numbers: HashMap<String, usize> = HashMap::new();
    let mut steps = Vec::new();
    for line in BufReader::new(File::open(dump).expect("TLC writes a dump")).lines() {
        let line = line.unwrap();
        let Some((ends, rest)) = line.split_once(" [label=\"") else { continue };
        let (label, style) = split_at_quote(rest);
        if let Some((before, after)) = ends.split_once(" -> ") {
            if before != after {
                steps.push((before.to_owned(), action_named(label), after.to_owned()));
            }
            continue;
        }
        let is_initial = style.contains("filled");
        let text = label.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\");
        let number = graph.number(value::world(&text));
        numbers.insert(ends.to_owned(), number);
        if is_initial {
            graph.add_initial(number);
        }
    }
    for (before, action, after) in steps {
        graph.add_edge(numbers[&before], action, numbers[&after]);
    }
    graph
}

/// What stands before the quote that ends a label, and what after it.
fn split_at_quote(text: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    });
    text.split_at(end.unwrap_or_else(|| panic!("a label does not end: {text}")))
}

/// The action with this name.
fn action_named(name: &str) -> Action {
    serde_json::from_value(name.into()).unwrap_or_else(|_| panic!("TLA+ has an action {name}"))
}
