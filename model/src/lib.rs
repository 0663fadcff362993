//! Raft leader election: one specification, and the readers that check it.

pub mod election;
pub mod message;
pub mod types;
