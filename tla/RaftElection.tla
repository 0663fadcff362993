---------------------------- MODULE RaftElection ----------------------------
(***************************************************************************)
(* Raft leader election (Ongaro and Ousterhout, "In Search of an           *)
(* Understandable Consensus Algorithm", §5.1, §5.2 and Figure 2), without  *)
(* the log.                                                                *)
(*                                                                         *)
(* One step is one run of a server's handler: its timer fires, or it       *)
(* crashes and comes up again, or a message arrives; the server persists   *)
(* its ballot, changes and sends, all in that step.  A crash between two   *)
(* of these is nothing worse than a lost message.                          *)
(*                                                                         *)
(* The network is the set of all messages ever sent.  A message is never   *)
(* taken out, so that it may be delivered never (loss), again              *)
(* (duplication) or after younger ones (delay, reordering).                *)
(*                                                                         *)
(* A delivery after which nothing has changed is a stuttering step, which  *)
(* [][Next]_vars allows everywhere.                                        *)
(*                                                                         *)
(* The same protocol stands in model/src/protocol/election.rs, and what     *)
(* can be reached is the same: see README.md.                              *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Server,     \* The servers.
    Nil,        \* In place of a server: nobody.
    MaxTerm,    \* The last term in which an election may start.
    Replies     \* "all" replies are sent, or only the "useful" ones: see Reply.

ASSUME /\ IsFiniteSet(Server) /\ Server # {}
       /\ Nil \notin Server
       /\ MaxTerm \in Nat
       /\ Replies \in {"all", "useful"}

VARIABLES
    currentTerm,    \* The latest term that each server has seen.
    votedFor,       \* Who has each server's vote in its current term, or Nil.
    role,           \* What each server is at the moment.
    votes,          \* Who has granted each candidate its vote; nobody else has any.
    stored,         \* The ballot, term and vote, that each server has on its disk.
    sent            \* Every message ever sent.

ballotVars == <<currentTerm, votedFor, stored>>
roleVars   == <<role, votes>>
vars       == <<currentTerm, votedFor, role, votes, stored, sent>>

Term   == 0..MaxTerm
Role   == {"Follower", "Candidate", "Leader"}
Ballot == [currentTerm : Term, votedFor : Server \cup {Nil}]

\* More than half.  Any two quorums share a server.
IsQuorum(S) == 2 * Cardinality(S) > Cardinality(Server)

-----------------------------------------------------------------------------
(* Messages.  A request goes to every other server, and is one message      *)
(* without a receiver; a response goes to who sent the request.             *)

RequestVote(i, t) ==
    [type |-> "RequestVote", from |-> i, term |-> t]
RequestVoteResponse(i, j, t, granted) ==
    [type |-> "RequestVoteResponse", from |-> i, to |-> j, term |-> t, voteGranted |-> granted]
AppendEntries(i, t) ==
    [type |-> "AppendEntries", from |-> i, term |-> t]
AppendEntriesResponse(i, j, t) ==
    [type |-> "AppendEntriesResponse", from |-> i, to |-> j, term |-> t]

Message ==
         [type : {"RequestVote", "AppendEntries"}, from : Server, term : Term]
    \cup [type : {"RequestVoteResponse"}, from : Server, to : Server, term : Term,
          voteGranted : BOOLEAN]
    \cup [type : {"AppendEntriesResponse"}, from : Server, to : Server, term : Term]

\* What can arrive at i: requests of others, and responses to it.
Requests(type, i)  == {m \in sent : m.type = type /\ m.from # i}
Responses(type, i) == {m \in sent : m.type = type /\ m.to = i}

Send(m) == sent' = sent \cup {m}

\* The answer to request m.  A refusal or an acknowledgement of the request's
\* own term is not useful: who gets it has been in that term already, and does
\* nothing.  Leaving it out makes the state space smaller, and nothing else.
Reply(m, answer) ==
    LET isVote   == answer.type = "RequestVoteResponse" /\ answer.voteGranted
        isUseful == isVote \/ m.term < answer.term
    IN  IF Replies = "all" \/ isUseful THEN Send(answer) ELSE UNCHANGED sent

-----------------------------------------------------------------------------
(* What a handler does to its server.                                       *)

\* i takes term t and vote v, and has both on disk before it sends anything.
SetBallot(i, t, v) ==
    /\ currentTerm' = [currentTerm EXCEPT ![i] = t]
    /\ votedFor'    = [votedFor EXCEPT ![i] = v]
    /\ stored'      = [stored EXCEPT ![i] = [currentTerm |-> t, votedFor |-> v]]

SetRole(i, r, V) ==
    /\ role'  = [role EXCEPT ![i] = r]
    /\ votes' = [votes EXCEPT ![i] = V]

\* i leads term t, and says so at once: until its first heartbeat arrives, the
\* others do not know that they have a leader, and campaign.
Lead(i, t) ==
    /\ SetRole(i, "Leader", {})
    /\ Send(AppendEntries(i, t))

\* Term t is newer: whatever i was, it is a follower there.  It has not voted
\* there yet, and may give its vote v.
Follow(i, t, v) ==
    /\ SetBallot(i, t, v)
    /\ SetRole(i, "Follower", {})

-----------------------------------------------------------------------------
Init ==
    /\ currentTerm = [i \in Server |-> 0]
    /\ votedFor    = [i \in Server |-> Nil]
    /\ role        = [i \in Server |-> "Follower"]
    /\ votes       = [i \in Server |-> {}]
    /\ stored      = [i \in Server |-> [currentTerm |-> 0, votedFor |-> Nil]]
    /\ sent        = {}

-----------------------------------------------------------------------------
(* What happens to a server on its own.                                     *)

\* The timer of i fires.  A leader says again that it is alive.  Anybody else
\* starts an election in the next term, votes for itself and asks the others;
\* a server that is alone needs no other vote.
Timeout(i) ==
    IF role[i] = "Leader"
    THEN /\ Send(AppendEntries(i, currentTerm[i]))
         /\ UNCHANGED <<ballotVars, roleVars>>
    ELSE /\ currentTerm[i] < MaxTerm
         /\ LET t == currentTerm[i] + 1 IN
            /\ SetBallot(i, t, i)
            /\ IF IsQuorum({i})
               THEN Lead(i, t)
               ELSE /\ SetRole(i, "Candidate", {i})
                    /\ Send(RequestVote(i, t))

\* i crashes, and comes up again with what it has on disk.
Restart(i) ==
    /\ currentTerm' = [currentTerm EXCEPT ![i] = stored[i].currentTerm]
    /\ votedFor'    = [votedFor EXCEPT ![i] = stored[i].votedFor]
    /\ SetRole(i, "Follower", {})
    /\ UNCHANGED <<stored, sent>>

-----------------------------------------------------------------------------
(* What message m does to server i.                                         *)

\* A candidate asks for the vote of i.  First come, first served; and who has
\* the vote is told so as often as it asks, since the answer may be lost.
HandleRequestVote(i, m) ==
    LET answer(t, granted) == Reply(m, RequestVoteResponse(i, m.from, t, granted))
    IN
    \/ /\ m.term < currentTerm[i]       \* It is told the newer term.
       /\ answer(currentTerm[i], FALSE)
       /\ UNCHANGED <<ballotVars, roleVars>>
    \/ /\ m.term > currentTerm[i]
       /\ Follow(i, m.term, m.from)
       /\ answer(m.term, TRUE)
    \/ /\ m.term = currentTerm[i]
       /\ votedFor[i] \in {Nil, m.from}
       /\ SetBallot(i, m.term, m.from)
       /\ answer(m.term, TRUE)
       /\ UNCHANGED roleVars
    \/ /\ m.term = currentTerm[i]
       /\ votedFor[i] \notin {Nil, m.from}
       /\ answer(m.term, FALSE)
       /\ UNCHANGED <<ballotVars, roleVars>>

\* A vote counts for a candidate, in the term in which it stands.
Counts(i, m) ==
    /\ m.term = currentTerm[i]
    /\ role[i] = "Candidate"
    /\ m.voteGranted

\* A vote, or a refusal, that decides nothing.
HandleRequestVoteResponse(i, m) ==
    /\ m.term <= currentTerm[i]
    /\ IF Counts(i, m)
       THEN /\ ~IsQuorum(votes[i] \cup {m.from})
            /\ votes' = [votes EXCEPT ![i] = @ \cup {m.from}]
       ELSE UNCHANGED votes
    /\ UNCHANGED <<ballotVars, role, sent>>

\* The vote that completes a quorum.
HandleDecidingVote(i, m) ==
    /\ Counts(i, m)
    /\ IsQuorum(votes[i] \cup {m.from})
    /\ Lead(i, currentTerm[i])
    /\ UNCHANGED ballotVars

\* A heartbeat.  In its own term i takes it from a leader: a candidate has lost,
\* and follows.  It keeps its vote, or it could elect a second leader.
HandleAppendEntries(i, m) ==
    LET answer(t) == Reply(m, AppendEntriesResponse(i, m.from, t))
    IN
    \/ /\ m.term < currentTerm[i]       \* It is told the newer term.
       /\ answer(currentTerm[i])
       /\ UNCHANGED <<ballotVars, roleVars>>
    \/ /\ m.term > currentTerm[i]
       /\ Follow(i, m.term, Nil)
       /\ answer(m.term)
    \/ /\ m.term = currentTerm[i]
       /\ role[i] # "Leader"
       /\ SetRole(i, "Follower", {})
       /\ answer(m.term)
       /\ UNCHANGED ballotVars
    \/ /\ m.term = currentTerm[i]
       /\ role[i] = "Leader"            \* ElectionSafety excludes it.
       /\ UNCHANGED vars

\* The answer to a heartbeat changes nothing, unless its term is newer.
HandleAppendEntriesResponse(i, m) ==
    /\ m.term <= currentTerm[i]
    /\ UNCHANGED vars

\* A response of a newer term: i asked in an older one, and learns of it.
HandleNewerTerm(i, m) ==
    /\ m.term > currentTerm[i]
    /\ Follow(i, m.term, Nil)
    /\ UNCHANGED sent

-----------------------------------------------------------------------------
(* Deliveries.  (Next is flat, and the message is chosen inside of each      *)
(* action, so that TLC labels a step with these names.)                      *)

ReceiveRequestVote(i) ==
    \E m \in Requests("RequestVote", i) : HandleRequestVote(i, m)

ReceiveRequestVoteResponse(i) ==
    \E m \in Responses("RequestVoteResponse", i) : HandleRequestVoteResponse(i, m)

BecomeLeader(i) ==
    \E m \in Responses("RequestVoteResponse", i) : HandleDecidingVote(i, m)

ReceiveAppendEntries(i) ==
    \E m \in Requests("AppendEntries", i) : HandleAppendEntries(i, m)

ReceiveAppendEntriesResponse(i) ==
    \E m \in Responses("AppendEntriesResponse", i) : HandleAppendEntriesResponse(i, m)

ReceiveNewerTerm(i) ==
    \E m \in Responses("RequestVoteResponse", i) \cup Responses("AppendEntriesResponse", i) :
        HandleNewerTerm(i, m)

Next ==
    \/ \E i \in Server : Timeout(i)
    \/ \E i \in Server : Restart(i)
    \/ \E i \in Server : ReceiveRequestVote(i)
    \/ \E i \in Server : ReceiveRequestVoteResponse(i)
    \/ \E i \in Server : BecomeLeader(i)
    \/ \E i \in Server : ReceiveAppendEntries(i)
    \/ \E i \in Server : ReceiveAppendEntriesResponse(i)
    \/ \E i \in Server : ReceiveNewerTerm(i)

Spec == Init /\ [][Next]_vars

-----------------------------------------------------------------------------
(* What must never happen.                                                  *)

TypeOK ==
    /\ currentTerm \in [Server -> Term]
    /\ votedFor    \in [Server -> Server \cup {Nil}]
    /\ role        \in [Server -> Role]
    /\ votes       \in [Server -> SUBSET Server]
    /\ stored      \in [Server -> Ballot]
    /\ sent        \subseteq Message

\* c leads term t, or has sent a heartbeat of it: the first one left in the step
\* in which it was elected.
Led(c, t) ==
    \/ role[c] = "Leader" /\ currentTerm[c] = t
    \/ AppendEntries(c, t) \in sent

\* The vote of s in term t is known to be for c: s has granted it, or it is c, and
\* has asked for votes or led.
Vote(s, t, c) ==
    \/ RequestVoteResponse(s, c, t, TRUE) \in sent
    \/ s = c /\ (RequestVote(c, t) \in sent \/ Led(c, t))

\* The votes of a quorum in term t are known to be for c.
Elected(c, t) == IsQuorum({s \in Server : Vote(s, t, c)})

\* No two servers ever lead the same term, at the same time or at different
\* times.
ElectionSafety ==
    \A t \in Term : \A c, d \in Server : Led(c, t) /\ Led(d, t) => c = d

\* No server ever grants two candidates its vote in one term: in messages, on its
\* ballot, on its disk.  (A candidate votes for itself.)
VoteOncePerTerm ==
    LET HasVoted(s, t, c) ==
            \/ RequestVoteResponse(s, c, t, TRUE) \in sent
            \/ s = c /\ RequestVote(c, t) \in sent
            \/ currentTerm[s] = t /\ votedFor[s] = c
            \/ stored[s] = [currentTerm |-> t, votedFor |-> c]
    IN  \A t \in Term : \A s, c, d \in Server :
            HasVoted(s, t, c) /\ HasVoted(s, t, d) => c = d

\* Whoever leads or has led a term was granted it by a quorum.
LeaderHasQuorum ==
    \A t \in Term : \A c \in Server : Led(c, t) => Elected(c, t)

\* The durable term of a server only grows, and so does the term that it acts in.
TermNeverDecreases ==
    [][\A s \in Server : /\ currentTerm[s] <= currentTerm'[s]
                         /\ stored[s].currentTerm <= stored'[s].currentTerm]_vars

-----------------------------------------------------------------------------
(* Why it never happens: the invariant of the proof.  It is true at the      *)
(* beginning, no step makes it false, and the properties above follow from   *)
(* it.  (The proof has one conjunct more, VotedForUnique: that a ballot has  *)
(* one vote at most.  Here votedFor is a function.)                          *)

\* Of no server two votes are known in one term.
VoteOnce ==
    \A t \in Term : \A s, c, d \in Server : Vote(s, t, c) /\ Vote(s, t, d) => c = d

\* No vote of a server is known in a term that it has not reached.
VoteNotInFuture ==
    \A t \in Term : \A s, c \in Server : Vote(s, t, c) => t <= currentTerm[s]

\* A vote of a server that is known in its current term is on its ballot.
VoteRemembered ==
    \A s, c \in Server : Vote(s, currentTerm[s], c) => votedFor[s] = c

\* The ballot that a server acts on is the one on its disk.
OnDisk ==
    \A s \in Server : stored[s] = [currentTerm |-> currentTerm[s], votedFor |-> votedFor[s]]

\* Whoever stands for election, or leads, has its own vote.
VotedForItself ==
    \A c \in Server : role[c] \in {"Candidate", "Leader"} => votedFor[c] = c

\* A vote that a candidate has counted was given to it, in its current term.
GrantedIsVote ==
    \A c \in Server :
        role[c] = "Candidate" => \A s \in votes[c] : Vote(s, currentTerm[c], c)

\* A leader has the votes of a quorum in its current term.
LeaderWasElected ==
    \A c \in Server : role[c] = "Leader" => Elected(c, currentTerm[c])

\* Whoever has sent a heartbeat of a term has the votes of a quorum in it.
HeartbeatElected ==
    \A t \in Term : \A c \in Server : AppendEntries(c, t) \in sent => Elected(c, t)

Inv ==
    /\ VoteOnce
    /\ VoteNotInFuture
    /\ VoteRemembered
    /\ OnDisk
    /\ VotedForItself
    /\ GrantedIsVote
    /\ LeaderWasElected
    /\ HeartbeatElected
=============================================================================
