//! `raft-model check`.

mod args;
mod hosts;
mod refusals;
mod report;
mod resume;

use std::io::{self, Write};
use std::sync::Arc;

use raft_model::actor::ActorElection;
use raft_model::mutant::Catch;
use raft_model::search::disk;
use raft_model::search::peers::PeersError;
use raft_model::search::{
    Control, Findings, Keys, Verdict, parallel, search_until, second_opinion,
};
use raft_model::world::ElectionModel;
use raft_model::world::WorldModel;
use raft_model::world::properties::Property;

use super::exit::Exit;
use super::mutants::shown_by;
use super::paper;
use super::watch::watched;
use super::{Failure, with_packed};
pub(super) use args::Args;
use args::Engine;
use report::{Key, Report};

/// Runs the check and prints what it found.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    args.validate()?;
    if let Some(mutant) = args.mutant
        && !matches!(mutant.caught_by, Catch::Safety(_))
    {
        let _ = writeln!(io::stderr(), "note: {}", shown_by(&mutant));
    }
    let (report, cost) = watched(args.memory, |control| find(args, control));
    let report = report?;
    if args.json {
        writeln!(io::stdout(), "{:#}", report::as_json(args, &report, cost))?;
    } else {
        paper::print(&report::as_table(args, &report, cost))?;
    }
    if report.findings.stopped.is_some()
        && let Some(command) = args.resuming()
    {
        let _ = writeln!(io::stderr(), "note: the checkpoint is kept; go on with: {command}");
    }
    Ok(match report.findings.stopped {
        _ if report.findings.is_violated() => Exit::Fails,
        Some(why) => why.into(),
        None if report.findings.hold() => Exit::Holds,
        None => Exit::NoVerdict,
    })
}

fn find(args: &Args, control: &Arc<Control>) -> Result<Report, Failure> {
    let properties = &args.properties()[..];
    let report = |findings| Report {
        findings,
        has_edges: true,
        reductions: args.reductions(),
        key: Key::Whole,
        workers: 1,
    };
    Ok(match args.engine() {
        Engine::Timely => {
            let crew = args.crew()?;
            with_packed!([2, 3, 4, 8], args.bounds(), args.reductions(), WORDS, model => {
                let model = Arc::new(model.driven_by(args.handlers()));
                let outcome = parallel::search(&model, properties, &crew, control)?;
                let mut findings = outcome.findings(&model, properties, control);
                if args.mutant.is_some() {
                    claim_nothing_of_reduced(&mut findings);
                }
                Report {
                    key: Key::Bits(crew.keys.bits::<WORDS>(), crew.keys),
                    workers: crew.workers * crew.peers.as_ref().map_or(1, |p| p.hosts.len()),
                    ..report(findings)
                }
            })
        }
        Engine::Disk => {
            let disk = args.on_disk().expect("the arguments are valid");
            let peers = args.peers()?;
            with_packed!([2, 3, 4, 8], args.bounds(), args.reductions(), WORDS, model => {
                let model = Arc::new(model.driven_by(args.handlers()));
                let found = disk::search(&model, properties, &disk, peers.as_ref(), control)
                    .map_err(|error| args.on_disk_failed(error))?;
                let mut findings = found.findings(&model, properties, control);
                if args.mutant.is_some() {
                    claim_nothing_of_reduced(&mut findings);
                }
                Report {
                    key: Key::Bits(Keys::Exact.bits::<WORDS>(), Keys::Exact),
                    workers: disk.workers * peers.as_ref().map_or(1, |p| p.hosts.len()),
                    ..report(findings)
                }
            })
        }
        Engine::Stateright => {
            with_packed!([4, 8], args.bounds(), args.reductions(), _WORDS, model => {
                let opinion = second_opinion::ask_stateright(model.clone(), properties, args.workers(), control);
                Report {
                    has_edges: false,
                    key: Key::Bits(64, Keys::Fingerprints),
                    workers: args.workers(),
                    ..report(opinion.findings(&model, properties, control))
                }
            })
        }
        Engine::World => {
            let (bounds, handlers) = (args.bounds(), args.handlers());
            report(one_by_one(&WorldModel { bounds, handlers }, properties, control))
        }
        Engine::Actor => {
            report(one_by_one(&ActorElection::new(args.bounds()), properties, control))
        }
    })
}

/// That a mutant does not violate a property where states are reduced does not mean that it holds:
/// the reductions are argued for the specification.
fn claim_nothing_of_reduced(findings: &mut Findings) {
    for (_, verdict) in &mut findings.verdicts {
        if *verdict == Verdict::Holds {
            *verdict = Verdict::Undecided;
        }
    }
}

fn one_by_one(model: &impl ElectionModel, properties: &[Property], control: &Control) -> Findings {
    search_until(model, properties, |coverage| {
        control.covers(coverage);
        control.stopped()
    })
}

impl From<PeersError> for Failure {
    fn from(error: PeersError) -> Self {
        match error {
            PeersError::Stopped(why) => Self::Stopped(why),
            error @ (PeersError::Listen { .. } | PeersError::Different { .. }) => {
                Self::Input(error.to_string())
            }
            error => Self::Peers(error.to_string()),
        }
    }
}
