//! The invariant: what is true of everything from the beginning, and what no step makes false.
//!
//! Each conjunct is told three times, side by side: in a sentence, as a formula for the proof, and
//! as a predicate for worlds of the model. It is about nothing but what a [`World`] holds: states
//! of servers, ballots on disks, and messages sent.

use std::collections::BTreeSet;

use super::logic::Definition;
use crate::action::Envelope;
use crate::election::{Ballot, Role, State};
use crate::message::Message;
use crate::types::{ServerId, Term};
use crate::world::World;
use crate::world::properties::{Vote, in_message};

/// One part of the invariant, or something that follows from all of it.
#[derive(Debug)]
pub struct Conjunct {
    /// Its name.
    pub name: &'static str,
    /// What it says, in a sentence.
    pub says: &'static str,
    /// What it says, as a formula.
    pub formula: &'static str,
    /// What it says, as a predicate.
    pub holds: fn(&World) -> bool,
}

/// The words that the invariant is told in.
pub const DEFINITIONS: [Definition; 3] = [
    Definition {
        name: "led",
        says: "A server leads that term, or has sent a heartbeat of it.",
        parameters: "((c Server) (t Term))",
        formula: "(or (append_entries c t) (and (leader c) (= t (current_term c))))",
    },
    Definition {
        name: "vote",
        says: "The vote of a server, in that term, is known to be for that candidate: it has granted \
               it, or it is the candidate itself, and has led, or asked for votes. (Of who loses its disk \
               nothing is concluded from that it has asked: it may have done so in vain, in a term \
               that it does not know.)",
        parameters: "((s Server) (t Term) (c Server))",
        formula: "(or (vote_granted s t c) (and (= s c) \
                  (or (led c t) (and (request_vote c t) (not (loses_disk c))))))",
    },
    Definition {
        name: "elected",
        says: "The votes of a quorum, in that term, are known to be for that candidate; its own \
               vote need not be.",
        parameters: "((c Server) (t Term))",
        formula: "(exists ((q Quorum)) (and (is_quorum q) \
                  (forall ((s Server)) (=> (member s q) (or (= s c) (vote s t c))))))",
    },
];

/// The invariant.
pub const INVARIANT: [Conjunct; 14] = [
    Conjunct {
        name: "VoteOnce",
        says: "Of no server two votes are known in one term.",
        formula: "(forall ((s Server) (t Term) (c Server) (d Server)) \
                  (=> (and (vote s t c) (vote s t d)) (= c d)))",
        holds: |world| {
            let votes: BTreeSet<_> = votes(world).collect();
            let terms: BTreeSet<_> = votes.iter().map(|(voter, v)| (voter, v.term)).collect();
            votes.len() == terms.len()
        },
    },
    Conjunct {
        name: "VoteNotInFuture",
        says: "No vote of a server is known in a term that it has not reached, unless it has lost \
               its disk and is not back.",
        formula: "(forall ((s Server) (t Term) (c Server)) (=> (and (vote s t c) \
                  (not (returning s))) (not (older (current_term s) t))))",
        holds: |world| {
            votes(world).all(|(voter, vote)| {
                is_returning(world, voter) || vote.term <= world.state(voter).ballot.current_term
            })
        },
    },
    Conjunct {
        name: "VoteRemembered",
        says: "A vote of a server that is known in its current term is on its ballot; or there is \
               its own, which it gives after a lost disk.",
        formula: "(forall ((s Server) (c Server)) \
                  (=> (and (vote s (current_term s) c) (not (returning s))) \
                  (or (voted_for s c) (and (loses_disk s) (voted_for s s)))))",
        holds: |world| {
            votes(world).all(|(voter, vote)| {
                let ballot = world.state(voter).ballot;
                let is_spent = loses_disk(voter) && ballot.voted_for == Some(voter);
                let is_on_ballot = ballot.voted_for == Some(vote.candidate) || is_spent;
                vote.term != ballot.current_term || is_returning(world, voter) || is_on_ballot
            })
        },
    },
    Conjunct {
        name: "VotedForUnique",
        says: "A ballot has one vote at most.",
        formula: "(forall ((s Server) (c Server) (d Server)) \
                  (=> (and (voted_for s c) (voted_for s d)) (= c d)))",
        // There is no ballot in Rust of which it is not true.
        holds: |_| true,
    },
    Conjunct {
        name: "OnDisk",
        says: "The ballot that a server acts on is the one on its disk.",
        formula: "(forall ((s Server) (c Server)) \
                  (and (= (stored_term s) (current_term s)) (= (stored_vote s c) (voted_for s c))))",
        holds: |world| {
            world.states().all(|(server, state)| world.stored[server.index()] == state.ballot)
        },
    },
    Conjunct {
        name: "VotedForItself",
        says: "Whoever stands for election, or leads, has its own vote.",
        formula: "(forall ((c Server)) (=> (or (candidate c) (leader c)) (voted_for c c)))",
        holds: |world| {
            world.states().all(|(server, State { ballot, role })| {
                !matches!(role, Role::Candidate { .. } | Role::Leader { .. })
                    || ballot.voted_for == Some(server)
            })
        },
    },
    Conjunct {
        name: "GrantedIsVote",
        says: "A vote that a candidate has counted was given to it, in its current term.",
        formula: "(forall ((c Server) (s Server)) \
                  (=> (and (candidate c) (votes c s)) (or (vote s (current_term c) c) \
                  (and (= s c) (loses_disk c)))))",
        holds: |world| {
            world.states().all(|(candidate, State { ballot, role })| match role {
                Role::Candidate { votes: counted } => counted.iter().all(|voter| {
                    has_voted(world, voter, ballot.current_term, candidate)
                        || (voter == candidate && loses_disk(candidate))
                }),
                Role::Follower { .. }
                | Role::PreCandidate { .. }
                | Role::Leader { .. }
                | Role::Returning { .. } => true,
            })
        },
    },
    Conjunct {
        name: "LeaderWasElected",
        says: "A leader has the votes of a quorum in its current term.",
        formula: "(forall ((c Server)) (=> (leader c) (elected c (current_term c))))",
        holds: |world| {
            let mut leaders = world.states().filter(|(_, state)| state.role.is_leader());
            leaders.all(|(leader, state)| is_elected(world, leader, state.ballot.current_term))
        },
    },
    Conjunct {
        name: "HeartbeatElected",
        says: "Whoever has sent a heartbeat of a term has the votes of a quorum in it.",
        formula: "(forall ((c Server) (t Term)) (=> (append_entries c t) (elected c t)))",
        holds: |world| heartbeats(world).all(|(sender, term)| is_elected(world, sender, term)),
    },
    Conjunct {
        name: "NoRivalsVote",
        says: "Of whoever stands for election, or leads, no vote for another is known in its current \
               term.",
        formula: "(forall ((c Server) (d Server)) (=> (and (or (candidate c) (leader c)) \
                  (vote c (current_term c) d)) (= c d)))",
        holds: |world| {
            votes(world).all(|(voter, vote)| {
                let State { ballot, role } = world.state(voter);
                !matches!(role, Role::Candidate { .. } | Role::Leader { .. })
                    || vote.term != ballot.current_term
                    || vote.candidate == voter
            })
        },
    },
    Conjunct {
        name: "ReturningIsBlank",
        says: "Whoever has lost its disk, and is not back, has no ballot, and has heard itself.",
        formula: "(forall ((s Server)) (=> (returning s) (and (loses_disk s) (not (candidate s)) \
                  (not (leader s)) (= (current_term s) zero) (heard s s) \
                  (forall ((c Server)) (not (voted_for s c))))))",
        holds: |world| {
            world.states().all(|(server, State { ballot, role })| match role {
                Role::Returning { heard, .. } => {
                    loses_disk(server) && *ballot == Ballot::INITIAL && heard.contains(server)
                }
                _ => true,
            })
        },
    },
    Conjunct {
        name: "GrantReached",
        says: "For whom a server has voted that loses its disk, another one, has reached that term.",
        formula: "(forall ((s Server) (t Term) (c Server)) (=> (and (loses_disk s) \
                  (vote_granted s t c)) (and (not (= c s)) (not (older (current_term c) t)))))",
        holds: |world| {
            grants(world).all(|(voter, Vote { term, candidate })| {
                !loses_disk(voter)
                    || (candidate != voter && term <= world.state(candidate).ballot.current_term)
            })
        },
    },
    Conjunct {
        name: "GrantHeard",
        says: "Once it has heard, after its disk was lost, from whom it had voted for, it has heard of \
               that term.",
        formula: "(forall ((s Server) (t Term) (c Server)) (=> (and (returning s) \
                  (vote_granted s t c) (heard s c)) (not (older (newest s) t))))",
        holds: |world| {
            grants(world).all(|(voter, Vote { term, candidate })| match world.state(voter).role {
                Role::Returning { heard, newest } => !heard.contains(candidate) || term <= newest,
                _ => true,
            })
        },
    },
    Conjunct {
        name: "LedHeard",
        says: "What it has led before its disk was lost, it has heard of, or there is somebody to \
               hear it from.",
        formula: "(forall ((s Server) (t Term)) (=> (and (returning s) (led s t)) \
                  (or (not (older (newest s) t)) (exists ((c Server)) \
                  (and (not (heard s c)) (not (older (current_term c) t)))))))",
        holds: |world| {
            led(world).all(|(leader, term)| match world.state(leader).role {
                Role::Returning { heard, newest } => {
                    let tells = |(id, state): (ServerId, &State)| {
                        !heard.contains(id) && term <= state.ballot.current_term
                    };
                    term <= newest || world.states().any(tells)
                }
                _ => true,
            })
        },
    },
];

/// What follows from the invariant: the properties of safety of the same names that can be told of
/// one moment, since what was sent is never forgotten.
pub const SAFETY: [Conjunct; 4] = [
    Conjunct {
        name: "ElectionSafety",
        says: "No two servers ever lead the same term, at the same time or at different times.",
        formula: "(forall ((c Server) (d Server) (t Term)) (=> (and (led c t) (led d t)) (= c d)))",
        holds: |world| {
            let led: BTreeSet<_> = led(world).collect();
            let terms: BTreeSet<_> = led.iter().map(|(_, term)| term).collect();
            led.len() == terms.len()
        },
    },
    Conjunct {
        name: "VoteOncePerTerm",
        says: "No server that keeps its disk ever votes for two in one term: in messages, on its \
               ballot, on its disk.",
        formula: "(forall ((s Server) (t Term) (c Server) (d Server)) (=> (and \
                  (not (loses_disk s)) (or (vote s t c) (and (voted_for s c) (= t (current_term s))) \
                  (and (stored_vote s c) (= t (stored_term s)))) \
                  (or (vote s t d) (and (voted_for s d) (= t (current_term s))) \
                  (and (stored_vote s d) (= t (stored_term s))))) (= c d)))",
        holds: |world| {
            let on_ballots = world.states().flat_map(|(server, state)| {
                [state.ballot, world.stored[server.index()]].into_iter().filter_map(move |ballot| {
                    let candidate = ballot.voted_for?;
                    Some((server, Vote { term: ballot.current_term, candidate }))
                })
            });
            let votes = votes(world).chain(on_ballots);
            let votes: BTreeSet<_> = votes.filter(|(voter, _)| !loses_disk(*voter)).collect();
            let terms: BTreeSet<_> = votes.iter().map(|(voter, v)| (voter, v.term)).collect();
            votes.len() == terms.len()
        },
    },
    Conjunct {
        name: "GrantOncePerTerm",
        says: "No server ever grants two others its vote in one term, whatever it has forgotten.",
        formula: "(forall ((s Server) (t Term) (c Server) (d Server)) \
                  (=> (and (vote_granted s t c) (vote_granted s t d)) (= c d)))",
        holds: |world| {
            let votes: BTreeSet<_> = grants(world).collect();
            let terms: BTreeSet<_> = votes.iter().map(|(voter, v)| (voter, v.term)).collect();
            votes.len() == terms.len()
        },
    },
    Conjunct {
        name: "LeaderHasQuorum",
        says: "Whoever leads or has led a term was granted it by a quorum.",
        formula: "(forall ((c Server) (t Term)) (=> (led c t) (elected c t)))",
        holds: |world| led(world).all(|(leader, term)| is_elected(world, leader, term)),
    },
];

/// What is true of every step: the name of the property, what it says, and its formula.
pub const TERM_NEVER_DECREASES: (&str, &str, &str) = (
    "TermNeverDecreases",
    "The durable term of a server only grows, and so does the term that it acts in; after a lost \
     disk it acts in none.",
    "(forall ((s Server)) (or (after.returning s) \
     (and (not (older (after.current_term s) (current_term s))) \
     (not (older (after.stored_term s) (stored_term s))))))",
);

/// `loses_disk`: of several servers one, the second as well as any other.
pub(super) const fn loses_disk(server: ServerId) -> bool {
    server.number() == 2
}

fn is_returning(world: &World, server: ServerId) -> bool {
    world.state(server).role.is_returning()
}

/// `vote_granted`, of all servers.
fn grants(world: &World) -> impl Iterator<Item = (ServerId, Vote)> {
    let granted = world.sent.iter().filter(|e| !e.message.is_request());
    granted.filter_map(|e| Some((e.from, in_message(e)?)))
}

/// `vote`, of all servers.
fn votes(world: &World) -> impl Iterator<Item = (ServerId, Vote)> {
    let is_known = |e: &&Envelope| !e.message.is_request() || !loses_disk(e.from);
    let in_messages = world.sent.iter().filter(is_known);
    let in_messages = in_messages.filter_map(|e| Some((e.from, in_message(e)?)));
    in_messages.chain(led(world).map(|(candidate, term)| (candidate, Vote { term, candidate })))
}

fn has_voted(world: &World, voter: ServerId, term: Term, candidate: ServerId) -> bool {
    votes(world).any(|vote| vote == (voter, Vote { term, candidate }))
}

/// `elected`.
fn is_elected(world: &World, candidate: ServerId, term: Term) -> bool {
    let vote = Vote { term, candidate };
    let voters = votes(world).filter(|(_, told)| *told == vote).map(|(voter, _)| voter);
    world.cluster().is_quorum(voters.chain([candidate]).collect())
}

fn heartbeats(world: &World) -> impl Iterator<Item = (ServerId, Term)> {
    world.sent.iter().filter_map(|envelope| match envelope.message {
        Message::AppendEntries { term, .. } => Some((envelope.from, term)),
        _ => None,
    })
}

/// `led`, of all servers.
fn led(world: &World) -> impl Iterator<Item = (ServerId, Term)> {
    let leaders = world.states().filter(|(_, state)| state.role.is_leader());
    leaders.map(|(leader, state)| (leader, state.ballot.current_term)).chain(heartbeats(world))
}
