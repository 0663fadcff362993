//! Scenarios: the corner cases of an election, each a script that plays them on the specification.
//!
//! A script under `tests/scenarios` is a story of commands, and after each `---` stands what every
//! server then did: the rule by which it moved, what it persists, sends and does with its timer,
//! and its state afterwards. The output is generated, and then read against the paper:
//!
//! ```sh
//! UPDATE_GOLDENFILES=1 cargo test --test scenarios
//! ```
//!
//! | command | what happens |
//! |---|---|
//! | `cluster 3` | S1, S2 and S3 come up for the first time; the first command of every script |
//! | `timeout S1` | the timer that S1 has running fires: election, or a leader's heartbeat |
//! | `deliver S1 S2 RequestVote term=1` | this message from S1 arrives at S2 |
//! | `duplicate S1 S2 RequestVote term=1` | it has arrived already, and arrives once more |
//! | `drop S1 S2 RequestVote term=1` | it is lost |
//! | `deliver-all` | messages arrive in the order sent, with all that follows, until none is left |
//! | `drop-all` | every message that is under way is lost |
//! | `cut S3 S4` | S3 and S4 are cut off from the others: messages across the cut wait |
//! | `heal` | everybody hears everybody, and what has waited can be delivered |
//! | `restart S2` | S2 crashes and comes up again with what it had stored |
//! | `show` | the state of every server |
//! | `expect-leader S1` | the script fails unless S1 leads and nobody else does |
//! | `expect-no-leader` | … unless nobody leads |
//! | `expect-term 1` | … unless every server is in term 1 |
//! | `expect-messages 30` | … unless at most 30 messages were sent since the start |
//!
//! `term=…`, and `vote=granted` or `vote=refused` for a response, may be left out where only one
//! message fits. The tag `[brief]` after a command leaves out the indented lines of its output;
//! parentheses around it leave out all. A message is only delivered if it was really sent: anything
//! else is an error of the script, and so is every step after which a property of safety is false.

mod stage;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use goldenscript::{ArgumentConsumer, Context};
use raft_model::action::Trigger;
use raft_model::cluster::Cluster;
use raft_model::election::Event;
use raft_model::mutant::{MUTANTS, Mutant};
use raft_model::types::{ServerId, Term};
use raft_model::world::Handlers;
use stage::{Description, Stage};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Runs one script.
struct Runner {
    handlers: Handlers,
    stage: Option<Stage>,
}

impl Runner {
    fn new(handlers: Handlers) -> Self {
        Self { handlers, stage: None }
    }
}

impl goldenscript::Runner for Runner {
    type Command = goldenscript::Command;

    fn run(&mut self, command: &goldenscript::Command, context: &Context) -> Result<String> {
        let mut args = command.consume_args();
        let output = match (command.name.as_str(), &mut self.stage) {
            ("cluster", stage) => {
                let cluster = Cluster::new(number(&mut args)?)?;
                stage.insert(Stage::new(cluster, self.handlers)).show()
            }
            (name, Some(stage)) => run(stage, name, &mut args)?,
            (_, None) => return Err("a script begins with `cluster`".into()),
        };
        args.reject_next()?;
        if context.tags.contains("brief") {
            let lines = output.lines().filter(|line| !line.starts_with(' '));
            return Ok(lines.map(|line| format!("{line}\n")).collect());
        }
        Ok(output)
    }
}

fn run(stage: &mut Stage, name: &str, args: &mut ArgumentConsumer<'_>) -> Result<String> {
    match name {
        "timeout" => stage.step(server(stage, args)?, Trigger::Event(Event::Timeout)),
        "restart" => stage.step(server(stage, args)?, Trigger::Restart),
        "deliver" => stage.deliver(&description(stage, args)?),
        "duplicate" => stage.duplicate(&description(stage, args)?),
        "drop" => stage.lose(&description(stage, args)?),
        "deliver-all" => stage.deliver_all(),
        "drop-all" => Ok(stage.lose_all()),
        "cut" => {
            let mut servers = vec![server(stage, args)?];
            while let Some(name) = args.next_pos() {
                servers.push(named(stage, name)?);
            }
            stage.cut(&servers);
            Ok(String::new())
        }
        "heal" => {
            stage.heal();
            Ok(String::new())
        }
        "show" => Ok(stage.show()),
        "expect-leader" => expect_leaders(stage, &[server(stage, args)?]),
        "expect-no-leader" => expect_leaders(stage, &[]),
        "expect-term" => {
            let term = Term::new(number(args)?);
            let mut servers = stage.cluster().servers();
            let elsewhere = servers.find(|&id| stage.state(id).ballot.current_term != term);
            claim(elsewhere.is_none(), || format!("not everybody is in term {term}"), stage)
        }
        "expect-messages" => {
            let (most, sent) = (number(args)?, stage.sent());
            claim(sent <= most, || format!("{sent} messages were sent"), stage)
        }
        _ => Err(format!("there is no command {name}").into()),
    }
}

fn expect_leaders(stage: &Stage, expected: &[ServerId]) -> Result<String> {
    let leaders = stage.leaders();
    claim(leaders == expected, || format!("the leaders are {leaders:?}"), stage)
}

/// A claim that holds or fails whatever the generated output says.
fn claim(holds: bool, truth: impl Fn() -> String, stage: &Stage) -> Result<String> {
    if holds { Ok(String::new()) } else { Err(format!("{}\n{}", truth(), stage.show()).into()) }
}

fn number<T: FromStr<Err: Error + 'static>>(args: &mut ArgumentConsumer<'_>) -> Result<T> {
    Ok(args.next_pos().ok_or("a number is missing")?.parse()?)
}

fn server(stage: &Stage, args: &mut ArgumentConsumer<'_>) -> Result<ServerId> {
    named(stage, args.next_pos().ok_or("a server is missing")?)
}

fn named(stage: &Stage, name: &str) -> Result<ServerId> {
    let found = stage.cluster().servers().find(|server| server.to_string() == name);
    found.ok_or_else(|| format!("there is no server {name}").into())
}

fn description(stage: &Stage, args: &mut ArgumentConsumer<'_>) -> Result<Description> {
    Ok(Description {
        from: server(stage, args)?,
        to: server(stage, args)?,
        name: args.next_pos().ok_or("a message is missing")?.to_owned(),
        term: args.take_key("term").map(str::parse).transpose()?.map(Term::new),
        vote_granted: match args.take_key("vote") {
            None => None,
            Some("granted") => Some(true),
            Some("refused") => Some(false),
            Some(other) => return Err(format!("a vote is granted or refused, not {other}").into()),
        },
    })
}

/// Each scenario is a test of its own. A Rust name cannot begin with a digit: `s01_first_election`
/// is the script `01_first_election.txt`.
macro_rules! scenarios {
    ($($name:ident)*) => {
        /// The scripts that are tests.
        const SCENARIOS: &[&str] = &[$(stringify!($name)),*];

        $(
            #[test]
            fn $name() {
                goldenscript::run(&mut Runner::new(Handlers::RAFT), path(stringify!($name)))
                    .unwrap();
            }
        )*
    };
}

scenarios! {
    s01_first_election
    s02_asked_for_its_vote
    s03_candidate_asked_for_its_vote
    s04_split_vote
    s05_timer_fires_during_election
    s06_slow_and_dead_peers
    s07_duplicates_and_latecomers
    s08_old_leader_returns
    s09_candidate_hears_leader
    s10_crash_after_voting
    s11_minority
    s12_heartbeats_in_time
    s13_first_heartbeat_at_once
    s14_fifth_server_decides
    s15_seven_servers_three_cut_off
    s16_alone
    s17_everybody_alone
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios")
}

fn path(scenario: &str) -> PathBuf {
    directory().join(format!("{}.txt", &scenario[1..]))
}

/// The output of a script, or why it fails.
fn play(handlers: Handlers, script: &str) -> std::result::Result<String, String> {
    goldenscript::generate(&mut Runner::new(handlers), script).map_err(|error| error.to_string())
}

fn error_of(script: &str) -> String {
    play(Handlers::RAFT, script).expect_err("the script must fail")
}

#[test]
fn every_script_is_a_test() {
    let mut files: Vec<_> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .collect();
    files.sort();
    let scenarios: Vec<_> = SCENARIOS.iter().map(|name| path(name)).collect();
    assert_eq!(files, scenarios);
}

#[test]
fn no_scenario_is_missing() {
    for number in 1..=17 {
        let prefix = format!("s{number:02}_");
        let count = SCENARIOS.iter().filter(|name| name.starts_with(&prefix)).count();
        assert_eq!(count, 1, "scenario {number}");
    }
}

#[test]
fn every_script_begins_with_what_it_tells() {
    for name in SCENARIOS {
        let script = std::fs::read_to_string(path(name)).unwrap();
        assert!(script.starts_with("# "), "{name}");
    }
}

#[test]
fn a_message_never_sent_is_not_delivered() {
    let error = error_of(
        "cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote term=1\n\
         deliver S3 S1 RequestVoteResponse term=1\n---\n",
    );
    assert!(error.contains("line 4"), "{error}");
    assert!(error.contains("S3 → S1: RequestVoteResponse (term 1) was never sent"), "{error}");
    assert!(error.contains("S1 → S2: RequestVote (term 1), delivered"), "{error}");
    assert!(error.contains("S1 → S3: RequestVote (term 1), under way"), "{error}");
    assert!(
        error.contains("S2 → S1: RequestVoteResponse (term 1, vote granted), under way"),
        "{error}"
    );
}

#[test]
fn a_message_of_another_term_or_answer_was_never_sent() {
    let start = "cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote\n";
    for wrong in ["S1 S3 RequestVote term=2", "S2 S1 RequestVoteResponse vote=refused"] {
        let error = error_of(&format!("{start}deliver {wrong}\n---\n"));
        assert!(error.contains("was never sent"), "{error}");
    }
}

#[test]
fn a_message_arrives_once_unless_it_is_duplicated() {
    let start = "cluster 3\ntimeout S1\n";
    let deliver = "deliver S1 S2 RequestVote\n";
    let duplicate = "duplicate S1 S2 RequestVote\n";
    let drop = "drop S1 S2 RequestVote\n";
    let error = error_of(&format!("{start}{deliver}{deliver}---\n"));
    assert!(error.contains("is not under way"), "{error}");
    let error = error_of(&format!("{start}{drop}{deliver}---\n"));
    assert!(error.contains("is not under way"), "{error}");
    let error = error_of(&format!("{start}{duplicate}---\n"));
    assert!(error.contains("is not delivered yet"), "{error}");
    for across in [format!("cut S2\n{deliver}"), format!("{deliver}cut S2\n{duplicate}")] {
        let error = error_of(&format!("{start}{across}---\n"));
        assert!(error.contains("cut off"), "{error}");
    }
}

#[test]
fn a_message_that_is_not_told_from_another_is_refused() {
    let error = error_of("cluster 3\ntimeout S1\ntimeout S1\ndeliver S1 S2 RequestVote\n---\n");
    assert!(error.contains("say which"), "{error}");
}

#[test]
fn what_a_script_does_not_know_is_an_error() {
    for (script, says) in [
        ("timeout S1", "a script begins with `cluster`"),
        ("cluster 8", "a cluster has 1 to 7 servers, not 8"),
        ("cluster three", "invalid digit"),
        ("cluster 3\ntimeout S4", "there is no server S4"),
        ("cluster 3\ntimeout A", "there is no server A"),
        ("cluster 3\ntimeout", "a server is missing"),
        ("cluster 3\ntimeout S1 S2", "unexpected argument 'S2'"),
        ("cluster 3\nelect S1", "there is no command elect"),
        ("cluster 3\ntimeout S1\ndeliver S1 S2", "a message is missing"),
        ("cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote trem=1", "unexpected argument 'trem=1'"),
        ("cluster 3\ntimeout S1\ndeliver S1 S2 RequestVote vote=no", "granted or refused, not no"),
    ] {
        let error = error_of(&format!("{script}\n---\n"));
        assert!(error.contains(says), "{script}: {error}");
    }
}

#[test]
fn a_claim_that_is_false_is_an_error() {
    for (claim, says) in [
        ("expect-leader S1", "the leaders are []"),
        ("expect-term 1", "not everybody is in term 1"),
        ("expect-messages 1", "2 messages were sent"),
        ("deliver-all\nexpect-no-leader", "the leaders are [S1]"),
        ("deliver-all\nexpect-leader S2", "the leaders are [S1]"),
    ] {
        let error = error_of(&format!("cluster 3\ntimeout S1\n{claim}\n---\n"));
        assert!(error.contains(says), "{claim}: {error}");
    }
}

#[test]
fn safety_is_judged_after_every_step() {
    let mutant = Mutant::named("vote-given-twice").unwrap();
    let script = "cluster 3\ntimeout S1\ntimeout S2\n\
                  deliver S1 S3 RequestVote\ndeliver S2 S3 RequestVote\n---\n";
    assert_eq!(play(Handlers::RAFT, script).err(), None);
    let error = play(mutant.handlers, script).unwrap_err();
    assert!(error.contains("line 5") && error.contains("VoteOncePerTerm"), "{error}");
}

/// A wrong election either breaks a script or tells another story. The catalogue names the first
/// script that shows it.
#[test]
fn every_mutant_is_noticed() {
    for mutant in MUTANTS {
        let notices = |name: &&&str| {
            let script = std::fs::read_to_string(path(name)).unwrap();
            play(mutant.handlers, &script) != play(Handlers::RAFT, &script)
        };
        let first = SCENARIOS.iter().find(notices).map(|name| &name[1..]);
        assert_eq!(first, mutant.scenario, "{}", mutant.name);
    }
}

/// No script can reach the last term.
#[test]
fn only_the_end_of_terms_is_not_played() {
    let mut unnoticed = MUTANTS.iter().filter(|mutant| mutant.scenario.is_none());
    assert!(unnoticed.by_ref().map(|mutant| mutant.name).eq(["terms-wrap-around"]));
}
