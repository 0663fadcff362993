//! A real browser for tests of web pages: headless Chromium, driven over `WebDriver`.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use ureq::Agent;

use crate::web::agent;

const NEEDED: &str = "this test needs a browser: apt-get install chromium chromium-driver";
const ARGUMENTS: &str = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run \
    --disable-background-networking --disable-component-update --disable-sync";

/// Tries until it succeeds; half a minute of failures is a failure.
pub fn eventually<T>(what: &str, mut attempt: impl FnMut() -> Result<T, String>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) if Instant::now() > deadline => panic!("{what}: {error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(50)),
        }
    }
}

/// A browser with an empty profile. It ends when this is dropped.
pub struct Browser {
    driver: Child,
    /// The address of the driver, then that of the browser's session.
    url: String,
    agent: Agent,
    profile: TempDir,
}

/// A driver, and on which port it listens; nothing if it has found none.
fn driver(profile: &TempDir) -> Option<(Child, String)> {
    let mut driver = Command::new("chromedriver")
        .envs([("HOME", profile.path()), ("TMPDIR", profile.path())])
        .arg("--port=0")
        .stdout(Stdio::piped())
        .process_group(0) // that of the browser too: both end together
        .spawn()
        .unwrap_or_else(|error| panic!("{NEEDED} (chromedriver: {error})"));
    let lines = BufReader::new(driver.stdout.as_mut().expect("piped")).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        Some(line.split_once("successfully on port ")?.1.trim_end_matches('.').to_string())
    });
    if port.is_none() {
        let _ = driver.wait(); // it has said all that it says
    }
    Some((driver, port?))
}

impl Browser {
    pub fn start() -> Self {
        let profile = tempfile::tempdir().expect("a folder for the profile");
        // It takes a port that is free for IPv4, and somebody else may have the same for IPv6.
        let (driver, port) = (0..5)
            .find_map(|_| driver(&profile))
            .expect("chromedriver says on which port it listens");
        let agent = agent(Duration::from_secs(60));
        let mut browser = Self { driver, url: String::new(), agent, profile };
        browser.url = format!("http://127.0.0.1:{port}/session");

        let folder = format!("--user-data-dir={}", browser.profile.path().display());
        let arguments: Vec<&str> = ARGUMENTS.split(' ').chain([folder.as_str()]).collect();
        let options = json!({
            "goog:chromeOptions": { "args": arguments },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let session = browser.post("", &json!({ "capabilities": { "alwaysMatch": options } }));
        let session = session.unwrap_or_else(|error| panic!("{NEEDED} ({error})"));
        browser.url = format!("{}/{}", browser.url, session["sessionId"].as_str().expect("an id"));
        browser
    }

    fn post(&self, command: &str, body: &Value) -> Result<Value, String> {
        let request = self.agent.post(format!("{}{command}", self.url));
        let mut response = request.send(body.to_string()).map_err(|error| error.to_string())?;
        let text = response.body_mut().read_to_string().map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if value["error"].is_string() { Err(value["message"].to_string()) } else { Ok(value) }
    }

    pub fn open(&self, url: &str) {
        eventually(url, || self.post("/url", &json!({ "url": url })));
    }

    /// What a script returns on the page.
    pub fn run(&self, script: &str) -> Result<Value, String> {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    /// The same, of a script that calls its last argument with what it finds.
    pub fn run_async(&self, script: &str) -> Result<Value, String> {
        self.post("/execute/async", &json!({ "script": script, "args": [] }))
    }

    /// Presses keys, one after the other. `→` and the like are arrows.
    pub fn press(&self, keys: &str) {
        let named = |key: char| match key {
            '←' => '\u{e012}',
            '↑' => '\u{e013}',
            '→' => '\u{e014}',
            '↓' => '\u{e015}',
            '⏎' => '\u{e007}',
            key => key,
        };
        let actions = keys.chars().map(named).flat_map(|key| {
            ["keyDown", "keyUp"].map(|kind| json!({ "type": kind, "value": key.to_string() }))
        });
        let source = json!({ "type": "key", "id": "keys", "actions": actions.collect::<Vec<_>>() });
        let pressed = self.post("/actions", &json!({ "actions": [source] }));
        pressed.unwrap_or_else(|error| panic!("{keys}: {error}"));
    }

    /// Shows pages as a screen of this width does, light or dark.
    pub fn emulate(&self, width: u32, scheme: &str) {
        let command = |cmd: &str, params: Value| {
            self.post("/goog/cdp/execute", &json!({ "cmd": cmd, "params": params }))
                .unwrap_or_else(|error| panic!("{cmd}: {error}"));
        };
        command(
            "Emulation.setDeviceMetricsOverride",
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false }),
        );
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        command("Emulation.setEmulatedMedia", json!({ "features": [feature] }));
    }

    /// What the page complained of since the last time: errors, and what its policy forbade.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.post("/se/log", &json!({ "type": "browser" })).expect("a log");
        let entries = entries.as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| entry["message"].to_string()).collect()
    }

    /// The text of each element that a CSS selector finds.
    pub fn texts(&self, selector: &str) -> Result<Vec<String>, String> {
        let script = format!(
            "return [...document.querySelectorAll('{selector}')].map(found => found.textContent)"
        );
        serde_json::from_value(self.run(&script)?).map_err(|error| error.to_string())
    }

    /// Clicks the link with this text, as soon as there is one.
    pub fn click(&self, link: &str) {
        eventually(link, || {
            let found = self.post("/element", &json!({ "using": "link text", "value": link }))?;
            let id = found.as_object().and_then(|found| found.values().next()?.as_str());
            self.post(&format!("/element/{}/click", id.ok_or("no element")?), &json!({}))
        });
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = kill_process_group(Pid::from_child(&self.driver), Signal::KILL);
        let _ = self.driver.wait();
    }
}
