//! The command line.

mod check;
mod explore;
mod prove;
mod replay;
mod watch;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use raft_model::search::Stop;
use raft_model::types::{Cluster, Term};

/// Raft leader election: checks the specification, and shows what it does.
///
/// Without a subcommand it runs `check` with its defaults.
///
/// Exit codes: 0 everything holds; 1 a property is violated, a proof has a gap, or a trace tells what
/// cannot have happened; 2 the command line or the input is wrong; 3 `--max-memory` ended a check; 4 a check
/// broke off, since another process was missing or lost; 130 Ctrl-C ended a check
/// or a proof. What ends with 3, 4 or 130 has not shown anything.
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
    /// Walk through the state graph in a web browser (stateright's Explorer on the actor model).
    Explore(explore::Args),
    /// Prove safety for every number of servers and every term, with the solvers z3 and cvc5.
    Prove(prove::Args),
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
    let command = cli.command.unwrap_or(Command::Check(cli.check));
    let result = match command {
        Command::Check(args) => check::run(&args),
        Command::Explore(args) => explore::run(&args),
        Command::Prove(args) => prove::run(&args),
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
        Err(Failure::Stopped(why)) => check::ended_by(why),
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
