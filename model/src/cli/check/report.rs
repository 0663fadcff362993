//! What `raft-model check` prints.

use std::fmt::Write as _;

use raft_model::reduce::Reductions;
use raft_model::run::servers_as_json;
use raft_model::search::{Coverage, Findings, Keys, Stop, Verdict};
use raft_model::world::bounds::Replies;
use serde_json::{Value, json};

use super::Args;
use crate::cli::because;
use crate::cli::mutants::shown_by;
use crate::cli::table::Table;
use crate::cli::watch::Cost;

/// What a check found, and how.
pub(super) struct Report {
    pub(super) findings: Findings,
    /// Whether the engine counts distinct edges.
    pub(super) has_edges: bool,
    /// The reductions that were on.
    pub(super) reductions: Reductions,
    /// What was kept of each state.
    pub(super) key: Key,
    /// How many threads searched, in all processes.
    pub(super) workers: usize,
}

/// What was kept of each state.
pub(super) enum Key {
    /// The state itself, in no special form.
    Whole,
    /// So many bits, which are a fingerprint or the packed state.
    Bits(usize, Keys),
}

impl Report {
    fn odds(&self) -> f64 {
        match self.key {
            Key::Whole => 0.0,
            Key::Bits(_, keys) => keys.odds_of_a_loss(self.findings.coverage.states),
        }
    }
}

/// The names of the reductions that are on.
fn names(args: &Args, reductions: Reductions) -> Vec<&'static str> {
    let all = [
        (reductions.messages, "messages"),
        (args.window, "window"),
        (reductions.outcomes, "outcomes"),
        (reductions.at_once, "at once"),
        (reductions.symmetry, "symmetry"),
        (reductions.free_news, "free news"),
    ];
    all.into_iter().filter_map(|(is_on, name)| is_on.then_some(name)).collect()
}

/// What was checked and how, and what was covered.
fn facts(args: &Args, report: &Report, cost: Cost) -> Table<2> {
    let mut table = Table::new([10, 8]);
    let Findings { coverage, exhaustive, stopped, .. } = &report.findings;
    let Coverage { states, edges, depth } = coverage;
    table.fact("servers", &args.servers.size(), "");
    protocol(&mut table, args);
    if args.window {
        table.fact(
            "window",
            &args.max_term,
            "terms are unbounded; an election starts less than this above the lowest term",
        );
    } else {
        table.fact("max term", &args.max_term, "no election starts in a later term");
    }
    table.fact(
        "replies",
        &args.replies,
        match args.replies {
            Replies::Useful => "left out: those of the request's own term that grant no vote",
            Replies::All => "none is left out",
        },
    );
    table.fact(
        "network",
        &"hostile",
        "messages lost, repeated, late and out of order; never forged",
    );
    if let Some(mutant) = args.mutant {
        table.fact("crashes", &"any", "every server at any time");
        table.fact("mutant", &mutant.name, &format!("({})", mutant.says));
    } else {
        table.fact(
            "crashes",
            &"any",
            "every server at any time; it comes back with its stored ballot",
        );
    }
    table.fact("engine", &args.engine().name(), args.engine().says());
    let on = names(args, report.reductions);
    if on.is_empty() {
        table.fact("reduced", &"no", "every state is itself");
    } else {
        let note = "of states that behave alike one is kept; a step is judged before that";
        table.fact("reduced", &"yes", &format!("{}: {note}", on.join(", ")));
    }
    keys(&mut table, report);
    table.fact("workers", &report.workers, "");
    let extent = match (stopped, exhaustive) {
        (Some(_), _) => "NOT all that are reachable: the search was stopped",
        (None, true) => "all that are reachable",
        (None, false) => "until a violation",
    };
    table.fact("states", &states, &format!("distinct, {extent}"));
    if report.has_edges {
        table.fact("edges", &edges, "distinct: state, action, next state");
    }
    let steps = match report.reductions.at_once {
        true => "levels, the initial state being 1; what is done at once takes none",
        false => "levels, the initial state being 1",
    };
    table.fact("depth", &depth, steps);
    table.cost(cost);
    table
}

/// How the servers elect, and what that is bounded by.
fn protocol(table: &mut Table<2>, args: &Args) {
    let bounds = args.bounds();
    let protocol = bounds.cluster.protocol();
    table.fact(
        "protocol",
        &protocol,
        match (protocol.pre_vote(), protocol.check_quorum()) {
            (false, false) => "the paper's, without guards",
            (true, false) => "a server asks whether it would be elected before it campaigns",
            (false, true) => "contact, rounds and leases",
            (true, true) => "pre-vote and check-quorum",
        },
    );
    let witnesses = bounds.cluster.witnesses();
    if !witnesses.is_empty() {
        let note = "votes, and never campaigns; nobody hands over to it";
        table.fact("witness", &witnesses, note);
    }
    if bounds.limits.hand_over {
        table.fact("hand-over", &"any", "every leader may be told to, at any time");
    }
    if bounds.has_leases() {
        let note =
            "time as an order: a contact outlasts each lease whose round was opened before it";
        table.fact("leases", &"yes", note);
    }
    if protocol.check_quorum() {
        let note = "heartbeats that a leader waits for its quorum";
        table.fact("patience", &args.bounds().limits.patience.number(), note);
    }
}

/// What was kept of each state.
fn keys(table: &mut Table<2>, report: &Report) {
    match report.key {
        Key::Whole => table.fact("keys", &"whole", "states are compared as they are"),
        Key::Bits(bits, Keys::Exact) => {
            table.fact(
                "keys",
                &"exact",
                &format!("states are compared as they are, in {bits} bits"),
            );
        }
        Key::Bits(bits, Keys::Fingerprints) => table.fact(
            "keys",
            &format!("{bits} bits"),
            &format!("fingerprints: some state was lost with odds below {:.1e}", report.odds()),
        ),
    }
}

/// The report, for people.
pub(super) fn as_table(args: &Args, report: &Report, cost: Cost) -> String {
    let Findings { stopped, verdicts, .. } = &report.findings;
    let mut judged = Table::new([20, 9]);
    for (property, verdict) in verdicts {
        let verdict = match verdict {
            Verdict::Holds => "holds",
            Verdict::Violated(_) | Verdict::ViolatedUntold(_) => "VIOLATED",
            Verdict::Unconfirmed | Verdict::Undecided => "undecided",
        };
        judged.row([property, &verdict], property.says());
    }
    let mut text = format!("{}\n{judged}", facts(args, report, cost));
    for (property, verdict) in verdicts {
        if let Verdict::ViolatedUntold(why) = verdict {
            let why = because(*why);
            let _ = writeln!(
                text,
                "\n{property} is violated, but the way was not found, because the search for it was \
                 stopped: {why}."
            );
        }
    }
    for (property, verdict) in verdicts {
        if *verdict == Verdict::Unconfirmed {
            let _ = writeln!(
                text,
                "\n{property} is violated by a reduced state, but by no whole one that was found: a \
                 reduction is not exact here, and this says nothing."
            );
        }
    }
    for (property, counterexample) in report.findings.violations() {
        let steps = counterexample.moves.len();
        let s = if steps == 1 { "" } else { "s" };
        let _ = writeln!(text, "\n{property} is violated in {steps} step{s}:\n");
        let _ = write!(text, "{counterexample}");
    }
    if let Some(mutant) = args.mutant
        && !report.findings.is_violated()
    {
        let _ = writeln!(text, "\n{}.", shown_by(&mutant));
    }
    if let Some(why) = stopped {
        let why = because(*why);
        let shown = if report.findings.is_violated() { "nothing else" } else { "nothing" };
        let _ = writeln!(text, "\nThis check is not exhaustive: {why}. It has shown {shown}.");
    }
    text
}

/// Why it stopped, for programs.
const fn word(why: Stop) -> &'static str {
    match why {
        Stop::Interrupted => "interrupted",
        Stop::OutOfMemory => "out of memory",
    }
}

/// The report, for programs.
pub(super) fn as_json(args: &Args, report: &Report, cost: Cost) -> Value {
    let findings = &report.findings;
    let properties = findings.verdicts.iter().map(|(property, verdict)| match verdict {
        Verdict::Holds => json!({ "name": property.to_string(), "holds": true }),
        Verdict::Violated(counterexample) => json!({
            "name": property.to_string(),
            "holds": false,
            "initial": servers_as_json(&counterexample.initial),
            "counterexample": counterexample.moves_as_json(),
        }),
        Verdict::ViolatedUntold(why) => json!({
            "name": property.to_string(),
            "holds": false,
            "counterexample": null,
            "counterexample_stopped": word(*why),
        }),
        Verdict::Unconfirmed | Verdict::Undecided => {
            json!({ "name": property.to_string(), "holds": null })
        }
    });
    let (key_bits, fingerprints) = match report.key {
        Key::Whole => (None, false),
        Key::Bits(bits, keys) => (Some(bits), keys == Keys::Fingerprints),
    };
    let mut value = json!({
        "servers": args.servers.size(),
        "max_term": args.max_term,
        "protocol": args.protocol().to_string(),
        "witnesses": args.witness,
        "hand_over": args.hand_over,
        "leases": args.bounds().has_leases(),
        "replies": args.replies.to_string(),
        "engine": args.engine().name(),
        "reductions": names(args, report.reductions),
        "key_bits": key_bits,
        "fingerprints": fingerprints,
        "odds_of_a_lost_state": report.odds(),
        "workers": report.workers,
        "states": findings.coverage.states,
        "edges": report.has_edges.then_some(findings.coverage.edges),
        "depth": findings.coverage.depth,
        "levels": findings.levels,
        "seconds": cost.seconds,
        "memory_bytes": cost.memory,
        "memory_limit_bytes": args.memory.bytes(),
        "exhaustive": findings.exhaustive,
        "stopped": findings.stopped.map(word),
        "properties": properties.collect::<Vec<_>>(),
    });
    if let Some(mutant) = args.mutant {
        value["mutant"] = json!(mutant.name);
    }
    value
}
