//! raft-node
fn main() {}
