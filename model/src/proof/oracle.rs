//! Answers what code asks about symbols, in every way in which it can be answered.
//!
//! Code that compares a symbol with another asks a question that has no answer yet. So the code is
//! run again and again, each time by another script of answers, until every script was played: each
//! is one path through the code, under the conditions that its answers are.
//!
//! An answer that follows from earlier ones is not asked for, so that no path contradicts itself.
//! That it follows is not believed: it is noted, as one more thing for the solvers to prove.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::mem;

/// A value that is not known, only named: an expression in the solver's language. It is `Copy`, as
/// the value is that it stands for, since it is no more than a number in a book of expressions.
#[derive(Clone, Copy)]
pub(super) struct Symbol(usize);

/// What code can ask about symbols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    /// Is this the same server?
    SameServer(usize, usize),
    /// Is this the same term?
    SameTerm(usize, usize),
    /// Is the first term older than the second?
    Older(usize, usize),
    /// Is this the last term that there is?
    Last(usize),
    /// Have these sets the same members?
    SameSet(usize, usize),
    /// Is this set a quorum?
    Quorum(usize),
    /// Are these all servers?
    Everybody(usize),
    /// Are these the same round? Only leases depend on it.
    SameRound(usize, usize),
    /// Are these the same attempt or number, or is this guard on? Nothing follows.
    Perhaps(usize, usize),
}

/// What came up on a path, in this order.
#[derive(Clone, Debug)]
pub(super) enum Note {
    /// The code made a set: its name, and the formula that says whether the server `s` is a member.
    Set { name: String, member: String },
    /// There is a term of this name, later than that one.
    Later { name: String, than: String },
    /// There is a round of this name, later than that one.
    NextRound { name: String, than: String },
    /// The question was answered so.
    Decided { question: Question, answer: bool },
    /// This follows from what was answered before.
    Implied(String),
}

/// One path through the code.
#[derive(Debug, Default)]
pub(super) struct Path {
    pub(super) notes: Vec<Note>,
    /// What is known about the order of terms and the equality of terms and of servers.
    known: Vec<(Question, bool)>,
}

#[derive(Default)]
struct Oracle {
    /// The expressions, each at the number of its symbol.
    book: Vec<String>,
    /// The path that is being taken; none while no code runs.
    path: Option<Path>,
    /// The answers to give, and how many were given.
    script: Vec<bool>,
    given: usize,
}

thread_local! {
    // It begins with the symbols that are constants.
    static ORACLE: RefCell<Oracle> = RefCell::new(Oracle {
        book: ["zero", "nobody", "first"].map(str::to_owned).to_vec(),
        ..Oracle::default()
    });
}

fn ask<R>(of: impl FnOnce(&mut Oracle) -> R) -> R {
    ORACLE.with_borrow_mut(of)
}

impl Symbol {
    /// The term in which servers start.
    pub(super) const ZERO: Self = Self(0);
    /// The set of nobody.
    pub(super) const NOBODY: Self = Self(1);
    /// The first of what is only counted.
    pub(super) const FIRST: Self = Self(2);

    /// The symbol for an expression.
    pub(super) fn named(text: &str) -> Self {
        ask(|oracle| oracle.symbol(text.to_owned()))
    }

    /// The symbol of this number.
    #[cfg(test)]
    pub(super) const fn at(number: usize) -> Self {
        Self(number)
    }

    /// Its expression.
    pub(super) fn text(self) -> String {
        ask(|oracle| oracle.book[self.0].clone())
    }

    pub(super) fn is_server(self, other: Self) -> bool {
        self.is(other, Question::SameServer(self.0, other.0))
    }

    pub(super) fn is_term(self, other: Self) -> bool {
        self.is(other, Question::SameTerm(self.0, other.0))
    }

    pub(super) fn is_set(self, other: Self) -> bool {
        self.is(other, Question::SameSet(self.0, other.0))
    }

    fn is(self, other: Self, question: Question) -> bool {
        #[cfg(test)]
        if STRUCTURALLY.get()
            && !matches!(question, Question::Perhaps(..) | Question::SameRound(..))
        {
            return self.0 == other.0;
        }
        ask(|oracle| {
            let _ = oracle.path();
            self.0 == other.0 || oracle.answer(question)
        })
    }

    pub(super) fn is_round(self, other: Self) -> bool {
        self.is(other, Question::SameRound(self.0, other.0))
    }

    pub(super) fn is_perhaps(self, other: Self) -> bool {
        self.is(other, Question::Perhaps(self.0, other.0))
    }

    /// Whether the guard of this name is on.
    pub(super) fn is_on(self) -> bool {
        ask(|oracle| oracle.answer(Question::Perhaps(self.0, self.0)))
    }

    /// What comes after it, of which nothing is known.
    pub(super) fn following(self) -> Self {
        Self::named(&format!("(next {})", self.text()))
    }

    /// The round after it.
    pub(super) fn next_round(self) -> Self {
        let (name, than) = (format!("(next {})", self.text()), self.text());
        ask(|oracle| {
            oracle.path().notes.push(Note::NextRound { name: name.clone(), than });
            oracle.symbol(name)
        })
    }

    pub(super) fn is_older(self, other: Self) -> bool {
        ask(|oracle| {
            let _ = oracle.path();
            self.0 != other.0 && oracle.answer(Question::Older(self.0, other.0))
        })
    }

    /// A later term, if there is one. Nothing else is known of it.
    pub(super) fn later(self) -> Option<Self> {
        ask(|oracle| (!oracle.answer(Question::Last(self.0))).then(|| oracle.later(self.0)))
    }

    /// The set whose members are those servers `s` for which this formula is true.
    pub(super) fn set(member: &str) -> Self {
        ask(|oracle| oracle.set(member.to_owned()))
    }

    /// Whether a question about it alone is answered with yes.
    pub(super) fn is_so(self, question: fn(usize) -> Question) -> bool {
        ask(|oracle| oracle.answer(question(self.0)))
    }
}

impl Oracle {
    fn path(&mut self) -> &mut Path {
        self.path.as_mut().expect("symbols are compared only while paths are explored")
    }

    fn symbol(&mut self, text: String) -> Symbol {
        let found = self.book.iter().position(|known| *known == text);
        Symbol(found.unwrap_or_else(|| {
            self.book.push(text);
            self.book.len() - 1
        }))
    }

    fn answer(&mut self, question: Question) -> bool {
        if let Some(&(_, answer)) = self.path().known.iter().find(|(known, _)| *known == question) {
            return answer;
        }
        if let Some(answer) = self.path().implied(question) {
            let formula = formula(&self.book, question, answer).expect("of an order or equality");
            self.path().notes.push(Note::Implied(formula));
            return answer;
        }
        if self.given == self.script.len() {
            self.script.push(true);
        }
        let answer = self.script[self.given];
        self.given += 1;
        self.path().notes.push(Note::Decided { question, answer });
        self.path().known.push((question, answer));
        answer
    }

    fn later(&mut self, than: usize) -> Symbol {
        let text = self.book[than].clone();
        let mut others = 0;
        for note in &self.path().notes {
            match note {
                Note::Later { name, than } if *than == text => {
                    let name = name.clone();
                    return self.symbol(name);
                }
                Note::Later { .. } => others += 1,
                _ => {}
            }
        }
        let name = format!("later{}", others + 1);
        let later = self.symbol(name.clone());
        self.path().notes.push(Note::Later { name, than: text });
        self.path().known.push((Question::Older(than, later.0), true));
        later
    }

    fn set(&mut self, member: String) -> Symbol {
        let mut others = 0;
        for note in &self.path().notes {
            match note {
                Note::Set { name, member: known } if *known == member => {
                    let name = name.clone();
                    return self.symbol(name);
                }
                Note::Set { .. } => others += 1,
                _ => {}
            }
        }
        let name = format!("set{}", others + 1);
        self.path().notes.push(Note::Set { name: name.clone(), member });
        self.symbol(name)
    }
}

/// What an answer says, as a formula, as far as anything is concluded from it.
///
/// That votes are no quorum, servers are not all, or a term is the last one, says nothing: so the
/// proof also holds for a server that elects itself more reluctantly, or campaigns less long.
pub(super) fn assumed(question: Question, answer: bool) -> Option<String> {
    match question {
        Question::SameRound(..) => None,
        question => ask(|oracle| formula(&oracle.book, question, answer)),
    }
}

/// The same, where it matters which rounds are the same.
pub(super) fn assumed_of_rounds(question: Question, answer: bool) -> Option<String> {
    ask(|oracle| formula(&oracle.book, question, answer))
}

/// What stands for a symbol that a question is about.
pub(super) fn written(symbol: usize) -> String {
    ask(|oracle| oracle.book[symbol].clone())
}

fn formula(book: &[String], question: Question, answer: bool) -> Option<String> {
    let text = |symbol: usize| &book[symbol];
    let formula = match question {
        Question::SameServer(a, b) | Question::SameTerm(a, b) | Question::SameRound(a, b) => {
            format!("(= {} {})", text(a), text(b))
        }
        Question::Older(a, b) => format!("(older {} {})", text(a), text(b)),
        Question::SameSet(a, b) => {
            format!("(forall ((s Server)) (= ({} s) ({} s)))", text(a), text(b))
        }
        Question::Quorum(set) if answer => format!(
            "(exists ((q Quorum)) \
             (and (is_quorum q) (forall ((s Server)) (=> (member s q) ({} s)))))",
            text(set)
        ),
        Question::Everybody(set) if answer => format!("(forall ((s Server)) ({} s))", text(set)),
        _ => return None,
    };
    Some(if answer { formula } else { format!("(not {formula})") })
}

impl Path {
    /// The answer to a question, if what is known leaves only one.
    fn implied(&self, question: Question) -> Option<bool> {
        match (self.allows(question, true), self.allows(question, false)) {
            (true, true) => None,
            (yes, _) => Some(yes),
        }
    }

    /// Whether this answer agrees with what is known.
    fn allows(&self, question: Question, answer: bool) -> bool {
        let is_about_servers = match question {
            Question::SameServer(..) => true,
            Question::SameTerm(..) | Question::Older(..) => false,
            Question::Last(_)
            | Question::SameSet(..)
            | Question::Quorum(_)
            | Question::Everybody(_)
            | Question::SameRound(..)
            | Question::Perhaps(..) => return true,
        };
        let relation = |&(question, answer): &(Question, bool)| match question {
            Question::SameServer(a, b) if is_about_servers => {
                Some(Relation { a, b, holds: usize::eq, answer })
            }
            Question::SameTerm(a, b) if !is_about_servers => {
                Some(Relation { a, b, holds: usize::eq, answer })
            }
            Question::Older(a, b) if !is_about_servers => {
                Some(Relation { a, b, holds: usize::lt, answer })
            }
            _ => None,
        };
        let asked = (question, answer);
        let relations: Vec<_> = self.known.iter().chain([&asked]).filter_map(relation).collect();
        let symbols: BTreeSet<_> = relations.iter().flat_map(|r| [r.a, r.b]).collect();
        let symbols: Vec<_> = symbols.into_iter().collect();
        is_possible(&relations, &symbols, &mut BTreeMap::new())
    }
}

/// That two symbols are equal, or in order, or that they are not.
struct Relation {
    a: usize,
    b: usize,
    holds: fn(&usize, &usize) -> bool,
    answer: bool,
}

/// Whether all relations can be true of some numbers. If they can, then of small ones, no more of
/// them than there are symbols; so these are tried.
fn is_possible(
    relations: &[Relation],
    symbols: &[usize],
    numbers: &mut BTreeMap<usize, usize>,
) -> bool {
    let Some((symbol, others)) = symbols.split_first() else {
        return relations.iter().all(|r| (r.holds)(&numbers[&r.a], &numbers[&r.b]) == r.answer);
    };
    let count = numbers.len() + symbols.len();
    (0..count).any(|number| {
        numbers.insert(*symbol, number);
        let is_possible = is_possible(relations, others, numbers);
        numbers.remove(symbol);
        is_possible
    })
}

/// Runs code along every path, and tells what it returned at the end of each.
pub(super) fn every_path<R>(mut code: impl FnMut() -> R) -> Vec<(Path, R)> {
    let mut ends = Vec::new();
    let mut script = Vec::new();
    loop {
        ask(|oracle| {
            oracle.path = Some(Path::default());
            oracle.script = mem::take(&mut script);
            oracle.given = 0;
        });
        let end = code();
        script = ask(|oracle| {
            assert_eq!(oracle.given, oracle.script.len(), "the code asked otherwise than before");
            ends.push((oracle.path.take().expect("one is being taken"), end));
            mem::take(&mut oracle.script)
        });
        // The next script: the last answer that was yes becomes no.
        while script.last() == Some(&false) {
            script.pop();
        }
        match script.last_mut() {
            Some(last) => *last = false,
            None => return ends,
        }
    }
}

#[cfg(test)]
thread_local! {
    /// Whether symbols are compared as what they look like, as a derived `PartialEq` would do. It
    /// is wrong: two names may stand for one server.
    pub(super) static STRUCTURALLY: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}
