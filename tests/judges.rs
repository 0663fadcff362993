//! Every part of every property of safety refuses a step that no other part of it refuses: steps
//! made by hand, of worlds that need not be reachable, judged whole and packed.

use std::fs;

use raft_model::action::Envelope;
use raft_model::election::{Ballot, Role};
use raft_model::message::Message;
use raft_model::packed::{Layout, Packed, PackedView};
use raft_model::run::Lease;
use raft_model::types::{Round, ServerId, ServerSet, Term};
use raft_model::world::World;
use raft_model::world::WorldModel;
use raft_model::world::bounds::Replies;
use raft_model::world::properties::{Property, SAFETY};
use support::bounds::up_to;

const TERM: Term = Term::new(2);

fn id(number: u8) -> ServerId {
    ServerId::new(number).unwrap()
}

/// A world of three servers that is put together in a few words.
#[derive(Clone)]
struct Made(World);

fn initial() -> Made {
    Made(WorldModel::new(up_to(3, 3, Replies::All)).initial())
}

impl Made {
    fn in_memory(mut self, server: u8, term: u64, vote: Option<u8>) -> Self {
        let ballot = Ballot { current_term: Term::new(term), voted_for: vote.map(id) };
        self.0.servers[id(server).index()].ballot = ballot;
        self
    }

    fn on_disk(mut self, server: u8, term: u64, vote: Option<u8>) -> Self {
        let ballot = Ballot { current_term: Term::new(term), voted_for: vote.map(id) };
        self.0.stored[id(server).index()] = ballot;
        self
    }

    /// This ballot, in memory and on the disk.
    fn ballot(self, server: u8, term: u64, vote: Option<u8>) -> Self {
        self.in_memory(server, term, vote).on_disk(server, term, vote)
    }

    fn role(mut self, server: u8, role: Role) -> Self {
        self.0.servers[id(server).index()].role = role;
        self
    }

    fn sent(mut self, from: u8, to: Option<u8>, message: Message) -> Self {
        self.0.sent.insert(Envelope { from: id(from), to: to.map(id), message });
        self
    }

    fn heartbeat_of(self, from: u8) -> Self {
        self.sent(from, None, Message::AppendEntries { term: TERM, round: Round::FIRST })
    }

    fn vote_sent(self, from: u8, to: u8) -> Self {
        let message = Message::RequestVoteResponse { term: TERM, vote_granted: true };
        self.sent(from, Some(to), message)
    }

    fn asks_for_votes(self, from: u8) -> Self {
        self.sent(from, None, Message::RequestVote { term: TERM, hand_over: false })
    }
}

fn candidate(votes: &[u8]) -> Role {
    Role::Candidate { votes: votes.iter().map(|&number| id(number)).collect::<ServerSet>() }
}

/// Whether a step of S1 from one of these worlds to the other satisfies the property. Worlds in
/// which every ballot is on its disk can be packed, and then are judged so, too.
fn holds(property: Property, before: &Made, after: &Made) -> bool {
    let (before, after) = (&before.0, &after.0);
    let holds = property.holds(before, id(1), after);
    let is_packed = |world: &World| {
        let on_disk = world.servers.iter().map(|state| state.ballot);
        on_disk.eq(world.stored.iter().copied())
    };
    if is_packed(before) && is_packed(after) {
        let layout = Layout::new(&up_to(3, 3, Replies::All), 3);
        let [packed_before, packed_after]: [Packed<4>; 2] =
            [before, after].map(|world| layout.pack(world));
        let [before, after] =
            [&packed_before, &packed_after].map(|world| PackedView(&layout, world));
        assert_eq!(property.holds(&before, id(1), &after), holds, "packed, {property}");
    }
    holds
}

/// Something that happened before, added to a world.
type Evidence = fn(Made) -> Made;

/// Each of these steps of S1 violates the property, and without what the last column adds to the
/// world it does not.
fn refuses(property: Property, cases: &[(&str, Made, Made, Evidence)]) {
    for (part, before, after, evidence) in cases {
        assert!(holds(property, before, after), "{property}, {part}: without the evidence");
        let (before, after) = (evidence(before.clone()), evidence(after.clone()));
        assert!(!holds(property, &before, &after), "{property}, {part}: it is not seen");
    }
}

#[test]
fn two_leaders_of_a_term_are_seen_whatever_is_left_of_them() {
    // S1 has votes enough to win.
    let candidate = initial().ballot(1, 2, Some(1)).role(1, candidate(&[1, 2]));
    let leader = candidate.clone().role(1, Role::LEADER);
    // S1 says that it leads, and does not any more.
    let quiet = initial().ballot(1, 3, None);
    let says_so = quiet.clone().heartbeat_of(1);
    let another_leads = |world: Made| world.ballot(3, 2, Some(3)).role(3, Role::LEADER);
    let another_led = |world: Made| world.heartbeat_of(3);
    refuses(
        Property::ElectionSafety,
        &[
            ("it wins while another leads", candidate.clone(), leader.clone(), another_leads),
            ("it wins though another led", candidate, leader, another_led),
            (
                "it sends a heartbeat while another leads",
                quiet.clone(),
                says_so.clone(),
                another_leads,
            ),
            ("it sends a heartbeat though another led", quiet, says_so, another_led),
        ],
    );
}

#[test]
fn a_second_vote_is_seen_wherever_the_two_of_them_stand() {
    let in_memory = |world: Made| world.in_memory(1, 2, Some(2));
    let on_disk = |world: Made| world.on_disk(1, 2, Some(2));
    let in_an_answer = |world: Made| world.vote_sent(1, 2);
    let in_its_request = |world: Made| world.asks_for_votes(1);
    // The vote of the step is for S3.
    let nothing = initial;
    let steps: [(&str, Made); 3] = [
        ("in memory", nothing().in_memory(1, 2, Some(3))),
        ("on the disk", nothing().on_disk(1, 2, Some(3))),
        ("in an answer", nothing().vote_sent(1, 3)),
    ];
    for (step, after) in steps {
        refuses(
            Property::VoteOncePerTerm,
            &[
                (
                    &format!("{step}, after one in an answer"),
                    nothing(),
                    after.clone(),
                    in_an_answer,
                ),
                (&format!("{step}, after one for itself"), nothing(), after, in_its_request),
            ],
        );
    }
    // A ballot holds one vote: so the vote before is on the other one, or the new one is said
    // only.
    let says = |world: Made| world.vote_sent(1, 3);
    for (part, evidence) in [("in memory", in_memory as Evidence), ("on the disk", on_disk)] {
        let (before, after) = (nothing(), says(nothing()));
        refuses(Property::VoteOncePerTerm, &[(part, before, after, evidence)]);
    }
    // It asks for votes, and so votes for itself.
    let (before, after) = (nothing(), nothing().asks_for_votes(1));
    refuses(Property::VoteOncePerTerm, &[("in its request", before, after, in_an_answer)]);
}

#[test]
fn every_vote_that_there_is_evidence_of_makes_a_leader_and_no_other() {
    // It has counted its own vote; of that of S2 there is some evidence, or none.
    let before = initial().ballot(1, 2, Some(1)).role(1, candidate(&[1]));
    let after = before.clone().role(1, Role::LEADER);
    assert!(!holds(Property::LeaderHasQuorum, &before, &after), "one vote is no quorum");
    for (part, evidence) in [
        ("on its disk", (|world| world.on_disk(2, 2, Some(1))) as Evidence),
        ("in its memory", |world| world.in_memory(2, 2, Some(1))),
        ("in its answer", |world| world.vote_sent(2, 1)),
        ("counted", |world: Made| match world.0.servers[0].role {
            Role::Candidate { .. } => world.role(1, candidate(&[1, 2])),
            _ => world,
        }),
    ] {
        let (before, after) = (evidence(before.clone()), evidence(after.clone()));
        assert!(holds(Property::LeaderHasQuorum, &before, &after), "a vote {part}");
    }
    for (part, evidence) in [
        ("for another", (|world| world.ballot(2, 2, Some(3))) as Evidence),
        ("in another term", |world| world.ballot(2, 3, Some(1))),
        ("counted in another term", |world: Made| match world.0.servers[0].role {
            Role::Candidate { .. } => world.ballot(1, 1, Some(1)).role(1, candidate(&[1, 2])),
            _ => world,
        }),
    ] {
        let (before, after) = (evidence(before.clone()), evidence(after.clone()));
        assert!(!holds(Property::LeaderHasQuorum, &before, &after), "a vote {part}");
    }
}

#[test]
fn a_term_that_decreases_is_seen_in_memory_and_on_the_disk() {
    let before = initial().ballot(1, 2, None);
    for (part, after) in [
        ("in memory", before.clone().in_memory(1, 1, None)),
        ("on the disk", before.clone().on_disk(1, 1, None)),
        ("both", before.clone().ballot(1, 1, None)),
    ] {
        assert!(!holds(Property::TermNeverDecreases, &before, &after), "{part}");
    }
    assert!(holds(Property::TermNeverDecreases, &before, &before.clone().ballot(1, 3, None)));
}

#[test]
fn a_second_grant_in_a_term_is_seen_and_votes_for_itself_are_not_counted() {
    let model = WorldModel::new(up_to(3, 2, Replies::All));
    let grant = |from, to, term| {
        let message = Message::RequestVoteResponse { term: Term::new(term), vote_granted: true };
        Envelope { from: id(from), to: Some(id(to)), message }
    };
    let message = Message::RequestVote { term: Term::new(1), hand_over: false };
    let campaign = Envelope { from: id(1), to: None, message };
    for (earlier, added, holds) in [
        (grant(1, 2, 1), grant(1, 3, 1), false),
        (grant(1, 2, 1), grant(1, 3, 2), true),
        (grant(1, 2, 1), campaign, true),
        (campaign, grant(1, 3, 1), true),
        (grant(2, 3, 1), grant(1, 2, 1), true),
    ] {
        let mut before = model.initial();
        before.sent.insert(earlier);
        let mut after = before.clone();
        after.sent.insert(added);
        let found = Property::GrantOncePerTerm.holds(&before, id(1), &after);
        assert_eq!(found, holds, "{earlier:?} {added:?}");
    }
}

#[test]
fn two_valid_leases_are_seen_and_open_rounds_are_none() {
    let model = WorldModel::new(up_to(2, 1, Replies::All));
    let some = Some(ServerSet::EMPTY);
    let valid = Lease { open: None, valid: some };
    let open = Lease { open: some, valid: None };
    for (leases, holds) in [([valid, open], true), ([valid, valid], false)] {
        let mut world = model.initial();
        world.leases.copy_from_slice(&leases);
        let found = Property::LeaseSafety.holds(&world, ServerId::FIRST, &world);
        assert_eq!(found, holds, "{leases:?}");
    }
}

#[test]
fn a_step_that_adds_nothing_violates_nothing() {
    // Whatever is wrong with this world was judged when it came about.
    let world = initial().ballot(1, 2, Some(1)).role(1, Role::LEADER).heartbeat_of(3);
    for property in SAFETY {
        assert!(holds(property, &world, &world), "{property}");
    }
}

#[test]
fn the_readme_names_each_property_and_says_what_it_says() {
    let readme = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    for property in SAFETY {
        let row = format!("  {:<20} holds     {}\n", property.to_string(), property.says());
        assert!(readme.contains(&row), "this row is not there: {row}");
    }
}
