//! Mistakes in the node, each small, and what the simulator says of it. The specification is right
//! in all of them; what surrounds it is not.
//!
//! A copy of the crate is edited, and built once; which mistake it makes, the environment tells it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::Value;
use support::binary;
use support::planted::{copy, replace};
use tempfile::TempDir;

/// The most faults that it may take to find a mistake.
const FAULTS: u64 = 100_000;

/// A mistake: its name, a file, what stands there, and what stands there instead. `HAPPENS` is
/// whether it is made.
const PLANTED: [(&str, &str, &str, &str); 20] = [
    (
        "persist after send",
        "engine/mod.rs",
        "        if step.persist {",
        "        if HAPPENS {\n            self.send(step.outgoing, id, now);\n        }\n        if step.persist {",
    ),
    (
        "persist after send",
        "engine/mod.rs",
        "        self.send(step.outgoing, id, now);\n        self.outputs",
        "        if !HAPPENS {\n            self.send(step.outgoing, id, now);\n        }\n        self.outputs",
    ),
    (
        "record after send",
        "engine/mod.rs",
        "            self.outputs.push_back(Output::Record { id, cause, step });\n        }",
        "            if HAPPENS {\n                self.send(step.outgoing, id, now);\n            }\n            \
         self.outputs.push_back(Output::Record { id, cause, step });\n        }",
    ),
    (
        "lease from receipt",
        "lease.rs",
        "let until = self.opened.after(",
        "let until = if HAPPENS { now } else { self.opened }.after(",
    ),
    (
        "lease on the monotonic clock",
        "clock.rs",
        "Self(clocks(ClockId::Boottime))",
        "Self(clocks(if HAPPENS { ClockId::Monotonic } else { ClockId::Boottime }))",
    ),
    (
        "promises ignored",
        "lease.rs",
        "self.promises[from.index()] = promise;",
        "self.promises[from.index()] = if HAPPENS { self.own } else { promise };",
    ),
    (
        "one slot skipped",
        "disk/slots/mod.rs",
        "        for place in [Place::A, Place::B] {\n",
        "        for place in [Place::A, Place::B] {\n            if HAPPENS && place == Place::B {\n                \
         continue;\n            }\n",
    ),
    (
        "torn slot believed",
        "disk/slot.rs",
        "        let mut sealed = *block;\n",
        "        let mut sealed = *block;\n        if HAPPENS && block[0] != 0 {\n            \
         return Self::parse(block, Protocol::GUARDED).ok_or(Damage::Checksum);\n        }\n",
    ),
    (
        "contact forgotten at start",
        "countdown.rs",
        "            Timer::Contact => shortest,",
        "            Timer::Contact if HAPPENS && rule == Rule::Started => Duration::ZERO,\n            \
         Timer::Contact => shortest,",
    ),
    (
        "contact forgotten at start",
        "engine/mod.rs",
        "Countdown::new(config, now.after(promise))",
        "Countdown::new(config, if HAPPENS { now } else { now.after(promise) })",
    ),
    (
        "timer early",
        "countdown.rs",
        "            Timer::Contact => shortest,",
        "            Timer::Contact if HAPPENS => shortest / 2,\n            Timer::Contact => shortest,",
    ),
    (
        "promise of an earlier run forgotten",
        "countdown.rs",
        "        if timer == Timer::Contact {",
        "        if timer == Timer::Contact && !HAPPENS {",
    ),
    (
        "token reused",
        "leadership.rs",
        "pub const fn fencing_token(&self) -> u64 {\n",
        "pub fn fencing_token(&self) -> u64 {\n        if HAPPENS {\n            return self.term.number() / 2;\n        }\n",
    ),
    (
        "handed out after hand-over",
        "engine/mod.rs",
        "let may_hand_out = self.leaving.is_none()",
        "let may_hand_out = (HAPPENS || self.leaving.is_none())",
    ),
    (
        "handed out before it is durable",
        "engine/mod.rs",
        "&& self.saving.is_none();",
        "&& (HAPPENS || self.saving.is_none());",
    ),
    (
        "nonce reused",
        "session/sessions.rs",
        "        peer.sealed += 1;\n",
        "        peer.sealed += 1;\n        if HAPPENS && peer.sealed > 9 {\n            peer.sealed = 9;\n        }\n",
    ),
    (
        "window off by one",
        "session/window.rs",
        "self.seen |= 1 << behind,",
        "self.seen |= 1 << (behind + u64::from(HAPPENS)) % WIDTH,",
    ),
    (
        "session kept over a restart",
        "session/secrets.rs",
        "let runs = [own.0, to.1.0].concat();",
        "let runs = [own.0, if HAPPENS { [0; 16] } else { to.1.0 }].concat();",
    ),
    (
        "join too early",
        "join.rs",
        "        (!self.state.role.is_returning())",
        "        if HAPPENS\n            && let Role::Returning { heard, newest: current_term } = self.state.role\n            \
         && heard.iter().count() > 1\n        {\n            let voted_for = Some(self.server.id);\n            \
         return Some(Ballot { current_term, voted_for });\n        }\n        (!self.state.role.is_returning())",
    ),
    (
        "join with a vote",
        "disk/slot.rs",
        "        Self { generation: boot.saturating_sub(1), ballot,",
        "        let voted_for = if HAPPENS { None } else { ballot.voted_for };\n        let ballot = \
         Ballot { voted_for, ..ballot };\n        Self { generation: boot.saturating_sub(1), ballot,",
    ),
];

/// What the simulator finds, as the beginning of its sentence or a part of it; the numbers of
/// servers differ where only some show it.
const FOUND: [(&str, &str, &str); 18] = [
    ("persist after send", "3", "the traces are refused"),
    ("record after send", "3", "the traces are refused"),
    ("lease from receipt", "3", "hands out the token"),
    ("lease on the monotonic clock", "3", "two leaderships are valid at once"),
    ("promises ignored", "3", "two leaderships are valid at once"),
    ("one slot skipped", "3", "refuses its ballot"),
    ("torn slot believed", "3", "came up with another ballot"),
    ("contact forgotten at start", "3", "two leaderships are valid at once"),
    ("timer early", "3", "two leaderships are valid at once"),
    ("promise of an earlier run forgotten", "3", "two leaderships are valid at once"),
    ("token reused", "3", "hands out the token"),
    ("handed out after hand-over", "3", "two leaderships are valid at once"),
    ("handed out before it is durable", "1", "hands out the token"),
    ("nonce reused", "3", "has sealed two datagrams with one number"),
    ("window off by one", "3", "believes twice"),
    ("session kept over a restart", "3", "before one of them was started again"),
    ("join too early", "3", "the traces are refused"),
    ("join with a vote", "3", "the traces are refused"),
];

const SWITCH: &str = r#"
pub(crate) fn is_planted(what: &str) -> bool {
    static PLANTED: std::sync::LazyLock<String> =
        std::sync::LazyLock::new(|| std::env::var("PLANTED").unwrap_or_default());
    *PLANTED == what
}
"#;

/// Writes the edited workspace: the node alone, on the model as it is.
fn plant(folder: &Path) {
    copy("impl", "raft_node", "planted-node", folder);
    let source = folder.join("impl/src");
    for (name, file, before, after) in PLANTED {
        let happens = format!("crate::is_planted({name:?})");
        replace(&source.join(file), before, &after.replace("HAPPENS", &happens));
    }
    let library = source.join("lib.rs");
    fs::write(&library, fs::read_to_string(&library).unwrap() + SWITCH).unwrap();
}

/// The program of the edited copy.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        plant(folder.path());
        binary::built_from(folder.path(), "planted-node", &["--offline"])
    })
}

/// How many faults it took until a rule was broken, and which.
fn simulate(planted: &str, servers: &str, runs: u64) -> (u64, Option<String>) {
    let mut command = Command::new(program());
    command.args(["simulate", "--json", "--servers", servers, "--runs", &runs.to_string()]);
    let output = command.env("PLANTED", planted).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let faults = report["faults"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    let rule = report["broken"]["rule"].as_str().map(str::to_owned);
    assert_eq!(output.status.code(), Some(i32::from(rule.is_some())));
    (faults, rule)
}

#[test]
fn without_a_mistake_the_copy_breaks_no_rule() {
    for servers in ["1", "3"] {
        assert_eq!(simulate("nothing", servers, 20).1, None);
    }
}

#[test]
fn each_mistake_is_found() {
    let mut wrong = Vec::new();
    for (planted, servers, expected) in FOUND {
        // Of a hundred faults in a run some twenty more are restarts.
        let (faults, rule) = simulate(planted, servers, FAULTS / 125);
        println!("{planted}: {rule:?} after {faults} faults");
        if faults > FAULTS || !rule.as_ref().is_some_and(|rule| rule.contains(expected)) {
            wrong.push(format!("{planted}: {rule:?} after {faults} faults"));
        }
    }
    assert!(wrong.is_empty(), "found otherwise, or not at all:\n{}", wrong.join("\n"));
}
