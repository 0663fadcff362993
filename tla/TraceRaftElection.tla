------------------------- MODULE TraceRaftElection -------------------------
(***************************************************************************)
(* Whether what real servers recorded is a behaviour of RaftElection.      *)
(*                                                                         *)
(* `raft-model replay --tla` writes a module that extends this one and     *)
(* defines TraceRecords, the recorded steps of all servers in an order in  *)
(* which nothing is received before it is sent (`raft-model explore` takes *)
(* a path away so), and                                                    *)
(*                                                                         *)
(*     TraceSpec == TraceInit /\ [][TraceNext(TraceRecords)]_traceVars     *)
(*                                                                         *)
(* There is one step for each record, and it has to be the one that is     *)
(* recorded.  A record that sends what was sent before may stutter, since  *)
(* `sent` is a set.                                                        *)
(***************************************************************************)
EXTENDS RaftElection, Sequences, TLC

VARIABLE next       \* The number of the record whose turn it is.

\* A record: where it stands, who did what and with how much patience, what the
\* server was before and after it (of a restart, what it found on its disk), whether
\* it had to persist its ballot, and the message that it received and sent, if any.
Record(at, i, action, patience, before, after, persists, received, sends) ==
    [at |-> at, server |-> i, action |-> action, patience |-> patience,
     before |-> before, after |-> after, persists |-> persists,
     received |-> received, sends |-> sends]

State(t, v, r) == [currentTerm |-> t, votedFor |-> v, role |-> r]
Disk(t, v)     == [currentTerm |-> t, votedFor |-> v]

StateBefore(i) == State(currentTerm[i], votedFor[i], role[i])
StateAfter(i)  == State(currentTerm'[i], votedFor'[i], role'[i])

-----------------------------------------------------------------------------
\* Server i does what is called so, on message m if it receives one.  (No bound of a
\* model is asked of it.)
Does(action, i, m, attempt, patience) ==
    CASE action = "Timeout" -> FireTimer(i, attempt, patience)
      [] action = "Restart" -> Restart(i)
      [] action = "LoseDisk" -> LoseDisk(i)
      [] action = "HearTerm" -> HearTerm(i)
      [] action = "HandOver" -> \E j \in Server \ {i} : GiveUp(i, j)
      [] action = "ReceiveRequestVote" -> HandleRequestVote(i, m)
      [] action = "ReceiveRequestVoteResponse" -> HandleRequestVoteResponse(i, m)
      [] action = "BecomeLeader" -> HandleDecidingVote(i, m)
      [] action = "ReceiveAppendEntries" -> HandleAppendEntries(i, m)
      [] action = "ReceiveAppendEntriesResponse" -> HandleAppendEntriesResponse(i, m)
      [] action = "ReceiveNewerTerm" -> HandleNewerTerm(i, m)
      [] action = "ReceivePreVote" -> HandlePreVote(i, m)
      [] action = "ReceivePreVoteResponse" -> HandlePreVoteResponse(i, m)
      [] action = "ReceiveHandOver" -> HandleHandOver(i, m)

\* What a server receives was sent to it, and is of the type that the action is about.
IsDelivery(action, i, m) ==
    m \in CASE action = "ReceiveRequestVote" -> Requests("RequestVote", i)
            [] action = "ReceiveAppendEntries" -> Requests("AppendEntries", i)
            [] action = "ReceivePreVote" -> Requests("PreVote", i)
            [] action \in {"ReceiveRequestVoteResponse", "BecomeLeader"} ->
                   Addressed("RequestVoteResponse", i)
            [] action = "ReceiveAppendEntriesResponse" -> Addressed("AppendEntriesResponse", i)
            [] action = "ReceivePreVoteResponse" -> Addressed("PreVoteResponse", i)
            [] action = "ReceiveHandOver" -> Addressed("HandOver", i)
            [] action = "ReceiveNewerTerm" -> News(i)

\* With which number a server asks whether it would be elected, if it does.
AttemptOf(record) ==
    LET asks == {m \in record.sends : m.type = "PreVote"}
    IN  IF asks = {} THEN Nil ELSE (CHOOSE m \in asks : TRUE).attempt

IsStepOf(record) ==
    LET i == record.server
        m == CHOOSE x \in record.received : TRUE
    IN  /\ \/ record.action = "LoseDisk"
           \/ record.before = IF record.action = "Restart" THEN stored[i] ELSE StateBefore(i)
        /\ record.received # {} => IsDelivery(record.action, i, m)
        /\ Does(record.action, i, m, AttemptOf(record), record.patience)
        /\ record.after = StateAfter(i)
        /\ record.persists <=> stored'[i] # stored[i]
        /\ sent' = sent \cup record.sends

-----------------------------------------------------------------------------
traceVars == <<vars, next>>

TraceInit == Init /\ next = 1

Follows(records) ==
    /\ next <= Len(records)
    /\ IsStepOf(records[next])
    /\ next' = next + 1

Rejected(records) ==
    /\ next <= Len(records)
    /\ ~ENABLED Follows(records)
    /\ Assert(FALSE, records[next].at \o ": this is no step of the specification")
    /\ UNCHANGED traceVars

Done(records) ==
    /\ next > Len(records)
    /\ UNCHANGED traceVars

\* (The records are a parameter, not a constant that is replaced: TLC would
\* evaluate that anew for every step.)
TraceNext(records) == Follows(records) \/ Rejected(records) \/ Done(records)
=============================================================================
