//! Values of TLA+, as TLC prints them, and the worlds that they describe.

use std::collections::{BTreeMap, BTreeSet};

use raft_model::action::Envelope;
use raft_model::election::{Ballot, Role, State};
use raft_model::message::Message;
use raft_model::run::Lease;
use raft_model::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};
use raft_model::world::World;

/// A value. Functions, records and states map names to values.
#[derive(Debug)]
enum Value {
    /// A number, a string, a model value, TRUE or FALSE.
    Word(String),
    Set(Vec<Value>),
    Map(BTreeMap<String, Value>),
}

/// Reads the world that a state of `RaftElection` is, from the text that TLC gives it: a variable
/// a line, and long values over several.
///
/// # Panics
///
/// If it is none.
pub fn world(text: &str) -> World {
    let mut rest = Text(text);
    let mut state = BTreeMap::new();
    while rest.skip("/\\") {
        let variable = rest.word();
        rest.expect("=");
        state.insert(variable, rest.value());
    }
    assert!(rest.0.trim().is_empty(), "no state: {text}");
    Value::Map(state).to_world()
}

/// What is left to read.
struct Text<'a>(&'a str);

impl Text<'_> {
    fn skip(&mut self, token: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(token);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, token: &str) {
        assert!(self.skip(token), "{token} is missing before {:.60}", self.0);
    }

    fn word(&mut self) -> String {
        let text = self.0.trim_start();
        let end = text.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(text.len());
        assert!(end > 0, "a word is missing before {text:.60}");
        self.0 = &text[end..];
        text[..end].to_owned()
    }

    /// Items up to the end, with something between them.
    fn items<T>(&mut self, between: &str, end: &str, item: impl Fn(&mut Self) -> T) -> Vec<T> {
        let mut items = Vec::new();
        while !self.skip(end) {
            items.push(item(self));
            self.skip(between);
        }
        items
    }

    fn value(&mut self) -> Value {
        if self.skip("{") {
            Value::Set(self.items(",", "}", Self::value))
        } else if self.skip("[") {
            Value::Map(self.items(",", "]", |text| text.entry("|->")).into_iter().collect())
        } else if self.skip("(") {
            Value::Map(self.items("@@", ")", |text| text.entry(":>")).into_iter().collect())
        } else if self.skip("\"") {
            let word = self.word();
            self.expect("\"");
            Value::Word(word)
        } else {
            Value::Word(self.word())
        }
    }

    fn entry(&mut self, arrow: &str) -> (String, Value) {
        let name = self.word();
        self.expect(arrow);
        (name, self.value())
    }
}

impl Value {
    fn word(&self) -> &str {
        let Self::Word(word) = self else { panic!("no word: {self:?}") };
        word
    }

    fn set(&self) -> &[Self] {
        let Self::Set(items) = self else { panic!("no set: {self:?}") };
        items
    }

    fn map(&self) -> &BTreeMap<String, Self> {
        let Self::Map(entries) = self else { panic!("no function: {self:?}") };
        entries
    }

    fn get(&self, name: &str) -> &Self {
        self.map().get(name).unwrap_or_else(|| panic!("{name} is missing in {self:?}"))
    }

    fn number(&self, name: &str) -> u64 {
        self.get(name).word().parse().unwrap_or_else(|_| panic!("{name} of {self:?} is no number"))
    }

    fn is_true(&self, name: &str) -> bool {
        match self.get(name).word() {
            "TRUE" => true,
            "FALSE" => false,
            other => panic!("{name} is {other}"),
        }
    }

    fn servers(&self, name: &str) -> ServerSet {
        self.get(name).set().iter().map(Self::to_server).collect()
    }

    /// S1 is the server with number 1.
    fn to_server(&self) -> ServerId {
        let number = self.word().strip_prefix('S').and_then(|number| number.parse().ok());
        number.and_then(ServerId::new).unwrap_or_else(|| panic!("no server: {self:?}"))
    }

    fn to_ballot(&self) -> Ballot {
        Self::ballot(self.get("currentTerm"), self.get("votedFor"))
    }

    fn ballot(term: &Self, vote: &Self) -> Ballot {
        Ballot {
            current_term: Term::new(term.word().parse().expect("a term")),
            voted_for: (vote.word() != "Nil").then(|| vote.to_server()),
        }
    }

    fn to_role(&self) -> Role {
        match self.get("is").word() {
            "Follower" => Role::Follower { contact: self.is_true("contact") },
            "PreCandidate" => Role::PreCandidate {
                attempt: Attempt::new(self.number("attempt")),
                votes: self.servers("votes"),
            },
            "Candidate" => Role::Candidate { votes: self.servers("votes") },
            "Leader" => Role::Leader {
                round: Round::new(self.number("round")),
                answered: self.servers("answered"),
                beats: Beats::new(self.number("beats").try_into().expect("few heartbeats")),
            },
            "Returning" => Role::Returning {
                heard: self.servers("heard"),
                newest: Term::new(self.number("newest")),
            },
            other => panic!("no role: {other}"),
        }
    }

    fn to_envelope(&self) -> Envelope {
        let term = Term::new(self.number("term"));
        let vote_granted = || self.is_true("voteGranted");
        let attempt = || Attempt::new(self.number("attempt"));
        let message = match self.get("type").word() {
            "RequestVote" => Message::RequestVote { term, hand_over: self.is_true("handOver") },
            "RequestVoteResponse" => {
                Message::RequestVoteResponse { term, vote_granted: vote_granted() }
            }
            "AppendEntries" => {
                Message::AppendEntries { term, round: Round::new(self.number("round")) }
            }
            "AppendEntriesResponse" => {
                let round = Some(self.number("round")).filter(|&number| number > 0);
                Message::AppendEntriesResponse { term, round: round.map(Round::new) }
            }
            "PreVote" => Message::PreVote { term, attempt: attempt() },
            "PreVoteResponse" => {
                let (vote_granted, attempt) = (vote_granted(), attempt());
                Message::PreVoteResponse { term, vote_granted, attempt }
            }
            "HandOver" => Message::HandOver { term },
            other => panic!("no message: {other}"),
        };
        let to = self.map().get("to").map(Self::to_server);
        Envelope { from: self.get("from").to_server(), to, message }
    }

    fn to_leases(&self) -> Vec<Lease> {
        let since = |value: &Self| match value {
            Self::Word(word) if word == "Nil" => None,
            set => Some(set.set().iter().map(Self::to_server).collect()),
        };
        let (open, valid) = (self.get("open").map(), self.get("valid").map());
        let lease = |(open, valid)| Lease { open: since(open), valid: since(valid) };
        open.values().zip(valid.values()).map(lease).collect()
    }

    fn to_world(&self) -> World {
        let variables: Vec<&str> = self.map().keys().map(String::as_str).collect();
        let has_leases = match variables[..] {
            ["currentTerm", "role", "sent", "stored", "votedFor"] => false,
            ["currentTerm", "open", "role", "sent", "stored", "valid", "votedFor"] => true,
            _ => panic!("no world: {variables:?}"),
        };
        let at = |variable: &str, server: &String| self.get(variable).get(server);
        let names = self.get("currentTerm").map().keys();
        let state = |server: &String| State {
            ballot: Self::ballot(at("currentTerm", server), at("votedFor", server)),
            role: at("role", server).to_role(),
        };
        let sent: BTreeSet<_> = self.get("sent").set().iter().map(Self::to_envelope).collect();
        World {
            servers: names.clone().map(state).collect(),
            stored: names.map(|server| at("stored", server).to_ballot()).collect(),
            sent,
            leases: if has_leases {
                self.to_leases()
            } else {
                vec![Lease::NONE; self.get("currentTerm").map().len()]
            },
        }
    }
}
