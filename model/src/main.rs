//! raft-model
fn main() {}
