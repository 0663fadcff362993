//! The mechanical check that what is done [at once](super::at_once) hides no step from a property.

use std::collections::{BTreeSet, HashSet};

use super::PackedModel;
use crate::election::Role;
use crate::message::Message;
use crate::packed::{Packed, PackedView};
use crate::types::{ServerId, Term};
use crate::world::properties::View;

/// What properties of safety can tell of a world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Seen {
    /// Of each server its term, whether it has voted there, and whether it stands or leads; and
    /// whether a lease that it handed out may be valid.
    servers: Vec<(Term, bool, Standing, bool)>,
    /// Who gave whom a vote, counted or not, if that one stands in that term now.
    votes: BTreeSet<(ServerId, ServerId)>,
    /// Who has led which term.
    led: BTreeSet<(ServerId, Term)>,
}

/// What a server is as far as safety goes: whoever waits and whoever asks are alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Standing {
    Waits,
    Stands,
    Leads,
}

/// A step, as properties see it: whose it is, and the worlds before and after.
pub type SeenStep = (ServerId, Seen, Seen);

/// All steps that properties can see in the graph of this model, but for those that change nothing
/// that they can see. What `plain` leaves out of worlds is left out of what is seen.
pub fn seen_steps<const W: usize>(
    model: &PackedModel<W>,
    plain: &PackedModel<W>,
) -> HashSet<SeenStep> {
    let mut found = HashSet::new();
    let mut reached = HashSet::from([model.initial()]);
    let mut todo = vec![model.initial()];
    while let Some(world) = todo.pop() {
        let before = seen(model, &world);
        model.for_each_step(&world, |a_move, after| {
            let seen = seen(plain, &plain.reduced(&after));
            if seen != before {
                found.insert((a_move.server, before.clone(), seen));
            }
            let reduced = model.reduced(&after);
            if reached.insert(reduced) {
                todo.push(reduced);
            }
        });
    }
    found
}

fn seen<const W: usize>(model: &PackedModel<W>, world: &Packed<W>) -> Seen {
    let view = PackedView(model.layout(), world);
    let servers = || model.bounds().cluster.servers();
    let standing = |id| match view.state(id).role {
        Role::Follower { .. } | Role::PreCandidate { .. } | Role::Returning { .. } => {
            Standing::Waits
        }
        Role::Candidate { .. } => Standing::Stands,
        Role::Leader { .. } => Standing::Leads,
    };
    let server = |id| {
        let ballot = view.state(id).ballot;
        let has_lease = view.lease(id).valid.is_some();
        (ballot.current_term, ballot.voted_for.is_some(), standing(id), has_lease)
    };
    let mut votes = BTreeSet::new();
    for id in servers() {
        if let Role::Candidate { votes: counted } = view.state(id).role {
            votes.extend(counted.iter().map(|voter| (voter, id)));
        }
    }
    let mut led = BTreeSet::new();
    for envelope in view.sent() {
        match (envelope.message, envelope.to) {
            (Message::AppendEntries { term, .. }, _) => {
                led.insert((envelope.from, term));
            }
            // Reduced, only those are left that can still be counted.
            (Message::RequestVoteResponse { vote_granted: true, .. }, Some(to)) => {
                votes.insert((envelope.from, to));
            }
            _ => {}
        }
    }
    Seen { servers: servers().map(server).collect(), votes, led }
}
