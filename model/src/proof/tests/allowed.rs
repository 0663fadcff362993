//! The proof assumes of what happens no more than is so: whatever can happen in a world, reachable
//! or not, is one of the situations, under all its conditions.

use std::collections::HashMap;

use super::super::invariant::loses_disk;
use super::super::situation::{Occurrence, Situation, Standing};
use super::meaning::{Formula, Structure, Value};
use super::worlds::{bounds, changed, reachable};
use crate::election::{Event, State};
use crate::message::Message;
use crate::types::{ServerId, Term};
use crate::world::World;
use crate::world::bounds::Replies;

/// A world in which something happens to a server.
#[derive(Clone, Copy)]
struct Happening<'a> {
    world: &'a World,
    me: ServerId,
    /// Who sent the message that arrives, and its term.
    arrives: Option<(ServerId, Term)>,
    voted: Option<ServerId>,
}

impl Structure for Happening<'_> {
    fn all_of(&self, sort: &str) -> Vec<Value> {
        self.world.all_of(sort)
    }

    fn value(&self, name: &str, arguments: &[Value]) -> Option<Value> {
        let server = |server: ServerId| server.number().into();
        match name {
            "me" => Some(server(self.me)),
            "voted" => self.voted.map(server),
            "from" => self.arrives.map(|(from, _)| server(from)),
            "term" => self.arrives.map(|(_, term)| term.number()),
            _ => self.world.value(name, arguments),
        }
    }
}

/// What it is for the proof that this message arrives.
fn arrival(message: Message) -> Occurrence {
    match message {
        Message::RequestVote { hand_over: false, .. } => Occurrence::RequestVote,
        Message::RequestVote { hand_over: true, .. } => Occurrence::RequestVoteHandedOver,
        Message::RequestVoteResponse { vote_granted: true, .. } => Occurrence::VoteGranted,
        Message::RequestVoteResponse { vote_granted: false, .. } => Occurrence::VoteRefused,
        Message::AppendEntries { .. } => Occurrence::AppendEntries,
        Message::AppendEntriesResponse { round: Some(_), .. } => Occurrence::AppendEntriesAnswered,
        Message::AppendEntriesResponse { round: None, .. } => Occurrence::AppendEntriesRefused,
        Message::PreVote { .. } => Occurrence::PreVote,
        Message::PreVoteResponse { vote_granted: true, .. } => Occurrence::PreVoteGranted,
        Message::PreVoteResponse { vote_granted: false, .. } => Occurrence::PreVoteRefused,
        Message::HandOver { .. } => Occurrence::ReceiveHandOver,
    }
}

/// All that can happen to a server of a world: a message arrives, its timer fires, it restarts, it
/// loses its disk, or is told a term after that.
fn happenings(world: &World) -> Vec<(Occurrence, Happening<'_>, String)> {
    let mut all = Vec::new();
    for me in world.cluster().servers() {
        let happening = Happening { world, me, arrives: None, voted: None };
        all.push((Occurrence::Timeout, happening, format!("the timer of {me} fires")));
        if !world.state(me).role.is_returning() {
            all.push((Occurrence::Restart, happening, format!("{me} restarts")));
        }
        if loses_disk(me) {
            all.push((Occurrence::LoseDisk, happening, format!("{me} loses its disk")));
        }
        for from in world.cluster().others(me) {
            let State { ballot, role } = world.state(from);
            if !role.is_returning() {
                let happening =
                    Happening { arrives: Some((from, ballot.current_term)), ..happening };
                all.push((Occurrence::HearTerm, happening, format!("{from} tells {me} its term")));
            }
        }
    }
    let deliveries = world.sent.iter().flat_map(|sent| sent.deliveries(world.cluster()));
    for (me, event) in deliveries {
        let Event::Receive { from, message } = event else { unreachable!("it is a delivery") };
        let arrives = Some((from, message.term()));
        let happening = Happening { world, me, arrives, voted: None };
        all.push((arrival(message), happening, format!("{me} receives {message} from {from}")));
    }
    all
}

/// Who neither stands nor leads.
const PLAIN: [Standing; 3] =
    [Standing::Follower, Standing::FollowerInContact, Standing::PreCandidate];

#[test]
fn whatever_can_happen_in_a_world_is_one_of_the_situations() {
    let situations: Vec<_> = Situation::all().collect();
    let read = |situation: &Situation| situation.conditions().map(|(_, text)| text);
    let texts: Vec<_> = situations.iter().map(read).collect();
    let formulas: HashMap<_, _> =
        texts.iter().flatten().map(|text| (*text, Formula::read(text))).collect();
    let mut seen = 0;
    for (servers, max_term, step) in [(2, 2, 17), (3, 1, 37)] {
        let mut worlds: Vec<_> =
            reachable(bounds(servers, max_term, Replies::All)).into_iter().collect();
        worlds.sort_by_key(|world| format!("{world:?}"));
        let some = worlds.iter().step_by(step).flat_map(changed);
        for world in some.chain(worlds.iter().step_by(3).cloned()) {
            for (occurrence, happening, says) in happenings(&world) {
                seen += 1;
                let is_it = |index: &usize| {
                    let voters = world.cluster().servers().map(Some);
                    let voters = voters.filter(|_| situations[*index].has_voted);
                    let none = (!situations[*index].has_voted).then_some(None);
                    voters.chain(none).any(|voted| {
                        let happening = Happening { voted, ..happening };
                        texts[*index].iter().all(|text| formulas[text].holds(&happening))
                    })
                };
                let fits: Vec<_> = (0..situations.len())
                    .filter(|&index| situations[index].occurrence == occurrence)
                    .filter(is_it)
                    .map(|index| situations[index].standing)
                    .collect();
                // The state of everything does not tell who is in contact, or asks.
                let is_told = matches!(
                    fits[..],
                    [Standing::Candidate | Standing::Leader | Standing::Returning]
                );
                assert!(
                    is_told || fits == PLAIN,
                    "these are the situations in which {says}: {fits:?}, in {world:?}"
                );
            }
        }
    }
    assert!(seen > 10_000, "only {seen} things happened");
}
