//! Three servers choose one of them to lead; each says whether it does. Start them in three
//! terminals, and then kill the one that leads:
//!
//! ```sh
//! alias leader='cargo run --package raft-node --example leader --'
//! leader --bootstrap 1 /tmp/leader1 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003
//! leader --bootstrap 2 /tmp/leader2 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003
//! leader --bootstrap 3 /tmp/leader3 127.0.0.1:7001 127.0.0.1:7002 127.0.0.1:7003
//! ```
//!
//! `--bootstrap` is for the first start of a server. It comes back without it.

use std::{env, error::Error};

use raft_node::{Node, config::Config, config::Settings};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = env::args().skip(1).peekable();
    let is_new = args.next_if_eq("--bootstrap").is_some();
    let id = args.next().ok_or("the number of this server is missing")?.parse()?;
    let data = args.next().ok_or("its data directory is missing")?;
    let addresses: Vec<_> = args.map(|text| text.parse()).collect::<Result<_, _>>()?;
    let config = Config::new(Settings::new("leader", id, (1..).zip(addresses).collect()))?;

    let node = Node::builder(config).data(data).bootstrap(is_new).start()?;
    for status in node.watch() {
        match (node.leadership(), status.leader) {
            (Some(own), _) => println!("I lead, with fencing token {}", own.fencing_token()),
            (None, Some(leader)) => println!("{leader} leads, as far as I have heard"),
            (None, None) => println!("I know of no leader"),
        }
    }
    Ok(node.wait()?)
}
