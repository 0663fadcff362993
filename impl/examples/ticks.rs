//! Work that writes down when it was done: a line each millisecond, with the fencing token and the
//! moment in nanoseconds, to the file of its name. It is what the test `lead` has supervised.

use std::fs::File;
use std::io::Write as _;
use std::thread;
use std::time::Duration;

use raft_node::clock::Moment;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args().nth(1).ok_or("the name of a file is missing")?;
    let token = std::env::var("RAFT_TERM")?;
    let mut file = File::options().create(true).append(true).open(path)?;
    loop {
        let line = format!("{token} {}\n", Moment::now().since_start().as_nanos());
        file.write_all(line.as_bytes())?; // at once: whoever is killed leaves no half of it
        thread::sleep(Duration::from_millis(1));
    }
}
