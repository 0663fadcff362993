//! `raft-model play`.

use std::fs;
use std::io::{self, Read as _, Write};
use std::path::PathBuf;

use raft_model::explore::scenario::{self, Play};
use raft_model::explore::{svg, take, walk};
use raft_model::mutant::Mutant;
use raft_model::world::Handlers;

use super::exit::Exit;
use super::{Failure, paper};

/// The arguments of `play`.
#[derive(clap::Args)]
#[command(after_long_help = LANGUAGE)]
pub(super) struct Args {
    /// The script; `-` is what is piped in.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Play it on an election that is wrong on purpose; `raft-model mutants` lists them.
    #[arg(long, value_name = "NAME", value_parser = super::mutant)]
    mutant: Option<Mutant>,
    /// Tell the story instead: every server after each step.
    #[arg(long)]
    story: bool,
    /// Print a link of the explorer instead, a line for each `cluster` of the script.
    #[arg(long, conflicts_with = "story")]
    link: bool,
    /// Draw it to this file, as SVG: a line a server, an arrow a message, a column a step. Of
    /// several stories the first is drawn.
    #[arg(long, value_name = "OUT")]
    svg: Option<PathBuf>,
}

const LANGUAGE: &str = "\
A script, for example:
  cluster 3 guarded      three servers come up; or figure2, pre-vote, check-quorum
  timeout S1             the timer that S1 has running fires
  deliver S1 S2 PreVote  this message of S1 arrives at S2; also duplicate, drop
  deliver-all            all messages arrive, in the order sent
  restart S2             S2 crashes and comes up again
  lose-disk S2           S2 crashes and comes up without its disk
  hear-term S2 S1        S1 tells its term to S2, which has lost its disk
  hand-over S1 S2        S1, which leads, is told to hand over to S2
  cut S3                 S3 is cut off; also cut-links S1 S2, cut-way S1 S2 and
                         mend-way S1 S2 (S2 does not hear S1), deafen S3, heal
  expect-leader S1       it fails unless S1 leads and nobody else does
  ---                    what happened is told here
The scripts of tests/scenarios are written so.
";

/// Plays a script, and tells what every server did.
pub(super) fn run(args: &Args) -> Result<Exit, Failure> {
    let name = args.file.display();
    let text = if args.file.as_os_str() == "-" {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        fs::read_to_string(&args.file)
    };
    let text = text.map_err(|error| Failure::Input(format!("cannot read {name}: {error}")))?;
    // A script that tells nothing yet ends with its commands.
    let script = if text.contains("\n---") { text } else { format!("{}\n---\n", text.trim_end()) };
    let handlers = args.mutant.map_or(Handlers::RAFT, |mutant| mutant.handlers);
    let (output, mut plays) = match scenario::play(handlers, &script) {
        Ok(played) => played,
        Err(error) => {
            writeln!(io::stderr(), "{name}: {error}")?;
            return Ok(Exit::Fails);
        }
    };
    for play in &mut plays {
        play.setting.mutant = args.mutant;
    }
    if let Some(out) = &args.svg {
        let Some(Play { setting, path, .. }) = plays.first() else {
            return Err(Failure::Input(format!("{name}: nothing happens in it")));
        };
        let cannot = |error| Failure::Input(format!("cannot write {}: {error}", out.display()));
        fs::write(out, svg::picture(setting, path)).map_err(cannot)?;
    }
    if args.link {
        for Play { setting, path, .. } in &plays {
            writeln!(io::stdout(), "#{setting}&path={}", walk::written(path))?;
        }
    } else if args.story {
        for Play { setting, path, .. } in &plays {
            paper::print(&(take::story(setting, path) + "\n"))?;
        }
    } else {
        paper::print(&output)?;
    }
    Ok(Exit::Holds)
}
