//! `raft-model explore`, and its page in a browser.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::binary;
use crate::browser::{Browser, eventually};

/// The program, serving on a port of its own. It ends when this is dropped.
pub struct Explorer {
    process: Child,
    /// Where it says that one may look.
    pub url: String,
}

impl Explorer {
    pub fn start(arguments: &[&str]) -> Self {
        Self::of(&binary::built("raft-model"), arguments)
    }

    /// The same, of a program that was built.
    pub fn of(program: &Path, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(["explore", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut process = command.spawn().expect("it runs");
        let mut line = String::new();
        let output = process.stdout.as_mut().expect("piped");
        BufReader::new(output).read_line(&mut line).expect("a line of text");
        let url = line.split_whitespace().find(|word| word.starts_with("http://"));
        let url = url.expect("it says where to look").to_string();
        Self { process, url }
    }

    /// The address of its page, without a link.
    pub fn root(&self) -> &str {
        self.url.split('#').next().unwrap_or_default()
    }

    /// A browser that shows its page, with this behind the `#`.
    pub fn page(&self, fragment: &str) -> Browser {
        let page = Browser::start();
        page.open(&format!("{}{fragment}", self.url));
        shown(&page);
        page
    }
}

impl Drop for Explorer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Waits until the page shows something.
pub fn shown(page: &Browser) {
    eventually("the page shows something", || match page.texts("main")?.len() {
        1 => Ok(()),
        _ => Err(page.texts("body")?.concat()),
    });
}

/// Goes to another link on the same page, and waits until it is shown.
pub fn go(page: &Browser, link: &str) {
    let script = format!(
        "const done = arguments[0];
         const before = document.getElementById('app').dataset.link;
         location.hash = {link:?};
         const look = () => {{
             const now = document.getElementById('app').dataset.link;
             if (now !== before && now === location.hash) done(now); else setTimeout(look, 10);
         }};
         look();"
    );
    page.run_async(&script).unwrap_or_else(|error| panic!("{link}: {error}"));
}
