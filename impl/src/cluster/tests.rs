//! What the demonstration shows of servers, and what it tells of them.

use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;
use std::time::Duration;

use raft_model::cluster::{Cluster, Protocol};
use raft_model::election::{Event, Server, State};
use raft_model::message::Message;
use raft_model::trace::{Cause, Record, StepId};
use raft_model::types::{Attempt, Beats, Round, ServerSet, Term};

use super::frame::{Look, frame};
use super::view::{Happening, View};
use crate::testing::server;

const AT: Duration = Duration::from_millis(250);
const DELAY: Duration = Duration::from_secs(1);

fn machine(number: u8) -> Server {
    let (cluster, patience) = (Cluster::new(3).unwrap(), Beats::ZERO.next());
    Server { id: server(number), cluster, patience }
}

/// Lets a server come up, campaign and win, each shown as it is recorded.
fn elect(view: &mut View, number: u8, voter: u8) -> State {
    let id = machine(number);
    let up = id.start(None).state;
    let campaigning = id.step(up, Event::Timeout { attempt: Attempt::FIRST }).state;
    let message = Message::RequestVoteResponse { term: Term::new(1), vote_granted: true };
    let (from, sent_in) = (server(voter), StepId { boot: 1, sequence: 1 });
    let causes = [
        Cause::Start { stored: up.ballot },
        Cause::Timeout { before: up, attempt: Attempt::FIRST },
        Cause::Receive { before: campaigning, from, message, sent_in },
    ];
    for (cause, monotonic_us) in causes.into_iter().zip([1_000, 213_000, 215_000]) {
        step(view, &id, cause, monotonic_us);
    }
    view.servers[id.id.index()].state.unwrap()
}

fn step(view: &mut View, id: &Server, cause: Cause, monotonic_us: u64) -> Option<Happening> {
    let (server, step) = (id.id, cause.step_of(id));
    let (boot, sequence, wall_us) = (1, 0, 0);
    let record = Record { server, boot, sequence, wall_us, monotonic_us, cause, step };
    view.stepped(&record, AT)
}

fn view() -> View {
    view_of(ServerSet::EMPTY)
}

fn view_of(witnesses: ServerSet) -> View {
    let mut view = View::new((1..=3).map(server), witnesses);
    for number in 1..=3 {
        view.started(server(number), 4710 + u32::from(number), Duration::ZERO);
    }
    view
}

const LOOK: Look<'static> =
    Look { is_stopping: false, has_keys: true, wrong_key: None, colour: false, columns: 80 };

fn lines(view: &View, now: Duration) -> String {
    frame(view, now, LOOK).join("\n")
}

#[test]
fn it_looks_like_this() {
    let mut view = view();
    elect(&mut view, 2, 3);
    view.ended(server(3), ExitStatus::from_raw(9), AT * 2, DELAY);
    let expected = "
  Raft leader election: 3 servers on this machine

  server   process  role           term  vote  for

  S1          4711  starting          -  -     1 s
  S2          4712  leader            1  S2    1 s
  S3             -  down              -  -     0 s     starts again in 0.2 s

  S2 leads in term 1.
  To see another elected, kill it:
    kill -9 4712
  Or type k1 to kill S1, p1 to pause it,
  c1 to let it go on; k2, and so forth.
  Ctrl-C stops the cluster.

  News, the latest first:

    0.500 s  S3 (process 4713) was killed by SIGKILL; it starts again in 1 s
    0.250 s  S2 leads in term 1, elected by {S2, S3}; process 4712
    0.250 s  S2 heard nothing for 212 ms, and is a candidate in term 1
    0.000 s  S3 runs as process 4713
    0.000 s  S2 runs as process 4712
    0.000 s  S1 runs as process 4711";
    assert_eq!(lines(&view, AT * 5), expected);
}

#[test]
fn what_is_to_be_typed_fits_into_40_columns() {
    let mut view = view();
    view.started(server(2), 4_194_304, AT);
    elect(&mut view, 2, 3);
    let text = lines(&view, AT);
    let to_type =
        |line: &&str| ["kill", "type", "c1 ", "Ctrl-C"].iter().any(|it| line.contains(it));
    let found: Vec<_> = text.lines().filter(to_type).collect();
    assert_eq!(found.len(), 5, "{text}");
    assert!(found.iter().all(|line| line.len() <= 40), "{found:?}");
}

#[test]
fn news_is_wrapped_between_words() {
    let mut view = view();
    elect(&mut view, 2, 3);
    view.ended(server(2), ExitStatus::from_raw(9), AT, DELAY);
    let lines = frame(&view, AT, Look { columns: 40, ..LOOK });
    let expected = "
    0.250 s  S2 (process 4712) was
             killed by SIGKILL while it
             led in term 1; it starts
             again in 1 s
    0.250 s  S2 leads in term 1, elected
             by {S2, S3}; process 4712";
    let text = lines.join("\n");
    assert!(text.contains(expected), "{text}");
}

#[test]
fn a_witness_is_shown_as_one() {
    let mut view = view_of(ServerSet::only(server(3)));
    assert!(lines(&view, AT).contains("4713  starting"), "{}", lines(&view, AT));
    for id in [2, 3].map(machine) {
        step(&mut view, &id, Cause::Start { stored: id.start(None).state.ballot }, 0);
    }
    let text = lines(&view, AT);
    assert!(text.contains("  S2          4712  follower  "), "{text}");
    assert!(text.contains("  S3          4713  witness  "), "{text}");
    assert!(text.contains("\n  A witness votes, and never leads.\n"), "{text}");
}

#[test]
fn what_is_wrong_with_a_key_is_told() {
    let wrong_key = Some("x is no key.");
    let text = frame(&view(), AT, Look { wrong_key, ..LOOK }).join("\n");
    assert!(text.contains("so forth.\n  x is no key.\n  Ctrl-C"), "{text}");
}

#[test]
fn a_leader_that_ends_leads_no_more() {
    let mut view = view();
    elect(&mut view, 2, 3);
    let ended = view.ended(server(2), ExitStatus::from_raw(9), AT, DELAY);
    assert!(ended.to_string().contains("SIGKILL while it led in term 1"), "{ended}");
    assert!(lines(&view, AT).contains("Nobody leads."));
    let again = view.started(server(2), 4720, AT);
    assert!(again.to_string().ends_with("S2 runs again, as process 4720"), "{again}");
}

#[test]
fn a_leader_that_hears_of_a_later_term_is_news() {
    let mut view = view();
    let before = elect(&mut view, 2, 3);
    let message = Message::AppendEntries { term: Term::new(2), round: Round::FIRST };
    let (from, sent_in) = (server(1), StepId { boot: 1, sequence: 1 });
    let id = machine(2);
    step(&mut view, &id, Cause::Receive { before, from, message, sent_in }, 0);
    let news = view.news[0].to_string();
    let expected = "S2 is a follower in term 2; it no longer leads in term 1";
    assert!(news.ends_with(expected), "{news}");
}

#[test]
fn of_two_that_think_they_lead_the_later_one_does() {
    let mut view = view();
    let state = elect(&mut view, 2, 3);
    let mut later = state;
    later.ballot.current_term = Term::new(2);
    view.servers[0].state = Some(later);
    let text = lines(&view, AT);
    assert!(text.contains("S1 leads in term 2."), "{text}");
    assert!(text.contains("but a later term has begun"), "{text}");
}

#[test]
fn a_server_that_was_paused_says_so_until_it_ends() {
    let mut view = view();
    view.paused(server(1), true, AT);
    assert!(lines(&view, AT).contains(" 0 s     paused"), "{}", lines(&view, AT));
    view.ended(server(1), ExitStatus::from_raw(9), AT, DELAY);
    assert!(!lines(&view, AT).contains(" 0 s     paused"));
}

#[test]
fn roles_have_colours_where_a_terminal_has() {
    let mut view = view();
    elect(&mut view, 2, 3);
    view.ended(server(3), ExitStatus::from_raw(9), AT, DELAY);
    let text = frame(&view, AT, Look { colour: true, ..LOOK }).join("\n");
    for painted in ["\x1b[1;32mleader       \x1b[0m", "\x1b[31mdown         \x1b[0m", "  starting "]
    {
        assert!(text.contains(painted), "{text:?}");
    }
    assert!(!lines(&view, AT).contains('\x1b'), "no terminal, no colours");
}

#[test]
fn who_stops_is_told_how_to_stop_at_once() {
    let look = Look { is_stopping: true, has_keys: false, ..LOOK };
    let text = frame(&view(), AT, look).join("\n");
    assert!(text.contains("The servers stop.") && text.contains("Ctrl-C again"), "{text}");
    assert!(!text.contains("Or type"), "there are no keys: {text}");
}

/// It campaigns in term 1, nobody answers, and it campaigns in term 2.
#[test]
fn who_campaigns_again_is_no_news() {
    let mut view = view();
    let id = machine(1);
    let up = id.start(None).state;
    step(&mut view, &id, Cause::Timeout { before: up, attempt: Attempt::FIRST }, 0);
    let news = view.news.len();
    let before = view.servers[0].state.unwrap();
    let again =
        step(&mut view, &id, Cause::Timeout { before, attempt: Attempt::FIRST }, 0).unwrap();
    assert!(again.to_string().ends_with("S1 is a candidate in term 2, and voted for S1"));
    assert_eq!(view.news.len(), news);
}

/// S1 hears of term 1, and later votes in it: it has a vote, but no other role or term.
#[test]
fn who_only_votes_is_what_it_was_and_no_news() {
    let mut view = view();
    let id = machine(1);
    let term = Term::new(1);
    let (from, sent_in) = (server(2), StepId { boot: 1, sequence: 1 });
    let before = id.start(None).state;
    let message = Message::AppendEntries { term, round: Round::FIRST };
    step(&mut view, &id, Cause::Receive { before, from, message, sent_in }, 0);
    assert_eq!(view.servers[0].since, AT, "it is in term 1 since then");
    view.servers[0].since = DELAY;
    let (before, news) = (view.servers[0].state.unwrap(), view.news.len());
    let message = Message::RequestVote { term, hand_over: false };
    let voted = step(&mut view, &id, Cause::Receive { before, from, message, sent_in }, 0);
    assert!(voted.unwrap().to_string().ends_with("in term 1, and voted for S2"));
    assert_eq!((view.servers[0].since, view.news.len()), (DELAY, news));
}

#[test]
fn how_a_server_ended_is_told() {
    let mut view = view();
    for (status, words) in [(9, "was killed by SIGKILL"), (1 << 8, "ended with exit code 1")] {
        let ended = view.ended(server(1), ExitStatus::from_raw(status), AT, DELAY).to_string();
        assert!(ended.contains(words), "{ended}");
    }
}

#[test]
fn news_is_bounded() {
    let mut view = view();
    for process in 0..1000 {
        view.started(server(1), process, AT);
    }
    assert_eq!(view.news.len(), 50);
    assert!(view.news[0].to_string().ends_with("process 999"));
}

#[test]
fn why_a_leader_has_left_office_is_told() {
    let mut view = view();
    let before = elect(&mut view, 2, 3);
    let cluster = Cluster::with(3, Protocol::CHECK_QUORUM).unwrap();
    let id = Server { cluster, ..machine(2) };
    for (cause, why) in [
        (Cause::HandOver { before, to: server(1) }, "it has handed over"),
        (Cause::Timeout { before, attempt: Attempt::FIRST }, "no quorum answers it"),
    ] {
        view.servers[1].state = Some(before);
        let news = step(&mut view, &id, cause, 0).unwrap().to_string();
        assert!(news.ends_with(&format!("; it no longer leads in term 1: {why}")), "{news}");
    }
}

/// A server that follows S2 in term 1, since 1 ms.
fn follower(view: &mut View, id: &Server) -> State {
    let (from, sent_in) = (server(2), StepId { boot: 1, sequence: 1 });
    let message = Message::AppendEntries { term: Term::new(1), round: Round::FIRST };
    let before = id.start(None).state;
    step(view, id, Cause::Receive { before, from, message, sent_in }, 1_000);
    view.servers[id.id.index()].state.unwrap()
}

#[test]
fn from_whom_a_server_takes_over_is_told() {
    let (mut view, id) = (view(), machine(1));
    let before = follower(&mut view, &id);
    let (from, sent_in) = (server(2), StepId { boot: 1, sequence: 2 });
    let message = Message::HandOver { term: Term::new(1) };
    let news = step(&mut view, &id, Cause::Receive { before, from, message, sent_in }, 2_000);
    let news = news.unwrap().to_string();
    assert!(news.ends_with("S1 takes over from S2, and is a candidate in term 2"), "{news}");
}

/// What is of an older term, and so refused, ends no silence.
#[test]
fn a_server_counts_how_long_it_heard_nothing_that_it_heeds() {
    let (mut view, id) = (view(), machine(1));
    let before = follower(&mut view, &id);
    let (from, sent_in) = (server(3), StepId { boot: 1, sequence: 1 });
    let message = Message::RequestVote { term: Term::new(0), hand_over: false };
    step(&mut view, &id, Cause::Receive { before, from, message, sent_in }, 100_000);
    let news = step(&mut view, &id, Cause::Timeout { before, attempt: Attempt::FIRST }, 213_000);
    let news = news.unwrap().to_string();
    assert!(news.ends_with("S1 heard nothing for 212 ms, and is a candidate in term 2"), "{news}");
}
