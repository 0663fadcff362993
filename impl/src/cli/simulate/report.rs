//! What `simulate` prints: a table, a story of what broke, or JSON.

use std::time::Duration;

use raft_node::config::ClockError;
use raft_node::simulate::{Kind, Options, Outcome, Run, Violation};
use serde_json::{Map, json};

use crate::cli::in_whole_words;

/// What was simulated, and what came of it.
pub(super) struct Report {
    pub(super) options: Options,
    /// How many runs were asked for.
    pub(super) asked: u64,
    /// How many came to an end.
    pub(super) runs: u64,
    /// All of these together.
    pub(super) all: Outcome,
    pub(super) found: Option<Found>,
    pub(super) is_interrupted: bool,
    pub(super) took: Duration,
    /// What became of the traces, if they were asked for.
    pub(super) traces: Option<String>,
}

/// The first run that breaks a rule.
pub(super) struct Found {
    pub(super) run: Run,
    pub(super) violation: Violation,
}

impl Report {
    /// For people.
    pub(super) fn text(&self) -> String {
        let Outcome { elections, handed_out, given_up, records, nanoseconds, .. } = self.all;
        let (seconds, took) = (Duration::from_nanos(nanoseconds).as_secs(), self.took);
        let faults = self.all.all_faults();
        let mut text = format!(
            "{} {faults} faults in {seconds} s of simulated time, {:.1} s of real time\n",
            match self.runs {
                1 => "1 run:".to_owned(),
                runs => format!("{runs} runs:"),
            },
            took.as_secs_f64()
        );
        let mut row = |name: &str, count: u64, note: &str| {
            text += format!("  {name:<16}{count:>9}  {note}").trim_end();
            text.push('\n');
        };
        for &kind in Kind::ALL {
            let count = self.all.faults(kind);
            let share = (100 * count + faults / 2) / faults.max(1);
            row(kind.name(), count, &format!("{share:>3} %"));
        }
        row("elections", elections, "won");
        row("leaderships", handed_out, "handed out or renewed");
        row("hand-overs", given_up, "asked for, and done");
        row("records", records, "replayed");
        text += "\n";
        if !self.options.protocol.check_quorum() {
            let protocol = self.options.protocol.name();
            text += &filled(&format!(
                "Leases were not judged: with {protocol} there are none. Ballots, traces and that \
                 somebody leads at the end were."
            ));
        }
        text += &match &self.found {
            Some(found) => self.story(found),
            None if self.is_interrupted => {
                format!(
                    "Interrupted after {} of {} runs; no rule was broken in these.\n",
                    self.runs, self.asked
                )
            }
            None => "No rule was broken.\n".to_owned(),
        };
        text + &self.traces.as_deref().map_or(String::new(), filled)
    }

    /// What broke a rule, and how to see it again.
    fn story(&self, Found { run, violation }: &Found) -> String {
        let mut text = filled(&format!("BROKEN: {violation}"));
        text += &format!("\nWhat is left of run {}:\n", run.seed);
        for (number, fault) in run.faults(&self.options) {
            text += &hanging(&format!("{number:>5}  {fault}"), 19);
        }
        text + &format!("\nAgain:\n  {} --traces TRACES\n", self.again(run))
    }

    /// The command that repeats a run, with what is not as it would be anyway.
    fn again(&self, run: &Run) -> String {
        let Options { servers, protocol, witnesses, faults, clock_error_ppm, has_key } =
            &self.options;
        let default = Options::default();
        let plain = if *has_key { "" } else { " --plain" };
        let mut command = format!("raft-node simulate{plain}");
        let mut say = |is_other: bool, option: &str, value: String| {
            if is_other {
                command += &format!(" --{option} {value}");
            }
        };
        say(*servers != default.servers, "servers", servers.to_string());
        say(*protocol != default.protocol, "protocol", protocol.name().to_owned());
        for witness in witnesses {
            say(true, "witness", witness.to_string());
        }
        say(*faults != default.faults, "faults", faults.to_string());
        let percent = f64::from(*clock_error_ppm) / 10_000.0;
        say(*clock_error_ppm != ClockError::DEFAULT.ppm(), "clock-error", percent.to_string());
        say(true, "seed", run.seed.to_string());
        match &run.only {
            None => say(true, "runs", "1".to_owned()),
            Some(none) if none.is_empty() => say(true, "only", "none".to_owned()),
            Some(some) => {
                let numbers: Vec<_> = some.iter().map(usize::to_string).collect();
                say(true, "only", numbers.join(","));
            }
        }
        command
    }

    /// For programs.
    pub(super) fn json(&self) -> String {
        let kinds = Kind::ALL.iter();
        let faults: Map<_, _> = kinds
            .map(|&kind| (kind.name().replace(' ', "_"), self.all.faults(kind).into()))
            .collect();
        let broken = self.found.as_ref().map(|Found { run, violation }| {
            json!({ "seed": run.seed, "only": run.only, "rule": violation.to_string() })
        });
        let report = json!({
            "runs": self.runs,
            "interrupted": self.is_interrupted,
            "faults": faults,
            "simulated_s": Duration::from_nanos(self.all.nanoseconds).as_secs(),
            "elections": self.all.elections,
            "leases_judged": self.options.protocol.check_quorum(),
            "handed_out": self.all.handed_out,
            "given_up": self.all.given_up,
            "records": self.all.records,
            "broken": broken,
        });
        format!("{report}\n")
    }
}

/// A sentence, over as many lines as it takes.
fn filled(text: &str) -> String {
    hanging(text, 0)
}

/// The same, and its other lines begin in this column.
fn hanging(text: &str, column: usize) -> String {
    let indent = " ".repeat(column);
    textwrap::fill(text, in_whole_words(80).subsequent_indent(&indent)) + "\n"
}
