//! What can happen, in a few letters for a link: `1t,2q1.1,1v2.1` elects S1.
//!
//! The server comes first, then what happens to it:
//!
//! | code | what happens |
//! |---|---|
//! | `1t` | the timer of S1 fires; `1t4` if its question is numbered otherwise than by turns |
//! | `1x` | S1 crashes and comes up again |
//! | `1w` | S1 crashes and comes up again, and its disk is lost |
//! | `1r2` | S1, which has lost its disk, hears from S2 what its term is |
//! | `1o2` | S1 is told to hand over to S2 |
//! | `2q1.3` | S2 receives from S1 `RequestVote` of term 3; `2Q1.3` if it was handed over |
//! | `1v2.3`, `1n2.3` | S1 receives from S2 a vote of term 3, or a refusal |
//! | `2h1.3`, `2h1.3.2` | S2 receives from S1 a heartbeat of term 3, of its round 1 or 2 |
//! | `1a2.3`, `1a2.3.1` | S1 receives from S2 an answer of no round, or to round 1 |
//! | `2p1.3.1` | S2 receives from S1 `PreVote` of term 3, its first attempt |
//! | `1y2.3.1`, `1z2.3.1` | S1 receives from S2 a yes to that, or a no |
//! | `2g1.3` | S2 receives from S1, which led term 3, the order to take over |
//! | `2!1`, `2~1` | from now on S2 does not hear S1; does again |

use std::fmt;
use std::str::FromStr;

use crate::action::{Move, Trigger};
use crate::election::Event;
use crate::message::Message;
use crate::types::{Attempt, Round, ServerId, Term};
use crate::world::World;
use crate::world::model::next_attempt;

/// What happens to one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Code {
    /// The server.
    pub server: ServerId,
    /// What happens to it.
    pub cause: Cause,
}

/// What can happen to a server, and to the links by which it hears others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Its timer fires. What it may ask then has this number, or else the next one.
    Timer(Option<Attempt>),
    /// It crashes, and comes up again.
    Restart,
    /// It crashes, and comes up again without its disk.
    LoseDisk,
    /// This server tells it its term.
    HearTerm(ServerId),
    /// It is told to hand over.
    HandOver(ServerId),
    /// A message arrives.
    Receive {
        /// Who sent it.
        from: ServerId,
        /// What it says.
        message: Message,
    },
    /// It does not hear this server any more.
    Cut(ServerId),
    /// It hears this server again.
    Mend(ServerId),
}

impl Code {
    /// The code of a move in a world.
    pub fn of(world: &World, Move { server, trigger, .. }: &Move) -> Self {
        let cause = match *trigger {
            Trigger::Restart => Cause::Restart,
            Trigger::LoseDisk => Cause::LoseDisk,
            Trigger::Event(Event::TermHeard { from, .. }) => Cause::HearTerm(from),
            Trigger::Event(Event::Timeout { attempt }) => {
                Cause::Timer((attempt != next_attempt(world, *server)).then_some(attempt))
            }
            Trigger::Event(Event::HandOver { to }) => Cause::HandOver(to),
            Trigger::Event(Event::Receive { from, message }) => Cause::Receive { from, message },
        };
        Self { server: *server, cause }
    }

    /// What that is for the server in this world; nothing, if only links change.
    pub fn trigger(self, world: &World) -> Option<Trigger> {
        let event = match self.cause {
            Cause::Restart => return Some(Trigger::Restart),
            Cause::LoseDisk => return Some(Trigger::LoseDisk),
            Cause::HearTerm(from) => {
                Event::TermHeard { from, term: world.state(from).ballot.current_term }
            }
            Cause::Timer(attempt) => {
                let attempt = attempt.unwrap_or_else(|| next_attempt(world, self.server));
                Event::Timeout { attempt }
            }
            Cause::HandOver(to) => Event::HandOver { to },
            Cause::Receive { from, message } => Event::Receive { from, message },
            Cause::Cut(_) | Cause::Mend(_) => return None,
        };
        Some(Trigger::Event(event))
    }
}

/// The letter of a message, by which pages tell kinds apart, too.
pub const fn letter(message: Message) -> char {
    match message {
        Message::RequestVote { hand_over: false, .. } => 'q',
        Message::RequestVote { hand_over: true, .. } => 'Q',
        Message::RequestVoteResponse { vote_granted: true, .. } => 'v',
        Message::RequestVoteResponse { vote_granted: false, .. } => 'n',
        Message::AppendEntries { .. } => 'h',
        Message::AppendEntriesResponse { .. } => 'a',
        Message::PreVote { .. } => 'p',
        Message::PreVoteResponse { vote_granted: true, .. } => 'y',
        Message::PreVoteResponse { vote_granted: false, .. } => 'z',
        Message::HandOver { .. } => 'g',
    }
}

/// The round or the attempt that stands behind the term, where one has to be said.
const fn number(message: Message) -> Option<u64> {
    match message {
        Message::AppendEntries { round, .. } => match round {
            Round::FIRST => None,
            round => Some(round.number()),
        },
        Message::AppendEntriesResponse { round, .. } => match round {
            Some(round) => Some(round.number()),
            None => None,
        },
        Message::PreVote { attempt, .. } | Message::PreVoteResponse { attempt, .. } => {
            Some(attempt.number())
        }
        Message::RequestVote { .. }
        | Message::RequestVoteResponse { .. }
        | Message::HandOver { .. } => None,
    }
}

/// The message of this letter, if it can have this number or none.
fn message(letter: char, term: Term, number: Option<u64>) -> Option<Message> {
    let attempt = number.map(Attempt::new);
    let message = match (letter, number) {
        ('q' | 'Q', None) => Message::RequestVote { term, hand_over: letter == 'Q' },
        ('v' | 'n', None) => Message::RequestVoteResponse { term, vote_granted: letter == 'v' },
        ('h', _) => Message::AppendEntries { term, round: number.map_or(Round::FIRST, Round::new) },
        ('a', _) => Message::AppendEntriesResponse { term, round: number.map(Round::new) },
        ('p', _) => Message::PreVote { term, attempt: attempt? },
        ('y' | 'z', _) => {
            Message::PreVoteResponse { term, vote_granted: letter == 'y', attempt: attempt? }
        }
        ('g', None) => Message::HandOver { term },
        _ => return None,
    };
    Some(message)
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.server.number())?;
        match self.cause {
            Cause::Timer(None) => f.write_str("t"),
            Cause::Timer(Some(attempt)) => write!(f, "t{attempt}"),
            Cause::Restart => f.write_str("x"),
            Cause::LoseDisk => f.write_str("w"),
            Cause::HearTerm(from) => write!(f, "r{}", from.number()),
            Cause::HandOver(to) => write!(f, "o{}", to.number()),
            Cause::Cut(from) => write!(f, "!{}", from.number()),
            Cause::Mend(from) => write!(f, "~{}", from.number()),
            Cause::Receive { from, message } => f.write_str(&arrival(from, message)),
        }
    }
}

/// The code of a message that arrives, without its receiver: `q1.3`.
pub fn arrival(from: ServerId, message: Message) -> String {
    let number = number(message).map_or(String::new(), |number| format!(".{number}"));
    format!("{}{}.{}{number}", letter(message), from.number(), message.term())
}

/// A text that is no code.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no step: one is written as 1t or 2q1.1")]
pub struct NoSuchCode(String);

impl FromStr for Code {
    type Err = NoSuchCode;

    fn from_str(text: &str) -> Result<Self, NoSuchCode> {
        // What is not written as it would be is refused, so that a path has one spelling.
        parsed(text)
            .filter(|code| code.to_string() == text)
            .ok_or_else(|| NoSuchCode(text.chars().take(40).collect()))
    }
}

fn parsed(text: &str) -> Option<Code> {
    let mut letters = text.chars();
    let server = server(letters.next()?)?;
    let kind = letters.next()?;
    let rest = letters.as_str();
    let cause = match kind {
        't' if rest.is_empty() => Cause::Timer(None),
        't' => Cause::Timer(Some(Attempt::new(rest.parse().ok()?))),
        'x' => Cause::Restart,
        'w' => Cause::LoseDisk,
        'r' => Cause::HearTerm(server_named(rest)?),
        'o' => Cause::HandOver(server_named(rest)?),
        '!' => Cause::Cut(server_named(rest)?),
        '~' => Cause::Mend(server_named(rest)?),
        _ => {
            let mut parts = rest.split('.');
            let from = server_named(parts.next()?)?;
            let term = Term::new(parts.next()?.parse().ok()?);
            let number = parts.next().map(str::parse).transpose().ok()?;
            Cause::Receive { from, message: message(kind, term, number)? }
        }
    };
    Some(Code { server, cause })
}

fn server(letter: char) -> Option<ServerId> {
    ServerId::new(u8::try_from(letter.to_digit(10)?).ok()?)
}

fn server_named(text: &str) -> Option<ServerId> {
    text.chars().next().and_then(server)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn servers() -> impl Strategy<Value = ServerId> {
        (1..=ServerId::MAX).prop_map(|number| ServerId::new(number).unwrap())
    }

    fn messages() -> impl Strategy<Value = Message> {
        let parts = (0..10_usize, any::<u64>(), any::<Option<u64>>());
        parts.prop_map(|(kind, term, number)| {
            let letter = "qQvnhapyzg".chars().nth(kind).unwrap();
            let takes = |number| message(letter, Term::new(term), number);
            takes(number).or_else(|| takes(None)).or_else(|| takes(Some(term))).unwrap()
        })
    }

    fn causes() -> impl Strategy<Value = Cause> {
        prop_oneof![
            any::<Option<u64>>().prop_map(|number| Cause::Timer(number.map(Attempt::new))),
            Just(Cause::Restart),
            Just(Cause::LoseDisk),
            servers().prop_map(Cause::HearTerm),
            servers().prop_map(Cause::HandOver),
            servers().prop_map(Cause::Cut),
            servers().prop_map(Cause::Mend),
            (servers(), messages()).prop_map(|(from, message)| Cause::Receive { from, message }),
        ]
    }

    proptest! {
        #[test]
        fn a_code_is_read_as_it_is_written(server in servers(), cause in causes()) {
            let code = Code { server, cause };
            prop_assert_eq!(code.to_string().parse(), Ok(code));
        }

        #[test]
        fn whatever_is_read_is_written_so(text in "[1-9][a-zA-Z!~][0-9.]{0,6}") {
            if let Ok(code) = text.parse::<Code>() {
                prop_assert_eq!(code.to_string(), text);
            }
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in
            ["", "1", "t", "8t", "0t", "1tt", "1t+4", "2q1", "2q1.01", "2q1.1.1", "2p1.1", "1x1"]
        {
            assert!(text.parse::<Code>().is_err(), "{text}");
        }
    }
}
