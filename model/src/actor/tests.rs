//! Actors do what a step says, and what worlds do.

use std::collections::HashSet;

use stateright::actor::{Command, Out};

use super::*;
use crate::cluster::{Cluster, Protocol};
use crate::types::{Round, Term};
use crate::world::WorldModel;
use crate::world::bounds::{Replies, Terms};
use crate::world::properties::SAFETY;

fn server() -> Server {
    let cluster = Cluster::new(3).unwrap();
    Bounds::new(cluster, Terms::UpTo(Term::new(2)), Replies::All).server(ServerId::FIRST)
}

/// What S1 of three outputs for a message of S2; nothing but its ballot and its role is known.
fn outputs(state: State, message: Message) -> (bool, usize) {
    let server = server();
    let mut out = Out::new();
    server.on_msg(Id::from(0), &mut Cow::Owned(state), Id::from(1), message, &mut out);
    let saves = out.iter().any(|command| matches!(command, Command::Save(_)));
    (saves, out.len())
}

#[test]
fn a_ballot_is_saved_if_the_step_says_so_and_not_otherwise() {
    let server = server();
    let follower = server.start(None).state;
    let term = Term::new(1);
    // A vote, and its answer; the timer starts again.
    assert_eq!(outputs(follower, Message::RequestVote { term, hand_over: false }), (true, 5));
    // The answer to a heartbeat of its own term.
    let ballot = Ballot { current_term: term, voted_for: None };
    let message = Message::AppendEntries { term, round: Round::FIRST };
    assert_eq!(outputs(State { ballot, ..follower }, message), (false, 4));
    // What is stale has no effect at all.
    let message = Message::AppendEntriesResponse { term: Term::ZERO, round: None };
    assert_eq!(outputs(State { ballot, ..follower }, message), (false, 0));
}

fn election(replies: Replies) -> ActorElection {
    election_of(Protocol::FIGURE2, 2, replies)
}

fn election_of(protocol: Protocol, max_term: u64, replies: Replies) -> ActorElection {
    let (cluster, terms) = (Cluster::with(2, protocol).unwrap(), Term::new(max_term));
    ActorElection::new(Bounds::new(cluster, Terms::UpTo(terms), replies))
}

/// Compares all worlds that these actors come to, and counts them.
fn do_what_worlds_do(actors: &ActorElection) -> usize {
    let (mut todo, mut seen) = (actors.init_states(), HashSet::new());
    let worlds = WorldModel::new(actors.bounds);
    while let Some(state) = todo.pop() {
        let (world, steps) = (state.to_world(), actors.next_steps(&state));
        let found = steps.iter().map(|(a_move, after)| (*a_move, after.to_world()));
        let expected: HashSet<_> = worlds.successors(&world).into_iter().collect();
        assert_eq!(found.collect::<HashSet<_>>(), expected, "{world}");
        if seen.insert(world) {
            todo.extend(steps.into_iter().map(|(_, after)| after));
        }
    }
    seen.len()
}

#[test]
fn actors_do_what_worlds_do() {
    let [useful, all] = [Replies::Useful, Replies::All].map(|replies| {
        [(Protocol::FIGURE2, 2), (Protocol::PRE_VOTE, 1)].map(|(protocol, max_term)| {
            do_what_worlds_do(&election_of(protocol, max_term, replies))
        })
    });
    assert_eq!((useful, all), ([325, 125], [901, 193]));
}

#[test]
fn a_run_is_told_in_our_words() {
    let actors = election(Replies::All);
    let start = actors.init_states().remove(0);
    let (campaign, after) = actors.next_steps(&start).remove(0);
    assert_eq!(actors.format_action(&campaign), campaign.to_string());
    assert!(actors.format_step(&start, campaign).unwrap().starts_with("S1 hears no leader"));
    assert_eq!(format!("{after:?}"), actors.world(&after).to_string());
}

#[test]
fn a_run_is_drawn_in_our_words() {
    let (actors, mut moves) = (election(Replies::All), Vec::new());
    let start = actors.init_states().remove(0);
    let (campaign, asked) = actors.next_steps(&start).remove(0);
    actors.actions(&asked, &mut moves);
    moves.retain(|it| it.action == Action::ReceiveRequestVote);
    let path = Path::from_actions(&actors, start, &[campaign, moves[0]]).unwrap();
    let svg = actors.as_svg(path).unwrap();
    let words = [">S1<", ">S2<", ">Election timeout<", ">RequestVote (term 1)<"];
    assert!(words.iter().all(|words| svg.contains(words)), "{svg}");
}

#[test]
fn stateright_judges_each_property_of_safety() {
    let names = election(Replies::All).properties().into_iter().map(|property| property.name);
    assert!(names.eq(SAFETY.map(|property| property.to_string())));
}
