//! Raft leader election: one specification, and the readers that check it.
//!
//! # The protocol
//!
//! A cluster of servers, in this code one to seven, wants one of them to lead. Messages between
//! them may be lost, repeated, late and out of order; any server may crash at any time and come
//! back with what it has on disk. Raft (Ongaro and Ousterhout, "In Search of an Understandable
//! Consensus Algorithm", §5.1, §5.2, Figure 2) elects like this:
//!
//! 1. Time is cut into **terms**. Everybody starts in term 0, in which nobody is elected. Each term
//!    has at most one leader; some have none. A server remembers the latest term it has seen, and
//!    whoever sees a newer one enters it as a follower that has not voted in it, even a leader. A
//!    request of an older term is refused with the newer one, so that its sender learns of it.
//! 2. Everybody starts as a **follower**. A follower that hears no leader until its **election
//!    timer** fires becomes a **candidate**: it goes on to the next term, votes for itself, and
//!    asks the others with `RequestVote`.
//! 3. A server has **one vote a term**. A candidate gives it to itself, everybody else to the first
//!    candidate that asks. Term and vote are the server's **ballot**; it is on disk before any
//!    message that depends on it leaves.
//! 4. A candidate with the votes of a **quorum**, more than half of all servers, **leads** the
//!    term. It says so at once with a heartbeat (`AppendEntries` without entries), and again and
//!    again before the others' timers fire. A candidate that hears it has lost, and follows.
//! 5. If nobody gets a quorum, timers fire again, after random times so that they rarely fire
//!    together, and the next term decides.
//!
//! Two quorums share a server, and that server has one vote: so no term has two leaders.
//!
//! # The guards
//!
//! That is safe, but not calm: a server that was cut off comes back with a higher term, and deposes
//! a leader that everybody else hears. So a cluster may elect behind two guards ([`Protocol`]),
//! each of which only forbids (Ongaro, "Consensus: Bridging Theory and Practice", §4.2.3, §6.2,
//! §6.4 and §9.6):
//!
//! 1. **Pre-vote.** Whoever wants to campaign first asks whether it would be elected. No term moves
//!    and nothing is written for that.
//! 2. **Check-quorum.** Whoever hears a leader is in **contact**: it helps nobody else to office
//!    for one minimum election timeout. A leader that a quorum does not answer leaves office.
//!    Between the two lies the **lease**: until one such time after a heartbeat that a quorum has
//!    answered was sent, nobody else is elected. And a leader that gives up may **hand over**.
//!
//! A **witness** votes and never campaigns; nobody hands over to it.
//!
//! What is deliberately absent: the log and everything about it (a candidate is never refused for
//! an outdated log), and changes of membership.
//!
//! # Where to read
//!
//! | read | to learn |
//! |---|---|
//! | [`types`] | servers, terms, sets of votes |
//! | [`cluster`] | what a quorum is |
//! | [`message`] | what servers say to each other |
//! | [`election`] | **the specification**: what a server does, in one function |
//! | `guard.rs`, `lease.rs` | beside it: its guards |
//! | `tests/scenarios/*.txt` | what that means, situation by situation |
//!
//! What the node needs, too:
//!
//! | module | what it makes of the specification |
//! |---|---|
//! | [`action`] | the names of what can happen, and envelopes |
//! | [`words`] | what a server is, does and says, in words |
//! | [`run`] | worlds and the moves between them, told in words or as JSON |
//! | [`trace`] | what a server did, one step a line: read, replayed, drawn, and told to TLC |
//!
//! Everything else stands behind the feature `check` (on by default):
//!
//! | module | what it makes of the specification |
//! |---|---|
//! | [`world`] | the direct model: servers, disks, sent messages; bounds, properties, stories |
//! | [`actor`] | the reference model: stateright's actors, for its own page too |
//! | [`packed`] | the direct model in a few machine words |
//! | [`reduce`] | of worlds that behave alike, one stands for all |
//! | [`search`] | every reachable state, and the shortest way to a violation |
//! | [`growth`] | how large a search becomes, estimated before it is over |
//! | [`liveness`] | all infinite runs that are fair: are leaders elected, and do they stay |
//! | [`topology`] | on which links they do, where some servers do not hear each other |
//! | [`mutant`] | elections that are wrong on purpose: a catalogue, and what catches each |
//! | [`explore`] | the explorer: paths made of causes, walked, judged, compared, taken away |
//! | [`proof`] | safety for every number of servers and every term: the same text, run on symbols |
//!
//! These are the rooms of the crate. Each may use only what stands before it, and says what that
//! is:
//!
//! ```text
//! number:
//! types: number
//! cluster: types
//! protocol: types cluster
//! action: types cluster protocol
//! words: types protocol action
//! run: types cluster protocol action words
//! trace: number types cluster protocol action words
//! world: types cluster protocol action run
//! actor: types cluster protocol action words run world
//! packed: types cluster protocol action run world
//! reduce: types cluster protocol action run world packed
//! search: types cluster action run world packed reduce
//! growth:
//! liveness: types cluster protocol action run world packed reduce search
//! topology: types cluster protocol action run world packed search liveness
//! mutant: types cluster protocol run world reduce search liveness
//! explore: types cluster protocol action run trace world reduce search liveness topology mutant
//! proof: types cluster protocol action run world mutant
//! cli: types cluster run trace world actor reduce search growth liveness topology mutant explore
//!     proof
//! ```
//!
//! The room `protocol` holds [`message`] and [`election`]; `cli` is the program `raft-model`.
//! Nothing that a server does is written twice: what the proof runs on symbols is the text of
//! [`election`].
//!
//! # The names
//!
//! | Raft, Figure 2 | here | [`Action`] | TLA+ |
//! |---|---|---|---|
//! | `currentTerm`, `votedFor` (persistent) | [`Ballot`] | | `currentTerm`, `votedFor`, `stored` |
//! | follower, candidate, leader | [`Role`] | | `role` |
//! | votes received | `votes` of [`Role::Candidate`] | | `votes` |
//! | the network | [`World::sent`] | | `sent` |
//! | election timeout, heartbeat | [`Event::Timeout`] | `Timeout` | same |
//! | `RequestVote` RPC | [`Message::RequestVote`] | `ReceiveRequestVote` | same |
//! | its answer | [`Message::RequestVoteResponse`] | `ReceiveRequestVoteResponse` | same |
//! | | | `BecomeLeader` | same |
//! | `AppendEntries` RPC | [`Message::AppendEntries`] | `ReceiveAppendEntries` | same |
//! | its answer | [`Message::AppendEntriesResponse`] | `ReceiveAppendEntriesResponse` | same |
//! | `PreVote` RPC (thesis, §9.6) | [`Message::PreVote`] | `ReceivePreVote` | same |
//! | its answer | [`Message::PreVoteResponse`] | `ReceivePreVoteResponse` | same |
//! | `TimeoutNow` RPC (thesis, §3.10) | [`Message::HandOver`] | `ReceiveHandOver` | same |
//! | leadership transfer | [`Event::HandOver`] | `HandOver` | same |
//! | a response of a newer term | [`Rule::NewerTermAdopted`] | `ReceiveNewerTerm` | same |
//! | crash and recovery | [`Server::start`] | `Restart` | same |
//!
//! The last column names what stands in `tla/RaftElection.tla`: the same protocol in TLA+, of which
//! the tests check that it has the same graph.
//!
//! The second column, but for the network, is the code that runs in a real server: the crate
//! `raft-node` drives
//! [`Server::step`](election::Server::step) with datagrams and a clock.
//!
//! [`Action`]: action::Action
//! [`Ballot`]: election::Ballot
//! [`Role`]: election::Role
//! [`Role::Candidate`]: election::Role::Candidate
//! [`World::sent`]: run::World::sent
//! [`Event::Timeout`]: election::Event::Timeout
//! [`Event::HandOver`]: election::Event::HandOver
//! [`Protocol`]: cluster::Protocol
//! [`Message::RequestVote`]: message::Message::RequestVote
//! [`Message::RequestVoteResponse`]: message::Message::RequestVoteResponse
//! [`Message::AppendEntries`]: message::Message::AppendEntries
//! [`Message::AppendEntriesResponse`]: message::Message::AppendEntriesResponse
//! [`Message::PreVote`]: message::Message::PreVote
//! [`Message::PreVoteResponse`]: message::Message::PreVoteResponse
//! [`Message::HandOver`]: message::Message::HandOver
//! [`Rule::NewerTermAdopted`]: election::Rule::NewerTermAdopted
//! [`Server::start`]: election::Server::start

// Reading order, not the alphabet's.
mod number;
pub mod types;

pub mod cluster;

mod protocol;
pub use protocol::{election, message};

pub mod action;
pub mod words;

pub mod run;

pub mod trace;

#[cfg(feature = "check")]
pub mod actor;
#[cfg(feature = "check")]
pub mod explore;
#[cfg(feature = "check")]
pub mod growth;
#[cfg(feature = "check")]
pub mod liveness;
#[cfg(feature = "check")]
pub mod mutant;
#[cfg(feature = "check")]
pub mod packed;
#[cfg(feature = "check")]
pub mod proof;
#[cfg(feature = "check")]
pub mod reduce;
#[cfg(feature = "check")]
pub mod search;
#[cfg(feature = "check")]
pub mod topology;
#[cfg(feature = "check")]
pub mod world;
