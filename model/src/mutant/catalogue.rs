//! The catalogue. First what breaks safety, then what keeps a leader from being elected or from
//! staying, then what only time shows.

use super::Catch::{Counts, Liveness, Safety, Test};
use super::{Mutant, counting};
use crate::liveness::Property::{LeaderElected, LeaderStable};
use crate::world::properties::Property::{
    ElectionSafety, LeaderHasQuorum, TermNeverDecreases, VoteOncePerTerm,
};

/// All mutants.
pub const MUTANTS: [Mutant; 54] = [
    Mutant::of("vote-given-twice", Safety(VoteOncePerTerm))
        .says("a server grants its vote to whoever asks, however often in a term")
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-not-recorded", Safety(VoteOncePerTerm))
        .says("a server grants its vote, but does not note that it has")
        .played("01_first_election"),
    Mutant::of("own-vote-not-recorded", Safety(VoteOncePerTerm))
        .says("a candidate counts its own vote, but does not note that it has given it")
        .seen("https://github.com/vesoft-inc/nebula/pull/3415")
        .played("01_first_election"),
    Mutant::of("vote-cleared-on-step-down", Safety(VoteOncePerTerm))
        .says("a candidate that has lost forgets that it has voted for itself")
        .seen("https://github.com/ktoso/akka-raft/issues/56")
        .played("09_candidate_hears_leader"),
    Mutant::of("vote-cleared-by-heartbeat", Safety(VoteOncePerTerm))
        .says("a follower that hears its leader forgets whom it has voted for")
        .seen("https://github.com/camunda/camunda/issues/5356")
        .played("01_first_election"),
    Mutant::of("leader-votes-in-its-term", Safety(VoteOncePerTerm))
        .says("a leader steps down within its term, without its vote, and grants it to a rival")
        .seen("https://github.com/hazelcast/hazelcast/pull/16643")
        .played("09_candidate_hears_leader"),
    Mutant::of("equal-term-resets", Safety(VoteOncePerTerm))
        .says(
            "a message of the server's own term makes it a follower that has not voted, as one of \
             a newer term would",
        )
        .seen("https://github.com/microsoft/CCF/pull/8094")
        .played("01_first_election"),
    Mutant::of("campaign-in-current-term", Safety(VoteOncePerTerm))
        .says("a follower campaigns in the term that it is in")
        .seen("https://github.com/RedisLabs/raft/pull/11")
        .played("01_first_election"),
    Mutant::of("older-request-granted", Safety(VoteOncePerTerm))
        .says("a vote is granted to a candidate of an older term")
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-answered-in-older-term", Safety(VoteOncePerTerm))
        .says("an answer carries the term in which the server was before the request")
        .seen("https://github.com/nats-io/nats-server/pull/5021")
        .played("01_first_election"),
    Mutant::of("stale-vote-counted", Safety(LeaderHasQuorum))
        .says("a candidate counts a vote that it got in an older term")
        .seen("https://github.com/andreev-io/little-raft/issues/44")
        .played("05_timer_fires_during_election"),
    Mutant::counting(
        "duplicate-vote-counted",
        Safety(LeaderHasQuorum),
        counting::duplicate_counted,
    )
    .says("votes are a number, and one that arrives twice counts twice")
    .seen("https://github.com/xnnyygn/xraft/issues/27")
    .played("07_duplicates_and_latecomers"),
    Mutant::of("refusal-counted", Safety(LeaderHasQuorum))
        .says("whatever answers a request for the vote counts as one")
        .seen("https://github.com/jgroups-extras/jgroups-raft/pull/65")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::counting("half-is-a-quorum", Safety(LeaderHasQuorum), counting::half_elects)
        .says("half of a cluster of even size elects")
        .seen("https://github.com/apache/geode/pull/7126")
        .played("04_split_vote"),
    Mutant::of("quorum-of-one", Safety(LeaderHasQuorum))
        .says("the quorum is a setting of its own, and its default is one")
        .seen("https://github.com/tarantool/doc/issues/1541")
        .played("01_first_election"),
    Mutant::of("quorum-of-two", Safety(LeaderHasQuorum))
        .says("two votes elect, however many servers there are")
        .played("02_asked_for_its_vote"),
    Mutant::of("quorum-of-those-alive", Safety(LeaderHasQuorum))
        .says("a quorum is one of the servers that answer, not of the cluster")
        .seen("https://github.com/initia-labs/rapid-relayer/pull/38")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("no-step-down", Safety(LeaderHasQuorum))
        .says("a server that sees a newer term adopts it, but stays what it was")
        .seen("https://github.com/willemt/raft/issues/10")
        .played("02_asked_for_its_vote"),
    Mutant::of("heartbeat-of-deposed-leader", Safety(ElectionSafety))
        .says("a leader that learns of a newer term sends its next heartbeat in that")
        .seen("https://github.com/eliben/raft/issues/13")
        .played("08_old_leader_returns"),
    Mutant::of("term-set-back", Safety(VoteOncePerTerm))
        .says("a server takes over the term of a message, also if it is older")
        .seen("https://github.com/eliben/raft/issues/14")
        .remarked("TermNeverDecreases breaks in as many steps.")
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-forgotten-on-restart", Safety(VoteOncePerTerm))
        .says("a server that restarts remembers its term, but not its vote")
        .seen("https://github.com/robustmq/robustmq/pull/2039")
        .played("10_crash_after_voting"),
    Mutant::of("disk-forgotten-on-restart", Safety(TermNeverDecreases))
        .says("a server that restarts begins as if it had never run")
        .seen("https://github.com/bakwc/PySyncObj/pull/202")
        .played("10_crash_after_voting"),
    Mutant::of("leads-again-after-restart", Safety(LeaderHasQuorum))
        .says("a server that restarts leads if its stored vote is for itself")
        .remarked(
            "One that stores that it was elected, and not only for whom it has voted, may do so.",
        )
        .played("10_crash_after_voting"),
    Mutant::of("vote-not-persisted", Safety(VoteOncePerTerm))
        .says("the ballot is written when its term is new, but not when only its vote is")
        .seen("https://github.com/tikv/tikv/issues/1610")
        .played("02_asked_for_its_vote"),
    Mutant::of("own-vote-not-persisted", Safety(TermNeverDecreases))
        .says("a candidate does not write its new term and its vote for itself")
        .played("01_first_election"),
    Mutant::of("term-not-persisted", Safety(TermNeverDecreases))
        .says("the ballot is written when a vote is given, but not when only its term is new")
        .seen("https://github.com/cockroachdb/cockroach/issues/1131")
        .played("02_asked_for_its_vote"),
    Mutant::of("persisted-after-sending", Safety(TermNeverDecreases))
        .says(
            "the ballot is written after the message has left: a crash between the two loses it, \
             so that this is the same as never to write it",
        )
        .seen("https://github.com/NodeDB-Lab/nodedb/issues/161")
        .remarked(
            "A model in which a step is whole has no crash between its halves. This is the crash.",
        )
        .played("01_first_election"),
    Mutant::of("vote-refused-to-everybody", Liveness(LeaderElected))
        .says("a server never grants its vote")
        .played("01_first_election"),
    Mutant::of("vote-never-counted", Liveness(LeaderElected))
        .says("a candidate does not count the votes that it is granted")
        .played("01_first_election"),
    Mutant::of("vote-kept-in-newer-term", Liveness(LeaderElected))
        .says("a server that enters a newer term keeps the vote of the older one")
        .seen("https://github.com/butaneprotocol/oracles/pull/18")
        .played("02_asked_for_its_vote"),
    Mutant::of("voter-never-campaigns", Liveness(LeaderElected))
        .says("a follower that has voted waits for its candidate for ever")
        .seen("https://github.com/atomix/copycat/pull/123")
        .played("02_asked_for_its_vote"),
    Mutant::of("candidate-waits-for-ever", Liveness(LeaderElected))
        .says("a candidate whose timer fires goes on waiting for votes")
        .seen("https://github.com/ktoso/akka-raft/issues/31")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("candidate-retries-in-its-term", Liveness(LeaderElected))
        .says(
            "a candidate that was not elected asks again in the same term, in which all have voted",
        )
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("candidate-never-steps-down", Liveness(LeaderStable))
        .says("a candidate takes no notice of the leader of its own term")
        .seen("https://github.com/adjoint-io/raft/pull/121")
        .played("09_candidate_hears_leader"),
    Mutant::of("leader-ignores-newer-term", Liveness(LeaderStable))
        .says("a leader takes no notice of newer terms")
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-refused-when-asked-again", Counts)
        .says("a candidate that asks again is refused the vote that it has")
        .seen("https://github.com/ktoso/akka-raft/issues/29")
        .remarked("The first answer is never lost for good in a model that forgets no message.")
        .played("02_asked_for_its_vote"),
    Mutant::of("candidate-gives-up-when-refused", Counts)
        .says("a candidate that is refused one vote does not wait for the others")
        .seen("https://github.com/PikaLabs/floyd/issues/38")
        .remarked("It costs one election, not the next.")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("leader-gives-up-when-refusing", Counts)
        .says("a leader that refuses a candidate of its own term its vote becomes a follower")
        .seen("https://github.com/FJianC/raft_demo/issues/1")
        .remarked(
            "It costs a leader its term, but a term has few candidates: a later leader has none \
             against it.",
        )
        .played("09_candidate_hears_leader"),
    Mutant::of("leader-gives-up-when-answered", Counts)
        .says("a leader that hears the answer to its heartbeat becomes a follower")
        .remarked(
            "Nobody stays leader. The graph of liveness leaves these answers out, as the \
             specification does nothing about them; tests/time.rs tells how one leadership follows \
             the other.",
        )
        .played("01_first_election"),
    Mutant::of("newer-term-in-answer-ignored", Counts)
        .says("a newer term is adopted from requests only, not from answers")
        .seen("https://github.com/uwplse/verdi-raft/issues/29")
        .remarked(
            "Who has the newer term also asks for votes in it sooner or later, and requests are \
             heeded.",
        )
        .played("02_asked_for_its_vote"),
    Mutant::of("stale-request-dropped", Counts)
        .says(
            "a request of an older term is dropped, so that its sender does not learn of the newer \
             one",
        )
        .seen("https://github.com/cockroachdb/cockroach/issues/1131")
        .remarked("Who has the newer term also asks for votes in it sooner or later.")
        .played("02_asked_for_its_vote"),
    Mutant::of("stale-request-told-its-own-term", Counts)
        .says("a request of an older term is refused with that same term")
        .seen("https://github.com/ktoso/akka-raft/issues/35")
        .remarked("Who has the newer term also asks for votes in it sooner or later.")
        .played("02_asked_for_its_vote"),
    Mutant::of("older-heartbeat-accepted", Counts)
        .says("a heartbeat of an older term counts as one of the current leader")
        .seen("https://github.com/butaneprotocol/oracles/pull/32")
        .remarked(
            "A leader of an older term steps down sooner or later; until then it keeps others from \
             campaigning, which takes time to see: tests/time.rs.",
        )
        .played("08_old_leader_returns"),
    Mutant::of("no-first-heartbeat", Counts)
        .says("a leader says that it leads only when its timer first fires")
        .seen("https://github.com/willemt/raft/pull/48")
        .remarked(
            "It is taken for granted that its timer fires before another election timer does.",
        )
        .played("01_first_election"),
    Mutant::of("term-skipped", Counts)
        .says("every campaign skips a term")
        .remarked("This is not wrong: any newer term will do.")
        .played("01_first_election"),
    Mutant::of("no-heartbeats", Test("time"))
        .says("a leader says once that it leads, and never again")
        .seen("https://github.com/Factual/skuld/pull/95")
        .played("08_old_leader_returns"),
    Mutant::of("timer-runs-on-after-vote", Test("time"))
        .says("a follower that has given its vote does not wait anew")
        .seen("https://github.com/jgroups-extras/jgroups-raft/issues/45")
        .played("01_first_election"),
    Mutant::of("timer-runs-on-after-heartbeat", Test("time"))
        .says("a follower that has heard its leader does not wait anew")
        .seen("https://github.com/redpanda-data/redpanda/pull/30817")
        .played("01_first_election"),
    Mutant::of("timer-stops-after-campaign", Test("time"))
        .says("the timer of a candidate is not set again, so that it never campaigns again")
        .seen("https://github.com/ktoso/akka-raft/issues/31")
        .played("01_first_election"),
    Mutant::of("timer-runs-on-after-step-down", Test("time"))
        .says("a leader that steps down waits no longer than for its next heartbeat")
        .played("02_asked_for_its_vote"),
    Mutant::of("timer-restarted-by-refused-request", Test("time"))
        .says("a follower waits anew when it has refused a candidate its vote")
        .seen("https://github.com/dotnet/dotNext/issues/89")
        .played("02_asked_for_its_vote"),
    Mutant::of("timer-restarted-by-stale-request", Test("time"))
        .says("a follower waits anew when it has refused a request of an older term")
        .seen("https://github.com/resetius/miniraft-cpp/issues/28")
        .played("02_asked_for_its_vote"),
    Mutant::of("timer-restarted-by-newer-term", Test("time"))
        .says("a server waits anew whenever it learns of a newer term")
        .seen("https://github.com/tikv/raft-rs/issues/14")
        .played("02_asked_for_its_vote"),
    Mutant::of("terms-wrap-around", Test("mutants"))
        .says("after the last term, which is the 2⁶⁴th, comes the first")
        .seen("https://github.com/hashicorp/raft/issues/586")
        .remarked("No model gets there: it takes 2⁶⁴ elections."),
];
