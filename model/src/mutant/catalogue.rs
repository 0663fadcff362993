//! The catalogue. First what breaks safety, then what keeps a leader from being elected or from
//! staying, then what only time shows.

use super::guarded::GUARDED;
use super::{Mutant, counting, faults};
use crate::liveness::Property::{LeaderElected, LeaderStable};
use crate::world::properties::Property::{
    ElectionSafety, LeaderHasQuorum, TermNeverDecreases, VoteOncePerTerm,
};

/// All mutants: of the election of Figure 2, then of the guards.
pub const MUTANTS: &[Mutant] = &{
    let mut all = [FIGURE2[0]; FIGURE2.len() + GUARDED.len()];
    let mut number = 0;
    while number < all.len() {
        all[number] = match number.checked_sub(FIGURE2.len()) {
            None => FIGURE2[number],
            Some(number) => GUARDED[number],
        };
        number += 1;
    }
    all
};

const FIGURE2: &[Mutant] = &[
    Mutant::breaks(faults::VOTE_GIVEN_TWICE, VoteOncePerTerm, (2, 1), 3)
        .says("a server grants its vote to whoever asks, however often in a term")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::VOTE_NOT_RECORDED, VoteOncePerTerm, (3, 1), 4)
        .says("a server grants its vote, but does not note that it has")
        .played("01_first_election"),
    Mutant::breaks(faults::OWN_VOTE_NOT_RECORDED, VoteOncePerTerm, (2, 1), 3)
        .says("a candidate counts its own vote, but does not note that it has given it")
        .seen("https://github.com/vesoft-inc/nebula/pull/3415")
        .played("01_first_election"),
    Mutant::breaks(faults::VOTE_CLEARED_ON_STEP_DOWN, VoteOncePerTerm, (3, 1), 6)
        .says("a candidate that has lost forgets that it has voted for itself")
        .seen("https://github.com/ktoso/akka-raft/issues/56")
        .played("09_candidate_hears_leader"),
    Mutant::breaks(faults::VOTE_CLEARED_BY_HEARTBEAT, VoteOncePerTerm, (3, 1), 6)
        .says("a follower that hears its leader forgets whom it has voted for")
        .seen("https://github.com/camunda/camunda/issues/5356")
        .played("01_first_election"),
    Mutant::breaks(faults::LEADER_VOTES_IN_ITS_TERM, VoteOncePerTerm, (3, 1), 5)
        .says("a leader steps down within its term, without its vote, and grants it to a rival")
        .seen("https://github.com/hazelcast/hazelcast/pull/16643")
        .played("09_candidate_hears_leader"),
    Mutant::breaks(faults::EQUAL_TERM_RESETS, VoteOncePerTerm, (2, 1), 3)
        .says(
            "a message of the server's own term makes it a follower that has not voted, as one of \
             a newer term would",
        )
        .seen("https://github.com/microsoft/CCF/pull/8094")
        .played("01_first_election"),
    Mutant::breaks(faults::CAMPAIGN_IN_CURRENT_TERM, VoteOncePerTerm, (2, 1), 3)
        .says("a follower campaigns in the term that it is in")
        .seen("https://github.com/RedisLabs/raft/pull/11")
        .played("01_first_election"),
    Mutant::breaks(faults::OLDER_REQUEST_GRANTED, VoteOncePerTerm, (2, 2), 4)
        .says("a vote is granted to a candidate of an older term")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::VOTE_ANSWERED_IN_OLDER_TERM, VoteOncePerTerm, (2, 2), 4)
        .says("an answer carries the term in which the server was before the request")
        .seen("https://github.com/nats-io/nats-server/pull/5021")
        .played("01_first_election"),
    Mutant::breaks(faults::STALE_VOTE_COUNTED, LeaderHasQuorum, (2, 2), 4)
        .says("a candidate counts a vote that it got in an older term")
        .seen("https://github.com/andreev-io/little-raft/issues/44")
        .played("05_timer_fires_during_election"),
    Mutant::breaks(counting::DUPLICATE_VOTE_COUNTED, LeaderHasQuorum, (4, 1), 4)
        .says("votes are a number, and one that arrives twice counts twice")
        .seen("https://github.com/xnnyygn/xraft/issues/27")
        .played("07_duplicates_and_latecomers"),
    Mutant::breaks(faults::REFUSAL_COUNTED, LeaderHasQuorum, (2, 1), 4)
        .says("whatever answers a request for the vote counts as one")
        .seen("https://github.com/jgroups-extras/jgroups-raft/pull/65")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::breaks(counting::HALF_IS_A_QUORUM, LeaderHasQuorum, (2, 1), 1)
        .says("half of a cluster of even size elects")
        .seen("https://github.com/apache/geode/pull/7126")
        .played("04_split_vote"),
    Mutant::breaks(faults::QUORUM_OF_ONE, LeaderHasQuorum, (2, 1), 1)
        .says("the quorum is a setting of its own, and its default is one")
        .seen("https://github.com/tarantool/doc/issues/1541")
        .played("01_first_election"),
    Mutant::breaks(faults::QUORUM_OF_TWO, LeaderHasQuorum, (4, 1), 3)
        .says("two votes elect, however many servers there are")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::QUORUM_OF_THOSE_ALIVE, LeaderHasQuorum, (2, 2), 2)
        .says("a quorum is one of the servers that answer, not of the cluster")
        .seen("https://github.com/initia-labs/rapid-relayer/pull/38")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::breaks(faults::NO_STEP_DOWN, LeaderHasQuorum, (2, 2), 5)
        .says("a server that sees a newer term adopts it, but stays what it was")
        .seen("https://github.com/willemt/raft/issues/10")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::HEARTBEAT_OF_DEPOSED_LEADER, ElectionSafety, (2, 2), 8)
        .says("a leader that learns of a newer term sends its next heartbeat in that")
        .seen("https://github.com/eliben/raft/issues/13")
        .played("08_old_leader_returns"),
    Mutant::breaks(faults::TERM_SET_BACK, VoteOncePerTerm, (2, 2), 4)
        .says("a server takes over the term of a message, also if it is older")
        .seen("https://github.com/eliben/raft/issues/14")
        .remarked("TermNeverDecreases breaks in as many steps.")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::VOTE_FORGOTTEN_ON_RESTART, VoteOncePerTerm, (2, 1), 4)
        .says("a server that restarts remembers its term, but not its vote")
        .seen("https://github.com/robustmq/robustmq/pull/2039")
        .played("10_crash_after_voting"),
    Mutant::breaks(faults::DISK_FORGOTTEN_ON_RESTART, TermNeverDecreases, (2, 1), 2)
        .says("a server that restarts begins as if it had never run")
        .seen("https://github.com/bakwc/PySyncObj/pull/202")
        .remarked(
            "Stateright's own example has it, too: its servers store nothing \
             (https://github.com/stateright/stateright/blob/master/examples/raft.rs).",
        )
        .played("10_crash_after_voting"),
    Mutant::breaks(faults::LEADS_AGAIN_AFTER_RESTART, LeaderHasQuorum, (2, 1), 2)
        .says("a server that restarts leads if its stored vote is for itself")
        .remarked(
            "One that stores that it was elected, and not only for whom it has voted, may do so.",
        )
        .played("10_crash_after_voting"),
    Mutant::breaks(faults::VOTE_NOT_PERSISTED, VoteOncePerTerm, (3, 2), 10)
        .says("the ballot is written when its term is new, but not when only its vote is")
        .seen("https://github.com/tikv/tikv/issues/1610")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::OWN_VOTE_NOT_PERSISTED, TermNeverDecreases, (2, 1), 2)
        .says("a candidate does not write its new term and its vote for itself")
        .played("01_first_election"),
    Mutant::breaks(faults::TERM_NOT_PERSISTED, TermNeverDecreases, (2, 2), 6)
        .says("the ballot is written when a vote is given, but not when only its term is new")
        .seen("https://github.com/cockroachdb/cockroach/issues/1131")
        .played("02_asked_for_its_vote"),
    Mutant::breaks(faults::PERSISTED_AFTER_SENDING, TermNeverDecreases, (2, 1), 2)
        .says(
            "the ballot is written after the message has left: a crash between the two loses it, \
             so that this is the same as never to write it",
        )
        .seen("https://github.com/NodeDB-Lab/nodedb/issues/161")
        .remarked(
            "A model in which a step is whole has no crash between its halves. This is the crash.",
        )
        .played("01_first_election"),
    Mutant::stalls(faults::VOTE_REFUSED_TO_EVERYBODY, LeaderElected, 2, (4, 2))
        .says("a server never grants its vote")
        .played("01_first_election"),
    Mutant::stalls(faults::VOTE_NEVER_COUNTED, LeaderElected, 2, (2, 2))
        .says("a candidate does not count the votes that it is granted")
        .played("01_first_election"),
    Mutant::stalls(faults::VOTE_KEPT_IN_NEWER_TERM, LeaderElected, 2, (3, 2))
        .says("a server that enters a newer term keeps the vote of the older one")
        .seen("https://github.com/butaneprotocol/oracles/pull/18")
        .played("02_asked_for_its_vote"),
    Mutant::stalls(faults::VOTER_NEVER_CAMPAIGNS, LeaderElected, 2, (3, 0))
        .says("a follower that has voted waits for its candidate for ever")
        .seen("https://github.com/atomix/copycat/pull/123")
        .played("02_asked_for_its_vote"),
    Mutant::stalls(faults::CANDIDATE_WAITS_FOR_EVER, LeaderElected, 2, (2, 0))
        .says("a candidate whose timer fires goes on waiting for votes")
        .seen("https://github.com/ktoso/akka-raft/issues/31")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::stalls(faults::CANDIDATE_RETRIES_IN_ITS_TERM, LeaderElected, 2, (2, 0))
        .says(
            "a candidate that was not elected asks again in the same term, in which all have voted",
        )
        .played("03_candidate_asked_for_its_vote"),
    Mutant::stalls(faults::CANDIDATE_NEVER_STEPS_DOWN, LeaderStable, 3, (4, 0))
        .says("a candidate takes no notice of the leader of its own term")
        .seen("https://github.com/adjoint-io/raft/pull/121")
        .played("09_candidate_hears_leader"),
    Mutant::stalls(faults::LEADER_IGNORES_NEWER_TERM, LeaderStable, 3, (7, 0))
        .says("a leader takes no notice of newer terms")
        .played("02_asked_for_its_vote"),
    Mutant::resizes(faults::VOTE_REFUSED_WHEN_ASKED_AGAIN, (2, 1), (45, 80))
        .says("a candidate that asks again is refused the vote that it has")
        .seen("https://github.com/ktoso/akka-raft/issues/29")
        .remarked("The first answer is never lost for good in a model that forgets no message.")
        .played("02_asked_for_its_vote"),
    Mutant::resizes(faults::CANDIDATE_GIVES_UP_WHEN_REFUSED, (2, 1), (33, 64))
        .says("a candidate that is refused one vote does not wait for the others")
        .seen("https://github.com/PikaLabs/floyd/issues/38")
        .remarked("It costs one election, not the next.")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::resizes(faults::LEADER_GIVES_UP_WHEN_REFUSING, (3, 1), (1425, 5532))
        .says("a leader that refuses a candidate of its own term its vote becomes a follower")
        .seen("https://github.com/FJianC/raft_demo/issues/1")
        .remarked(
            "It costs a leader its term, but a term has few candidates: a later leader has none \
             against it.",
        )
        .played("09_candidate_hears_leader"),
    Mutant::resizes(faults::LEADER_GIVES_UP_WHEN_ANSWERED, (2, 1), (33, 58))
        .says("a leader that hears the answer to its heartbeat becomes a follower")
        .remarked(
            "Nobody stays leader. The graph of liveness leaves these answers out, as the \
             specification does nothing about them; tests/time.rs tells how one leadership follows \
             the other.",
        )
        .played("01_first_election"),
    Mutant::resizes(faults::NEWER_TERM_IN_ANSWER_IGNORED, (2, 2), (841, 2012))
        .says("a newer term is adopted from requests only, not from answers")
        .seen("https://github.com/uwplse/verdi-raft/issues/29")
        .remarked(
            "Who has the newer term also asks for votes in it sooner or later, and requests are \
             heeded.",
        )
        .played("02_asked_for_its_vote"),
    Mutant::resizes(faults::STALE_REQUEST_DROPPED, (2, 2), (397, 792))
        .says(
            "a request of an older term is dropped, so that its sender does not learn of the newer \
             one",
        )
        .seen("https://github.com/cockroachdb/cockroach/issues/1131")
        .remarked("Who has the newer term also asks for votes in it sooner or later.")
        .played("02_asked_for_its_vote"),
    Mutant::resizes(faults::STALE_REQUEST_TOLD_ITS_OWN_TERM, (2, 2), (601, 1596))
        .says("a request of an older term is refused with that same term")
        .seen("https://github.com/ktoso/akka-raft/issues/35")
        .remarked("Who has the newer term also asks for votes in it sooner or later.")
        .played("02_asked_for_its_vote"),
    Mutant::resizes(faults::OLDER_HEARTBEAT_ACCEPTED, (2, 2), (821, 1982))
        .says("a heartbeat of an older term counts as one of the current leader")
        .seen("https://github.com/butaneprotocol/oracles/pull/32")
        .remarked(
            "A leader of an older term steps down sooner or later; until then it keeps others from \
             campaigning, which takes time to see: tests/time.rs.",
        )
        .played("08_old_leader_returns"),
    Mutant::resizes(faults::NO_FIRST_HEARTBEAT, (2, 1), (35, 60))
        .says("a leader says that it leads only when its timer first fires")
        .seen("https://github.com/willemt/raft/pull/48")
        .remarked(
            "It is taken for granted that its timer fires before another election timer does.",
        )
        .played("01_first_election"),
    Mutant::resizes(faults::TERM_SKIPPED, (2, 2), (33, 56))
        .says("every campaign skips a term")
        .remarked("This is not wrong: any newer term will do.")
        .played("01_first_election"),
    Mutant::tested(faults::NO_HEARTBEATS, "time")
        .says("a leader says once that it leads, and never again")
        .seen("https://github.com/Factual/skuld/pull/95")
        .played("08_old_leader_returns"),
    Mutant::tested(faults::TIMER_RUNS_ON_AFTER_VOTE, "time")
        .says("a follower that has given its vote does not wait anew")
        .seen("https://github.com/jgroups-extras/jgroups-raft/issues/45")
        .played("01_first_election"),
    Mutant::tested(faults::TIMER_RUNS_ON_AFTER_HEARTBEAT, "time")
        .says("a follower that has heard its leader does not wait anew")
        .seen("https://github.com/redpanda-data/redpanda/pull/30817")
        .played("01_first_election"),
    Mutant::tested(faults::TIMER_STOPS_AFTER_CAMPAIGN, "time")
        .says("the timer of a candidate is not set again, so that it never campaigns again")
        .seen("https://github.com/ktoso/akka-raft/issues/31")
        .played("01_first_election"),
    Mutant::tested(faults::TIMER_RUNS_ON_AFTER_STEP_DOWN, "time")
        .says("a leader that steps down waits no longer than for its next heartbeat")
        .played("02_asked_for_its_vote"),
    Mutant::tested(faults::TIMER_RESTARTED_BY_REFUSED_REQUEST, "time")
        .says("a follower waits anew when it has refused a candidate its vote")
        .seen("https://github.com/dotnet/dotNext/issues/89")
        .played("02_asked_for_its_vote"),
    Mutant::tested(faults::TIMER_RESTARTED_BY_STALE_REQUEST, "time")
        .says("a follower waits anew when it has refused a request of an older term")
        .seen("https://github.com/resetius/miniraft-cpp/issues/28")
        .played("02_asked_for_its_vote"),
    Mutant::tested(faults::TIMER_RESTARTED_BY_NEWER_TERM, "time")
        .says("a server waits anew whenever it learns of a newer term")
        .seen("https://github.com/tikv/raft-rs/issues/14")
        .played("02_asked_for_its_vote"),
    Mutant::tested(faults::TERMS_WRAP_AROUND, "mutants")
        .says("after the last term, which is the 2⁶⁴th, comes the first")
        .seen("https://github.com/hashicorp/raft/issues/586")
        .remarked("No model gets there: it takes 2⁶⁴ elections."),
];
