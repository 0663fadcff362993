fn main(){ raft_model::proof::write_all(&std::env::args().nth(1).unwrap()) }
