//! The specification: everything that is compiled twice, once for what runs and once on symbols,
//! for the proof. What stands here imports nothing but its neighbours, by `super::`.

mod effect;
pub mod election;
mod guard;
mod handlers;
mod lease;
mod loss;
pub mod message;
mod rule;
mod step;

use super::{cluster, types};
