//! The layout of the code base, kept: rules about source text, and what breaks them.
//!
//! Every rule is a function from texts to violations, so that a test can plant one. Text is read
//! without the compiler: [`code`] blanks comments and literals, and the rest are words.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// How many lines a file may have.
pub const FILE: usize = 400;
/// How many lines a function may have.
pub const FUNCTION: usize = 70;
/// How many columns a comment may have.
pub const COMMENT: usize = 100;
/// Where the rooms of the model are told.
pub const ROOMS: &str = "model/src/lib.rs";
/// The specification, and the mistakes that wrap it: both are compiled twice.
pub const PROTOCOL: &str = "model/src/protocol/";
pub const FAULTS: &str = "model/src/mutant/faults/";

/// A file of the repository: its path from the root, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    pub path: String,
    pub text: String,
}

impl Source {
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    fn breaks(&self, line: usize, rule: &'static str, what: String) -> Violation {
        Violation { file: self.path.clone(), line, rule, what }
    }
}

/// A rule is broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub file: String,
    pub line: usize,
    pub rule: &'static str,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}: {}", self.file, self.line, self.rule, self.what)
    }
}

/// All Rust files of the repository, but for what is hidden or built.
pub fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths = Vec::new();
    collect(root, &mut paths);
    paths.sort();
    let read = |path: &PathBuf| {
        let name = path.strip_prefix(root).unwrap().to_str().unwrap();
        Source::new(name, &fs::read_to_string(path).unwrap())
    };
    paths.iter().map(read).collect()
}

/// The files of a folder, of which there are some.
pub fn sources_in(folder: &str) -> Vec<Source> {
    let mut sources = sources();
    sources.retain(|source| source.path.starts_with(folder));
    assert!(!sources.is_empty(), "{folder} holds no file");
    sources
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            if !name.starts_with('.') && name != "target" {
                collect(&path, into);
            }
        } else if name.ends_with(".rs") {
            into.push(path);
        }
    }
}

/// The text with every comment and literal blanked; lines stay where they are.
pub fn code(text: &str) -> String {
    let text: Vec<char> = text.chars().collect();
    let mut code = String::new();
    let mut at = 0;
    while at < text.len() {
        let end = at + blank(&text[at..], at.checked_sub(1).map(|before| text[before]));
        if end == at {
            code.push(text[at]);
            at += 1;
        } else {
            code.extend(text[at..end].iter().map(|&c| if c == '\n' { c } else { ' ' }));
            at = end;
        }
    }
    code
}

/// How many characters here are a comment or a literal.
fn blank(text: &[char], before: Option<char>) -> usize {
    let next = |at: usize| text.get(at).copied().unwrap_or('\n');
    match (next(0), next(1)) {
        ('/', '/') => text.iter().take_while(|&&c| c != '\n').count(),
        ('/', '*') => block(text),
        ('"', _) => quoted(text, '"'),
        ('\'', '\\') => quoted(text, '\''),
        ('\'', _) if next(2) == '\'' => 3,
        ('r', '"' | '#') if !before.is_some_and(|c| is_word(c) && c != 'b') => raw(text),
        _ => 0,
    }
}

fn block(text: &[char]) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < text.len() {
        match text[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] if depth == 1 => return at + 2,
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
    }
    at
}

fn quoted(text: &[char], quote: char) -> usize {
    let mut at = 1;
    while at < text.len() && text[at] != quote {
        at += if text[at] == '\\' { 2 } else { 1 };
    }
    text.len().min(at + 1)
}

fn raw(text: &[char]) -> usize {
    let hashes = text[1..].iter().take_while(|&&c| c == '#').count();
    if text.get(1 + hashes) != Some(&'"') {
        return 0; // a name such as `r#type`
    }
    let end: Vec<char> = format!("\"{}", "#".repeat(hashes)).chars().collect();
    let body = &text[2 + hashes..];
    let length = body.windows(end.len()).position(|window| window == end).unwrap_or(body.len());
    text.len().min(2 + hashes + length + end.len())
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn word(text: &str) -> &str {
    &text[..text.find(|c| !is_word(c)).unwrap_or(text.len())]
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text[..at].matches('\n').count()
}

/// Files, functions and comments are small enough to be read.
pub fn sizes(source: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    let lines = source.text.lines().count();
    if lines > FILE {
        let what = format!("the file has {lines} lines, and {FILE} are allowed");
        violations.push(source.breaks(lines, "file size", what));
    }
    for (line, name, lines) in functions(&code(&source.text)) {
        if lines > FUNCTION {
            let what = format!("`{name}` has {lines} lines, and {FUNCTION} are allowed");
            violations.push(source.breaks(line, "function size", what));
        }
    }
    for (line, text) in (1..).zip(source.text.lines()) {
        let columns = text.chars().count();
        if text.trim_start().starts_with("//") && columns > COMMENT {
            let what = format!("the comment has {columns} columns, and {COMMENT} are allowed");
            violations.push(source.breaks(line, "comment width", what));
        }
    }
    violations
}

/// Every function with a body: its line, its name and how many lines it has.
fn functions(code: &str) -> Vec<(usize, &str, usize)> {
    let starts = code.match_indices("fn ").filter(|(at, _)| !code[..*at].ends_with(is_word));
    let function = |(at, _): (usize, &str)| {
        let name = word(&code[at + 3..]);
        let mut depth = 0_usize;
        for (end, c) in code[at..].char_indices() {
            match c {
                '(' | '[' | '{' => depth += 1,
                ')' | ']' => depth = depth.checked_sub(1)?,
                '}' => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        let lines = code[at..at + end].matches('\n').count() + 1;
                        return Some((line_of(code, at), name, lines));
                    }
                }
                ';' if depth == 0 => return None,
                _ => {}
            }
        }
        None
    };
    starts.filter_map(function).filter(|(_, name, _)| !name.is_empty()).collect()
}

/// What is compiled twice imports only its neighbours: by `super::` what stands in its folder, and
/// by `super::super::` what stands around it, in either place.
pub fn neighbours(source: &Source) -> Vec<Violation> {
    let code = code(&source.text);
    let mut violations = Vec::new();
    for (line, text) in (1..).zip(code.lines()) {
        let from = text.split_whitespace().skip_while(|word| *word != "use").nth(1);
        let outside = from.is_some_and(|from| !from.starts_with("super::"));
        if outside || text.contains("crate::") || text.contains("super::super::super::") {
            let what = format!("`{}` reaches further than `super::`", text.trim());
            violations.push(source.breaks(line, "neighbours", what));
        }
    }
    violations
}

/// A folder is a room and `mod.rs` its door: no `foo.rs` beside `foo/`. The root of a test is in
/// its folder too, as `main.rs`.
pub fn doors(sources: &[Source]) -> Vec<Violation> {
    let beside = |source: &Source| {
        let folder = format!("{}/", source.path.strip_suffix(".rs")?);
        let what = format!("the file stands beside the folder `{folder}`");
        let is_folder = sources.iter().any(|other| other.path.starts_with(&folder));
        is_folder.then(|| source.breaks(1, "doors", what))
    };
    sources.iter().filter_map(beside).collect()
}

/// The program that runs elections does not hold the checker: what `cargo tree` says of the crate.
pub fn dependencies(tree: &Source) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (line, text) in (1..).zip(tree.text.lines()) {
        if text.split_whitespace().any(|word| word == "stateright") {
            let what = "the node depends on `stateright`".to_owned();
            violations.push(tree.breaks(line, "dependencies", what));
        }
    }
    violations
}

/// The rooms of the model as its documentation lists them: line, room, what it stands on.
fn listed(lib: &Source) -> Vec<(usize, &str, Vec<&str>)> {
    let lines = (1..).zip(lib.text.lines());
    let block = lines.skip_while(|(_, text)| *text != "//! ```text").skip(1);
    let mut rooms: Vec<(usize, &str, Vec<&str>)> = Vec::new();
    for (line, text) in block.take_while(|(_, text)| *text != "//! ```") {
        let text = text.trim_start_matches("//! ");
        // A line that names no room goes on with the one above it.
        let (named, below) =
            text.split_once(':').map_or((None, text), |(room, below)| (Some(room), below));
        rooms.extend(named.map(|room| (line, room, Vec::new())));
        if let Some((.., all)) = rooms.last_mut() {
            all.extend(below.split_whitespace());
        }
    }
    rooms
}

/// The room that a file of the model stands in; none for its two roots.
fn room_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("model/src/")?;
    let room = word(path);
    (!["lib.rs", "main.rs"].contains(&path)).then_some(room)
}

/// What `lib.rs` exports of a room by its own name, as `pub use protocol::{election, message};`.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut rooms = BTreeMap::new();
    for (at, _) in lib.match_indices("pub use ") {
        let path = &lib[at + "pub use ".len()..];
        let room = word(path);
        for name in names(path[room.len()..].trim_start_matches("::")) {
            rooms.insert(name, room.to_owned());
        }
    }
    rooms
}

/// The first names of a path, or of all paths in braces.
fn names(path: &str) -> Vec<String> {
    let Some(list) = path.strip_prefix('{') else { return vec![word(path).to_owned()] };
    let mut names = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                names.push(word(list[start..at].trim()).to_owned());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    names.retain(|name| !name.is_empty());
    names
}

/// What a file names at the root of the crate, and where: by `crate::`, by the crate's name, and
/// by as many `super::` as lead out of all rooms.
fn roots(source: &Source) -> Vec<(usize, String)> {
    let code = code(&source.text);
    let inside = source.path.trim_start_matches("model/src/").trim_end_matches(".rs");
    let depth = inside.split('/').filter(|part| *part != "mod").count();
    let out = "super::".repeat(depth);
    let mut found = Vec::new();
    for prefix in ["crate::", "raft_model::", &out] {
        for (at, _) in code.match_indices(prefix) {
            if code[..at].ends_with(|c| is_word(c) || c == ':') {
                continue;
            }
            let names = names(&code[at + prefix.len()..]).into_iter();
            found.extend(names.map(|name| (line_of(&code, at), name)));
        }
    }
    // Types and macros at the root are no rooms.
    found.retain(|(_, name)| name.starts_with(char::is_lowercase));
    found.sort();
    found
}

/// Each room of the model uses only rooms before it, and those that `lib.rs` says it stands on.
pub fn rooms(sources: &[Source]) -> Vec<Violation> {
    let lib = sources.iter().find(|source| source.path == ROOMS).expect("the model has a root");
    let list = listed(lib);
    let exports = exports(&code(&lib.text));
    let mut violations = Vec::new();
    let mut used = BTreeSet::new();
    for source in sources {
        let Some(room) = room_of(&source.path) else { continue };
        let Some((_, _, below)) = list.iter().find(|(_, listed, _)| *listed == room) else {
            let what = format!("the room `{room}` is not in the list of {ROOMS}");
            violations.push(source.breaks(1, "rooms", what));
            continue;
        };
        for (line, name) in roots(source) {
            let target = exports.get(&name).unwrap_or(&name);
            used.insert((room, target.clone()));
            let known = list.iter().any(|(_, listed, _)| listed == target);
            if known && target != room && !below.contains(&target.as_str()) {
                let what = format!("`{room}` uses `{name}`, and does not stand on `{target}`");
                violations.push(source.breaks(line, "rooms", what));
            }
        }
    }
    let mut before = BTreeSet::new();
    for (line, room, below) in list {
        if !sources.iter().any(|source| room_of(&source.path) == Some(room)) {
            violations.push(lib.breaks(line, "rooms", format!("there is no room `{room}`")));
        }
        for target in below {
            if !before.contains(target) {
                let what = format!("`{room}` stands on `{target}`, which is not before it");
                violations.push(lib.breaks(line, "rooms", what));
            } else if !used.contains(&(room, target.to_owned())) {
                let what = format!("`{room}` does not use `{target}`");
                violations.push(lib.breaks(line, "rooms", what));
            }
        }
        before.insert(room);
    }
    violations
}
