//! Elections with a role, or a message, that nobody thought of where the election is read. Somebody
//! adds it to the text of the specification, and elsewhere no more than the compiler asks for: what
//! is new is taken for what is old. Then the proof and the check refuse it.
//!
//! A mutant cannot be that, since it has the roles and the messages of the specification. So a copy
//! of the crate is edited, and built once; which election it runs, the environment tells it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use support::planted::{copy, for_each_file, replace};
use support::{binary, solvers};

use serde_json::Value;
use tempfile::TempDir;

/// A role whose timer leads at once, and to which a heartbeat leads; a message whose receiver leads
/// at once, in place of a leader's later heartbeats.
const PLANTED: [(&str, &str, &str); 8] = [
    (
        "election.rs",
        "    /// It asks whether it would be elected",
        "    Rested { contact: bool },\n",
    ),
    (
        "message.rs",
        "    /// The leader of `term` is alive",
        "    Lead { term: Term, round: Round },\n",
    ),
    (
        "message.rs",
        "            Self::AppendEntries { round, .. } =>",
        "            Self::Lead { round, .. } => Self::Lead { term, round },\n",
    ),
    ("election.rs", "    /// The timer fires. (TLA+ `Timeout`.)\n", SWITCH),
    (
        "election.rs",
        "        match before.role {\n            Role::Follower { contact: true }",
        TIMEOUT,
    ),
    ("election.rs", "        let rule = match state.role {\n", HEARTBEAT),
    ("lease.rs", "            return Decision::quiet(before, Rule::HeartbeatSent)\n", LEADER),
    (
        "election.rs",
        "            Message::RequestVote { .. } => receive_request_vote(state, from),\n",
        "            Message::Lead { .. } => self.lead(state.ballot),\n",
    ),
];

const SWITCH: &str = r#"
    pub(super) fn is_planted(what: &str) -> bool {
        std::env::var("PLANTED").is_ok_and(|planted| planted == what)
    }
"#;

const TIMEOUT: &str = "
        if matches!(before.role, Role::Rested { .. }) {
            return self.lead(before.ballot);
        }
";

const HEARTBEAT: &str = r#"
        if Self::is_planted("role") && matches!(state.role, Role::Follower { .. }) {
            let state = State { role: Role::Rested { contact: false }, ..state };
            return Decision::quiet(state, Rule::HeartbeatAccepted);
        }
"#;

const LEADER: &str = r#"
            if Self::is_planted("message") {
                return Decision::quiet(before, Rule::HeartbeatSent)
                    .broadcast(Message::Lead { term, round });
            }
"#;

/// What the packed worlds need in order to tell the new from the old.
const PACKED: [(&str, &str, &str); 5] = [
    (
        "server.rs",
        "            0 => Role::Follower {",
        "            4 => Role::Rested { contact: set != 0 },\n",
    ),
    (
        "server.rs",
        "            Role::Follower { contact } => (0,",
        "            Role::Rested { contact } => (4, u8::from(contact), 1, Beats::ZERO),\n",
    ),
    (
        "alphabet.rs",
        "    messages.extend(rounds().map(|round| Message::AppendEntries { term, round }));\n",
        "    messages.push(Message::Lead { term, round: Round::FIRST });\n",
    ),
    (
        "alphabet.rs",
        "        let heartbeat = |round| broadcast(",
        "        self.add(broadcast(Message::Lead { term, round: Round::FIRST }));\n",
    ),
    (
        "alphabet.rs",
        "            Message::AppendEntries { round: of, .. } =>",
        "            Message::Lead { .. } => Some(6),\n",
    ),
];

/// Room for one more role, and for one more kind of message.
const ROOM: [(&str, &str, &str); 2] =
    [("server.rs", "ROLE_BITS: u32 = 2", "ROLE_BITS: u32 = 3"), ("alphabet.rs", "6 + ", "7 + ")];

/// A pattern that names an old one names the new one too: a name and its fields, before an arrow, a
/// condition or another pattern.
fn taken_for_old(text: &str) -> String {
    let mut text = text.to_owned();
    for (old, new) in [("Follower {", "Rested {"), ("AppendEntries {", "Lead {")] {
        for place in ["Role::", "Self::", "Message::"] {
            let name = format!("{place}{old}");
            let mut rest = text.split(&name);
            let mut edited = rest.next().unwrap_or_default().to_owned();
            for after in rest {
                let (fields, end) = after.split_once('}').expect("a pattern or a value ends");
                let is_pattern =
                    ["=>", "|", "if "].iter().any(|next| end.trim_start().starts_with(next));
                if is_pattern {
                    edited += &format!("{place}{new}{fields}}} | ");
                }
                edited += &format!("{name}{after}");
            }
            text = edited;
        }
    }
    text
}

/// Writes the edited workspace.
fn plant(folder: &Path) {
    copy("model", "raft_model", "planted", folder);
    let source = folder.join("model/src");
    for (room, texts) in [("protocol", &PLANTED[..]), ("packed", &PACKED[..])] {
        for (file, before, text) in texts {
            replace(&source.join(room).join(file), before, &format!("{text}{before}"));
        }
    }
    for (file, before, after) in ROOM {
        replace(&source.join("packed").join(file), before, after);
    }
    for_each_file(&source, &mut |path| {
        if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).unwrap();
            fs::write(path, taken_for_old(&text)).unwrap();
        }
    });
}

/// The program of the edited copy. It is not optimised, which takes longer than its run.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let folder = TempDir::new().unwrap();
        plant(folder.path());
        let options = ["dev", "release"].map(|profile| {
            [("opt-level", "0"), ("debug", "false")].map(|(key, value)| {
                format!("--config=profile.{profile}.package.planted.{key}={value}")
            })
        });
        let options: Vec<_> = options.iter().flatten().map(String::as_str).collect();
        binary::built_from(folder.path(), "planted", &[&["--offline"], &options[..]].concat())
    })
}

fn run(planted: &str, arguments: &[&str]) -> Output {
    Command::new(program()).args(arguments).env("PLANTED", planted).output().unwrap()
}

/// The rules of the paths of which the proof says that they lead to where no path begins.
fn not_considered(planted: &str) -> (Option<i32>, Vec<String>) {
    let output = run(planted, &["prove", "--solver", "z3", "--json"]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let gaps = report["gaps"].as_array().unwrap();
    let gaps = gaps.iter().filter(|gap| gap["name"] == "NextConsidered");
    let mut rules: Vec<_> = gaps.map(|gap| gap["rule"].as_str().unwrap().to_owned()).collect();
    rules.sort();
    rules.dedup();
    (output.status.code(), rules)
}

fn is_checked(planted: &str, arguments: &[&str]) -> (Option<i32>, String) {
    let output = run(planted, &[&["check"], arguments].concat());
    (output.status.code(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn what_nothing_leads_to_and_what_nobody_sends_is_allowed() {
    if !solvers::are_there() {
        return;
    }
    assert_eq!(not_considered("nothing"), (Some(0), vec![]));
    let (code, table) = is_checked("nothing", &["--servers", "3"]);
    assert_eq!(code, Some(0), "{table}");
}

#[test]
fn the_proof_refuses_a_role_that_leads_and_that_a_heartbeat_leads_to() {
    if !solvers::are_there() {
        return;
    }
    assert_eq!(not_considered("role"), (Some(1), vec!["HeartbeatAccepted".to_owned()]));
}

#[test]
fn the_proof_refuses_a_message_whose_receiver_leads() {
    if !solvers::are_there() {
        return;
    }
    assert_eq!(not_considered("message"), (Some(1), vec!["HeartbeatSent".to_owned()]));
}

#[test]
fn the_check_refuses_both() {
    for planted in ["role", "message"] {
        let (code, table) = is_checked(planted, &[]);
        assert_eq!(code, Some(1), "{planted}: {table}");
        assert!(table.contains("ElectionSafety       VIOLATED"), "{planted}: {table}");
    }
}
