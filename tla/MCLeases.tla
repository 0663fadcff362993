------------------------------ MODULE MCLeases ------------------------------
(***************************************************************************)
(* Leases without clocks, beside the election.  What their safety needs to *)
(* know of time is an order of events.                                     *)
(*                                                                         *)
(* A contact lasts one minimum election timeout by the clock of the server *)
(* that keeps it.  A lease lasts a little less, by the clock of the        *)
(* leader, from the opening of its round.  So when a contact ends, every   *)
(* round that was opened before it began gives no lease any more.  Nothing *)
(* else ends a lease here: one that was handed out stays valid whatever    *)
(* becomes of the leader, unless it hands over, for which it waits until   *)
(* nobody acts on its lease.                                               *)
(*                                                                         *)
(* The same stands in model/src/world/order.rs, and what a step means for  *)
(* leases in model/src/protocol/effect.rs.                                 *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS Server, Nil, PreVote, CheckQuorum, Witness, LosesDisk, Patience,
          MaxTerm, MaxRound, MaxAttempt, MayHandOver, Replies

VARIABLES currentTerm, votedFor, role, stored, sent

VARIABLES
    open,       \* Whose contact has begun since each server opened its round, or Nil.
    valid       \* The same of the round that gave each server's lease, or Nil.

Election == INSTANCE RaftElection

vars == <<currentTerm, votedFor, role, stored, sent, open, valid>>

Follows(i)   == role[i].is = "Follower" /\ role[i].contact
Leads(i)     == role[i].is = "Leader"

\* A step of i, in which its contact is over, or begins anew; its open round is
\* answered; or it gives up what it has handed out.
Step(i, isOver, isAnew, isAnswered, givesUp) ==
    LET follows == role'[i].is = "Follower" /\ role'[i].contact
        leads   == role'[i].is = "Leader"
        since(set) ==
            IF set = Nil \/ (isOver /\ i \in set)
            THEN Nil
            ELSE IF ~follows
            THEN set \ {i}
            ELSE IF isAnew \/ ~Follows(i) THEN set \cup {i} ELSE set
        opens    == leads /\ (~Leads(i) \/ role'[i].round # role[i].round)
        itsOpen  == IF opens THEN {} ELSE IF leads THEN since(open[i]) ELSE Nil
        confirms == leads /\ (opens \/ isAnswered) /\ Election!IsQuorum(role'[i].answered)
        itsValid == IF confirms THEN itsOpen ELSE IF givesUp THEN Nil ELSE since(valid[i])
    IN
    /\ open'  = [j \in Server |-> IF j = i THEN itsOpen ELSE since(open[j])]
    /\ valid' = [j \in Server |-> IF j = i THEN itsValid ELSE since(valid[j])]

\* One that means nothing but what it does to the role of i.
Plain(i) == Step(i, FALSE, FALSE, FALSE, FALSE)

-----------------------------------------------------------------------------
Init ==
    /\ Election!Init
    /\ open  = [i \in Server |-> Nil]
    /\ valid = [i \in Server |-> Nil]

\* The timer of a server in contact is that of contact.
Timeout(i)  == Election!Timeout(i) /\ Step(i, Follows(i), FALSE, FALSE, FALSE)
Restart(i)  == Election!Restart(i) /\ Step(i, FALSE, TRUE, FALSE, FALSE)
LoseDisk(i) == Election!LoseDisk(i) /\ Plain(i)
HearTerm(i) == Election!HearTerm(i) /\ Plain(i)
HandOver(i) == Election!HandOver(i) /\ Step(i, FALSE, FALSE, FALSE, TRUE)

\* A vote that is given in contact promises it anew.
ReceiveRequestVote(i) ==
    \E m \in Election!Requests("RequestVote", i) :
        /\ Election!HandleRequestVote(i, m)
        /\ LET isGranted == /\ m.handOver
                            /\ currentTerm'[i] = m.term
                            /\ votedFor'[i] = m.from
           IN  Step(i, FALSE, isGranted, FALSE, FALSE)

ReceiveAppendEntries(i) ==
    \E m \in Election!Requests("AppendEntries", i) :
        /\ Election!HandleAppendEntries(i, m)
        /\ Step(i, FALSE, m.term >= currentTerm[i], FALSE, FALSE)

ReceiveAppendEntriesResponse(i) ==
    \E m \in Election!Addressed("AppendEntriesResponse", i) :
        /\ Election!HandleAppendEntriesResponse(i, m)
        /\ LET isAnswer == /\ Leads(i)
                           /\ m.term = currentTerm[i]
                           /\ m.round = role[i].round
           IN  Step(i, FALSE, FALSE, isAnswer, FALSE)

ReceiveRequestVoteResponse(i) == Election!ReceiveRequestVoteResponse(i) /\ Plain(i)
BecomeLeader(i)               == Election!BecomeLeader(i) /\ Plain(i)
ReceiveNewerTerm(i)           == Election!ReceiveNewerTerm(i) /\ Plain(i)
ReceivePreVote(i)             == Election!ReceivePreVote(i) /\ Plain(i)
ReceivePreVoteResponse(i)     == Election!ReceivePreVoteResponse(i) /\ Plain(i)
ReceiveHandOver(i)            == Election!ReceiveHandOver(i) /\ Plain(i)

Next ==
    \/ \E i \in Server : Timeout(i)
    \/ \E i \in Server : Restart(i)
    \/ \E i \in LosesDisk : LoseDisk(i)
    \/ \E i \in Server : HearTerm(i)
    \/ \E i \in Server : HandOver(i)
    \/ \E i \in Server : ReceiveRequestVote(i)
    \/ \E i \in Server : ReceiveRequestVoteResponse(i)
    \/ \E i \in Server : BecomeLeader(i)
    \/ \E i \in Server : ReceiveAppendEntries(i)
    \/ \E i \in Server : ReceiveAppendEntriesResponse(i)
    \/ \E i \in Server : ReceiveNewerTerm(i)
    \/ \E i \in Server : ReceivePreVote(i)
    \/ \E i \in Server : ReceivePreVoteResponse(i)
    \/ \E i \in Server : ReceiveHandOver(i)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
TypeOK ==
    /\ Election!TypeOK
    /\ open  \in [Server -> SUBSET Server \cup {Nil}]
    /\ valid \in [Server -> SUBSET Server \cup {Nil}]

ElectionSafety  == Election!ElectionSafety
VoteOncePerTerm == Election!VoteOncePerTerm
LeaderHasQuorum == Election!LeaderHasQuorum

\* No two servers have a valid lease at the same time, be they still in office or not.
LeaseSafety == \A i, j \in Server : valid[i] # Nil /\ valid[j] # Nil => i = j
=============================================================================
