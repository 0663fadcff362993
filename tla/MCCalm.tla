------------------------------- MODULE MCCalm -------------------------------
(***************************************************************************)
(* Liveness under an assumption: at some time the network calms down.      *)
(* Until then anything may happen; from then on                            *)
(*                                                                         *)
(* - nobody restarts;                                                      *)
(* - messages arrive before timers fire;                                   *)
(* - a leader's heartbeats hold the timers of the others back;             *)
(* - behind guards, what a leader has said that has left office arrives no *)
(*   more: it would keep its receiver in contact for ever;                 *)
(* - something happens as long as something can.                           *)
(*                                                                         *)
(* Terms are bounded: before it is calm, nobody asks for anything in the   *)
(* last one.  So one is left.  And one attempt is left to ask in each.     *)
(***************************************************************************)
EXTENDS RaftElection

VARIABLE calm

MCInit == Init /\ calm = FALSE

Storm ==
    /\ ~calm
    /\ Next
    /\ \A m \in sent' : /\ m.term < MaxTerm
                        /\ m.type = "PreVote" => m.attempt < MaxAttempt
    /\ UNCHANGED calm

CalmDown ==
    /\ ~calm
    /\ calm' = TRUE
    /\ UNCHANGED vars

\* Heartbeat m would be taken by i for one of a leader, who leads no more.
IsRepeat(i, m) ==
    /\ PreVote \/ CheckQuorum
    /\ m.term >= currentTerm[i]
    /\ ~(IsLeader(m.from) /\ currentTerm[m.from] = m.term)

ReceiveHeartbeat(i) ==
    \E m \in Requests("AppendEntries", i) : ~IsRepeat(i, m) /\ HandleAppendEntries(i, m)

Receive(i) ==
    \/ ReceiveRequestVote(i)
    \/ ReceiveRequestVoteResponse(i)
    \/ BecomeLeader(i)
    \/ ReceiveHeartbeat(i)
    \/ ReceiveAppendEntriesResponse(i)
    \/ ReceiveNewerTerm(i)
    \/ ReceivePreVote(i)
    \/ ReceivePreVoteResponse(i)

\* A message that makes a difference has not arrived.
IsExpected == ENABLED <<\E i \in Server : Receive(i)>>_vars

\* Nobody is in a later term than this leader.
Leads(i) ==
    /\ IsLeader(i)
    /\ \A j \in Server : currentTerm[j] <= currentTerm[i]

\* This leader leaves office unless a quorum answers it.
AwaitsAnswers(i) == CheckQuorum /\ ~IsQuorum(role[i].answered)

Deliver ==
    /\ calm
    /\ \E i \in Server : Receive(i)
    /\ UNCHANGED calm

CalmTimeout ==
    /\ calm
    /\ LET isExpected == IsExpected
       IN  \E i \in Server :
               /\ IF IsLeader(i)
                  THEN isExpected => ~AwaitsAnswers(i)
                  ELSE ~isExpected /\ ~\E j \in Server : Leads(j)
               /\ Timeout(i)
    /\ UNCHANGED calm

MCNext == Storm \/ CalmDown \/ Deliver \/ CalmTimeout

MCSpec ==
    /\ MCInit
    /\ [][MCNext]_<<vars, calm>>
    /\ WF_<<vars, calm>>(MCNext)
    /\ WF_<<vars, calm>>(CalmDown)

-----------------------------------------------------------------------------
\* Once it is calm, somebody comes to lead.
LeaderElected == <>(calm /\ \E i \in Server : Leads(i))

\* From some time on somebody leads, and everybody else follows, in its term.
LeaderStable ==
    <>[](\E i \in Server :
            /\ IsLeader(i)
            /\ \A j \in Server \ {i} : /\ IsFollower(j)
                                       /\ currentTerm[j] = currentTerm[i])
=============================================================================
