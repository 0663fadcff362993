//! The picture of a cluster that a screen shows, as lines of text.

use std::time::Duration;

use raft_model::election::Role;

use super::view::{Status, View};

/// How the picture is to look.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look<'a> {
    pub(super) is_stopping: bool,
    /// Whether there are keys, so that it says which.
    pub(super) has_keys: bool,
    /// What was wrong with the last key.
    pub(super) wrong_key: Option<&'a str>,
    /// Whether roles have a colour besides their word.
    pub(super) colour: bool,
    /// How wide the screen is: news is wrapped there.
    pub(super) columns: usize,
}

/// The lines, the most important first.
pub(super) fn frame(view: &View, now: Duration, look: Look<'_>) -> Vec<String> {
    let Look { is_stopping, has_keys, wrong_key, colour, columns } = look;
    let mut lines = vec![
        String::new(),
        format!("  Raft leader election: {} servers on this machine", view.servers.len()),
        String::new(),
        "  server   process  role           term  vote  for".to_owned(),
        String::new(),
    ];
    lines.extend(view.servers.iter().map(|status| row(view, status, now, colour)));
    lines.push(String::new());
    if view.servers.iter().any(|status| status.is_witness) {
        lines.push("  A witness votes, and never leads.".to_owned());
    }
    if is_stopping {
        lines.push("  The servers stop.".to_owned());
    } else if let Some((leader, term, process)) = view.leader() {
        let leader = painted(&format!("{leader} leads in term {term}."), GREEN, colour);
        lines.push(format!("  {leader}"));
        lines.push("  To see another elected, kill it:".to_owned());
        lines.push(format!("    kill -9 {process}"));
    } else {
        lines.push("  Nobody leads.".to_owned());
        lines.extend([String::new(), String::new()]); // so that the rest stays where it is
    }
    if has_keys {
        lines.push("  Or type k1 to kill S1, p1 to pause it,".to_owned());
        lines.push("  c1 to let it go on; k2, and so forth.".to_owned());
    }
    lines.extend(wrong_key.map(|words| format!("  {}", painted(words, RED, colour))));
    let hint = if is_stopping {
        "Ctrl-C again kills those that do not."
    } else {
        "Ctrl-C stops the cluster."
    };
    lines.push(format!("  {hint}"));
    lines.extend(["", "  News, the latest first:", ""].map(Into::into));
    lines.extend(view.news.iter().flat_map(|news| wrapped(&news.to_string(), columns)));
    lines
}

/// A piece of news in lines of this width, behind the time that it begins with.
fn wrapped(news: &str, columns: usize) -> Vec<String> {
    let (time, words) = news.split_at(news.find('S').unwrap_or(0)); // a server's name is next
    let indent = " ".repeat(time.len());
    let options = textwrap::Options::new(columns)
        .initial_indent(time)
        .subsequent_indent(&indent)
        .break_words(false) // half a number is another one
        .word_splitter(textwrap::WordSplitter::NoHyphenation);
    textwrap::wrap(words, options).into_iter().map(Into::into).collect()
}

fn row(view: &View, status: &Status, now: Duration, colour: bool) -> String {
    let dash = || "-".to_owned();
    let process = status.process.map_or_else(dash, |process| process.to_string());
    let term = status.term().map_or_else(dash, |term| term.to_string());
    let vote = status.state.and_then(|state| state.ballot.voted_for);
    let vote = vote.map_or_else(dash, |vote| vote.to_string());
    let (role, paint) = match (status.process, status.state) {
        (None, _) => ("down", RED),
        (Some(_), None) => ("starting", PLAIN),
        (Some(_), Some(state)) => match state.role {
            Role::Follower { .. } if status.is_witness => ("witness", PLAIN),
            Role::Follower { .. } => (state.role.name(), PLAIN),
            Role::PreCandidate { .. } | Role::Candidate { .. } | Role::Returning { .. } => {
                (state.role.name(), YELLOW)
            }
            Role::Leader { .. } => (state.role.name(), GREEN),
        },
    };
    let note = if status.process.is_none() {
        let seconds = status.back_at.saturating_sub(now).as_secs_f64();
        format!("starts again in {seconds:.1} s")
    } else if status.is_paused {
        "paused".to_owned()
    } else if status.led_term().is_some_and(|term| Some(term) < view.latest_term()) {
        "but a later term has begun".to_owned()
    } else {
        String::new()
    };
    let role = painted(&format!("{role:13}"), paint, colour);
    let since = format!("{} s", now.saturating_sub(status.since).as_secs());
    let line = format!(
        "  {:6} {process:>9}  {role} {term:>5}  {vote:4}  {since:7} {note}",
        status.id.to_string()
    );
    line.trim_end().to_owned()
}

const PLAIN: &str = "0";
const RED: &str = "31";
const GREEN: &str = "1;32";
const YELLOW: &str = "33";

fn painted(text: &str, paint: &str, colour: bool) -> String {
    if colour && paint != PLAIN { format!("\x1b[{paint}m{text}\x1b[0m") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use raft_model::cluster::Cluster;
    use raft_model::election::{Event, Server, State};
    use raft_model::message::Message;
    use raft_model::trace::{Cause, Record, StepId};
    use raft_model::types::{Attempt, Beats, Round, ServerSet, Term};

    use super::*;
    use crate::cluster::view::Happening;
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
        for painted in
            ["\x1b[1;32mleader       \x1b[0m", "\x1b[31mdown         \x1b[0m", "  starting "]
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
}
