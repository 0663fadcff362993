//! The command line.

mod check;
mod explore;
mod liveness;
mod mutants;
mod prove;
mod replay;
mod table;
mod watch;

use std::env;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use raft_model::cluster::Cluster;
use raft_model::mutant::{MUTANTS, Mutant};
use raft_model::search::Stop;
use raft_model::types::Term;

/// Raft leader election: checks the specification, and shows what it does.
///
/// Without arguments it runs `check` and then `liveness`, with their defaults; with options only,
/// it runs `check`.
///
/// Exit codes: 0 everything holds; 1 a property is violated, a trace tells what cannot have
/// happened, a mutant is not caught as the catalogue says, or a proof has a gap; 2 the command line
/// or the input is wrong, a solver is missing, or the output cannot be written; 3 `--max-memory`
/// ended the search; 4 there is no verdict, since another process was missing or lost, or since the
/// window of terms cuts off runs that could matter; 130 Ctrl-C ended it. What ends with 3, 4 or 130
/// has not shown anything.
#[derive(Parser)]
#[command(name = "raft-model", version, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    check: check::Args,
}

#[derive(Subcommand)]
enum Command {
    /// Visit every reachable state within bounds, and judge the properties of safety.
    Check(check::Args),
    /// Judge on all infinite runs whether leaders are elected and stay, and what that takes.
    ///
    /// The exit code is 0 if all three properties hold, 1 if one fails on a run, and 4 if that is
    /// not known.
    Liveness(liveness::Args),
    /// Walk through the state graph in a web browser (stateright's Explorer on the actor model).
    Explore(explore::Args),
    /// Prove safety for every number of servers and every term, with the solvers z3 and cvc5.
    ///
    /// The source text of the specification is run on symbols instead of numbers, along every path
    /// that it has. For each path, and for each conjunct of an invariant, solvers have to show that
    /// the path keeps the conjunct, for every number of servers, every term, and every state that
    /// satisfies the invariant. Safety follows from the invariant. The table names each conjunct
    /// and what it says; one that is not kept is shown by a step that leaves it. Both solvers
    /// together take half a minute, z3 alone some seconds. The exit code is 1 if anything is not
    /// proved.
    Prove(prove::Args),
    /// Look for what catches each of the elections that are wrong on purpose.
    ///
    /// Every mutant is searched at growing bounds, until a property of safety breaks. If none does,
    /// a run is looked for on which nobody is elected for ever, or nobody stays; then, whether the
    /// graph has another size than the specification's. What none of that shows is a matter of
    /// time, and the table names the test that sees it.
    ///
    /// That a mutant is found is what this is for: the exit code is 0 if each is caught as the
    /// catalogue says. It is 1 if one is not, so that a check has become blind, or another one
    /// sharper.
    Mutants(mutants::Args),
    /// Check recorded traces: repeat every step with the specification.
    Replay(replay::Args),
}

/// Why a command did not do what it was asked for.
enum Failure {
    /// The input is wrong, or something that it names cannot be used.
    Input(String),
    /// The output cannot be written.
    Output(io::Error),
    /// Other processes that are to take part do not.
    Peers(String),
    /// It was stopped before it began.
    Stopped(Stop),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Runs the command that the arguments ask for.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command.unwrap_or(Command::Check(cli.check)) {
        Command::Check(args) if env::args_os().len() == 1 => check_everything(&args),
        Command::Liveness(args) => liveness::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Explore(args) => explore::run(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Mutants(args) => mutants::run(&args),
        Command::Replay(args) => replay::run(&args),
    };
    match result {
        Ok(code) => code,
        Err(Failure::Input(message)) => {
            let _ = writeln!(io::stderr(), "error: {message}");
            ExitCode::from(2)
        }
        Err(Failure::Peers(message)) => {
            let _ = writeln!(io::stderr(), "error: {message}: there is no verdict");
            ExitCode::from(4)
        }
        Err(Failure::Stopped(why)) => {
            let what = match why {
                Stop::Interrupted => "interrupted",
                Stop::OutOfMemory => "this process has as much memory as --max-memory allows",
            };
            let _ = writeln!(io::stderr(), "error: {what}: there is no verdict");
            check::ended_by(why)
        }
        // Who reads the output has seen enough.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::SUCCESS
        }
        Err(Failure::Output(error)) => {
            let _ = writeln!(io::stderr(), "error: cannot write the output: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs what stands behind the arrow on the packed model, in as few words as its states need.
macro_rules! with_packed {
    ($bounds:expr, $reductions:expr, $words:ident, $model:ident => $then:expr) => {
        with_packed!(@ $bounds, $reductions, $words, $model => $then; 2 3 4 8)
    };
    (@ $bounds:expr, $reductions:expr, $words:ident, $model:ident => $then:expr; $($W:literal)*) => {{
        let (bounds, reductions) = ($bounds, $reductions);
        'found: {
            $(if let Some($model) = raft_model::reduce::PackedModel::<$W>::new(bounds, reductions) {
                const $words: usize = $W;
                break 'found ($then);
            })*
            return Err($crate::cli::Failure::Input(
                "a state within these bounds takes more than 512 bits: choose lower bounds, or, \
                 for a check, --engine world"
                    .to_string(),
            ));
        }
    }};
}
use with_packed;

/// Checks safety, and then liveness.
fn check_everything(args: &check::Args) -> Result<ExitCode, Failure> {
    let safety = check::run(args)?;
    writeln!(io::stdout())?;
    let Some(Command::Liveness(args)) = Cli::parse_from(["raft-model", "liveness"]).command else {
        unreachable!("it was asked for");
    };
    let liveness = liveness::run(&args)?;
    Ok(if safety == ExitCode::SUCCESS { liveness } else { safety })
}

/// Reads the name of a mutant.
fn mutant_parser() -> impl TypedValueParser<Value = Mutant> {
    PossibleValuesParser::new(MUTANTS.iter().map(|mutant| mutant.name))
        .map(|name| Mutant::named(&name).expect("one of the possible values"))
}

/// Reads a cluster size from the command line.
fn cluster(text: &str) -> Result<Cluster, String> {
    let size: i64 = text.parse().map_err(|_| "not a whole number".to_string())?;
    let size = u8::try_from(size.clamp(0, u8::MAX.into())).unwrap_or(u8::MAX);
    Cluster::new(size).map_err(|error| error.to_string())
}

/// Reads the last term in which an election may start.
fn max_term(text: &str) -> Result<Term, String> {
    match text.parse() {
        Ok(0) => Err("elections start in term 1 at the earliest".to_string()),
        Ok(number) => Ok(Term::new(number)),
        Err(_) => Err("not a whole number".to_string()),
    }
}
