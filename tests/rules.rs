//! Of every rule of a replay an edited trace that only this rule refuses: with the rule it is
//! refused, and without it accepted. So no rule can be left out unnoticed.

use raft_model::cluster::Cluster;
use raft_model::election::{Ballot, Role};
use raft_model::message::Message;
use raft_model::trace::reader::ReplayError;
use raft_model::trace::replay::{Report, replay, replay_without};
use raft_model::trace::rule::{RULES, Rule};
use raft_model::trace::{Cause, End, Line, Record, StepId};
use raft_model::types::{Round, ServerId, Term};
use support::bounds;
use support::run::{Run, id, three_elections};
use support::simulation::{Simulation, text, write};
use tempfile::TempDir;

/// Traces that a rule refuses, and the rules that would refuse them before it.
struct Edited {
    traces: Vec<Vec<Line>>,
    behind: &'static [Rule],
}

/// Changes the last record of a server, and lets it take the step of the specification again.
fn change_last(run: &mut Run, server: u8, change: impl FnOnce(&mut Record)) {
    let Some(Line::Step(record)) = run.traces[id(server).index()].last_mut() else {
        panic!("S{server} ends with a record");
    };
    change(record);
    record.step = record.cause.step_of(&bounds::server(record.server, Cluster::new(3).unwrap()));
}

/// The server comes up, with another ballot than it had.
fn start_with(run: &mut Run, server: u8, change: impl FnOnce(&mut Ballot)) {
    run.start(LATER, server);
    change_last(run, server, |record| {
        let Cause::Start { stored } = &mut record.cause else { unreachable!("it has come up") };
        change(stored);
    });
}

/// Adds a record to those of a server.
fn add(run: &mut Run, server: u8, cause: Cause) {
    let last = run.last(server);
    run.traces[id(server).index()].push(Line::Step(last));
    change_last(run, server, |record| {
        record.sequence += 1;
        record.cause = cause;
    });
}

/// S3 receives this, at the end of the run.
fn received(run: &mut Run, from: ServerId, message: Message, sent_in: StepId) {
    let before = run.last(3).step.state;
    add(run, 3, Cause::Receive { before, from, message, sent_in });
}

/// When everything else is over.
const LATER: u64 = 10_000;

/// S3 has lost its disk, and S2 tells it this term.
fn come_back(run: &mut Run, term: Term) {
    run.lose_disk(LATER, 3);
    let first = run.last(1).step.state.ballot.current_term;
    run.hear_term(LATER, 3, 1, first);
    run.hear_term(LATER, 3, 2, term);
}

/// The end of a trace, before the step of this record.
fn end_before(Record { server, boot, sequence, wall_us, .. }: Record) -> Line {
    Line::End(End { server, boot, sequence, wall_us, reason: "a full disk".to_owned() })
}

/// The trace of a server is said to end before its last record.
fn end_before_last(run: &mut Run, server: u8) {
    let end = end_before(run.last(server));
    let lines = &mut run.traces[id(server).index()];
    lines.insert(lines.len() - 1, end);
}

/// S1 comes up again without the vote that it had; what it does then follows from that.
fn come_up_without_a_vote(run: &mut Run) {
    let start = run.traces[0].iter().rposition(|line| matches!(line, Line::Header(_))).unwrap() + 1;
    let cluster = Cluster::new(3).unwrap();
    let mut state = None;
    for line in &mut run.traces[0][start..] {
        let Line::Step(record) = line else { unreachable!("the last header was found") };
        match &mut record.cause {
            Cause::Start { stored } => stored.voted_for = None,
            Cause::LoseDisk => {}
            Cause::HearTerm { before, .. }
            | Cause::Timeout { before, .. }
            | Cause::HandOver { before, .. }
            | Cause::Receive { before, .. } => *before = state.unwrap(),
        }
        record.step = record.cause.step_of(&bounds::server(record.server, cluster));
        state = Some(record.step.state);
    }
}

/// The header with which the trace of a server ends, or which is all of it.
fn header_of_last_run(run: &mut Run, server: u8) -> &mut raft_model::trace::Header {
    let lines = run.traces[id(server).index()].iter_mut().rev();
    let mut headers = lines.filter_map(|line| match line {
        Line::Header(header) => Some(header),
        Line::Step(_) | Line::End(_) => None,
    });
    headers.next().expect("a trace has a header")
}

/// Two servers each tell that S3 voted for it. S3 gave no trace.
fn two_leaders() -> Vec<Vec<Line>> {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(0, server));
    for server in [1, 2] {
        run.timeout(200, server);
        let (term, sent_in) = (Term::new(1), StepId { boot: 1, sequence: 1 });
        let vote = Message::RequestVoteResponse { term, vote_granted: true };
        run.receive(201, server, (id(3), vote, sent_in));
    }
    run.traces[..2].to_vec()
}

/// The last step of S3 is in a file of its own, in which its heartbeats are slower.
fn in_a_slower_file(run: &mut Run) -> Vec<Vec<Line>> {
    let mut header = header_of_last_run(run, 3).clone();
    header.sequence = run.last(3).sequence;
    header.heartbeat_ms += 1;
    let mut traces = run.traces.to_vec();
    let last = traces[2].pop().unwrap();
    traces.push(vec![Line::Header(header), last]);
    traces
}

/// For each rule, what is edited.
fn edited(rule: Rule) -> Edited {
    let mut run = three_elections("demo");
    let mut behind: &[Rule] = &[];
    match rule {
        Rule::OneVersion => header_of_last_run(&mut run, 1).version += 1,
        Rule::OneCluster => header_of_last_run(&mut run, 1).cluster.push('s'),
        Rule::InItsRun => header_of_last_run(&mut run, 3).boot += 1,
        Rule::NoneMissing => change_last(&mut run, 2, |record| record.sequence += 1),
        Rule::StartsOnce => {
            let stored = run.last(3).step.state.ballot;
            add(&mut run, 3, Cause::Start { stored });
        }
        // S2 has been a leader since, which nobody elected.
        Rule::GoesOn => change_last(&mut run, 2, |record| {
            let Cause::Receive { before, .. } = &mut record.cause else {
                unreachable!("it is told of a newer term");
            };
            before.role = Role::LEADER;
        }),
        Rule::SameStep => {
            let Some(Line::Step(record)) = run.traces[1].last_mut() else { unreachable!() };
            record.step.restart_timer = !record.step.restart_timer;
        }
        // The request of S3 arrives at S3.
        Rule::FromAnother => {
            let last = run.last(3);
            received(
                &mut run,
                id(3),
                Message::RequestVote { term: Term::new(3), hand_over: false },
                last.id(),
            );
        }
        // S2 did lead term 2, but said nothing when it came up.
        Rule::WasSent => {
            let sent_in = StepId { boot: 1, sequence: 0 };
            received(
                &mut run,
                id(2),
                Message::AppendEntries { term: Term::new(2), round: Round::FIRST },
                sent_in,
            );
        }
        // S3 is told a term that S2 has not.
        Rule::TermTold => come_back(&mut run, Term::new(9)),
        Rule::EndsOnce => {
            end_before_last(&mut run, 3);
        }
        Rule::RunOnce => {
            let mut traces = run.traces.to_vec();
            traces.push(traces[2].clone());
            return Edited { traces, behind };
        }
        Rule::OneTiming => return Edited { traces: in_a_slower_file(&mut run), behind },
        Rule::BallotKept => come_up_without_a_vote(&mut run),
        Rule::OneLeader => return Edited { traces: two_leaders(), behind },
        // S1 has voted for itself, and then, having come up without that vote, for S2.
        Rule::OneVote => {
            behind = &[Rule::BallotKept];
            run = Run::new("demo");
            (1..=3).for_each(|server| run.start(0, server));
            run.timeout(200, 1);
            let request = run.timeout(200, 2);
            run.start(300, 1);
            come_up_without_a_vote(&mut run);
            run.receive(400, 1, request);
        }
    }
    Edited { traces: run.traces.to_vec(), behind }
}

fn judged(traces: &[Vec<Line>], without: &[Rule]) -> Result<Report, ReplayError> {
    let folder = TempDir::new().unwrap();
    let texts: Vec<_> = traces.iter().map(text).collect();
    replay_without(without, &write(&folder, &texts))
}

#[test]
fn what_is_edited_is_accepted_as_it_was() {
    let folder = TempDir::new().unwrap();
    let report = replay(&write(&folder, &three_elections("demo").texts())).unwrap();
    assert_eq!((report.elected.len(), report.on_trust), (2, 0));
}

#[test]
fn each_rule_refuses_a_trace_that_without_it_is_accepted() {
    for &(rule, says) in RULES {
        let Edited { traces, behind } = edited(rule);
        match judged(&traces, behind) {
            Err(error @ ReplayError::Refused { rule: by, .. }) if by == rule => {
                assert!(error.to_string().ends_with(says), "{error}");
            }
            Err(other) => panic!("{rule:?} does not refuse its trace, but this: {other}"),
            Ok(_) => panic!("nothing demands that {says}"),
        }
        if let Err(other) = judged(&traces, &[behind, &[rule]].concat()) {
            panic!("{rule:?} is not alone in refusing its trace: {other}");
        }
    }
}

/// S3 votes for S2, loses its disk, and comes back: its vote of that term is nobody's.
#[test]
fn a_server_that_comes_back_after_a_lost_disk_is_judged_by_what_it_was_told() {
    let told = |comes_back: bool, stored: Option<Ballot>| {
        let mut run = three_elections("demo");
        run.lose_disk(LATER, 3);
        let term = |server| run.last(server).step.state.ballot.current_term;
        let terms = [1, 2].map(term);
        run.hear_term(LATER, 3, 1, terms[0]);
        if comes_back {
            run.hear_term(LATER, 3, 2, terms[1]);
        }
        let stored = stored.unwrap_or(run.last(3).step.state.ballot);
        start_with(&mut run, 3, |found| *found = stored);
        judged(&run.traces, &[])
    };
    let report = told(true, None).unwrap();
    let note = "S3: its disk was lost before run 2";
    assert!(report.notes.iter().any(|it| it == note), "{:?}", report.notes);
    for (comes_back, stored) in [(false, None), (true, Some(Ballot::INITIAL))] {
        let refused = told(comes_back, stored);
        let is_refused =
            matches!(refused, Err(ReplayError::Refused { rule: Rule::BallotKept, .. }));
        assert!(is_refused, "{comes_back} {stored:?}: {refused:?}");
    }
}

/// What was never on its disk it cannot find there, be it a term that is to come.
#[test]
fn a_server_that_comes_up_with_a_later_ballot_than_it_had_is_refused() {
    let mut run = three_elections("demo");
    start_with(&mut run, 1, |stored| {
        *stored = Ballot { current_term: stored.current_term.next().unwrap(), voted_for: None };
    });
    let refused = judged(&run.traces, &[]);
    assert!(matches!(refused, Err(ReplayError::Refused { rule: Rule::BallotKept, .. })));
}

#[test]
fn a_server_that_its_cluster_has_not_is_refused() {
    let mut run = three_elections("demo");
    header_of_last_run(&mut run, 1).server = id(4);
    let refused = judged(&run.traces, &[]);
    assert!(matches!(refused, Err(ReplayError::Refused { rule: Rule::OneCluster, .. })));
}

/// A trace that is not there may tell of anything, and so may one that ends before its server did.
#[test]
fn a_term_that_may_stand_where_nobody_looks_is_heard_on_trust() {
    let beyond = Term::new(9);
    let told = |of_one: Option<Term>, is_there: bool, is_cut: bool| {
        let mut run = three_elections("demo");
        let term = run.last(1).step.state.ballot.current_term;
        if is_cut {
            let last = run.last(1);
            let end = end_before(Record { sequence: last.sequence + 1, ..last });
            run.traces[0].push(end);
        }
        let given = |run: &Run| judged(&run.traces[usize::from(!is_there)..], &[]);
        run.lose_disk(LATER, 3);
        let before = given(&run).unwrap().on_trust;
        run.hear_term(LATER, 3, 1, of_one.unwrap_or(term));
        given(&run).map(|report| report.on_trust - before)
    };
    assert_eq!(told(None, true, false).unwrap(), 0);
    assert_eq!(told(None, true, true).unwrap(), 0, "it is told before the end");
    assert_eq!(told(Some(beyond), true, true).unwrap(), 1);
    assert_eq!(told(Some(beyond), false, false).unwrap(), 1);
    told(Some(beyond), true, false).unwrap_err();
}

/// S3 campaigns and is not heard. Then it loses its disk, and may vote for S1 in that term.
#[test]
fn a_vote_for_itself_is_forgotten_with_the_disk() {
    let mut run = Run::new("demo");
    (1..=3).for_each(|server| run.start(u64::from(server), server));
    run.timeout(200, 3);
    assert_eq!(run.last(3).step.state.ballot.voted_for, Some(id(3)));
    run.lose_disk(300, 3);
    run.hear_term(301, 3, 1, Term::ZERO);
    run.hear_term(302, 3, 2, Term::ZERO);
    let [request, rival] = [1, 2].map(|server| run.timeout(400, server));
    run.receive(401, 3, request);
    assert_eq!(run.last(3).step.state.ballot.voted_for, Some(id(1)));
    judged(&run.traces, &[]).unwrap();

    // Its vote for S1 it must not forget as well, and vote for S2.
    start_with(&mut run, 3, |stored| stored.voted_for = None);
    run.receive(LATER, 3, rival);
    assert_eq!(run.last(3).step.state.ballot.voted_for, Some(id(2)));
    let refused = judged(&run.traces, &[Rule::BallotKept]);
    assert!(matches!(refused, Err(ReplayError::Refused { rule: Rule::OneVote, .. })));
}

#[test]
fn an_answer_that_another_server_was_given_is_refused() {
    let mut run = three_elections("demo");
    // The vote of S2 for S1.
    let vote = Message::RequestVoteResponse { term: Term::new(1), vote_granted: true };
    received(&mut run, id(2), vote, StepId { boot: 1, sequence: 1 });
    let refused = judged(&run.traces, &[]);
    assert!(matches!(refused, Err(ReplayError::Refused { rule: Rule::WasSent, .. })));
}

#[test]
fn the_vote_of_a_server_is_looked_at_behind_one_rule_only() {
    let behind = RULES.iter().filter(|(rule, _)| !edited(*rule).behind.is_empty());
    assert_eq!(behind.map(|(rule, _)| *rule).collect::<Vec<_>>(), [Rule::OneVote]);
}

/// The disk of S2 is full, and S2 goes on: it votes, and sends, and comes back with a later ballot.
#[test]
fn what_a_server_does_after_the_end_of_its_trace_is_taken_on_trust() {
    let mut simulation = Simulation::new(3, 1);
    for round in 0..6 {
        simulation.run(500);
        simulation.restart(id(1 + round % 3));
    }
    let lines = simulation.trace(id(2));
    let [one, three] = [1, 3].map(|number| simulation.trace(id(number)));
    let given = |lines: Vec<Line>| judged(&[one.clone(), lines, three.clone()], &[]);
    let is_end = |line: &Line| matches!(line, Line::Step(record) if record.sequence == 3);
    let at = lines.iter().position(is_end).expect("its first run takes so many steps");
    let Line::Step(record) = &lines[at] else { unreachable!() };
    let (boot, end) = (record.boot, end_before(*record));
    let next = lines[at..].iter().position(|line| matches!(line, Line::Header(_))).unwrap() + at;
    let report = given([&lines[..at], &[end], &lines[next..]].concat()).unwrap();
    assert!(report.on_trust > 0 && report.received > 0, "{report:?}");
    let note = format!(
        "S2: the trace of run {boot} ends before step 3, and the server went on: a full disk"
    );
    assert!(report.notes.contains(&note), "{:?}", report.notes);
    // Without the record of its end nothing is taken on trust.
    assert!(given([&lines[..at], &lines[next..]].concat()).is_err());
}
