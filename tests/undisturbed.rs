//! Who comes back disturbs no quorum in contact: by which protocols, and by which mistakes not.
//!
//! The numbers stand here. One that changes needs its reason in the commit that changes it.

use std::process::{Command, Output};

use raft_model::action::{Envelope, Trigger};
use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Event, Role, Rule};
use raft_model::liveness::undisturbed::{Beginning, Findings, Hostile, Led, Verdict, bounds};
use raft_model::message::Message;
use raft_model::mutant::Mutant;
use raft_model::search::Control;
use raft_model::types::{Attempt, ServerId, Term};
use raft_model::world::bounds::{Bounds, Limits};
use raft_model::world::{Handlers, World, WorldModel};
use support::binary;

fn small(protocol: Protocol) -> Bounds {
    bounds(Cluster::with(3, protocol).unwrap(), Term::new(2))
}

/// What is found of each beginning; and how many worlds the hostile phase has.
fn judged(protocol: Protocol, handlers: Handlers) -> (usize, [Findings; 2]) {
    let control = Control::default();
    let hostile = Hostile::<4>::explore(small(protocol), handlers, &control).unwrap().unwrap();
    (hostile.worlds(), Beginning::ALL.map(|beginning| hostile.judge(beginning, &control).unwrap()))
}

/// How many steps it takes to disturb somebody; none, if nobody is disturbed.
fn steps(findings: &Findings) -> Option<usize> {
    match &findings.verdict {
        Verdict::Holds => None,
        Verdict::Fails(disturbance) => Some(disturbance.run.moves.len()),
        Verdict::Unconfirmed => panic!("a run was found that whole worlds do not do"),
    }
}

/// How many worlds the hostile phase has; and of each beginning, in how many steps somebody is
/// disturbed, and how often it begins so.
fn is_found(protocol: Protocol, worlds: usize, fails: [Option<usize>; 2], begins: [usize; 2]) {
    let (hostile, findings) = judged(protocol, Handlers::RAFT);
    assert_eq!(hostile, worlds, "{protocol}");
    assert_eq!(findings.each_ref().map(steps), fails, "{protocol}");
    assert_eq!(findings.each_ref().map(|found| found.beginnings), begins, "{protocol}");
    if protocol == Protocol::GUARDED {
        assert_eq!(findings.map(|found| found.worlds), [12_108, 35_877]);
    }
}

#[test]
fn without_pre_vote_who_comes_back_disturbs() {
    is_found(Protocol::FIGURE2, 369, [Some(2), Some(2)], [29, 40]);
    is_found(Protocol::CHECK_QUORUM, 5_812, [Some(4), Some(3)], [558, 1_392]);
}

#[test]
fn so_it_does_with_pre_vote_alone() {
    is_found(Protocol::PRE_VOTE, 22_238, [Some(4), Some(4)], [111, 196]);
}

#[test]
fn with_both_guards_nobody_is_disturbed() {
    is_found(Protocol::GUARDED, 82_622, [None, None], [1_202, 5_592]);
}

/// Whoever could disturb is one of the quorum.
#[test]
fn of_two_servers_nobody_disturbs_the_other() {
    let begins = Protocol::ALL.map(|protocol| {
        let bounds = bounds(Cluster::with(2, protocol).unwrap(), Term::new(2));
        let (control, raft) = (Control::default(), Handlers::RAFT);
        let hostile = Hostile::<4>::explore(bounds, raft, &control).unwrap().unwrap();
        Beginning::ALL.map(|beginning| {
            let Findings { beginnings, worlds, verdict } =
                hostile.judge(beginning, &control).unwrap();
            assert_eq!(verdict, Verdict::Holds, "{protocol}");
            (beginnings, worlds)
        })
    });
    let expected = [[(2, 3), (2, 2)], [(3, 6), (5, 5)], [(10, 34), (12, 24)], [(13, 37), (30, 60)]];
    assert_eq!(begins, expected);
    let names = Beginning::ALL.map(|beginning| beginning.to_string());
    assert_eq!(names, ["nothing under way", "nobody asks"]);
}

#[test]
fn a_disturbance_is_told_as_a_story() {
    let ends = ["What was under way is lost.", "Nobody waits for pre-votes now."];
    for (findings, end) in judged(Protocol::FIGURE2, Handlers::RAFT).1.into_iter().zip(ends) {
        let Verdict::Fails(told) = findings.verdict else { panic!("{end}") };
        let told = told.to_string();
        let told = told.lines().filter(|line| !line.starts_with("       "));
        let expected = format!(
            "  4. S1 has the vote of S3 and a quorum: it leads term 1.  [BecomeLeader by Elected]
     > S1  term 1  leader         voted for S1
     S1 leads, and {{S1, S3}} is a quorum. From here on nobody of these
     restarts, the timers of followers among them do not fire, and S1 does
     not leave office for want of answers. {end}
  5. S2 hears no leader: it campaigns in term 2 and votes for itself.  [Timeout by Campaigned]
     > S2  term 2  candidate      voted for S2  has votes of {{S2}}
  6. S1 grants S2 its vote in term 2.  [ReceiveRequestVote by VoteGranted]
     > S1  term 2  follower       voted for S2
     That has disturbed {{S1, S3}}: its term or its leader is another one."
        );
        assert_eq!(told.skip(7).collect::<Vec<_>>().join("\n"), expected);
    }
}

/// Each run was done in whole worlds: there it is once more what it is said to be.
fn disturbs_in_its_last_step_only(protocol: Protocol) {
    for findings in judged(protocol, Handlers::RAFT).1 {
        let Verdict::Fails(told) = findings.verdict else { panic!("{protocol}") };
        let cluster = small(protocol).cluster;
        assert!(Led::all(cluster, told.stem.last()).contains(&told.led));
        assert!(told.beginning.is_possible(cluster, told.stem.last()));
        let nothing = told.beginning == Beginning::NothingUnderWay;
        assert_eq!(nothing, told.run.initial.sent.is_empty());
        assert!(told.run.moves.iter().all(|(a_move, _)| told.led.allows(a_move)));
        let stays =
            told.run.steps().map(|(before, _, after)| told.led.is_undisturbed(before, after));
        let stays: Vec<_> = stays.collect();
        let (last, before) = stays.split_last().unwrap();
        assert!(!last && before.iter().all(|stays| *stays), "{protocol}: {stays:?}");
    }
}

#[test]
fn a_run_that_is_told_disturbs_its_quorum_in_its_last_step_only() {
    disturbs_in_its_last_step_only(Protocol::FIGURE2);
    disturbs_in_its_last_step_only(Protocol::CHECK_QUORUM);
}

#[test]
fn so_does_one_behind_pre_vote() {
    disturbs_in_its_last_step_only(Protocol::PRE_VOTE);
}

/// What mistakes do behind both guards. Two need a candidate of a newer term, and behind pre-vote
/// nobody comes to be one: they break `LeaseSafety`, by check-quorum alone. One is about messages
/// that are dead by the specification: see below.
#[test]
fn mistakes_disturb() {
    for (name, fails) in [
        ("pre-vote-adopts-term", [Some(2), Some(1)]),
        ("pre-vote-granted-by-leader", [Some(6), Some(5)]),
        ("pre-vote-granted-in-contact", [Some(6), Some(5)]),
        ("leader-adopts-unflagged-request", [None, None]),
        ("vote-granted-in-contact", [None, None]),
        ("pre-vote-without-attempt", [None, None]),
    ] {
        let (_, findings) = judged(Protocol::GUARDED, Mutant::named(name).unwrap().handlers);
        assert_eq!(findings.each_ref().map(steps), fails, "{name}");
    }
}

/// Whole worlds, one step after the other.
struct Stage {
    model: WorldModel,
    world: World,
    led: Option<Led>,
    /// Whether nobody was disturbed since there is somebody who could be.
    is_undisturbed: bool,
}

impl Stage {
    fn new(handlers: Handlers) -> Self {
        let small = small(Protocol::GUARDED);
        let limits = Limits { rounds: 9, attempts: 9, ..small.limits };
        let model = WorldModel { bounds: Bounds { limits, ..small }, handlers };
        let world = model.initial();
        Self { model, world, led: None, is_undisturbed: true }
    }

    fn happens(&mut self, server: u8, trigger: Trigger) -> Rule {
        let (a_move, _, after) = self.model.apply(&self.world, id(server), trigger);
        if let Some(led) = self.led {
            assert!(led.allows(&a_move), "{a_move:?}");
            self.is_undisturbed &= led.is_undisturbed(&self.world, &after);
        }
        self.world = after;
        a_move.rule
    }

    fn timer(&mut self, server: u8, attempt: u64) -> Rule {
        let attempt = Attempt::new(attempt);
        self.happens(server, Trigger::Event(Event::Timeout { attempt }))
    }

    /// The first message from one to another that is like this.
    fn arrives(&mut self, from: u8, to: u8, is_it: impl Fn(Message) -> bool) -> Rule {
        let is_theirs =
            |sent: &&Envelope| sent.from == id(from) && sent.to.is_none_or(|other| other == id(to));
        let mut sent = self.world.sent.iter().filter(is_theirs).map(|sent| sent.message);
        let message = sent.find(|message| is_it(*message)).expect("it was sent");
        self.happens(to, Trigger::Event(Event::Receive { from: id(from), message }))
    }
}

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// S2 would vote for S3, and says so. Then S1 is elected, and S2 is in contact with it. S3
/// restarts, and asks again: the late yes answers an attempt that is over.
fn late_yes(handlers: Handlers) -> (Rule, bool) {
    let mut stage = Stage::new(handlers);
    let is_pre_vote = |message| matches!(message, Message::PreVote { .. });
    let is_yes = |message| matches!(message, Message::PreVoteResponse { vote_granted: true, .. });
    let is_request = |message| matches!(message, Message::RequestVote { .. });
    let is_vote = |message| matches!(message, Message::RequestVoteResponse { .. });
    let is_heartbeat = |message| matches!(message, Message::AppendEntries { .. });
    for server in 1..=3 {
        assert_eq!(stage.timer(server, 1), Rule::ContactLost);
    }
    assert_eq!(stage.timer(1, 1), Rule::PreCampaigned);
    assert_eq!(stage.arrives(1, 2, is_pre_vote), Rule::PreVoteGranted);
    assert_eq!(stage.arrives(2, 1, is_yes), Rule::Campaigned);
    assert_eq!(stage.arrives(1, 2, is_request), Rule::VoteGranted);
    assert_eq!(stage.arrives(1, 3, is_request), Rule::VoteGranted);
    assert_eq!(stage.timer(3, 1), Rule::PreCampaigned);
    assert_eq!(stage.arrives(3, 2, is_pre_vote), Rule::PreVoteGranted);
    assert_eq!(stage.arrives(2, 1, is_vote), Rule::Elected);
    assert_eq!(stage.arrives(1, 2, is_heartbeat), Rule::HeartbeatAccepted);
    assert_eq!(stage.happens(3, Trigger::Restart), Rule::Started);
    assert_eq!(stage.timer(3, 1), Rule::ContactLost);

    let cluster = stage.model.bounds.cluster;
    assert!(Beginning::NobodyAsks.is_possible(cluster, &stage.world));
    let led = Led::all(cluster, &stage.world).pop().unwrap();
    stage.led = Some(led);
    assert_eq!(led.quorum, [id(1), id(2)].into_iter().collect());
    assert_eq!(stage.timer(3, 2), Rule::PreCampaigned);
    let is_possible = |it: &Beginning| it.is_possible(cluster, &stage.world);
    assert_eq!(Beginning::ALL.each_ref().map(is_possible), [true, false]);
    let disturbs = |change: fn(&mut World)| {
        let mut after = stage.world.clone();
        change(&mut after);
        !led.is_undisturbed(&stage.world, &after)
    };
    let follows = |world: &mut World| world.servers[0].role = Role::FOLLOWER;
    let hears_of_a_term = |world: &mut World| world.servers[1].ballot.current_term = Term::new(9);
    assert!(disturbs(follows) && disturbs(hears_of_a_term) && !disturbs(|_| {}));
    let rule = stage.arrives(2, 3, is_yes);
    if stage.arrives(1, 3, is_heartbeat) == Rule::StaleRequestRefused {
        let is_news = |message| matches!(message, Message::AppendEntriesResponse { .. });
        assert_eq!(stage.arrives(3, 1, is_news), Rule::NewerTermAdopted);
    }
    (rule, stage.is_undisturbed)
}

/// Why a pre-vote names its attempt: without that a yes of the past disturbs in four steps.
#[test]
fn a_yes_to_an_attempt_that_is_over_disturbs_nobody() {
    assert_eq!(late_yes(Handlers::RAFT), (Rule::PreVoteNotCounted, true));
    let mutant = Mutant::named("pre-vote-without-attempt").unwrap();
    assert_eq!(late_yes(mutant.handlers), (Rule::Campaigned, false));
}

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(binary::built("raft-model"));
    command.arg("undisturbed").args(arguments).output().expect("raft-model runs")
}

/// The exit code is about the protocols that were named, or about what the node does.
#[test]
fn the_command_prints_a_table_and_stories() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(0));
    let table = String::from_utf8(output.stdout).unwrap();
    for line in [
        "  check-quorum  nothing under way  FAILS      4 steps, from one of 558 beginnings\n",
        "  guarded       nobody asks        holds      35877 worlds, from 5592 beginnings\n",
    ] {
        assert!(table.contains(line), "{line}\n{table}");
    }
    let output = run(&["--protocol", "figure2"]);
    assert_eq!(output.status.code(), Some(1));
    let story = String::from_utf8(output.stdout).unwrap();
    for line in [
        "\nfigure2, nothing under way:\n\n  0. Everybody starts.\n",
        "     not leave office for want of answers. What was under way is lost.\n",
        "     That has disturbed {S1, S3}: its term or its leader is another one.\n",
    ] {
        assert!(story.contains(line), "{line}\n{story}");
    }
}

#[test]
fn programs_get_json_and_bad_input_is_named() {
    let output = run(&["--protocol", "check-quorum", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let finding = &report["protocols"][0]["findings"][1];
    assert_eq!((&finding["verdict"], &finding["steps"]), (&"fails".into(), &3.into()));
    assert_eq!(finding["run"].as_array().unwrap().len(), 3);
    let output = run(&["--mutant", "vote-forgotten-on-restart"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("vote-forgotten-on-restart is not about guards"), "{error}");
}
