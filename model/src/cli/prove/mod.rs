//! `raft-model prove`.

mod report;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use clap::ValueEnum;
use raft_model::mutant::Mutant;
use raft_model::proof::counterexample::{self, CounterexampleToInduction};
use raft_model::proof::{
    self, Answer, Answers, File, Obligation, Progress, SOLVERS, Solver, SolverError,
};
use raft_model::search::Stop;

use super::Failure;
use super::exit::Exit;
use super::paper;
use super::watch::{Watch, Work};
use report::Report;

/// The arguments of `prove`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Also write what the solvers are asked into this directory: SMT-LIB, with comments.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Which solvers have to confirm it. Default: those that are installed; one will do.
    #[arg(long, value_enum, value_name = "SOLVER")]
    solver: Option<Choice>,
    /// How long a solver may be at work on one question. What it does not answer in time is not
    /// proved.
    #[arg(long, value_name = "SECONDS", default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    limit: u64,
    /// Try to prove an election that is wrong on purpose, to see it fail; `mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant)]
    mutant: Option<Mutant>,
    /// Print one JSON object instead of a table.
    #[arg(long)]
    json: bool,
}

/// Which solvers to run.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Choice {
    Z3,
    Cvc5,
    /// Both, and they have to agree.
    Both,
}

/// A solver that was found, and its version.
struct Found {
    solver: Solver,
    version: String,
}

/// Something that was not confirmed: by whom, and why not, as far as that was found out.
struct Gap<'a> {
    file: &'a File,
    obligation: &'a Obligation,
    solver: Solver,
    answer: Answer,
    counterexample: Option<CounterexampleToInduction>,
}

/// Runs the proof, and prints what became of it.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let files = match &args.mutant {
        None => proof::obligations(),
        Some(Mutant { name, .. }) => proof::obligations_of(name).ok_or_else(|| {
            let why = "it counts votes, and symbols cannot be counted; try `raft-model check`";
            Failure::Input(format!("--mutant {name} cannot be put to a solver: {why}"))
        })?,
    };
    if let Some(folder) = &args.out {
        write(folder, &files)?;
    }
    let (found, missing) = solvers(args.solver)?;
    let limit = Duration::from_secs(args.limit);
    let solvers: Vec<_> = found.iter().map(|found| found.solver.within(limit)).collect();
    let progress = Arc::new(Progress::default());
    let questions: usize = files.iter().map(|file| file.obligations.len()).sum();
    let started = Instant::now();
    let questions = questions * solvers.len();
    let watch = Watch::over(Watched { progress: Arc::clone(&progress), questions, started });
    let workers = thread::available_parallelism().map_or(1, usize::from);
    let answers = proof::prove(&files, &solvers, workers, &progress);
    watch.leave();
    let answers = answers.map_err(input)?;
    if progress.stop.load(Ordering::Relaxed) {
        return Err(Failure::Stopped(Stop::Interrupted));
    }
    let report = Report {
        mutant: args.mutant,
        files: &files,
        found: &found,
        missing: &missing,
        gaps: gaps(&files, &answers).map_err(input)?,
        answers: &answers,
        seconds: started.elapsed().as_secs_f64(),
    };
    if args.json {
        writeln!(io::stdout(), "{:#}", report.as_json())?;
    } else {
        paper::print(&report.as_table())?;
    }
    Ok(if report.gaps.is_empty() { Exit::Holds } else { Exit::Fails })
}

#[allow(clippy::needless_pass_by_value, reason = "it is what map_err hands over")]
fn input(error: SolverError) -> Failure {
    Failure::Input(error.to_string())
}

/// Writes the files into a directory, which is made if there is none.
fn write(folder: &Path, files: &[File]) -> Result<(), Failure> {
    let failure = |path: &Path, error: io::Error| {
        Failure::Input(format!("--out: cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(folder).map_err(|error| failure(folder, error))?;
    for file in files {
        let path = folder.join(&file.name).with_extension("smt2");
        fs::write(&path, &file.text).map_err(|error| failure(&path, error))?;
    }
    Ok(())
}

/// The solvers to run, and why others are not.
fn solvers(choice: Option<Choice>) -> Result<(Vec<Found>, Vec<SolverError>), Failure> {
    let is_wanted = |solver: &&Solver| match choice {
        None | Some(Choice::Both) => true,
        Some(Choice::Z3) => solver.name == "z3",
        Some(Choice::Cvc5) => solver.name == "cvc5",
    };
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for &solver in SOLVERS.iter().filter(is_wanted) {
        match solver.version() {
            Ok(version) => found.push(Found { solver, version }),
            Err(error) if choice.is_none() => missing.push(error),
            Err(error) => return Err(input(error)),
        }
    }
    if found.is_empty() {
        let why: Vec<_> = missing.iter().map(ToString::to_string).collect();
        return Err(Failure::Input(format!("a proof takes a solver: {}", why.join("; "))));
    }
    Ok((found, missing))
}

/// A proof, as it is watched.
struct Watched {
    progress: Arc<Progress>,
    questions: usize,
    started: Instant,
}

impl Work for Watched {
    fn tend(&mut self, is_interrupted: bool) {
        if is_interrupted {
            self.progress.stop.store(true, Ordering::Relaxed);
        }
    }

    fn progress(&mut self) -> String {
        let (seconds, all) = (self.started.elapsed().as_secs(), self.questions);
        format!("{seconds} s: {} of {all} answers", self.progress.answered.load(Ordering::Relaxed))
    }
}

/// What was not confirmed. Of each conjunct the first gap is looked into.
fn gaps<'a>(files: &'a [File], answers: &'a [Answers]) -> Result<Vec<Gap<'a>>, SolverError> {
    let mut gaps: Vec<Gap<'a>> = Vec::new();
    for of_solver in answers {
        for (file, obligation, answer) in of_solver.unexpected(files) {
            let is_first = gaps.iter().all(|gap| gap.obligation.name != obligation.name);
            let counterexample = if is_first && obligation.expected == Answer::Unsat {
                counterexample::find(&of_solver.solver, file, obligation)?
            } else {
                None
            };
            gaps.push(Gap { file, obligation, solver: of_solver.solver, answer, counterexample });
        }
    }
    Ok(gaps)
}
