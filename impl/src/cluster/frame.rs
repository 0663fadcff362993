//! The picture of a cluster that a screen shows, as lines of text.

use std::time::Duration;

use raft_model::election::Role;

use super::view::{Happening, Status, View};

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
    lines.extend(view.news.iter().flat_map(|news| wrapped(news, columns)));
    lines
}

/// A piece of news in lines of this width, behind the time that it begins with.
pub(super) fn wrapped(news: &Happening, columns: usize) -> Vec<String> {
    let news = news.to_string();
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
