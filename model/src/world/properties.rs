//! What must never happen, as named properties.
//!
//! They are judged on steps, each on what the step adds: what was there before was added by an
//! earlier step, and judged then. So they hold in everything that can be reached if they hold of
//! every step. The set of sent messages remembers the past: a heartbeat says who led a term once, a
//! vote says who was voted for. Where worlds are reduced, a step is judged before the world after
//! it is; what was left out of the world before it cannot make a difference any more, for the
//! specification at least.

use std::fmt;

use crate::action::Envelope;
use crate::cluster::Cluster;
use crate::election::{Ballot, Effect, Role, State};
use crate::message::Message;
use crate::run::Lease;
use crate::types::{ServerId, ServerSet, Term};
use crate::world::World;
use crate::world::bounds::Bounds;

/// A world, however it is kept.
pub trait View {
    /// The servers.
    fn cluster(&self) -> Cluster;
    /// The state of a server.
    fn state(&self, server: ServerId) -> State;
    /// The ballot that a server has on its disk.
    fn stored(&self, server: ServerId) -> Ballot;
    /// The messages that were sent.
    fn sent(&self) -> impl Iterator<Item = Envelope>;
    /// The messages that this world has, and an earlier one has not.
    fn sent_since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = Envelope> + 'a;
    /// What is known of the lease of a server.
    fn lease(&self, server: ServerId) -> Lease;
}

impl View for World {
    fn cluster(&self) -> Cluster {
        self.cluster()
    }

    fn state(&self, server: ServerId) -> State {
        *self.state(server)
    }

    fn stored(&self, server: ServerId) -> Ballot {
        self.stored[server.index()]
    }

    fn sent(&self) -> impl Iterator<Item = Envelope> {
        self.sent.iter().copied()
    }

    fn sent_since<'a>(&'a self, earlier: &'a Self) -> impl Iterator<Item = Envelope> + 'a {
        self.sent.difference(&earlier.sent).copied()
    }

    fn lease(&self, server: ServerId) -> Lease {
        self.leases[server.index()]
    }
}

/// A property of safety.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Property {
    /// At most one leader a term, ever (§5.2, Figure 3).
    ElectionSafety,
    /// A server has one vote a term (§5.2).
    VoteOncePerTerm,
    /// Nobody leads on its own authority (§5.2).
    LeaderHasQuorum,
    /// Raft's clock does not run backwards (§5.1).
    TermNeverDecreases,
    /// At any time at most one server may act as the leader (thesis, §6.4).
    LeaseSafety,
    /// A server votes for one other at most a term, whatever it has forgotten in between.
    GrantOncePerTerm,
}

/// The properties of safety of every election. Where worlds tell of leases there is also
/// [`Property::LeaseSafety`]. Where disks are lost there is [`Property::GrantOncePerTerm`] in place
/// of [`Property::VoteOncePerTerm`]: a run that ended with its disk may have voted for itself, and
/// asked in vain, in a term of which nobody else knew.
pub const SAFETY: [Property; 4] = [
    Property::ElectionSafety,
    Property::VoteOncePerTerm,
    Property::LeaderHasQuorum,
    Property::TermNeverDecreases,
];

impl Property {
    /// Every property of safety.
    pub const ALL: [Self; 6] = {
        let [a, b, c, d] = SAFETY;
        [a, b, c, d, Self::LeaseSafety, Self::GrantOncePerTerm]
    };
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl Property {
    /// What it says, in a sentence.
    pub const fn says(self) -> &'static str {
        match self {
            Self::ElectionSafety => {
                "no two servers ever lead the same term, at the same time or at different times"
            }
            Self::VoteOncePerTerm => "no server ever grants two candidates its vote in one term",
            Self::LeaderHasQuorum => "whoever leads a term was granted it by a quorum",
            Self::TermNeverDecreases => {
                "the durable term of a server only grows, and so does the term that it acts in"
            }
            Self::GrantOncePerTerm => {
                "no server ever grants two others its vote in one term, whatever it has forgotten"
            }
            Self::LeaseSafety => {
                "no two servers have a valid lease at the same time, be they still in office or not"
            }
        }
    }

    /// Whether it holds of what a step of this server added.
    pub fn holds<V: View>(self, before: &V, server: ServerId, after: &V) -> bool {
        match self {
            Self::ElectionSafety => election_safety(before, server, after),
            Self::VoteOncePerTerm => vote_once_per_term(before, server, after),
            Self::LeaderHasQuorum => leader_has_quorum(before, server, after),
            Self::TermNeverDecreases => term_never_decreases(before, server, after),
            Self::LeaseSafety => lease_safety(after),
            Self::GrantOncePerTerm => grant_once_per_term(before, server, after),
        }
    }

    /// Whether a step that adds this could violate it, in whatever world.
    fn is_about(self, added: &Addition) -> bool {
        let Addition { before, after, sent, effect } = added;
        match self {
            Self::ElectionSafety => {
                begins(before, after).is_some() || sent.as_ref().and_then(led_term).is_some()
            }
            Self::VoteOncePerTerm => {
                before.ballot != after.ballot || sent.as_ref().and_then(in_message).is_some()
            }
            Self::LeaderHasQuorum => begins(before, after).is_some(),
            Self::TermNeverDecreases => after.ballot.current_term < before.ballot.current_term,
            Self::LeaseSafety => effect.is_some(),
            Self::GrantOncePerTerm => sent.as_ref().and_then(in_message).is_some(),
        }
    }

    /// The properties that a step could violate that adds this, as bits.
    pub(crate) fn about(added: &Addition) -> u8 {
        Self::bits(Self::ALL.into_iter().filter(|property| property.is_about(added)))
    }

    /// A bit for each of these.
    pub(crate) fn bits(properties: impl Iterator<Item = Self>) -> u8 {
        properties.fold(0, |bits, property| bits | 1 << property as u8)
    }

    /// Whether it is one of those that these bits stand for.
    pub(crate) fn is_one_of(self, bits: u8) -> bool {
        bits >> self as u8 & 1 == 1
    }

    /// All that are judged where worlds have these bounds.
    pub fn of(bounds: &Bounds) -> Vec<Self> {
        let leases = bounds.has_leases().then_some(Self::LeaseSafety);
        let keeps_disks = bounds.lost_disks.is_empty();
        let votes = |property| match property {
            Self::VoteOncePerTerm if !keeps_disks => Self::GrantOncePerTerm,
            _ => property,
        };
        SAFETY.into_iter().map(votes).chain(leases).collect()
    }
}

/// What a step of a server adds, as far as the server alone tells. What is stored is its ballot.
pub(crate) struct Addition {
    pub(crate) before: State,
    pub(crate) after: State,
    pub(crate) sent: Option<Envelope>,
    /// What becomes of leases, if something does.
    pub(crate) effect: Option<Effect>,
}

fn lease_safety(after: &impl View) -> bool {
    let has_lease = |id: &ServerId| after.lease(*id).valid.is_some();
    after.cluster().servers().filter(has_lease).count() <= 1
}

fn election_safety<V: View>(before: &V, server: ServerId, after: &V) -> bool {
    let begun = begins_to_lead(before, server, after);
    // The first heartbeat of a leader says the same again.
    let claimed = after.sent_since(before).filter_map(|envelope| led_term(&envelope));
    let claimed = claimed.filter(|term| begun != Some(*term));
    let mut terms = begun.into_iter().chain(claimed);
    terms.all(|term| {
        let mut others = after.cluster().others(server);
        let is_led = others.any(|other| leads(after, other) == Some(term));
        let was_led = after.sent().any(|e| e.from != server && led_term(&e) == Some(term));
        !is_led && !was_led
    })
}

/// The term of which a server is leader, if it is.
fn leads(world: &impl View, server: ServerId) -> Option<Term> {
    leads_term(&world.state(server))
}

fn leads_term(State { ballot, role }: &State) -> Option<Term> {
    role.is_leader().then_some(ballot.current_term)
}

/// The term of which the sender of a message is, or was, leader: its first heartbeat left in the
/// step in which it won.
fn led_term(envelope: &Envelope) -> Option<Term> {
    match envelope.message {
        Message::AppendEntries { term, .. } => Some(term),
        _ => None,
    }
}

/// The term of which a server is leader after a step, and was not before.
fn begins_to_lead<V: View>(before: &V, server: ServerId, after: &V) -> Option<Term> {
    begins(&before.state(server), &after.state(server))
}

fn begins(before: &State, after: &State) -> Option<Term> {
    leads_term(after).filter(|&term| leads_term(before) != Some(term))
}

fn leader_has_quorum<V: View>(before: &V, server: ServerId, after: &V) -> bool {
    begins_to_lead(before, server, after).is_none_or(|term| {
        // Those that it had counted, and those of which there is other evidence.
        let counted = match before.state(server) {
            State { ballot, role: Role::Candidate { votes } } if ballot.current_term == term => {
                votes
            }
            _ => ServerSet::EMPTY,
        };
        let voters = after.cluster().servers().filter(|&voter| {
            counted.contains(voter)
                || votes_of(before, voter)
                    .chain(votes_of(after, voter))
                    .any(|vote| vote == (Vote { term, candidate: server }))
        });
        after.cluster().is_quorum(voters.collect())
    })
}

/// One vote of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Vote {
    pub(crate) term: Term,
    pub(crate) candidate: ServerId,
}

/// The votes of a server of which there is evidence: on its ballots, in a response that grants one,
/// or in its own request, since a candidate votes for itself.
fn votes_of(world: &impl View, voter: ServerId) -> impl Iterator<Item = Vote> {
    let ballots = [world.state(voter).ballot, world.stored(voter)];
    let on_ballots = ballots.into_iter().filter_map(on_ballot);
    on_ballots.chain(world.sent().filter(move |e| e.from == voter).filter_map(|e| in_message(&e)))
}

fn on_ballot(Ballot { current_term: term, voted_for }: Ballot) -> Option<Vote> {
    voted_for.map(|candidate| Vote { term, candidate })
}

pub(crate) fn in_message(envelope: &Envelope) -> Option<Vote> {
    match (envelope.message, envelope.to) {
        (Message::RequestVoteResponse { term, vote_granted: true }, Some(candidate)) => {
            Some(Vote { term, candidate })
        }
        (Message::RequestVote { term, .. }, _) => Some(Vote { term, candidate: envelope.from }),
        _ => None,
    }
}

fn vote_once_per_term<V: View>(before: &V, server: ServerId, after: &V) -> bool {
    let on_ballots = [after.state(server).ballot, after.stored(server)].into_iter();
    let was = [before.state(server).ballot, before.stored(server)];
    let new_on_ballots = on_ballots.filter(|ballot| !was.contains(ballot)).filter_map(on_ballot);
    let new_in_messages = after.sent_since(before).filter_map(|e| in_message(&e));
    new_on_ballots.chain(new_in_messages).all(|new| {
        let mut earlier = votes_of(before, server).chain(votes_of(after, server));
        earlier.all(|vote| vote.term != new.term || vote.candidate == new.candidate)
    })
}

fn grant_once_per_term<V: View>(before: &V, server: ServerId, after: &V) -> bool {
    let granted = |e: Envelope| in_message(&e).filter(|vote| vote.candidate != server);
    after.sent_since(before).filter_map(granted).all(|new| {
        let mut earlier = before.sent().filter(|e| e.from == server).filter_map(granted);
        earlier.all(|vote| vote.term != new.term || vote.candidate == new.candidate)
    })
}

/// (Whoever has lost its disk acts in no term until it is back.)
fn term_never_decreases<V: View>(before: &V, server: ServerId, after: &V) -> bool {
    after.state(server).role.is_returning()
        || before.stored(server).current_term <= after.stored(server).current_term
            && before.state(server).ballot.current_term <= after.state(server).ballot.current_term
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::Protocol;
    use crate::types::Round;
    use crate::world::WorldModel;
    use crate::world::bounds::{Limits, Replies, Terms};

    #[test]
    fn a_step_is_judged_by_the_properties_that_it_could_violate_and_by_no_other() {
        use Property::*;
        let term = Term::new(1);
        let state = |term: u64, vote, role| {
            let ballot = Ballot { current_term: Term::new(term), voted_for: vote };
            State { ballot, role }
        };
        let [from, other] = [1, 2].map(|number| ServerId::new(number).unwrap());
        let broadcast = |message| Some(Envelope { from, to: None, message });
        let heartbeat = broadcast(Message::AppendEntries { term, round: Round::FIRST });
        let vote = Message::RequestVoteResponse { term, vote_granted: true };
        let vote = Some(Envelope { from, to: Some(other), message: vote });
        let follows = state(1, None, Role::FOLLOWER);
        let leads = state(1, None, Role::LEADER);
        for (after, sent, effect, expected) in [
            (follows, None, None, vec![]),
            (leads, None, None, vec![ElectionSafety, LeaderHasQuorum]),
            (follows, heartbeat, None, vec![ElectionSafety]),
            (state(1, Some(other), Role::FOLLOWER), None, None, vec![VoteOncePerTerm]),
            (follows, vote, None, vec![VoteOncePerTerm, GrantOncePerTerm]),
            (state(2, None, Role::FOLLOWER), None, None, vec![VoteOncePerTerm]),
            (state(0, None, Role::FOLLOWER), None, None, vec![VoteOncePerTerm, TermNeverDecreases]),
            (follows, None, Some(Effect::default()), vec![LeaseSafety]),
        ] {
            let about = Property::about(&Addition { before: follows, after, sent, effect });
            let found = Property::ALL.into_iter().filter(|property| property.is_one_of(about));
            assert_eq!(found.collect::<Vec<_>>(), expected, "{after:?} {sent:?}");
        }
    }

    #[test]
    fn what_is_judged_depends_on_leases_and_on_disks() {
        let cluster = Cluster::with(2, Protocol::CHECK_QUORUM).unwrap();
        let bounds = Bounds::new(cluster, Terms::UpTo(Term::new(1)), Replies::All);
        assert_eq!(Property::of(&bounds), SAFETY);
        let [a, b, c, d] = SAFETY;
        let leases = Limits { leases: true, ..Limits::SMALL };
        let looking = Bounds { limits: leases, ..bounds };
        assert_eq!(Property::of(&looking), [a, b, c, d, Property::LeaseSafety]);
        let losing = Bounds { lost_disks: ServerSet::only(ServerId::FIRST), ..bounds };
        assert_eq!(Property::of(&losing), [a, Property::GrantOncePerTerm, c, d]);
    }

    #[test]
    fn a_world_tells_of_each_lease() {
        let cluster = Cluster::with(2, Protocol::CHECK_QUORUM).unwrap();
        let bounds = Bounds::new(cluster, Terms::UpTo(Term::new(1)), Replies::All);
        let mut world = WorldModel::new(bounds).initial();
        let lease = Lease { open: None, valid: Some(ServerSet::EMPTY) };
        world.leases[1] = lease;
        let told = [1, 2].map(|number| View::lease(&world, ServerId::new(number).unwrap()));
        assert_eq!(told, [Lease::NONE, lease]);
    }
}
