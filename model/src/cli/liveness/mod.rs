//! `raft-model liveness`.

mod report;

use std::io::{self, Write};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use raft_model::cluster::{Cluster, Protocol};
use raft_model::liveness::assumptions::{
    ASSUMPTIONS, Assumption, Assumptions, Strength, last_servers,
};
use raft_model::liveness::{Findings, Hostile, Verdict};
use raft_model::mutant::{Catch, Mutant};
use raft_model::reduce::PackedModel;
use raft_model::reduce::Reductions;
use raft_model::search::{Control, Coverage, Stop};
use raft_model::types::{ServerId, Term};
use raft_model::world::Handlers;
use raft_model::world::bounds::{Bounds, Replies, Terms};
use raft_model::world::links::Links;

use super::exit::Exit;
use super::memory::Limit;
use super::paper;
use super::watch::watched;
use super::{Failure, with_packed};

/// The arguments of `liveness`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many servers the cluster has, from 1 to 7.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "3")]
    servers: Cluster,
    /// How they elect: figure2, pre-vote, check-quorum, or guarded, which is both.
    #[arg(long, value_name = "PROTOCOL", default_value_t = Protocol::FIGURE2)]
    protocol: Protocol,
    /// A server that votes and never campaigns. Repeat it for several.
    #[arg(long, value_name = "NUMBER", value_parser = super::server)]
    witness: Vec<ServerId>,
    /// How far the terms of the servers may be apart: an election starts less than this above the
    /// lowest server's term. Terms themselves are unbounded.
    #[arg(long, value_name = "W", value_parser = window, default_value = "3")]
    window: Term,
    /// Judge without one of the assumptions, and tell a run on which a property fails. Repeat it
    /// for several. A table says what each of them buys, unless an option changes what is judged.
    #[arg(long, value_name = "ASSUMPTION", value_parser = assumption_parser())]
    without: Vec<Assumption>,
    /// Judge with all assumptions, and leave out the table of what each of them buys.
    #[arg(long)]
    no_table: bool,
    /// How many servers are down for ever in the calm phase: a number, since which ones makes no
    /// difference.
    #[arg(long, value_name = "N", default_value = "0")]
    dead: u8,
    /// What is owed to each server's timer.
    #[arg(long, value_enum, default_value_t = Strength::Weak)]
    timers: Strength,
    /// What is owed to each link and kind of message.
    #[arg(long, value_enum, default_value_t = Strength::Weak)]
    messages: Strength,
    #[command(flatten)]
    memory: Limit,
    /// Judge an election that is wrong on purpose: one that `raft-model mutants` says is not live.
    /// `mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant)]
    mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

fn assumption_parser() -> impl TypedValueParser<Value = Assumption> {
    PossibleValuesParser::new(ASSUMPTIONS.map(Assumption::name)).map(|name| {
        *ASSUMPTIONS.iter().find(|a| a.name() == name).expect("one of the possible values")
    })
}

fn window(text: &str) -> Result<Term, String> {
    match text.parse() {
        Ok(0 | 1) => Err("within one term no election can follow another: at least 2".to_string()),
        Ok(number) => Ok(Term::new(number)),
        Err(_) => Err("not a whole number".to_string()),
    }
}

impl Args {
    /// The assumptions that are asked for.
    fn assumptions(&self) -> Assumptions {
        let all = Assumptions {
            timers: self.timers,
            messages: self.messages,
            ..Assumptions::ALL.with_dead(last_servers(self.servers, self.dead))
        };
        self.without.iter().fold(all, |some, &one| some.without(one, self.servers))
    }

    /// Whether it is asked what each assumption buys.
    fn wants_table(&self) -> bool {
        !self.no_table && self.without.is_empty() && self.dead == 0 && self.mutant.is_none()
    }

    fn handlers(&self) -> Handlers {
        self.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers)
    }

    /// The servers. [`run`] has seen that they are a cluster.
    fn cluster(&self) -> Result<Cluster, Failure> {
        super::with_witnesses(self.servers, self.protocol, &self.witness)
    }

    /// Why what is asked for is not judged: some of it would be ignored.
    fn refusal(&self) -> Option<String> {
        let Self { servers, protocol, dead, without, .. } = self;
        if *dead >= servers.size() {
            return Some(format!("--dead {dead}: one of {} has to live", servers.size()));
        }
        if let Some(Mutant { name, caught_by, .. }) = self.mutant
            && !matches!(caught_by, Catch::Liveness(_))
        {
            return Some(format!(
                "it is not by liveness that {name} is caught; `raft-model mutants {name}` says by \
                 what"
            ));
        }
        if let Some(one) = without.iter().find(|one| !one.is_of(*protocol)) {
            let one = one.name();
            return Some(format!(
                "--without {one}: it is assumed behind guards only, and --protocol {protocol} has \
                 none"
            ));
        }
        let is_without = |one| without.contains(&one);
        if *dead > 0 && is_without(Assumption::MajorityLives) {
            return Some(format!(
                "--dead {dead}: more are, without {}",
                Assumption::MajorityLives.name()
            ));
        }
        for (option, strength, one) in [
            ("--timers", self.timers, Assumption::TimersFire),
            ("--messages", self.messages, Assumption::MessagesArrive),
        ] {
            if strength == Strength::Strong && is_without(one) {
                return Some(format!("{option} strong: nothing is owed without {}", one.name()));
            }
        }
        None
    }

    fn bounds(&self, window: Term) -> Bounds {
        let cluster = self.cluster().ok().expect("the cluster is valid");
        Bounds::new(cluster, Terms::Window(window), Replies::All)
    }
}

/// What was found.
struct Report {
    hostile: Coverage,
    /// With the assumptions that were asked for.
    findings: Findings,
    /// With the same assumptions, but a window that is smaller by one, if there is any.
    smaller: Option<(Coverage, Findings)>,
    table: Vec<Row>,
}

impl Report {
    /// Whether the smaller window, if there is one, gives the same verdicts.
    fn windows_agree(&self) -> bool {
        let holds = |findings: &Findings| {
            findings.verdicts.each_ref().map(|(_, verdict)| *verdict == Verdict::Holds)
        };
        let smaller = self.smaller.as_ref();
        smaller.is_none_or(|(_, smaller)| holds(smaller) == holds(&self.findings))
    }
}

/// A line of the table that says what each assumption buys.
struct Row {
    /// Which one is missing; none if a minority is dead.
    without: Option<Assumption>,
    /// With the fairness that was asked for.
    findings: Findings,
    /// With strong fairness wherever something is owed.
    strong: Findings,
}

/// Judges liveness, and prints what it found.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    args.cluster()?;
    if let Some(why) = args.refusal() {
        return Err(Failure::Input(why));
    }
    let (report, cost) = watched(args.memory, |control| find(args, control));
    let report = report?;
    if args.json {
        writeln!(io::stdout(), "{:#}", report::as_json(args, &report, cost))?;
    } else {
        paper::print(&report::as_table(args, &report, cost))?;
    }
    let mut verdicts = report.findings.verdicts.iter().map(|(_, verdict)| verdict);
    let all_hold = verdicts.clone().all(|v| *v == Verdict::Holds && !report::is_open(args, v));
    Ok(if verdicts.any(|verdict| matches!(verdict, Verdict::Fails(_))) {
        Exit::Fails
    } else if !all_hold || !report.windows_agree() {
        Exit::NoVerdict
    } else {
        Exit::Holds
    })
}

fn find(args: &Args, control: &Control) -> Result<Report, Failure> {
    // What fits there fits into a smaller window, too, and what does not is told of this one.
    let bounds = args.bounds(args.window);
    if PackedModel::<8>::new(bounds, Reductions::MESSAGES).is_none() {
        return Err(super::too_wide(bounds, Reductions::MESSAGES));
    }
    let smaller = args.window.number() - 1;
    let smaller = if smaller < 2 || !args.wants_table() {
        None
    } else {
        let bounds = args.bounds(Term::new(smaller));
        Some(with_packed!([4, 8], bounds, Reductions::MESSAGES, _WORDS, model => {
            let hostile = explore(&model.driven_by(args.handlers()), control)?;
            (hostile.graph().coverage(), hostile.judge(args.assumptions(), control)?)
        }))
    };
    with_packed!([4, 8], bounds, Reductions::MESSAGES, _WORDS, model => {
        let hostile = explore(&model.driven_by(args.handlers()), control)?;
        Ok(Report {
            hostile: hostile.graph().coverage(),
            findings: hostile.judge(args.assumptions(), control)?,
            smaller,
            table: if args.wants_table() { table(args, &hostile, control)? } else { Vec::new() },
        })
    })
}

fn explore<const W: usize>(
    model: &PackedModel<W>,
    control: &Control,
) -> Result<Hostile<W>, Failure> {
    Ok(Hostile::explore(model, control)?)
}

/// What happens without each assumption; and with all of them, if as many servers are dead as may
/// be.
fn table<const W: usize>(
    args: &Args,
    hostile: &Hostile<W>,
    control: &Control,
) -> Result<Vec<Row>, Stop> {
    let all = args.assumptions();
    let minority = last_servers(args.servers, (args.servers.size() - 1) / 2);
    let minority = (!minority.is_empty() && all.links == Links::ALL)
        .then_some((None, all.with_dead(minority)));
    let needed = ASSUMPTIONS.into_iter().filter(|one| one.is_of(args.protocol));
    let without = needed.map(|one| (Some(one), all.without(one, args.servers)));
    let rows = minority.into_iter().chain(without).map(|(without, assumptions)| {
        let both = [assumptions, assumptions.with_strong_fairness()];
        let [findings, strong] = hostile.judge_each(both, control)?;
        Ok(Row { without, findings, strong })
    });
    rows.collect()
}

impl From<Stop> for Failure {
    fn from(why: Stop) -> Self {
        Self::Stopped(why)
    }
}
