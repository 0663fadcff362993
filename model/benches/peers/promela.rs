//! The bounded model in Promela, for Spin: the same steps as `tla/RaftElection.tla`, with every
//! choice written out, so that a step is one `d_step` and no state lies between two steps.
//!
//! It is laid out for speed: a message is a bit of a word, a set of votes is a byte.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use raft_model::action::Envelope;
use raft_model::message::Message;
use raft_model::types::{Round, ServerId, Term};
use raft_model::world::bounds::{Bounds, Replies};

/// The model within these bounds.
pub(crate) fn model(bounds: &Bounds) -> String {
    let mut promela = Promela { bounds: *bounds, bits: BTreeMap::new(), steps: String::new() };
    for id in bounds.cluster.servers() {
        promela.timeouts(id);
        promela.step("Restart", &format!("role{id} != Follower"), &follow(id));
        for from in bounds.cluster.others(id) {
            for term in promela.terms() {
                promela.receive_request_vote(id, from, term);
                promela.receive_request_vote_response(id, from, term);
                promela.receive_append_entries(id, from, term);
                promela.receive_newer_term(id, from, term);
            }
        }
    }
    promela.text()
}

struct Promela {
    bounds: Bounds,
    /// The bit of each message, in the order in which they were first named.
    bits: BTreeMap<Envelope, usize>,
    steps: String,
}

/// A word of Promela is a C int, whose sign is left alone.
const BITS_OF_A_WORD: usize = 31;

fn request_vote(from: ServerId, term: Term) -> Envelope {
    Envelope { from, to: None, message: Message::RequestVote { term, hand_over: false } }
}

fn append_entries(from: ServerId, term: Term) -> Envelope {
    Envelope { from, to: None, message: Message::AppendEntries { term, round: Round::FIRST } }
}

fn vote(from: ServerId, to: ServerId, term: Term, vote_granted: bool) -> Envelope {
    let message = Message::RequestVoteResponse { term, vote_granted };
    Envelope { from, to: Some(to), message }
}

fn answer(from: ServerId, to: ServerId, term: Term) -> Envelope {
    Envelope { from, to: Some(to), message: Message::AppendEntriesResponse { term, round: None } }
}

fn mask(id: ServerId) -> u32 {
    1 << id.index()
}

/// The role of a follower.
fn follow(id: ServerId) -> String {
    format!("role{id} = Follower; votes{id} = 0")
}

/// A newer term, and a vote in it.
fn adopt(id: ServerId, term: Term, voted_for: u8) -> String {
    format!("currentTerm{id} = {term}; votedFor{id} = {voted_for}; {}", follow(id))
}

const NOBODY: u8 = 0;

impl Promela {
    fn terms(&self) -> Vec<Term> {
        (1..=self.bounds.terms.last().number()).map(Term::new).collect()
    }

    fn keeps_all(&self) -> bool {
        self.bounds.replies == Replies::All
    }

    fn place(&mut self, envelope: Envelope) -> (usize, u32) {
        let new = self.bits.len();
        let bit = *self.bits.entry(envelope).or_insert(new);
        (bit / BITS_OF_A_WORD, 1 << (bit % BITS_OF_A_WORD))
    }

    fn is_sent(&mut self, envelope: Envelope) -> String {
        let (word, bit) = self.place(envelope);
        format!("(sent{word} & {bit})")
    }

    fn send(&mut self, envelope: Envelope) -> String {
        let (word, bit) = self.place(envelope);
        format!("sent{word} = sent{word} | {bit}")
    }

    fn step(&mut self, action: &str, guard: &str, effect: &str) {
        let _ = writeln!(self.steps, ":: d_step {{ {guard} -> {effect} }} /* {action} */");
    }

    /// A step that only sends a message, unless it was sent before: then it changes nothing.
    fn reply(&mut self, action: &str, guard: &str, envelope: Envelope) {
        let (is_sent, send) = (self.is_sent(envelope), self.send(envelope));
        self.step(action, &format!("{guard} && !{is_sent}"), &send);
    }

    fn timeouts(&mut self, id: ServerId) {
        for term in self.terms() {
            let before = term.number() - 1;
            let send = self.send(request_vote(id, term));
            let (number, votes) = (id.number(), mask(id));
            self.step(
                "Timeout",
                &format!("role{id} != Leader && currentTerm{id} == {before}"),
                &format!(
                    "currentTerm{id} = {term}; votedFor{id} = {number}; role{id} = Candidate; \
                     votes{id} = {votes}; {send}"
                ),
            );
        }
    }

    fn receive_request_vote(&mut self, id: ServerId, from: ServerId, term: Term) {
        let action = "ReceiveRequestVote";
        let arrives = self.is_sent(request_vote(from, term));
        let grant = self.send(vote(id, from, term, true));
        let candidate = from.number();
        let effect = format!("{}; {grant}", adopt(id, term, candidate));
        self.step(action, &format!("{arrives} && currentTerm{id} < {term}"), &effect);
        let in_term = format!("{arrives} && currentTerm{id} == {term}");
        self.step(
            action,
            &format!("{in_term} && votedFor{id} == {NOBODY}"),
            &format!("votedFor{id} = {candidate}; {grant}"),
        );
        if self.keeps_all() {
            let refused =
                format!("{in_term} && votedFor{id} != {NOBODY} && votedFor{id} != {candidate}");
            self.reply(action, &refused, vote(id, from, term, false));
        }
        for newer in self.terms().into_iter().filter(|newer| *newer > term) {
            let guard = format!("{arrives} && currentTerm{id} == {newer}");
            self.reply(action, &guard, vote(id, from, newer, false));
        }
    }

    fn receive_request_vote_response(&mut self, id: ServerId, from: ServerId, term: Term) {
        let arrives = self.is_sent(vote(from, id, term, true));
        let counts = format!("{arrives} && role{id} == Candidate && currentTerm{id} == {term}");
        let with = format!("(votes{id} | {})", mask(from));
        let bits: Vec<_> =
            (0..self.bounds.cluster.size()).map(|bit| format!("(({with} >> {bit}) & 1)")).collect();
        let is_quorum = format!("2 * ({}) > {}", bits.join(" + "), self.bounds.cluster.size());
        self.step(
            "ReceiveRequestVoteResponse",
            &format!("{counts} && {with} != votes{id} && !({is_quorum})"),
            &format!("votes{id} = {with}"),
        );
        let others: Vec<_> = self.bounds.cluster.others(id).collect();
        let led: Vec<_> =
            others.into_iter().map(|other| self.is_sent(append_entries(other, term))).collect();
        let heartbeat = self.send(append_entries(id, term));
        self.step(
            "BecomeLeader",
            &format!("{counts} && {is_quorum}"),
            // ElectionSafety: nobody else leads the term or once did.
            &format!(
                "role{id} = Leader; votes{id} = 0; {heartbeat}; assert(!({}))",
                led.join(" || ")
            ),
        );
    }

    fn receive_append_entries(&mut self, id: ServerId, from: ServerId, term: Term) {
        let action = "ReceiveAppendEntries";
        let arrives = self.is_sent(append_entries(from, term));
        let (adopt, lose) = (adopt(id, term, NOBODY), follow(id));
        let acknowledge = |effect: String, promela: &mut Self| {
            if promela.keeps_all() {
                format!("{effect}; {}", promela.send(answer(id, from, term)))
            } else {
                effect
            }
        };
        let adopt = acknowledge(adopt, self);
        let lose = acknowledge(lose, self);
        self.step(action, &format!("{arrives} && currentTerm{id} < {term}"), &adopt);
        let in_term = format!("{arrives} && currentTerm{id} == {term}");
        self.step(action, &format!("{in_term} && role{id} == Candidate"), &lose);
        if self.keeps_all() {
            let follows = format!("{in_term} && role{id} == Follower");
            self.reply(action, &follows, answer(id, from, term));
        }
        for newer in self.terms().into_iter().filter(|newer| *newer > term) {
            let guard = format!("{arrives} && currentTerm{id} == {newer}");
            self.reply(action, &guard, answer(id, from, newer));
        }
    }

    fn receive_newer_term(&mut self, id: ServerId, from: ServerId, term: Term) {
        let mut responses = vec![vote(from, id, term, true)];
        if self.keeps_all() || term.number() > 1 {
            responses.extend([vote(from, id, term, false), answer(from, id, term)]);
        }
        let arrives: Vec<_> =
            responses.into_iter().map(|response| self.is_sent(response)).collect();
        let guard = format!("({}) && currentTerm{id} < {term}", arrives.join(" || "));
        self.step("ReceiveNewerTerm", &guard, &adopt(id, term, NOBODY));
    }

    fn text(self) -> String {
        let mut text = "#define Follower 0\n#define Candidate 1\n#define Leader 2\n".to_owned();
        for word in 0..self.bits.len().div_ceil(BITS_OF_A_WORD) {
            let _ = writeln!(text, "int sent{word};");
        }
        for id in self.bounds.cluster.servers() {
            let _ = writeln!(text, "byte currentTerm{id}, votedFor{id}, role{id}, votes{id};");
        }
        text + "active proctype Raft() {\nend: do\n" + &self.steps + "od\n}\n"
    }
}
