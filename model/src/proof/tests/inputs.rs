//! What the paths are compared on: what a server can be, and what can happen to it, in small.

use super::super::situation::{Occurrence, Situation, Standing};
use crate::cluster::{Cluster, Protocol};
use crate::election::{Ballot, Role, Server, State};
use crate::types::{Attempt, Beats, Round, ServerId, ServerSet, Term};

/// A server, and what happens to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub(super) server: Server,
    pub(super) before: State,
    /// The message that arrives, if one does: who sent it, and its term.
    pub(super) from: ServerId,
    pub(super) term: Term,
    /// The round that it is about, and the attempt; the attempt of a timeout, too.
    pub(super) round: Round,
    pub(super) attempt: Attempt,
}

/// All inputs of a situation: up to three servers without guards, three with them in fewer terms,
/// once more with a witness.
pub(super) fn inputs(situation: Situation) -> Vec<Input> {
    let terms = [0, 1, 2, u64::MAX - 1, u64::MAX].map(Term::new);
    let figure2 = (1..=3).map(|size| Cluster::new(size).unwrap());
    let figure2 = figure2.flat_map(|cluster| inputs_of(situation, cluster, &terms));
    let guarded = Protocol::ALL.map(|protocol| Cluster::with(3, protocol).unwrap());
    let witness = ServerSet::only(ServerId::new(3).unwrap());
    let with_witness = guarded[3].with_witnesses(witness).unwrap();
    let guarded = guarded.into_iter().skip(1).chain([with_witness]);
    figure2.chain(guarded.flat_map(|cluster| inputs_of(situation, cluster, &terms[..2]))).collect()
}

fn inputs_of(situation: Situation, cluster: Cluster, terms: &[Term]) -> Vec<Input> {
    let mut inputs = Vec::new();
    let candidates: Vec<_> = match situation.has_voted {
        true => cluster.servers().map(Some).collect(),
        false => vec![None],
    };
    let senders: Vec<_> = match situation.occurrence {
        Occurrence::Timeout | Occurrence::Restart | Occurrence::LoseDisk => vec![ServerId::FIRST],
        _ => cluster.servers().collect(),
    };
    for id in cluster.servers() {
        for &current_term in terms {
            for &voted_for in &candidates {
                for role in roles(situation, cluster) {
                    for &from in &senders {
                        for &term in terms {
                            let before = State { ballot: Ballot { current_term, voted_for }, role };
                            for (patience, number) in [(1, 1), (2, 2)] {
                                let patience = Beats::new(patience);
                                let (round, attempt) = (Round::new(number), Attempt::new(number));
                                let server = Server { id, cluster, patience };
                                inputs.push(Input { server, before, from, term, round, attempt });
                            }
                        }
                    }
                }
            }
        }
    }
    inputs
}

/// The roles of a situation, or some of them.
fn roles(situation: Situation, cluster: Cluster) -> Vec<Role> {
    let all = || (0..1 << cluster.size()).map(ServerSet::from_bits);
    let some = || all().step_by(3);
    match situation.standing {
        Standing::Follower => vec![Role::FOLLOWER],
        Standing::FollowerInContact => vec![Role::Follower { contact: true }],
        Standing::PreCandidate => {
            let attempt = Attempt::FIRST;
            some().map(|votes| Role::PreCandidate { attempt, votes }).collect()
        }
        Standing::Candidate => all().map(|votes| Role::Candidate { votes }).collect(),
        Standing::Leader => {
            let leader = |answered| {
                let round = Round::FIRST;
                [Beats::ZERO, Beats::new(1)].map(|beats| Role::Leader { round, answered, beats })
            };
            some().flat_map(leader).collect()
        }
        Standing::Returning => {
            let newest = Term::new(1);
            all().map(|heard| Role::Returning { heard, newest }).collect()
        }
    }
}
