//! Values of TLA+, as TLC prints them, and the worlds that they describe.

use std::collections::{BTreeMap, BTreeSet};

use raft_model::action::Envelope;
use raft_model::election::{Ballot, Role, State};
use raft_model::message::Message;
use raft_model::types::{ServerId, ServerSet, Term};
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

    fn to_term(&self) -> Term {
        Term::new(self.word().parse().expect("a term"))
    }

    /// S1 is the server with number 1.
    fn to_server(&self) -> ServerId {
        let number = self.word().strip_prefix('S').and_then(|number| number.parse().ok());
        number.and_then(ServerId::new).unwrap_or_else(|| panic!("no server: {self:?}"))
    }

    fn to_ballot(&self) -> Ballot {
        let voted_for = self.get("votedFor");
        Ballot {
            current_term: self.get("currentTerm").to_term(),
            voted_for: (voted_for.word() != "Nil").then(|| voted_for.to_server()),
        }
    }

    fn to_role(&self, votes: ServerSet) -> Role {
        match self.word() {
            "Candidate" => Role::Candidate { votes },
            role => {
                assert!(votes.is_empty(), "only a candidate has votes");
                if role == "Leader" {
                    return Role::Leader;
                }
                assert_eq!(role, "Follower");
                Role::Follower
            }
        }
    }

    fn to_envelope(&self) -> Envelope {
        let term = self.get("term").to_term();
        let message = match self.get("type").word() {
            "RequestVote" => Message::RequestVote { term },
            "RequestVoteResponse" => {
                let vote_granted = self.get("voteGranted").word() == "TRUE";
                Message::RequestVoteResponse { term, vote_granted }
            }
            "AppendEntries" => Message::AppendEntries { term },
            "AppendEntriesResponse" => Message::AppendEntriesResponse { term },
            other => panic!("no message: {other}"),
        };
        let to = self.map().get("to").map(Self::to_server);
        Envelope { from: self.get("from").to_server(), to, message }
    }

    fn to_world(&self) -> World {
        let variables: Vec<&str> = self.map().keys().map(String::as_str).collect();
        assert_eq!(variables, ["currentTerm", "role", "sent", "stored", "votedFor", "votes"]);
        let at = |variable: &str, server: &String| self.get(variable).get(server);
        let names = self.get("currentTerm").map().keys();
        let state = |server: &String| {
            let (term, vote) = (at("currentTerm", server), at("votedFor", server));
            let voted_for = (vote.word() != "Nil").then(|| vote.to_server());
            let ballot = Ballot { current_term: term.to_term(), voted_for };
            let votes = at("votes", server).set().iter().map(Self::to_server).collect();
            State { ballot, role: at("role", server).to_role(votes) }
        };
        let sent: BTreeSet<_> = self.get("sent").set().iter().map(Self::to_envelope).collect();
        World {
            servers: names.clone().map(state).collect(),
            stored: names.map(|server| at("stored", server).to_ballot()).collect(),
            sent,
        }
    }
}
