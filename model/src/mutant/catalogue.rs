//! The catalogue. First what breaks safety, then what keeps a leader from being elected or from
//! staying, then what only time shows.

use super::Catch::{Counts, Safety, Test};
use super::{Mutant, counting};
use crate::properties::Property::{
    ElectionSafety, LeaderHasQuorum, TermNeverDecreases, VoteOncePerTerm,
};
use crate::world::Handlers;

/// All mutants.
pub const MUTANTS: [Mutant; 54] = [
    Mutant::of("vote-given-twice", "a server grants its vote to whoever asks, however often in a term", Safety(VoteOncePerTerm))
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-not-recorded", "a server grants its vote, but does not note that it has", Safety(VoteOncePerTerm))
        .played("01_first_election"),
    Mutant::of("own-vote-not-recorded", "a candidate counts its own vote, but does not note that it has given it", Safety(VoteOncePerTerm))
        .seen("https://github.com/vesoft-inc/nebula/pull/3415")
        .played("01_first_election"),
    Mutant::of("vote-cleared-on-step-down", "a candidate that has lost forgets that it has voted for itself", Safety(VoteOncePerTerm))
        .seen("https://github.com/ktoso/akka-raft/issues/56")
        .played("09_candidate_hears_leader"),
    Mutant::of("vote-cleared-by-heartbeat", "a follower that hears its leader forgets whom it has voted for", Safety(VoteOncePerTerm))
        .seen("https://github.com/camunda/camunda/issues/5356")
        .played("01_first_election"),
    Mutant::of("leader-votes-in-its-term", "a leader steps down within its term, without its vote, and grants it to a rival", Safety(VoteOncePerTerm))
        .seen("https://github.com/hazelcast/hazelcast/pull/16643")
        .played("09_candidate_hears_leader"),
    Mutant::of("equal-term-resets", "a message of the server's own term makes it a follower that has not voted, as one of a newer term would", Safety(VoteOncePerTerm))
        .seen("https://github.com/microsoft/CCF/pull/8094")
        .played("01_first_election"),
    Mutant::of("campaign-in-current-term", "a follower campaigns in the term that it is in", Safety(VoteOncePerTerm))
        .seen("https://github.com/RedisLabs/raft/pull/11")
        .played("01_first_election"),
    Mutant::of("older-request-granted", "a vote is granted to a candidate of an older term", Safety(VoteOncePerTerm))
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-answered-in-older-term", "an answer carries the term in which the server was before the request", Safety(VoteOncePerTerm))
        .seen("https://github.com/nats-io/nats-server/pull/5021")
        .played("01_first_election"),
    Mutant::of("stale-vote-counted", "a candidate counts a vote that it got in an older term", Safety(LeaderHasQuorum))
        .seen("https://github.com/andreev-io/little-raft/issues/44")
        .played("05_timer_fires_during_election"),
    Mutant::counting("duplicate-vote-counted", "votes are a number, and one that arrives twice counts twice", Safety(LeaderHasQuorum), Handlers { step: counting::duplicate_counted, ..Handlers::RAFT })
        .seen("https://github.com/xnnyygn/xraft/issues/27")
        .played("07_duplicates_and_latecomers"),
    Mutant::of("refusal-counted", "whatever answers a request for the vote counts as one", Safety(LeaderHasQuorum))
        .seen("https://github.com/jgroups-extras/jgroups-raft/pull/65")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::counting("half-is-a-quorum", "half of a cluster of even size elects", Safety(LeaderHasQuorum), Handlers { step: counting::half_elects, ..Handlers::RAFT })
        .seen("https://github.com/apache/geode/pull/7126")
        .played("04_split_vote"),
    Mutant::of("quorum-of-one", "the quorum is a setting of its own, and its default is one", Safety(LeaderHasQuorum))
        .seen("https://github.com/tarantool/doc/issues/1541")
        .played("01_first_election"),
    Mutant::of("quorum-of-two", "two votes elect, however many servers there are", Safety(LeaderHasQuorum))
        .played("02_asked_for_its_vote"),
    Mutant::of("quorum-of-those-alive", "a quorum is one of the servers that answer, not of the cluster", Safety(LeaderHasQuorum))
        .seen("https://github.com/initia-labs/rapid-relayer/pull/38")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("no-step-down", "a server that sees a newer term adopts it, but stays what it was", Safety(LeaderHasQuorum))
        .seen("https://github.com/willemt/raft/issues/10")
        .played("02_asked_for_its_vote"),
    Mutant::of("heartbeat-of-deposed-leader", "a leader that learns of a newer term sends its next heartbeat in that", Safety(ElectionSafety))
        .seen("https://github.com/eliben/raft/issues/13")
        .played("08_old_leader_returns"),
    Mutant::of("term-set-back", "a server takes over the term of a message, also if it is older", Safety(VoteOncePerTerm))
        .seen("https://github.com/eliben/raft/issues/14")
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-forgotten-on-restart", "a server that restarts remembers its term, but not its vote", Safety(VoteOncePerTerm))
        .seen("https://github.com/robustmq/robustmq/pull/2039")
        .played("10_crash_after_voting"),
    Mutant::of("disk-forgotten-on-restart", "a server that restarts begins as if it had never run", Safety(TermNeverDecreases))
        .seen("https://github.com/bakwc/PySyncObj/pull/202")
        .played("10_crash_after_voting"),
    Mutant::of("leads-again-after-restart", "a server that restarts leads if its stored vote is for itself", Safety(LeaderHasQuorum))
        .played("10_crash_after_voting"),
    Mutant::of("vote-not-persisted", "the ballot is written when its term is new, but not when only its vote is", Safety(VoteOncePerTerm))
        .seen("https://github.com/tikv/tikv/issues/1610")
        .played("02_asked_for_its_vote"),
    Mutant::of("own-vote-not-persisted", "a candidate does not write its new term and its vote for itself", Safety(TermNeverDecreases))
        .played("01_first_election"),
    Mutant::of("term-not-persisted", "the ballot is written when a vote is given, but not when only its term is new", Safety(TermNeverDecreases))
        .seen("https://github.com/cockroachdb/cockroach/issues/1131")
        .played("02_asked_for_its_vote"),
    Mutant::of("persisted-after-sending", "the ballot is written after the message has left: a crash between the two loses it, so that this is the same as never to write it", Safety(TermNeverDecreases))
        .seen("https://github.com/NodeDB-Lab/nodedb/issues/161")
        .played("01_first_election"),
    Mutant::of("vote-refused-to-everybody", "a server never grants its vote", Counts)
        .played("01_first_election"),
    Mutant::of("vote-never-counted", "a candidate does not count the votes that it is granted", Counts)
        .played("01_first_election"),
    Mutant::of("vote-kept-in-newer-term", "a server that enters a newer term keeps the vote of the older one", Counts)
        .seen("https://github.com/butaneprotocol/oracles/pull/18")
        .played("02_asked_for_its_vote"),
    Mutant::of("vote-refused-when-asked-again", "a candidate that asks again is refused the vote that it has", Counts)
        .seen("https://github.com/ktoso/akka-raft/issues/29")
        .played("02_asked_for_its_vote"),
    Mutant::of("voter-never-campaigns", "a follower that has voted waits for its candidate for ever", Counts)
        .seen("https://github.com/atomix/copycat/pull/123")
        .played("02_asked_for_its_vote"),
    Mutant::of("candidate-waits-for-ever", "a candidate whose timer fires goes on waiting for votes", Counts)
        .seen("https://github.com/ktoso/akka-raft/issues/31")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("candidate-retries-in-its-term", "a candidate that was not elected asks again in the same term, in which all have voted", Counts)
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("candidate-never-steps-down", "a candidate takes no notice of the leader of its own term", Counts)
        .seen("https://github.com/adjoint-io/raft/pull/121")
        .played("09_candidate_hears_leader"),
    Mutant::of("candidate-gives-up-when-refused", "a candidate that is refused one vote does not wait for the others", Counts)
        .seen("https://github.com/PikaLabs/floyd/issues/38")
        .played("03_candidate_asked_for_its_vote"),
    Mutant::of("leader-gives-up-when-refusing", "a leader that refuses a candidate of its own term its vote becomes a follower", Counts)
        .seen("https://github.com/FJianC/raft_demo/issues/1")
        .played("09_candidate_hears_leader"),
    Mutant::of("leader-gives-up-when-answered", "a leader that hears the answer to its heartbeat becomes a follower", Counts)
        .played("01_first_election"),
    Mutant::of("leader-ignores-newer-term", "a leader takes no notice of newer terms", Counts)
        .played("02_asked_for_its_vote"),
    Mutant::of("newer-term-in-answer-ignored", "a newer term is adopted from requests only, not from answers", Counts)
        .seen("https://github.com/uwplse/verdi-raft/issues/29")
        .played("02_asked_for_its_vote"),
    Mutant::of("stale-request-dropped", "a request of an older term is dropped, so that its sender does not learn of the newer one", Counts)
        .seen("https://github.com/cockroachdb/cockroach/issues/1131")
        .played("02_asked_for_its_vote"),
    Mutant::of("stale-request-told-its-own-term", "a request of an older term is refused with that same term", Counts)
        .seen("https://github.com/ktoso/akka-raft/issues/35")
        .played("02_asked_for_its_vote"),
    Mutant::of("older-heartbeat-accepted", "a heartbeat of an older term counts as one of the current leader", Counts)
        .seen("https://github.com/butaneprotocol/oracles/pull/32")
        .played("08_old_leader_returns"),
    Mutant::of("no-first-heartbeat", "a leader says that it leads only when its timer first fires", Counts)
        .seen("https://github.com/willemt/raft/pull/48")
        .played("01_first_election"),
    Mutant::of("term-skipped", "every campaign skips a term", Counts)
        .played("01_first_election"),
    Mutant::of("no-heartbeats", "a leader says once that it leads, and never again", Test("time"))
        .seen("https://github.com/Factual/skuld/pull/95")
        .played("08_old_leader_returns"),
    Mutant::of("timer-runs-on-after-vote", "a follower that has given its vote does not wait anew", Test("time"))
        .seen("https://github.com/jgroups-extras/jgroups-raft/issues/45")
        .played("01_first_election"),
    Mutant::of("timer-runs-on-after-heartbeat", "a follower that has heard its leader does not wait anew", Test("time"))
        .seen("https://github.com/redpanda-data/redpanda/pull/30817")
        .played("01_first_election"),
    Mutant::of("timer-stops-after-campaign", "the timer of a candidate is not set again, so that it never campaigns again", Test("time"))
        .seen("https://github.com/ktoso/akka-raft/issues/31")
        .played("01_first_election"),
    Mutant::of("timer-runs-on-after-step-down", "a leader that steps down waits no longer than for its next heartbeat", Test("time"))
        .played("02_asked_for_its_vote"),
    Mutant::of("timer-restarted-by-refused-request", "a follower waits anew when it has refused a candidate its vote", Test("time"))
        .seen("https://github.com/dotnet/dotNext/issues/89")
        .played("02_asked_for_its_vote"),
    Mutant::of("timer-restarted-by-stale-request", "a follower waits anew when it has refused a request of an older term", Test("time"))
        .seen("https://github.com/resetius/miniraft-cpp/issues/28")
        .played("02_asked_for_its_vote"),
    Mutant::of("timer-restarted-by-newer-term", "a server waits anew whenever it learns of a newer term", Test("time"))
        .seen("https://github.com/tikv/raft-rs/issues/14")
        .played("02_asked_for_its_vote"),
    Mutant::of("terms-wrap-around", "after the last term, which is the 2⁶⁴th, comes the first", Test("mutants"))
        .seen("https://github.com/hashicorp/raft/issues/586"),
];
