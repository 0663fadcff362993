//! The specification: everything that is compiled twice, once for what runs and once on symbols,
//! for the proof. What stands here imports nothing but its neighbours, by `super::`.

pub mod election;
mod handlers;
pub mod message;
mod rule;

use super::{cluster, types};
