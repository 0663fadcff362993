//! `raft-model check`.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::time::Instant;

use clap::ValueEnum;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use raft_model::actor::ActorElection;
use raft_model::bounds::{Bounds, Replies};
use raft_model::election::{Role, State};
use raft_model::mutant::{MUTANTS, Mutant};
use raft_model::properties::SAFETY;
use raft_model::search::{Counterexample, Coverage, Findings, Verdict, search};
use raft_model::story::sentence;
use raft_model::types::{Cluster, Term};
use raft_model::world::{World, WorldModel};
use serde_json::{Value, json};

use super::Failure;

/// The arguments of `check`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many servers the cluster has, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "3")]
    servers: Cluster,
    /// The last term in which an election may start; terms begin at 0.
    #[arg(long, value_name = "T", value_parser = super::max_term, default_value = "2")]
    max_term: Term,
    /// Which replies the model keeps.
    #[arg(long, value_enum, default_value_t = Replies::Useful)]
    replies: Replies,
    /// Which model is searched.
    #[arg(long, value_enum, default_value_t = Engine::World)]
    engine: Engine,
    /// Check an election that is wrong on purpose, to see a property fail.
    #[arg(long, value_name = "NAME", value_parser = mutant_parser(), conflicts_with = "engine")]
    mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Which model is searched.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// The direct model: servers and the set of sent messages.
    World,
    /// Stateright's model of actors: slower, and written independently.
    Actor,
}

fn mutant_parser() -> impl TypedValueParser<Value = Mutant> {
    PossibleValuesParser::new(MUTANTS.map(|mutant| mutant.name)).map(|name| {
        *MUTANTS.iter().find(|mutant| mutant.name == name).expect("one of the possible values")
    })
}

/// Runs the check and prints what it found.
pub(super) fn run(args: &Args) -> Result<ExitCode, Failure> {
    let bounds = Bounds { cluster: args.servers, max_term: args.max_term, replies: args.replies };
    let started = Instant::now();
    let mut progress = Progress { started, shown: started, on: io::stderr().is_terminal() };
    let findings = match (args.engine, args.mutant) {
        (Engine::Actor, _) => search(&ActorElection::new(bounds), &SAFETY, |c| progress.show(c)),
        (Engine::World, None) => search(&WorldModel::new(bounds), &SAFETY, |c| progress.show(c)),
        (Engine::World, Some(Mutant { handlers, .. })) => {
            search(&WorldModel { bounds, handlers }, &SAFETY, |c| progress.show(c))
        }
    };
    progress.clear();
    let seconds = started.elapsed().as_secs_f64();
    let text = if args.json {
        format!("{:#}\n", as_json(args, &findings, seconds))
    } else {
        as_table(args, &findings, seconds)
    };
    io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::from(u8::from(!findings.hold())))
}

/// A line on the terminal that says how far the search is, a few times a second.
struct Progress {
    started: Instant,
    shown: Instant,
    on: bool,
}

impl Progress {
    fn show(&mut self, Coverage { states, edges, depth }: Coverage) {
        if self.on && self.shown.elapsed().as_millis() >= 200 {
            self.shown = Instant::now();
            let seconds = self.started.elapsed().as_secs();
            let _ = write!(
                io::stderr(),
                "\r\x1b[K{seconds} s: depth {depth}, {states} states, {edges} edges"
            );
        }
    }

    fn clear(&self) {
        if self.on {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Engine {
    fn name(self) -> &'static str {
        match self {
            Self::World => "world",
            Self::Actor => "actor",
        }
    }

    fn says(self) -> &'static str {
        match self {
            Self::World => "servers, their disks and the set of sent messages",
            Self::Actor => "stateright's model of actors, of which the direct model is a copy",
        }
    }
}

fn as_table(args: &Args, findings: &Findings, seconds: f64) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &dyn std::fmt::Display, note: &str| {
        let line = format!("  {name:<10} {value:<8} {note}", value = value.to_string());
        let _ = writeln!(text, "{}", line.trim_end());
    };
    let Coverage { states, edges, depth } = findings.coverage;
    row("servers", &args.servers.size(), "");
    row("max term", &args.max_term, "no election starts in a later term");
    row(
        "replies",
        &args.replies,
        match args.replies {
            Replies::Useful => "left out: those of the request's own term that grant no vote",
            Replies::All => "none is left out",
        },
    );
    row("engine", &args.engine.name(), args.engine.says());
    row("network", &"hostile", "messages lost, repeated, late and out of order; never forged");
    row("crashes", &"any", "every server at any time; it comes back with its stored ballot");
    if let Some(mutant) = args.mutant {
        row("mutant", &mutant.name, &format!("({})", mutant.says));
    }
    let extent = if findings.exhaustive { "all that are reachable" } else { "until a violation" };
    row("states", &states, &format!("distinct, {extent}"));
    row("edges", &edges, "distinct: state, action, next state");
    row("depth", &depth, "levels, the initial state being 1");
    row("time", &format!("{seconds:.1} s"), "");
    let _ = writeln!(text);
    for (property, verdict) in &findings.verdicts {
        let verdict = match verdict {
            Verdict::Holds => "holds",
            Verdict::Violated(_) => "VIOLATED",
            Verdict::Undecided => "undecided",
        };
        let _ = writeln!(text, "  {:<20} {verdict:<9} {}", property.to_string(), property.says());
    }
    for (property, counterexample) in findings.violations() {
        let steps = counterexample.moves.len();
        let s = if steps == 1 { "" } else { "s" };
        let _ = writeln!(text, "\n{property} is violated in {steps} step{s}:\n");
        let _ = write!(text, "{counterexample}");
    }
    text
}

fn as_json(args: &Args, findings: &Findings, seconds: f64) -> Value {
    let properties = findings.verdicts.iter().map(|(property, verdict)| match verdict {
        Verdict::Holds => json!({ "name": property.to_string(), "holds": true }),
        Verdict::Violated(counterexample) => json!({
            "name": property.to_string(),
            "holds": false,
            "counterexample": story_as_json(counterexample),
        }),
        Verdict::Undecided => json!({ "name": property.to_string(), "holds": null }),
    });
    let mut value = json!({
        "servers": args.servers.size(),
        "max_term": args.max_term,
        "replies": args.replies.to_string(),
        "engine": args.engine.name(),
        "states": findings.coverage.states,
        "edges": findings.coverage.edges,
        "depth": findings.coverage.depth,
        "seconds": seconds,
        "exhaustive": findings.exhaustive,
        "properties": properties.collect::<Vec<_>>(),
    });
    if let Some(mutant) = args.mutant {
        value["mutant"] = json!(mutant.name);
    }
    value
}

/// The moves of a counterexample, each with all servers after it.
fn story_as_json(counterexample: &Counterexample) -> Value {
    let servers = |world: &World| {
        let server = |(id, state): (raft_model::types::ServerId, &State)| {
            let mut value = json!({
                "server": id,
                "term": state.ballot.current_term,
                "voted_for": state.ballot.voted_for,
                "role": state.role.to_string(),
            });
            if let Role::Candidate { votes } = state.role {
                value["votes"] = json!(votes);
            }
            value
        };
        world.states().map(server).collect::<Vec<_>>()
    };
    let moves = counterexample.moves.iter().map(|(a_move, after)| {
        json!({
            "server": a_move.server,
            "action": a_move.action,
            "rule": a_move.rule,
            "says": sentence(a_move, after.state(a_move.server)),
            "servers": servers(after),
        })
    });
    Value::Array(moves.collect())
}
