//! The types of the specification obey the laws that the proof assumes of them, and no others are
//! needed: these are all that the election asks of its types.

use proptest::prelude::*;

use super::super::invariant::loses_disk;
use super::super::logic::AXIOMS;
use super::super::majority::{MAJORITY, lemma};
use super::super::oracle::{Question, assumed, every_path};
use super::super::types as symbols;
use super::super::{HALF, obligations_of};
use super::meaning::{Formula, Structure, Value};
use crate::cluster::Cluster;
use crate::election::{Event, Server, State};
use crate::message::Message;
use crate::mutant::Mutant;
use crate::types::{Attempt, Beats, ServerId, ServerSet, Term};

/// A cluster, and some terms.
struct Concrete {
    cluster: Cluster,
    terms: Vec<u64>,
}

pub(super) fn quorums(cluster: Cluster) -> Vec<Value> {
    let sets = (0..1_u8 << cluster.size()).map(ServerSet::from_bits);
    sets.filter(|votes| cluster.is_quorum(*votes)).map(|votes| votes.bits().into()).collect()
}

impl Structure for Concrete {
    fn all_of(&self, sort: &str) -> Vec<Value> {
        match sort {
            "Server" => self.cluster.servers().map(|server| server.number().into()).collect(),
            "Term" => self.terms.clone(),
            "Quorum" => quorums(self.cluster),
            _ => panic!("{sort} is no sort"),
        }
    }

    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        let is = match (name, arguments) {
            ("zero", []) => return Some(Term::ZERO.number()),
            ("older", &[a, b]) => Term::new(a) < Term::new(b),
            ("loses_disk", &[server]) => loses_disk(ServerId::new(u8::try_from(server).ok()?)?),
            ("member", &[server, quorum]) => {
                let server = ServerId::new(u8::try_from(server).ok()?)?;
                ServerSet::from_bits(u8::try_from(quorum).ok()?).contains(server)
            }
            _ => return None,
        };
        Some(is.into())
    }
}

fn clusters() -> impl Iterator<Item = Cluster> {
    (1..=Cluster::MAX_SIZE).map(|size| Cluster::new(size).unwrap())
}

#[test]
fn the_axioms_hold_of_every_cluster_and_of_terms_from_the_first_to_the_last() {
    for cluster in clusters() {
        let known = Concrete { cluster, terms: vec![0, 1, 2, 3, u64::MAX - 1, u64::MAX] };
        for (_, axiom) in AXIOMS {
            assert!(Formula::read(axiom).holds(&known), "{axiom} of {cluster:?}");
        }
    }
}

#[test]
fn an_axiom_that_is_wrong_is_noticed() {
    let known = Concrete { cluster: Cluster::new(3).unwrap(), terms: vec![0, 1] };
    for wrong in [
        "(forall ((a Term) (b Term)) (older a b))",
        "(exists ((a Term)) (older a zero))",
        "(forall ((p Quorum) (s Server)) (member s p))",
        "(forall ((s Server)) (not (loses_disk s)))",
    ] {
        assert!(!Formula::read(wrong).holds(&known), "{wrong}");
    }
}

proptest! {
    #[test]
    fn terms_are_in_a_line(a: u64, b: u64, c: u64) {
        let known = Concrete { cluster: Cluster::new(1).unwrap(), terms: vec![0, a, b, c] };
        for (_, axiom) in AXIOMS {
            prop_assert!(Formula::read(axiom).holds(&known), "{axiom}");
        }
    }

    #[test]
    fn the_next_term_is_later(number: u64) {
        let term = Term::new(number);
        prop_assert!(term.next().is_none_or(|next| term < next));
    }

    #[test]
    fn equal_means_the_same(a: u64, b: u64) {
        prop_assert_eq!(Term::new(a) == Term::new(b), a == b);
        prop_assert_eq!(Term::new(a) == Term::new(a), true);
    }
}

#[test]
fn sets_have_the_members_that_the_proof_gives_them() {
    for cluster in clusters() {
        for server in cluster.servers() {
            for s in cluster.servers() {
                assert_eq!(ServerSet::only(server).contains(s), s == server);
                for set in (0..1_u8 << cluster.size()).map(ServerSet::from_bits) {
                    let is_member = set.contains(s) || s == server;
                    assert_eq!(set.with(server).contains(s), is_member, "{set} with {server}");
                }
            }
        }
    }
    // As the proof has it:
    let (path, _) = every_path(|| {
        let (a, b) = (symbols::ServerId::named("a"), symbols::ServerId::named("b"));
        symbols::ServerSet::only(a).with(b)
    })
    .remove(0);
    let notes = format!("{:?}", path.notes);
    assert!(notes.contains("(= s a)") && notes.contains("(or (set1 s) (= s b))"), "{notes}");
}

#[test]
fn votes_are_a_quorum_exactly_if_the_lemma_calls_them_a_majority() {
    for cluster in clusters() {
        for votes in (0..1_u8 << cluster.size()).map(ServerSet::from_bits) {
            let is_majority = is_quorum_by(MAJORITY, votes.len(), cluster);
            assert_eq!(cluster.is_quorum(votes), is_majority, "{votes} of {cluster:?}");
        }
    }
}

fn is_quorum_by(formula: &str, votes: u32, cluster: Cluster) -> bool {
    let formula = formula.replace("votes", &votes.to_string());
    let formula = formula.replace("servers", &cluster.size().to_string());
    let known = Concrete { cluster, terms: Vec::new() };
    Formula::read(&formula).holds(&known)
}

#[test]
fn the_mutant_that_half_elects_is_the_lemma_with_half() {
    let mutant = Mutant::named(HALF.0).unwrap();
    for cluster in clusters().filter(|cluster| cluster.size() > 1) {
        let mut servers = cluster.servers();
        let server = Server { id: servers.next().unwrap(), cluster, patience: Beats::ZERO.next() };
        let mut state = (mutant.handlers.step)(
            &server,
            (mutant.handlers.start)(&server, None).state,
            Event::Timeout { attempt: Attempt::FIRST },
        )
        .state;
        for votes in 1.. {
            let is_elected = state.role.is_leader();
            assert_eq!(is_elected, is_quorum_by(HALF.1, votes, cluster), "{votes} of {cluster:?}");
            let Some(from) = servers.next().filter(|_| !is_elected) else { break };
            let State { ballot, .. } = state;
            let term = ballot.current_term;
            let message = Message::RequestVoteResponse { term, vote_granted: true };
            let event = Event::Receive { from, message };
            state = (mutant.handlers.step)(&server, state, event).state;
        }
    }
    let [lemma_of_half] = &obligations_of(HALF.0).unwrap()[..] else { panic!("the lemma alone") };
    assert_eq!(lemma_of_half.text, lemma(HALF.1).text);
}

#[test]
fn that_votes_are_no_quorum_is_not_concluded_from() {
    let paths = every_path(|| {
        let votes = symbols::ServerSet::only(symbols::ServerId::named("me"));
        super::super::cluster::Cluster.is_quorum(votes)
    });
    let says = |answer: bool| {
        let question = paths.iter().find_map(|(path, is)| {
            (*is == answer).then(|| path.notes.iter().find_map(asked).expect("a decision"))
        });
        assumed(question.expect("both paths"), answer)
    };
    assert!(says(true).unwrap().starts_with("(exists ((q Quorum))"));
    assert_eq!(says(false), None);
}

fn asked(note: &super::super::oracle::Note) -> Option<Question> {
    match note {
        super::super::oracle::Note::Decided { question, .. } => Some(*question),
        _ => None,
    }
}
