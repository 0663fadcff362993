//! `raft-model topologies`.

mod poster;
mod report;

use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::mutant::Mutant;
use raft_model::topology::{Finding, Orders, Row, Survey, Verdict};
use raft_model::world::Handlers;
use raft_model::world::links::Links;

use super::Failure;
use super::exit::Exit;
use super::memory::Limit;
use super::paper;
use super::watch::watched;

/// The arguments of `topologies`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// How many servers the cluster has: 2 to 6, or 2 to 4 with --directed.
    #[arg(long, value_name = "N", value_parser = super::cluster, default_value = "3")]
    servers: Cluster,
    /// Judge this protocol: figure2, pre-vote, check-quorum or guarded. Repeat it for several. The
    /// exit code is theirs; without this option all are shown, and it is that of `guarded`.
    #[arg(long, value_name = "PROTOCOL")]
    protocol: Vec<Protocol>,
    /// Look also at links over which only one of two servers hears the other. Always so with less
    /// than four servers.
    #[arg(long)]
    directed: bool,
    /// Tell, step by step, what happens on these links where no leader stays: A-B is a link both
    /// ways, over A>B only B hears A; A is S1. In quotes: "A-C B-C".
    #[arg(long, value_name = "TOPOLOGY")]
    lasso: Option<String>,
    /// In every order of messages; by default so of up to three servers, and first in, first out of
    /// more.
    #[arg(long)]
    every_order: bool,
    /// How far apart terms are told apart: a server that is further behind is taken for one that is
    /// so far behind. More take more states. Default: 3 for up to three servers, and 2 for more.
    #[arg(long, value_name = "TERMS", value_parser = clap::value_parser!(u64).range(1..=15))]
    gap: Option<u64>,
    /// Draw the table as a picture: an SVG file, to be written anew.
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
    #[command(flatten)]
    memory: Limit,
    /// Judge an election that is wrong on purpose, by its own protocol if none is named. `mutants`
    /// lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant)]
    mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

impl Args {
    /// The protocols that are judged.
    fn protocols(&self) -> Vec<Protocol> {
        super::protocols(&self.protocol, self.mutant.map(|mutant| mutant.protocol))
    }

    /// Whether the exit code is about this protocol.
    fn is_asked(&self, protocol: Protocol) -> bool {
        protocol == Protocol::GUARDED || !self.protocol.is_empty() || self.mutant.is_some()
    }

    fn is_directed(&self) -> bool {
        self.directed || self.servers.size() < 4
    }

    fn survey(&self) -> Result<Survey, Failure> {
        let refused = |why: String| Err(Failure::Input(why));
        let size = self.servers.size();
        let most = if self.directed { 4 } else { 6 };
        let links = match &self.lasso {
            Some(text) => {
                let links = Links::parse(self.servers, text);
                vec![links.map_err(|error| Failure::Input(format!("--lasso {text}: {error}")))?]
            }
            None if (2..=most).contains(&size) => Links::classes(self.servers, self.is_directed()),
            None => {
                let of = if self.directed { "directed links" } else { "links" };
                return refused(format!("--servers {size}: {of} are listed for 2 to {most}"));
            }
        };
        let every = self.every_order || size <= 3;
        Ok(Survey {
            size,
            links,
            protocols: self.protocols(),
            handlers: self.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers),
            orders: if every { Orders::Every } else { Orders::Fifo },
            gap: self.gap.unwrap_or(Survey::gap(size)),
        })
    }
}

/// Judges every topology, and prints what it found.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let survey = args.survey()?;
    let (rows, cost) = watched(args.memory, |control| survey.judge(control));
    let rows = rows?;
    if let Some(file) = &args.svg {
        let poster = poster::draw(&survey, &rows);
        let written = fs::write(file, poster);
        written
            .map_err(|error| Failure::Input(format!("cannot write {}: {error}", file.display())))?;
    }
    if args.json {
        writeln!(io::stdout(), "{:#}", report::as_json(args, &survey, &rows, cost))?;
    } else if args.lasso.is_some() {
        paper::print(&report::as_story(&survey, &rows))?;
    } else {
        paper::print(&report::as_table(args, &survey, &rows, cost))?;
    }
    Ok(exit(args, &survey, &rows))
}

fn exit(args: &Args, survey: &Survey, rows: &[Row]) -> Exit {
    let mut findings = rows.iter().flat_map(|row| survey.protocols.iter().zip(&row.findings));
    let is_refuted = |finding: &Finding| matches!(finding.lasso, Some(Err(_)));
    let mut asked = findings.clone().filter(|(protocol, _)| args.is_asked(**protocol));
    if asked.any(|(protocol, finding)| !holds(*protocol, finding)) {
        Exit::Fails
    } else if findings.any(|(_, finding)| !finding.centres.is_empty() && is_refuted(finding)) {
        Exit::NoVerdict
    } else {
        Exit::Holds
    }
}

/// Whether a protocol does all that is claimed of the guarded one on some links.
fn holds(protocol: Protocol, finding: &Finding) -> bool {
    if finding.centres.is_empty() {
        return !(protocol.check_quorum() && finding.has_lease);
    }
    let stays = finding.verdict == Verdict::Always && !finding.excludes;
    stays && (protocol != Protocol::GUARDED || finding.leaders <= Some(1))
}
