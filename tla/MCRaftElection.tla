--------------------------- MODULE MCRaftElection ---------------------------
(***************************************************************************)
(* What the model checker needs, and the protocol does not.                *)
(***************************************************************************)
EXTENDS RaftElection, TLC

\* No server is special: worlds that differ in their names only are one.
Symmetry == Permutations(Server)

-----------------------------------------------------------------------------
(* Liveness, if all that is known is that something happens as long as      *)
(* something can.  Since terms are bounded, everything has an end.          *)

FairSpec == Init /\ [][Next]_vars /\ WF_vars(Next)

HasLeader  == \E i \in Server : IsLeader(i)
TermsSpent == \A i \in Server : currentTerm[i] = MaxTerm

\* Some leader is elected.  It is violated: votes can be split in every term.
LeaderElected == <>HasLeader

\* It holds: nothing but the bound ends the elections.
LeaderElectedOrTermsSpent == <>(HasLeader \/ TermsSpent)
=============================================================================
