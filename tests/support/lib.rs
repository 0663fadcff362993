//! What several tests need: programs, processes, networks, simulations, expected counts, TLC.

#![allow(
    missing_docs,
    clippy::missing_errors_doc,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::new_without_default
)]

pub mod binary;
pub mod bounds;
pub mod browser;
pub mod bytes;
pub mod clockwork;
pub mod cluster;
pub mod counts;
pub mod covers;
pub mod database;
pub mod explorer;
pub mod graph;
pub mod house;
pub mod machines;
pub mod namespaces;
pub mod network;
pub mod node;
pub mod paths;
pub mod pauses;
pub mod planted;
pub mod relay;
pub mod run;
pub mod simulation;
pub mod skipped;
pub mod solvers;
pub mod step;
pub mod timing;
pub mod tlc;
pub mod value;
pub mod waiting;
pub mod web;
