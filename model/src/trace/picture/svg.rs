//! Drawing: a line a server, time to the right, an arrow a message.

use std::fmt::{self, Display, Formatter, Write as _};

use super::axis::Axis;
use super::marks::{CROSS, DISC, DOT, Escaped, SPECK, STAR, TRIANGLE, length, mark};
use super::{Journey, Missing, Picture, Piece, Sending, is_routine};
use crate::action::{self, Action, Move};
use crate::election::Rule;
use crate::message::Message;
use crate::trace::Record;
use crate::types::ServerId;
use crate::words::sentence;

pub(super) const LEFT: f64 = 64.0;
/// Room for a label at the end.
const RIGHT: f64 = 120.0;
pub(super) const TOP: f64 = 204.0;
const ROW: f64 = 96.0;
/// What a server is stands there again and again: wide pictures are scrolled.
const NAMES_APART: f64 = 900.0;
/// Room for what it is.
const NAME: f64 = 130.0;
/// Levels of labels above a line.
const LEVELS: usize = 3;

/// Classes of messages, in the order in which they are drawn, and what the legend calls them.
pub(super) const MESSAGES: [(&str, &str); 8] = [
    ("heartbeat", "heartbeat"),
    ("answer", "its answer"),
    ("pre-vote", "PreVote"),
    ("would-vote", "would vote"),
    ("request", "RequestVote"),
    ("refused", "refused"),
    ("granted", "vote granted"),
    ("hand-over", "hand-over"),
];

impl Display for Picture {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let axis = Axis::new(self.from, self.to, LEFT, self.screens, &self.times_that_matter());
        Drawing { picture: self, axis }.fmt(f)
    }
}

/// A picture, and where its times are.
pub(super) struct Drawing<'a> {
    pub(super) picture: &'a Picture,
    pub(super) axis: Axis,
}

impl Drawing<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let servers = f64::from(self.picture.servers.size());
        let (width, height) = (self.axis.right() + RIGHT, TOP + ROW * servers + 44.0);
        writeln!(
            f,
            r#"<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0}" height="{height:.0}" viewBox="0 0 {width:.0} {height:.0}" role="graphics-document" aria-labelledby="title description">"#
        )?;
        writeln!(f, "<style>\n{}</style>", include_str!("style.css"))?;
        writeln!(f, r#"<rect class="paper" width="100%" height="100%"/>"#)?;
        self.heading(f)?;
        Self::legend(f)?;
        self.time(f, TOP + ROW * servers)?;
        for server in self.picture.servers.servers() {
            self.lane(f, server)?;
        }
        for (class, _) in MESSAGES {
            for (sending, journey) in &self.picture.journeys {
                if class_of(journey.message) == class {
                    self.message(f, class, *sending, journey)?;
                }
            }
        }
        // Last, so that no arrow crosses a word.
        for server in self.picture.servers.servers() {
            self.names(f, server)?;
            self.steps(f, server)?;
        }
        writeln!(f, "</svg>")
    }

    /// What a server is, all the time.
    fn lane(&self, f: &mut Formatter<'_>, server: ServerId) -> fmt::Result {
        let y = y(server);
        let (picture, lane) = (self.picture, &self.picture.lanes[server.index()]);
        writeln!(f, r#"<path class="line" d="M{LEFT} {y}H{:.1}"/>"#, self.axis.right())?;
        writeln!(f, r#"<text class="name" x="20" y="{:.1}">{server}</text>"#, y + 5.0)?;
        for piece in picture.pieces(lane) {
            let (left, right) = (self.axis.x(piece.from), self.axis.x(piece.to));
            let (role, what) = (piece.role, piece.says());
            let (from, to) = (picture.seconds(piece.from), picture.seconds(piece.to));
            writeln!(
                f,
                r#"<path class="lane {role}" d="M{left:.1} {y}H{right:.1}"><title>{server}: {what}, {from} to {to}</title></path>"#
            )?;
        }
        Ok(())
    }

    /// What a server is, in words, again and again, and only while it is that.
    fn names(&self, f: &mut Formatter<'_>, server: ServerId) -> fmt::Result {
        let lane = &self.picture.lanes[server.index()];
        let pieces = self.picture.pieces(lane).into_iter();
        let mut pieces: Vec<_> = pieces.map(|piece| (piece.from, piece.to, piece.says())).collect();
        let mut next = LEFT + NAMES_APART;
        if !lane.has_trace {
            next = LEFT;
            pieces = vec![(self.picture.from, self.picture.to, "no trace".to_owned())];
        }
        let y = y(server) + 18.0;
        for (from, to, what) in pieces {
            next = next.max(self.axis.x(from) + 8.0);
            while next + NAME < self.axis.x(to) {
                writeln!(
                    f,
                    r#"<text class="muted label" x="{next:.1}" y="{y:.1}">{server}: {what}</text>"#
                )?;
                next += NAMES_APART;
            }
        }
        Ok(())
    }

    fn message(
        &self,
        f: &mut Formatter<'_>,
        class: &str,
        sending: Sending,
        journey: &Journey,
    ) -> fmt::Result {
        let Sending { from, to, .. } = sending;
        let (start, end) = (y(from), y(to));
        let down = (end - start).signum();
        let (start, end) = (start + 5.0 * down, end - 6.0 * down);
        let part = 0.3 * (end - start);
        let mut title = format!("{from} → {to}: {}", journey.message);
        match journey.sent {
            Some(time) => write!(title, "\nsent at {}", self.picture.seconds(time))?,
            None => write!(title, "\n{from} gave no trace of sending it")?,
        }
        let mut paths = String::new();
        for &time in &journey.received {
            let right = self.axis.x(time);
            match journey.sent {
                Some(sent) => {
                    let (later, than) = if time < sent {
                        (sent - time, "earlier: their clocks differ")
                    } else {
                        (time - sent, "later")
                    };
                    write!(title, ", received {} {than}", length(later))?;
                    let left = self.axis.x(sent);
                    write!(
                        paths,
                        r#"<path class="arrow" d="M{left:.1} {start}L{right:.1} {end}"/>"#
                    )?;
                }
                None => {
                    write!(title, ", received at {}", self.picture.seconds(time))?;
                    write!(
                        paths,
                        r#"<path class="arrow" d="M{:.1} {:.1}L{right:.1} {end}"/>"#,
                        right - 12.0,
                        end - part
                    )?;
                }
            }
        }
        if journey.received.is_empty() {
            let left = self.axis.x(journey.sent.unwrap_or(self.picture.from));
            let (x, y) = (left + 12.0, start + part);
            write!(paths, r#"<path class="stub" d="M{left:.1} {start}L{x:.1} {y:.1}"/>"#)?;
            title += match self.picture.missing(to, journey.message) {
                Missing::Unknown => ", not recorded as received: it was lost, or changed nothing",
                Missing::Lost => {
                    write!(
                        paths,
                        r#"<path class="lost" transform="translate({x:.1} {y:.1})" d="{CROSS}"/>"#
                    )?;
                    ", never received, or too late to count"
                }
            };
        }
        writeln!(f, r#"<g class="message {class}"><title>{}</title>{paths}</g>"#, Escaped(title))
    }

    /// What a server did, and the terms that it came to.
    fn steps(&self, f: &mut Formatter<'_>, server: ServerId) -> fmt::Result {
        let (picture, y) = (self.picture, y(server));
        let mut ends = [f64::MIN; LEVELS];
        let mut label = |f: &mut Formatter<'_>, x: f64, class: &str, text: &str| {
            let level = ends.iter().position(|&end| end < x).unwrap_or(LEVELS - 1);
            ends[level] = x + 8.0 * text.len() as f64;
            let y = y - 13.0 - 14.0 * level as f64;
            writeln!(f, r#"<text class="label {class}" x="{x:.1}" y="{y:.1}">{text}</text>"#)
        };
        let mut term = None;
        let pieces = picture.pieces(&picture.lanes[server.index()]);
        for step in &picture.lanes[server.index()].steps {
            let state = step.step.state;
            let x = self.axis.x(step.wall_us);
            let current_term = state.ballot.current_term;
            let role = state.role.name();
            if step.wall_us < picture.from && pieces.first().is_some_and(Piece::is_down) {
                label(f, x, "down", "down")?;
            } else if step.step.rule == Rule::Elected && picture.is_drawn(step) {
                label(f, x, role, &format!("leads term {current_term}"))?;
            } else if term != Some(current_term) && step.wall_us <= picture.to {
                label(f, x, role, &format!("term {current_term}"))?;
            }
            term = Some(current_term);
            if picture.is_drawn(step) {
                self.step(f, x, y, step)?;
            }
        }
        for piece in &pieces {
            if piece.is_down() && piece.from >= picture.from {
                let x = self.axis.x(piece.from);
                let time = picture.seconds(piece.from);
                let title = format!("{server} is down: its last record is of {time}");
                writeln!(f, "{}", mark("crash", x, y, CROSS, &title))?;
                writeln!(
                    f,
                    r#"<text class="label down" x="{x:.1}" y="{:.1}">down</text>"#,
                    y + 20.0
                )?;
            }
        }
        Ok(())
    }

    fn step(&self, f: &mut Formatter<'_>, x: f64, y: f64, step: &Record) -> fmt::Result {
        let rule = format!("{:?}", step.step.rule);
        let title = format!(
            "{}: {} [{rule}]\n{}: {}",
            self.picture.seconds(step.wall_us),
            told(step),
            step.server,
            step.step.state
        );
        let (class, shape) = match step.step.rule {
            _ if is_routine(step) => ("routine", SPECK),
            Rule::Elected => (&*rule, STAR),
            Rule::Started => (&*rule, TRIANGLE),
            Rule::PreCampaigned | Rule::Campaigned => (&*rule, DISC),
            _ => (&*rule, DOT),
        };
        writeln!(f, "{}", mark(class, x, y, shape, &title))
    }
}

/// What happened in a step, in a sentence.
fn told(record: &Record) -> String {
    let state = record.step.state;
    let Some(event) = record.cause.event() else {
        return format!("{} comes up", record.server);
    };
    let before = record.cause.before().unwrap_or(state);
    let a_move = Move {
        server: record.server,
        trigger: action::Trigger::Event(event),
        action: Action::of(&before, event, &state),
        rule: record.step.rule,
    };
    sentence(&a_move, &state)
}

/// Where the line of a server is.
fn y(server: ServerId) -> f64 {
    TOP + ROW * (f64::from(server.number()) - 0.5)
}

/// The class of a message.
fn class_of(message: Message) -> &'static str {
    match message {
        Message::PreVote { .. } => "pre-vote",
        Message::PreVoteResponse { vote_granted: true, .. } => "would-vote",
        Message::RequestVote { .. } => "request",
        Message::RequestVoteResponse { vote_granted: true, .. } => "granted",
        Message::HandOver { .. } => "hand-over",
        Message::AppendEntries { .. } => "heartbeat",
        Message::AppendEntriesResponse { round: Some(_), .. } => "answer",
        // An answer without a round is drawn only where it refuses the heartbeat.
        Message::AppendEntriesResponse { round: None, .. }
        | Message::RequestVoteResponse { vote_granted: false, .. }
        | Message::PreVoteResponse { vote_granted: false, .. } => "refused",
    }
}
