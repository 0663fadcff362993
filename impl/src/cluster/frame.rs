//! The picture of a cluster that a screen shows, as lines of text.

use std::time::Duration;

use raft_model::election::Role;

use super::view::{Status, View, word};

/// The lines, the most important first. Roles have a colour besides their word if `colour` is set.
pub(super) fn frame(view: &View, now: Duration, is_stopping: bool, colour: bool) -> Vec<String> {
    let mut lines = vec![
        String::new(),
        format!("  Raft leader election: {} servers on this machine", view.servers.len()),
        String::new(),
        "  server   process  role       term  vote  for".to_owned(),
        String::new(),
    ];
    lines.extend(view.servers.iter().map(|status| row(view, status, now, colour)));
    lines.push(String::new());
    if is_stopping {
        lines.push("  The servers stop.".to_owned());
    } else if let Some((leader, term, process)) = view.leader() {
        let leader = painted(&format!("{leader} leads in term {term}."), GREEN, colour);
        let hint = format!("To see another elected, in another terminal:  kill -9 {process}");
        lines.push(format!("  {leader}  {hint}"));
    } else {
        lines.push("  Nobody leads.".to_owned());
    }
    let hint = if is_stopping {
        "Ctrl-C again kills those that do not."
    } else {
        "Ctrl-C stops the cluster."
    };
    lines.push(format!("  {hint}"));
    lines.extend(["", "  News, the latest first:", ""].map(Into::into));
    lines.extend(view.news.iter().map(ToString::to_string));
    lines
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
        (Some(_), Some(state)) => (
            word(state.role),
            match state.role {
                Role::Follower => PLAIN,
                Role::Candidate { .. } => YELLOW,
                Role::Leader => GREEN,
            },
        ),
    };
    let note = if status.process.is_none() {
        let seconds = status.back_at.saturating_sub(now).as_secs_f64();
        format!("starts again in {seconds:.1} s")
    } else if status.led_term().is_some_and(|term| Some(term) < view.latest_term()) {
        "but a later term has begun".to_owned()
    } else {
        String::new()
    };
    let role = painted(&format!("{role:9}"), paint, colour);
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
