//! A step that leaves the invariant: the world before it, which satisfies the invariant but need
//! not be reachable, and the world after it.

use std::collections::{BTreeSet, HashSet};
use std::fmt;

use super::expression::Expression;
use super::file::{File, Obligation};
use super::lease;
use super::logic::{self, VARIABLES, Variable};
use super::solver::{Solver, SolverError};
use crate::action::Envelope;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::run::Lease;
use crate::types::{Round, ServerId, ServerSet, Term};
use crate::world::World;

/// The sizes of worlds in which one is looked for: servers, terms, quorums.
const SIZES: [(u8, u8, u8); 5] = [(1, 2, 1), (2, 2, 1), (2, 3, 1), (3, 3, 1), (3, 3, 2)];

/// How many rounds there are, where it is about leases.
const ROUNDS: usize = 2;

/// What may be taken for granted of a world that is to be shown, since Rust's types have no other.
const WELL_FORMED: &str = "\
(assert (forall ((s Server)) (not (and (candidate s) (leader s)))))
(assert (forall ((s Server) (c Server)) (=> (votes s c) (candidate s))))
(assert (forall ((s Server) (c Server) (d Server))
  (=> (and (stored_vote s c) (stored_vote s d)) (= c d))))
(assert (forall ((s Server) (t Term)) (not (vote_granted s t s))))
";

/// A world that satisfies the invariant, and a step that leaves it. The world may be out of reach.
#[derive(Debug)]
pub struct CounterexampleToInduction {
    /// What is called a quorum in it.
    pub quorums: Vec<ServerSet>,
    /// What it shows the failure of: a conjunct, a property.
    pub name: &'static str,
    /// The world before the step, or the only one.
    pub before: World,
    /// What it is about beside that, and was true before the step.
    pub known_before: Vec<String>,
    /// The same, after it.
    pub known_after: Vec<String>,
    /// Who makes the step, and the world after it; none if the failure is one of a single world.
    pub step: Option<(ServerId, World)>,
}

/// Looks for a small one, for an obligation that a solver does not confirm.
///
/// # Errors
///
/// [`SolverError`] if the solver cannot be run.
pub fn find(
    solver: &Solver,
    file: &File,
    obligation: &Obligation,
) -> Result<Option<CounterexampleToInduction>, SolverError> {
    let premises = file.premises(obligation);
    if !premises.contains("current_term") {
        return Ok(None); // it is about numbers, not about servers
    }
    let is_step = obligation.path.is_some();
    let of_leases = lease::variables_of(obligation.name);
    let rounds = if of_leases.is_empty() { 0 } else { ROUNDS };
    for (servers, terms, quorums) in SIZES {
        let mut sorts =
            vec![("Server", servers.into()), ("Term", terms.into()), ("Quorum", quorums.into())];
        sorts.extend((rounds > 0).then_some(("Round", rounds)));
        let of = |sort| {
            let (_, count) = sorts.iter().find(|(name, _)| *name == sort).expect("a sort");
            logic::names(sort, *count)
        };
        let questions = questions(&of_leases, is_step, of);
        let text = format!(
            "{premises}{}{WELL_FORMED}(assert (= zero t1))\n(check-sat)\n(get-value ({}))\n",
            logic::exactly(&sorts),
            questions.join(" ")
        );
        // Models are not made unless this is said, and it has to be said first.
        let text = format!("(set-option :produce-models true)\n{text}");
        let reply = solver.reply(&text)?;
        if let Some(values) = reply.trim_start().strip_prefix("sat").and_then(true_of) {
            let seen = Seen { true_of: values, servers, terms };
            let known = |moment: &str| {
                let facts = of_leases.iter().flat_map(|variable| facts(moment, variable, of));
                facts.filter(|fact| seen.is(fact)).map(|fact| readable(&fact, moment)).collect()
            };
            return Ok(Some(CounterexampleToInduction {
                known_before: known(""),
                known_after: known("after."),
                ..seen.counterexample(obligation.name, is_step, quorums)
            }));
        }
    }
    Ok(None)
}

/// Everything that can be asked of worlds in which there is this much of each sort, as formulas.
fn questions(
    of_leases: &[&'static Variable],
    is_step: bool,
    of: impl Fn(&'static str) -> Vec<String> + Copy,
) -> Vec<String> {
    let mut questions = applied("(member", &["Server", "Quorum"], ")", of);
    let moments: &[&str] = if is_step { &["", "after."] } else { &[""] };
    for moment in moments {
        let variables = VARIABLES.iter().chain(of_leases.iter().copied());
        questions.extend(variables.flat_map(|variable| facts(moment, variable, of)));
    }
    if is_step {
        questions.extend(of("Server").into_iter().map(|server| format!("(= me {server})")));
    }
    questions
}

/// What a variable may say at a moment, as formulas.
fn facts(
    moment: &str,
    variable: &Variable,
    of: impl Fn(&'static str) -> Vec<String> + Copy,
) -> Vec<String> {
    let name = variable.name;
    if variable.sort == "Bool" {
        return applied(&format!("({moment}{name}"), variable.of, ")", of);
    }
    let values = of(variable.sort).into_iter();
    let of_value = |value| applied(&format!("(= {value} ({moment}{name}"), variable.of, "))", of);
    values.flat_map(of_value).collect()
}

/// A fact, as a person writes it: `(= r1 (after.open_round s2))` is `open_round S2: round 1`.
fn readable(fact: &str, moment: &str) -> String {
    let words = fact.replace(moment, "").replace(['(', ')'], "");
    let word = |word: &str| match word.split_at(1) {
        ("s", number) if number.parse::<u8>().is_ok() => format!("S{number}"),
        ("q", number) if number.parse::<u8>().is_ok() => format!("quorum {number}"),
        ("r", number) if number.parse::<u8>().is_ok() => format!("round {number}"),
        // Servers start in the first one, 0.
        ("t", number) => match number.parse::<u8>() {
            Ok(number) => format!("term {}", number - 1),
            Err(_) => word.to_owned(),
        },
        _ => word.to_owned(),
    };
    let words: Vec<_> = words.split_whitespace().map(word).collect();
    match words.split_first() {
        Some((is, rest)) if is == "=" => {
            let (value, of) = rest.split_at(1);
            format!("{}: {}", of.join(" "), value.join(" "))
        }
        _ => words.join(" "),
    }
}

/// A predicate of everything that there is of these sorts.
fn applied(
    begin: &str,
    sorts: &[&'static str],
    end: &str,
    of: impl Fn(&'static str) -> Vec<String> + Copy,
) -> Vec<String> {
    let mut texts = vec![begin.to_owned()];
    for sort in sorts {
        let names = of(sort);
        texts = texts.iter().flat_map(|t| names.iter().map(move |n| format!("{t} {n}"))).collect();
    }
    texts.into_iter().map(|text| text + end).collect()
}

/// Those formulas of which a solver says that they are true: `((formula true) (formula false) …)`.
fn true_of(reply: &str) -> Option<HashSet<String>> {
    let (Expression::List(values), _) = Expression::read(reply)? else { return None };
    let pair = |value: &Expression| match value {
        Expression::List(pair) if pair.len() == 2 => {
            pair[1].is("true").then(|| pair[0].to_string())
        }
        _ => None,
    };
    Some(values.iter().filter_map(pair).collect())
}

/// What a solver has shown.
struct Seen {
    true_of: HashSet<String>,
    servers: u8,
    terms: u8,
}

impl Seen {
    fn is(&self, formula: &str) -> bool {
        self.true_of.contains(formula)
    }

    fn servers(&self) -> impl Iterator<Item = ServerId> + use<> {
        ServerId::first(self.servers)
    }

    /// The terms, from the oldest: `t1` is the term in which servers start.
    fn terms(&self) -> impl Iterator<Item = (String, Term)> + use<> {
        (0..self.terms).map(|number| (format!("t{}", number + 1), Term::new(number.into())))
    }

    fn counterexample(
        &self,
        name: &'static str,
        is_step: bool,
        quorums: u8,
    ) -> CounterexampleToInduction {
        let quorum = |number| {
            let is_member = |s: &ServerId| self.is(&format!("(member s{} q{number})", s.number()));
            self.servers().filter(is_member).collect()
        };
        let me = self.servers().find(|server| self.is(&format!("(= me s{})", server.number())));
        CounterexampleToInduction {
            quorums: (1..=quorums).map(quorum).collect(),
            name,
            before: self.world(""),
            known_before: Vec::new(),
            known_after: Vec::new(),
            step: me.filter(|_| is_step).map(|me| (me, self.world("after."))),
        }
    }

    fn world(&self, moment: &str) -> World {
        World {
            servers: self.servers().map(|server| self.state(moment, server)).collect(),
            stored: self.servers().map(|s| self.ballot(moment, "stored", s)).collect(),
            sent: self.sent(moment),
            leases: self.servers().map(|_| Lease::NONE).collect(),
        }
    }

    fn state(&self, moment: &str, server: ServerId) -> State {
        let id = server.number();
        let role = if self.is(&format!("({moment}leader s{id})")) {
            Role::LEADER
        } else if self.is(&format!("({moment}candidate s{id})")) {
            let is_counted =
                |voter: &ServerId| self.is(&format!("({moment}votes s{id} s{})", voter.number()));
            Role::Candidate { votes: self.servers().filter(is_counted).collect() }
        } else {
            Role::FOLLOWER
        };
        State { ballot: self.ballot(moment, "current", server), role }
    }

    fn ballot(&self, moment: &str, which: &str, server: ServerId) -> Ballot {
        let id = server.number();
        let is_in = |(name, _): &(String, Term)| {
            self.is(&format!("(= {name} ({moment}{which}_term s{id}))"))
        };
        let vote = if which == "current" { "voted_for" } else { "stored_vote" };
        let is_for = |candidate: &ServerId| {
            self.is(&format!("({moment}{vote} s{id} s{})", candidate.number()))
        };
        Ballot {
            current_term: self.terms().find(is_in).map_or(Term::ZERO, |(_, term)| term),
            voted_for: self.servers().find(is_for),
        }
    }

    fn sent(&self, moment: &str) -> BTreeSet<Envelope> {
        let mut sent = BTreeSet::new();
        for from in self.servers() {
            let id = from.number();
            for (name, term) in self.terms() {
                let broadcasts = [
                    ("request_vote", Message::RequestVote { term, hand_over: false }),
                    ("append_entries", Message::AppendEntries { term, round: Round::FIRST }),
                ];
                let was_sent =
                    |(kind, _): &(&str, _)| self.is(&format!("({moment}{kind} s{id} {name})"));
                let broadcasts = broadcasts.into_iter().filter(was_sent);
                sent.extend(broadcasts.map(|(_, message)| Envelope { from, to: None, message }));
                let was_granted = |to: &ServerId| {
                    self.is(&format!("({moment}vote_granted s{id} {name} s{})", to.number()))
                };
                let message = Message::RequestVoteResponse { term, vote_granted: true };
                let granted = self.servers().filter(was_granted);
                sent.extend(granted.map(|to| Envelope { from, to: Some(to), message }));
            }
        }
        sent
    }
}

/// A table: what was before, and beside it what is after, where it differs.
impl fmt::Display for CounterexampleToInduction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let after = self.step.as_ref().map(|(_, after)| after);
        let quorums: Vec<_> = self.quorums.iter().map(ToString::to_string).collect();
        writeln!(f, "  quorums {}", quorums.join(", "))?;
        let mut rows = Vec::new();
        for (server, state) in self.before.states() {
            let index = server.index();
            rows.push((
                format!("{server}"),
                state.to_string(),
                after.map(|after| after.servers[index].to_string()),
            ));
            let disk = |world: &World| on_disk(&world.stored[index]);
            rows.push(("   disk".to_owned(), disk(&self.before), after.map(disk)));
        }
        let before = self.before.sent.iter().map(|envelope| (Some(envelope), Some(envelope)));
        let new = after.into_iter().flat_map(|after| after.sent.difference(&self.before.sent));
        for (was, is) in before.chain(new.map(|envelope| (None, Some(envelope)))) {
            let text = |e: Option<&Envelope>| e.map(ToString::to_string).unwrap_or_default();
            rows.push(("sent".to_owned(), text(was), Some(text(is))));
        }
        let after_too = |fact: &String| after.is_some() && self.known_after.contains(fact);
        for fact in &self.known_before {
            let is = after.map(|_| if after_too(fact) { fact.clone() } else { "no more".into() });
            rows.push(("known".to_owned(), fact.clone(), is));
        }
        for fact in self.known_after.iter().filter(|fact| !self.known_before.contains(fact)) {
            rows.push(("known".to_owned(), String::new(), Some(fact.clone())));
        }
        let width = rows.iter().map(|(_, before, _)| before.chars().count()).max().unwrap_or(0);
        if let Some((me, _)) = self.step {
            writeln!(f, "  {:<9}{:<width$}  after a step of {me}", "", "before")?;
        }
        for (name, before, after) in rows {
            let after = after.filter(|after| *after != before).unwrap_or_default();
            let line = format!("  {name:<9}{before:<width$}  {after}");
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

fn on_disk(Ballot { current_term, voted_for }: &Ballot) -> String {
    match voted_for {
        Some(candidate) => format!("term {current_term}  voted for {candidate}"),
        None => format!("term {current_term}  has not voted"),
    }
}
