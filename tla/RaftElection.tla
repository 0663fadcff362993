---------------------------- MODULE RaftElection ----------------------------
(***************************************************************************)
(* Raft leader election (Ongaro and Ousterhout, "In Search of an           *)
(* Understandable Consensus Algorithm", §5.1, §5.2 and Figure 2), without  *)
(* the log, behind none, one or both of two guards (Ongaro, "Consensus:    *)
(* Bridging Theory and Practice", §4.2.3, §6.2, §6.4 and §9.6).            *)
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
(* The guards keep a healthy leader in office.                             *)
(*                                                                         *)
(* - Pre-vote: a server asks whether it would be elected, before it        *)
(*   campaigns.  No ballot changes for it.                                 *)
(* - Check-quorum: whoever has heard the leader is in contact, and helps   *)
(*   nobody to office until that is over.  The heartbeats of a leader      *)
(*   carry a round, their answers return it; and a leader whose round no   *)
(*   quorum answers leaves office.                                         *)
(*                                                                         *)
(* A guard keeps a server from asking or from voting, and never lets it do *)
(* more.  A leader may also hand over: it gives up, and asks another       *)
(* server to campaign, to whom those in contact listen.                    *)
(*                                                                         *)
(* A server that loses its disk is silent until every other one has told   *)
(* it its current term, and comes back in the newest, whose vote is spent. *)
(* The question is no message here: it changes nothing at who answers, and *)
(* its answer is of a moment after the loss.                               *)
(*                                                                         *)
(* The same protocol stands in model/src/protocol: in election.rs, what    *)
(* concerns contact and pre-vote in guard.rs, rounds and hand-over in      *)
(* lease.rs, lost disks in loss.rs.  What can be reached is the same: see  *)
(* README.md.                                                              *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS
    Server,         \* The servers.
    Nil,            \* In place of a server: nobody.
    PreVote,        \* Whether there is this guard,
    CheckQuorum,    \* and this one.
    Witness,        \* Servers that vote and never campaign.
    LosesDisk,      \* Servers that may lose their disks, as often as they like.
    Patience        \* How many heartbeats a leader waits for its quorum.

CONSTANTS           \* What bounds the model.
    MaxTerm,        \* The last term in which an election may start.
    MaxRound,       \* The last round of a term, in which the leader's timer does not fire.
    MaxAttempt,     \* How often a server asks in one term whether it would be elected.
    MayHandOver,    \* Whether leaders are told to hand over.
    Replies         \* "all" replies are sent, or only the "useful" ones: see Reply.

ASSUME /\ IsFiniteSet(Server) /\ Server # {}
       /\ Nil \notin Server
       /\ Witness \subseteq Server /\ Witness # Server
       /\ LosesDisk \subseteq Server
       /\ {PreVote, CheckQuorum, MayHandOver} \subseteq BOOLEAN
       /\ {MaxTerm, MaxRound, MaxAttempt, Patience} \subseteq Nat
       /\ Replies \in {"all", "useful"}

VARIABLES
    currentTerm,    \* The latest term that each server has seen.
    votedFor,       \* Who has each server's vote in its current term, or Nil.
    role,           \* What each server is at the moment.
    stored,         \* The ballot, term and vote, that each server has on its disk.
    sent            \* Every message ever sent.

ballotVars == <<currentTerm, votedFor, stored>>
vars       == <<currentTerm, votedFor, role, stored, sent>>

Term   == 0..MaxTerm
Ballot == [currentTerm : Term, votedFor : Server \cup {Nil}]

\* More than half.  Any two quorums share a server.
IsQuorum(S) == 2 * Cardinality(S) > Cardinality(Server)

-----------------------------------------------------------------------------
(* Roles, each with only its own data.  A crash forgets it.                 *)

\* It is in contact or not; never without check-quorum.
Follower(contact) == [is |-> "Follower", contact |-> contact]

\* It asks whether it would be elected in the next term, for the time that is so
\* numbered.  These would vote for it.
PreCandidate(attempt, votes) == [is |-> "PreCandidate", attempt |-> attempt, votes |-> votes]

\* It stands for election in its current term.  These have granted it their votes.
Candidate(votes) == [is |-> "Candidate", votes |-> votes]

\* It was elected in its current term.  The round that is open, who has answered it,
\* and the heartbeats since it was opened.
Leader(round, answered, beats) ==
    [is |-> "Leader", round |-> round, answered |-> answered, beats |-> beats]

\* It has lost its disk, and is not back.  These have told it their terms, itself
\* included; the newest of these terms.
Returning(heard, newest) == [is |-> "Returning", heard |-> heard, newest |-> newest]

FirstRound == 1
NoRound    == 0     \* In place of a round: none.

\* A leader that has just opened this round, and answered it itself.  Without
\* check-quorum it counts no answers.
Opened(i, round) ==
    IF CheckQuorum THEN Leader(round, {i}, 0) ELSE Leader(FirstRound, {}, 0)

\* A follower that is in contact from now on, if there is contact.
InContactAnew == Follower(CheckQuorum)

Role ==
         [is : {"Follower"}, contact : IF CheckQuorum THEN BOOLEAN ELSE {FALSE}]
    \cup [is : {"PreCandidate"}, attempt : 1..MaxAttempt, votes : SUBSET Server]
    \cup [is : {"Candidate"}, votes : SUBSET Server]
    \cup [is : {"Leader"}, round : 1..MaxRound, answered : SUBSET Server, beats : 0..Patience]
    \cup [is : {"Returning"}, heard : SUBSET Server, newest : Term]

IsFollower(i)     == role[i].is = "Follower"
IsPreCandidate(i) == role[i].is = "PreCandidate"
IsCandidate(i)    == role[i].is = "Candidate"
IsLeader(i)       == role[i].is = "Leader"
IsReturning(i)    == role[i].is = "Returning"

\* i has promised to help nobody to office.  A leader has, as long as it leads.
IsInContact(i) ==
    \/ IsFollower(i) /\ role[i].contact
    \/ IsLeader(i) /\ CheckQuorum

-----------------------------------------------------------------------------
(* Messages.  A request goes to every other server, and is one message      *)
(* without a receiver; a response goes to who sent the request, and an      *)
(* order to one server.                                                     *)

\* Those in contact listen if a leader has handed over to i.
RequestVote(i, t, handOver) ==
    [type |-> "RequestVote", from |-> i, term |-> t, handOver |-> handOver]
RequestVoteResponse(i, j, t, granted) ==
    [type |-> "RequestVoteResponse", from |-> i, to |-> j, term |-> t, voteGranted |-> granted]

\* The round is the question that an answer answers.
AppendEntries(i, t, round) ==
    [type |-> "AppendEntries", from |-> i, term |-> t, round |-> round]
AppendEntriesResponse(i, j, t, round) ==
    [type |-> "AppendEntriesResponse", from |-> i, to |-> j, term |-> t, round |-> round]

\* Would it be elected in term t?  A yes returns that term, a no is of the term of
\* who says it.
PreVoteRequest(i, t, attempt) ==
    [type |-> "PreVote", from |-> i, term |-> t, attempt |-> attempt]
PreVoteResponse(i, j, t, granted, attempt) ==
    [type |-> "PreVoteResponse", from |-> i, to |-> j, term |-> t, voteGranted |-> granted,
     attempt |-> attempt]

\* i, which led term t, has given up, and asks j to take over.
HandOverOrder(i, j, t) ==
    [type |-> "HandOver", from |-> i, to |-> j, term |-> t]

Message ==
         [type : {"RequestVote"}, from : Server, term : Term, handOver : BOOLEAN]
    \cup [type : {"RequestVoteResponse"}, from : Server, to : Server, term : Term,
          voteGranted : BOOLEAN]
    \cup [type : {"AppendEntries"}, from : Server, term : Term, round : 1..MaxRound]
    \cup [type : {"AppendEntriesResponse"}, from : Server, to : Server, term : Term,
          round : 0..MaxRound]
    \cup [type : {"PreVote"}, from : Server, term : Term, attempt : 1..MaxAttempt]
    \cup [type : {"PreVoteResponse"}, from : Server, to : Server, term : Term,
          voteGranted : BOOLEAN, attempt : 1..MaxAttempt]
    \cup [type : {"HandOver"}, from : Server, to : Server, term : Term]

\* What can arrive at i: requests of others, and what is for i alone.  Of nothing
\* takes i notice while it is returning.
Requests(type, i)  == {m \in sent : m.type = type /\ m.from # i /\ ~IsReturning(i)}
Addressed(type, i) == {m \in sent : m.type = type /\ m.to = i /\ ~IsReturning(i)}

\* Responses that may tell i a newer term.  (A pre-vote that is granted tells none:
\* it returns the term that i asked about, in which nobody need be.)
News(i) ==
         Addressed("RequestVoteResponse", i)
    \cup Addressed("AppendEntriesResponse", i)
    \cup {m \in Addressed("PreVoteResponse", i) : ~m.voteGranted}

Send(m) == sent' = sent \cup {m}

\* The answer to request m.  A refusal or an acknowledgement of a term in which its
\* receiver has been already is not useful, unless it answers a round: who gets it
\* does nothing.  Leaving it out makes the state space smaller, and nothing else.
Reply(m, answer) ==
    LET isVote   == /\ answer.type \in {"RequestVoteResponse", "PreVoteResponse"}
                    /\ answer.voteGranted
        isRound  == answer.type = "AppendEntriesResponse" /\ answer.round # NoRound
        hasBeen  == IF m.type = "PreVote" THEN m.term - 1 ELSE m.term
        isUseful == isVote \/ isRound \/ hasBeen < answer.term
    IN  IF Replies = "all" \/ isUseful THEN Send(answer) ELSE UNCHANGED sent

-----------------------------------------------------------------------------
(* What a handler does to its server.                                       *)

\* i takes term t and vote v, and has both on disk before it sends anything.
SetBallot(i, t, v) ==
    /\ currentTerm' = [currentTerm EXCEPT ![i] = t]
    /\ votedFor'    = [votedFor EXCEPT ![i] = v]
    /\ stored'      = [stored EXCEPT ![i] = [currentTerm |-> t, votedFor |-> v]]

SetRole(i, r) == role' = [role EXCEPT ![i] = r]

\* i leads term t, and says so at once: until its first heartbeat arrives, the
\* others do not know that they have a leader, and campaign.
Lead(i, t) ==
    /\ SetRole(i, Opened(i, FirstRound))
    /\ Send(AppendEntries(i, t, FirstRound))

\* i starts an election in term t, votes for itself and asks the others.  A server
\* that is alone needs no other vote.
Campaign(i, t, handOver) ==
    /\ SetBallot(i, t, i)
    /\ IF IsQuorum({i})
       THEN Lead(i, t)
       ELSE /\ SetRole(i, Candidate({i}))
            /\ Send(RequestVote(i, t, handOver))

\* i asks whether it would be elected in the next term.
PreCampaign(i, attempt) ==
    IF IsQuorum({i})
    THEN Campaign(i, currentTerm[i] + 1, FALSE)
    ELSE /\ SetRole(i, PreCandidate(attempt, {i}))
         /\ Send(PreVoteRequest(i, currentTerm[i] + 1, attempt))
         /\ UNCHANGED ballotVars

\* Leader i says again that it is alive.  A round is repeated until a quorum has
\* answered it, then comes the next.  A leader that has no more patience leaves
\* office, and is silent.
Heartbeat(i, patience) ==
    LET t     == currentTerm[i]
        r     == role[i].round
        beats == role[i].beats + 1
    IN
    /\ IF ~CheckQuorum
       THEN Send(AppendEntries(i, t, r)) /\ UNCHANGED role
       ELSE IF IsQuorum(role[i].answered)
       THEN SetRole(i, Opened(i, r + 1)) /\ Send(AppendEntries(i, t, r + 1))
       ELSE IF beats = patience
       THEN SetRole(i, InContactAnew) /\ UNCHANGED sent
       ELSE SetRole(i, Leader(r, role[i].answered, beats)) /\ Send(AppendEntries(i, t, r))
    /\ UNCHANGED ballotVars

\* Term t is newer: whatever i was, it is a follower there.  It has not voted there
\* yet, and may give its vote v.  Only time ends contact; who leaves office has
\* answered its own rounds.
Follow(i, t, v) ==
    /\ SetBallot(i, t, v)
    /\ SetRole(i, Follower(IsInContact(i)))

-----------------------------------------------------------------------------
\* (A server that has just started may have promised contact before.)
Init ==
    /\ currentTerm = [i \in Server |-> 0]
    /\ votedFor    = [i \in Server |-> Nil]
    /\ role        = [i \in Server |-> InContactAnew]
    /\ stored      = [i \in Server |-> [currentTerm |-> 0, votedFor |-> Nil]]
    /\ sent        = {}

-----------------------------------------------------------------------------
(* What happens to a server on its own.                                     *)

\* The one timer that i has running fires: that of contact, which then is over; or
\* that of heartbeats; or that of elections.
FireTimer(i, attempt, patience) ==
    IF IsLeader(i)
    THEN Heartbeat(i, patience)
    ELSE IF IsInContact(i)
    THEN SetRole(i, Follower(FALSE)) /\ UNCHANGED <<ballotVars, sent>>
    ELSE IF i \in Witness
    THEN UNCHANGED vars
    ELSE IF PreVote
    THEN PreCampaign(i, attempt)
    ELSE Campaign(i, currentTerm[i] + 1, FALSE)

\* A number with which i has not asked in its term.
NextAttempt(i) ==
    LET asked == {m \in sent : /\ m.type = "PreVote"
                               /\ m.from = i
                               /\ m.term = currentTerm[i] + 1}
    IN  Cardinality(asked) + 1

\* It fires, within bounds.
Timeout(i) ==
    /\ ~IsReturning(i)
    /\ IF IsLeader(i)
       THEN CheckQuorum => role[i].round < MaxRound
       ELSE IsInContact(i) \/ /\ currentTerm[i] < MaxTerm
                              /\ PreVote => NextAttempt(i) <= MaxAttempt
    /\ FireTimer(i, NextAttempt(i), Patience)

\* i crashes, and comes up again with what it has on disk.  It may have promised
\* contact.
Restart(i) ==
    /\ ~IsReturning(i)
    /\ currentTerm' = [currentTerm EXCEPT ![i] = stored[i].currentTerm]
    /\ votedFor'    = [votedFor EXCEPT ![i] = stored[i].votedFor]
    /\ SetRole(i, InContactAnew)
    /\ UNCHANGED <<stored, sent>>

\* i crashes, and comes up again without its disk: there may have been a ballot.
LoseDisk(i) ==
    /\ SetBallot(i, 0, Nil)
    /\ SetRole(i, Returning({i}, 0))
    /\ UNCHANGED sent

\* i, which has lost its disk, hears what the term of j is.  When it has heard all,
\* it is back in the newest term: with a vote for itself there it votes for nobody
\* else, and it campaigns in later terms only.
HearTermOf(i, j) ==
    LET heard  == role[i].heard \cup {j}
        newest == IF currentTerm[j] > role[i].newest THEN currentTerm[j] ELSE role[i].newest
    IN
    /\ ~IsReturning(j)
    /\ IF heard = Server
       THEN SetBallot(i, newest, i) /\ SetRole(i, InContactAnew)
       ELSE SetRole(i, Returning(heard, newest)) /\ UNCHANGED ballotVars
    /\ UNCHANGED sent

HearTerm(i) ==
    /\ IsReturning(i)
    /\ \E j \in Server \ {i} : HearTermOf(i, j)

\* i gives up for good, then asks j to take over, who is no witness.  It can be elected
\* again only in a later term.
GiveUp(i, j) ==
    /\ IsLeader(i)
    /\ j \notin Witness
    /\ SetRole(i, InContactAnew)
    /\ Send(HandOverOrder(i, j, currentTerm[i]))
    /\ UNCHANGED ballotVars

\* It does, within bounds.
HandOver(i) ==
    /\ MayHandOver
    /\ currentTerm[i] < MaxTerm
    /\ \E j \in Server \ {i} : GiveUp(i, j)

-----------------------------------------------------------------------------
(* What message m does to server i.                                         *)

\* A candidate asks for the vote of i.  First come, first served; and who has
\* the vote is told so as often as it asks, since the answer may be lost.
HandleRequestVote(i, m) ==
    LET answer(t, granted) == Reply(m, RequestVoteResponse(i, m.from, t, granted))
        isKept             == IsInContact(i) /\ ~m.handOver
    IN
    \/ /\ isKept                        \* A promise, whatever the term.
       /\ answer(currentTerm[i], FALSE)
       /\ UNCHANGED <<ballotVars, role>>
    \/ /\ ~isKept
       /\ m.term < currentTerm[i]       \* It is told the newer term.
       /\ answer(currentTerm[i], FALSE)
       /\ UNCHANGED <<ballotVars, role>>
    \/ /\ ~isKept
       /\ m.term > currentTerm[i]
       /\ Follow(i, m.term, m.from)
       /\ answer(m.term, TRUE)
    \/ /\ ~isKept
       /\ m.term = currentTerm[i]
       /\ votedFor[i] \in {Nil, m.from}
       /\ SetBallot(i, m.term, m.from)
       /\ IF IsPreCandidate(i) /\ votedFor[i] = Nil
          THEN SetRole(i, Follower(FALSE))  \* It has found somebody to vote for.
          ELSE UNCHANGED role
       /\ answer(m.term, TRUE)
    \/ /\ ~isKept
       /\ m.term = currentTerm[i]
       /\ votedFor[i] \notin {Nil, m.from}
       /\ answer(m.term, FALSE)
       /\ UNCHANGED <<ballotVars, role>>

\* A vote counts for a candidate, in the term in which it stands.
Counts(i, m) ==
    /\ m.term = currentTerm[i]
    /\ IsCandidate(i)
    /\ m.voteGranted

\* A vote, or a refusal, that decides nothing.
HandleRequestVoteResponse(i, m) ==
    /\ m.term <= currentTerm[i]
    /\ IF Counts(i, m)
       THEN /\ ~IsQuorum(role[i].votes \cup {m.from})
            /\ SetRole(i, Candidate(role[i].votes \cup {m.from}))
       ELSE UNCHANGED role
    /\ UNCHANGED <<ballotVars, sent>>

\* The vote that completes a quorum.
HandleDecidingVote(i, m) ==
    /\ Counts(i, m)
    /\ IsQuorum(role[i].votes \cup {m.from})
    /\ Lead(i, currentTerm[i])
    /\ UNCHANGED ballotVars

\* A heartbeat.  In its own term i takes it from a leader: a candidate has lost,
\* and follows.  It keeps its vote, or it could elect a second leader.  Whoever
\* accepts one is in contact anew.  A refusal answers no round: it is of a term
\* that its receiver may yet lead, and there it would count.
HandleAppendEntries(i, m) ==
    LET answer(t, round) == Reply(m, AppendEntriesResponse(i, m.from, t, round))
        itsRound         == IF CheckQuorum THEN m.round ELSE NoRound
    IN
    \/ /\ m.term < currentTerm[i]       \* It is told the newer term.
       /\ answer(currentTerm[i], NoRound)
       /\ UNCHANGED <<ballotVars, role>>
    \/ /\ m.term > currentTerm[i]
       /\ SetBallot(i, m.term, Nil)
       /\ SetRole(i, InContactAnew)
       /\ answer(m.term, itsRound)
    \/ /\ m.term = currentTerm[i]
       /\ ~IsLeader(i)
       /\ SetRole(i, InContactAnew)
       /\ answer(m.term, itsRound)
       /\ UNCHANGED ballotVars
    \/ /\ m.term = currentTerm[i]
       /\ IsLeader(i)                   \* ElectionSafety excludes it.
       /\ UNCHANGED vars

\* The answer to a heartbeat counts for a leader, in its term, for the round that is
\* open: one to an older round promises less.
HandleAppendEntriesResponse(i, m) ==
    /\ m.term <= currentTerm[i]
    /\ IF m.term = currentTerm[i] /\ IsLeader(i) /\ m.round = role[i].round
       THEN SetRole(i, [role[i] EXCEPT !.answered = @ \cup {m.from}])
       ELSE UNCHANGED role
    /\ UNCHANGED <<ballotVars, sent>>

\* A response of a newer term: i asked in an older one, and learns of it.
HandleNewerTerm(i, m) ==
    /\ m.term > currentTerm[i]
    /\ Follow(i, m.term, Nil)
    /\ UNCHANGED sent

\* Somebody asks whether it would be elected.  A yes is said if a vote would be
\* given at this moment; nothing changes.
HandlePreVote(i, m) ==
    LET answer(t, granted) == Reply(m, PreVoteResponse(i, m.from, t, granted, m.attempt))
        isGranted ==
            /\ ~IsInContact(i)
            /\ \/ m.term > currentTerm[i]
               \/ m.term = currentTerm[i] /\ votedFor[i] \in {Nil, m.from}
    IN
    /\ IF isGranted THEN answer(m.term, TRUE) ELSE answer(currentTerm[i], FALSE)
    /\ UNCHANGED <<ballotVars, role>>

\* A yes counts for the attempt that it answers, in the term after which i has
\* asked.  A quorum starts the election.
HandlePreVoteResponse(i, m) ==
    /\ m.voteGranted \/ m.term <= currentTerm[i]
    /\ IF /\ m.voteGranted
          /\ IsPreCandidate(i)
          /\ m.attempt = role[i].attempt
          /\ m.term = currentTerm[i] + 1
       THEN LET votes == role[i].votes \cup {m.from} IN
            IF IsQuorum(votes)
            THEN Campaign(i, m.term, FALSE)
            ELSE /\ SetRole(i, PreCandidate(m.attempt, votes))
                 /\ UNCHANGED <<ballotVars, sent>>
       ELSE UNCHANGED vars

\* The leader of this term has given up, and i takes over: it campaigns at once, in
\* contact or not.  (Nobody asks a witness.)
HandleHandOver(i, m) ==
    IF m.term < currentTerm[i] \/ (m.term = currentTerm[i] /\ IsLeader(i))
    THEN UNCHANGED vars
    ELSE Campaign(i, m.term + 1, TRUE)

-----------------------------------------------------------------------------
(* Deliveries.  (Next is flat, and the message is chosen inside of each      *)
(* action, so that TLC labels a step with these names.)                      *)

ReceiveRequestVote(i) ==
    \E m \in Requests("RequestVote", i) : HandleRequestVote(i, m)

ReceiveRequestVoteResponse(i) ==
    \E m \in Addressed("RequestVoteResponse", i) : HandleRequestVoteResponse(i, m)

BecomeLeader(i) ==
    \E m \in Addressed("RequestVoteResponse", i) : HandleDecidingVote(i, m)

ReceiveAppendEntries(i) ==
    \E m \in Requests("AppendEntries", i) : HandleAppendEntries(i, m)

ReceiveAppendEntriesResponse(i) ==
    \E m \in Addressed("AppendEntriesResponse", i) : HandleAppendEntriesResponse(i, m)

ReceiveNewerTerm(i) ==
    \E m \in News(i) : HandleNewerTerm(i, m)

ReceivePreVote(i) ==
    \E m \in Requests("PreVote", i) : HandlePreVote(i, m)

ReceivePreVoteResponse(i) ==
    \E m \in Addressed("PreVoteResponse", i) : HandlePreVoteResponse(i, m)

ReceiveHandOver(i) ==
    \E m \in Addressed("HandOver", i) : HandleHandOver(i, m)

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
(* What must never happen.                                                  *)

TypeOK ==
    /\ currentTerm \in [Server -> Term]
    /\ votedFor    \in [Server -> Server \cup {Nil}]
    /\ role        \in [Server -> Role]
    /\ stored      \in [Server -> Ballot]
    /\ sent        \subseteq Message

\* c leads term t, or has sent a heartbeat of it: the first one left in the step
\* in which it was elected.
Led(c, t) ==
    \/ IsLeader(c) /\ currentTerm[c] = t
    \/ AppendEntries(c, t, FirstRound) \in sent

\* c has asked for votes in term t.
HasAsked(c, t) == \E handOver \in BOOLEAN : RequestVote(c, t, handOver) \in sent

\* s has granted c its vote in term t.
Granted(s, t, c) == RequestVoteResponse(s, c, t, TRUE) \in sent

\* The vote of s in term t is known to be for c: s has granted it, or it is c, and
\* has led, or asked for votes.  (Of who loses its disk nothing is concluded from
\* that it has asked: it may have done so in vain, in a term that it does not know.)
Vote(s, t, c) ==
    \/ Granted(s, t, c)
    \/ s = c /\ (Led(c, t) \/ (HasAsked(c, t) /\ c \notin LosesDisk))

\* The votes of a quorum in term t are known to be for c; its own need not be.
Elected(c, t) == IsQuorum({s \in Server : s = c \/ Vote(s, t, c)})

\* No two servers ever lead the same term, at the same time or at different
\* times.
ElectionSafety ==
    \A t \in Term : \A c, d \in Server : Led(c, t) /\ Led(d, t) => c = d

\* No server that keeps its disk ever grants two candidates its vote in one term: in
\* messages, on its ballot, on its disk.  (A candidate votes for itself.)
VoteOncePerTerm ==
    LET HasVoted(s, t, c) ==
            \/ RequestVoteResponse(s, c, t, TRUE) \in sent
            \/ s = c /\ HasAsked(c, t)
            \/ currentTerm[s] = t /\ votedFor[s] = c
            \/ stored[s] = [currentTerm |-> t, votedFor |-> c]
    IN  \A t \in Term : \A s \in Server \ LosesDisk : \A c, d \in Server :
            HasVoted(s, t, c) /\ HasVoted(s, t, d) => c = d

\* No server ever grants two others its vote in one term, whatever it has forgotten.
GrantOncePerTerm ==
    \A t \in Term : \A s, c, d \in Server : Granted(s, t, c) /\ Granted(s, t, d) => c = d

\* Whoever leads or has led a term was granted it by a quorum.
LeaderHasQuorum ==
    \A t \in Term : \A c \in Server : Led(c, t) => Elected(c, t)

\* The durable term of a server only grows, and so does the term that it acts in;
\* after a lost disk it acts in none.
TermNeverDecreases ==
    [][\A s \in Server : \/ IsReturning(s)'
                         \/ /\ currentTerm[s] <= currentTerm'[s]
                            /\ stored[s].currentTerm <= stored'[s].currentTerm]_vars

-----------------------------------------------------------------------------
(* Why it never happens: the invariant of the proof.  It is true at the      *)
(* beginning, no step makes it false, and the properties above follow from   *)
(* it, if no two servers lose their disks, and whoever does is not alone.    *)
(* (The proof has one conjunct more, VotedForUnique: that a ballot has one   *)
(* vote at most.  Here votedFor is a function.)                              *)

\* Of no server two votes are known in one term.
VoteOnce ==
    \A t \in Term : \A s, c, d \in Server : Vote(s, t, c) /\ Vote(s, t, d) => c = d

\* No vote of a server is known in a term that it has not reached, unless it has lost
\* its disk and is not back.
VoteNotInFuture ==
    \A t \in Term : \A s, c \in Server :
        Vote(s, t, c) /\ ~IsReturning(s) => t <= currentTerm[s]

\* A vote of a server that is known in its current term is on its ballot; or there is
\* its own, which it gives after a lost disk.
VoteRemembered ==
    \A s, c \in Server :
        Vote(s, currentTerm[s], c) /\ ~IsReturning(s) =>
            votedFor[s] = c \/ (s \in LosesDisk /\ votedFor[s] = s)

\* The ballot that a server acts on is the one on its disk.
OnDisk ==
    \A s \in Server : stored[s] = [currentTerm |-> currentTerm[s], votedFor |-> votedFor[s]]

\* Whoever stands for election, or leads, has its own vote.
VotedForItself ==
    \A c \in Server : IsCandidate(c) \/ IsLeader(c) => votedFor[c] = c

\* A vote that a candidate has counted was given to it, in its current term.
GrantedIsVote ==
    \A c \in Server :
        IsCandidate(c) => \A s \in role[c].votes :
                              Vote(s, currentTerm[c], c) \/ (s = c /\ c \in LosesDisk)

\* A leader has the votes of a quorum in its current term.
LeaderWasElected ==
    \A c \in Server : IsLeader(c) => Elected(c, currentTerm[c])

\* Whoever has sent a heartbeat of a term has the votes of a quorum in it.
HeartbeatElected ==
    \A m \in sent : m.type = "AppendEntries" => Elected(m.from, m.term)

\* Of whoever stands for election, or leads, no vote for another is known in its
\* current term.
NoRivalsVote ==
    \A c, d \in Server :
        (IsCandidate(c) \/ IsLeader(c)) /\ Vote(c, currentTerm[c], d) => c = d

\* Whoever has lost its disk, and is not back, has no ballot, and has heard itself.
ReturningIsBlank ==
    \A s \in Server :
        IsReturning(s) => /\ s \in LosesDisk
                          /\ currentTerm[s] = 0 /\ votedFor[s] = Nil
                          /\ s \in role[s].heard

\* For whom a server has voted that loses its disk, another one, has reached that term.
GrantReached ==
    \A t \in Term : \A s \in LosesDisk : \A c \in Server :
        Granted(s, t, c) => c # s /\ t <= currentTerm[c]

\* Once it has heard, after its disk was lost, from whom it had voted for, it has
\* heard of that term.
GrantHeard ==
    \A t \in Term : \A s, c \in Server :
        IsReturning(s) /\ Granted(s, t, c) =>
            (c \in role[s].heard => t <= role[s].newest)

\* What it has led before its disk was lost, it has heard of, or there is somebody to
\* hear it from.
LedHeard ==
    \A t \in Term : \A s \in Server :
        IsReturning(s) /\ Led(s, t) =>
            \/ t <= role[s].newest
            \/ \E c \in Server \ role[s].heard : t <= currentTerm[c]

Inv ==
    /\ VoteOnce
    /\ VoteNotInFuture
    /\ VoteRemembered
    /\ OnDisk
    /\ VotedForItself
    /\ GrantedIsVote
    /\ LeaderWasElected
    /\ HeartbeatElected
    /\ NoRivalsVote
    /\ ReturningIsBlank
    /\ GrantReached
    /\ GrantHeard
    /\ LedHeard
=============================================================================
