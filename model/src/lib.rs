//! Raft leader election: one specification, and the readers that check it.

pub mod election;
pub mod message;
pub mod types;

#[cfg(feature = "check")]
pub mod action;
#[cfg(feature = "check")]
pub mod actor;
#[cfg(feature = "check")]
pub mod bounds;
#[cfg(feature = "check")]
pub mod mutant;
#[cfg(feature = "check")]
pub mod properties;
#[cfg(feature = "check")]
pub mod search;
#[cfg(feature = "check")]
pub mod story;
#[cfg(feature = "check")]
pub mod world;
