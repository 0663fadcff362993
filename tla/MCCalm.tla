------------------------------- MODULE MCCalm -------------------------------
(***************************************************************************)
(* Liveness under an assumption: at some time the network calms down.      *)
(* Until then anything may happen; from then on                            *)
(*                                                                         *)
(* - nobody restarts;                                                      *)
(* - messages arrive before timers fire;                                   *)
(* - a leader's heartbeats hold the timers of the others back;             *)
(* - something happens as long as something can.                           *)
(*                                                                         *)
(* Terms are bounded: before it is calm, nobody starts an election in the  *)
(* last one.  So one is left.                                              *)
(***************************************************************************)
EXTENDS RaftElection

VARIABLE calm

MCInit == Init /\ calm = FALSE

Storm ==
    /\ ~calm
    /\ Next
    /\ \A i \in Server : currentTerm'[i] < MaxTerm
    /\ UNCHANGED calm

CalmDown ==
    /\ ~calm
    /\ calm' = TRUE
    /\ UNCHANGED vars

Receive(i) ==
    \/ ReceiveRequestVote(i)
    \/ ReceiveRequestVoteResponse(i)
    \/ BecomeLeader(i)
    \/ ReceiveAppendEntries(i)
    \/ ReceiveAppendEntriesResponse(i)
    \/ ReceiveNewerTerm(i)

\* A message that makes a difference has not arrived.
IsExpected == ENABLED <<\E i \in Server : Receive(i)>>_vars

\* Nobody is in a later term than this leader.
Leads(i) ==
    /\ IsLeader(i)
    /\ \A j \in Server : currentTerm[j] <= currentTerm[i]

Deliver ==
    /\ calm
    /\ \E i \in Server : Receive(i)
    /\ UNCHANGED calm

CalmTimeout ==
    /\ calm
    /\ ~IsExpected
    /\ \E i \in Server :
        /\ IsLeader(i) \/ ~\E j \in Server : Leads(j)
        /\ Timeout(i)
    /\ UNCHANGED calm

MCNext == Storm \/ CalmDown \/ Deliver \/ CalmTimeout

MCSpec == MCInit /\ [][MCNext]_<<vars, calm>> /\ WF_<<vars, calm>>(MCNext)

-----------------------------------------------------------------------------
\* Some leader is elected.
LeaderElected == <>(\E i \in Server : IsLeader(i))

\* From some time on somebody leads, and everybody else follows, in its term.
LeaderStable ==
    <>[](\E i \in Server :
            /\ IsLeader(i)
            /\ \A j \in Server \ {i} : /\ IsFollower(j)
                                       /\ currentTerm[j] = currentTerm[i])
=============================================================================
