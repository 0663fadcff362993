//! What `cargo mutants` changes: each file of both crates, by one of the configurations, unless it
//! is left out, with the reason.

use std::fs;
use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use support::house::sources;
use toml_edit::DocumentMut;

/// Files that no configuration changes, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("model/src/{lib,main}.rs", "no code but what every test of the program runs"),
    ("impl/src/main.rs", "no code but what every test of the program runs"),
    ("model/src/cli/**", "a command line: tests start the program, and read all that it prints"),
    ("model/src/explore/**", "the explorer: tests/explorer*.rs ask it as its page does"),
    ("model/src/growth/**", "a measurement: tests/growth.rs and tests/growth_cli.rs"),
    ("model/src/mutant/**", "mistakes on purpose: tests/mutants.rs pins what each one breaks"),
    (
        "model/src/proof/{counterexample,expression,prove,solver}.rs",
        "asks solvers: tests/planted.rs",
    ),
    (
        "model/src/search/{bare,link,parallel,peers,successors,table,worker}.rs",
        "parallel: tests/search.rs",
    ),
    ("model/src/search/disk/**", "parallel: tests/distributed.rs"),
    ("model/src/{action,number,run,words}.rs", "words: the stories that all tests pin"),
    ("model/src/world/{bounds,links,mod,model,order}.rs", "the graph: tests/agreement.rs, and TLC"),
    ("model/src/reduce/ticks/**", "the graph with clocks: tests/time.rs"),
    ("impl/src/cli/{cluster,generate,lead}.rs", "a command line: tests/cluster.rs, tests/lead"),
    ("impl/src/cli/simulate/**", "a command line: tests/simulate.rs"),
    ("impl/src/cluster/{mod,output,servers}.rs", "starts processes: tests/cluster.rs"),
    ("impl/src/control/**", "asked by programs: tests/control_cli.rs, tests/lead"),
    ("impl/src/supervise/**", "starts programs: tests/lead"),
    ("impl/src/guide/**", "a guide, which tests/guide.rs types"),
    (
        "impl/src/{disk/memory,node/log}.rs",
        "a disk of tests; and a log, which tests/node_cli.rs reads",
    ),
    ("impl/src/simulate/**", "a judge of the node: planted mistakes tell what it sees"),
];

/// A configuration: its name, what it changes, and what of that it does not.
struct Configuration {
    name: String,
    examines: Vec<String>,
    excludes: Vec<String>,
}

impl Configuration {
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).unwrap();
        let config: DocumentMut = text.parse().unwrap();
        let globs = |key: &str| {
            let globs = config.get(key)?.as_array()?.iter();
            Some(globs.map(|glob| glob.as_str().unwrap().to_owned()).collect())
        };
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let excludes = globs("exclude_globs").unwrap_or_default();
        Some(Self { name, examines: globs("examine_globs")?, excludes })
    }

    /// Whether it changes a file.
    fn changes(&self) -> impl Fn(&str) -> bool + use<> {
        let [examines, excludes] =
            [&self.examines, &self.excludes].map(|globs| set(globs.iter().map(String::as_str)));
        move |file| examines.is_match(file) && !excludes.is_match(file)
    }
}

fn set<'a>(globs: impl IntoIterator<Item = &'a str>) -> GlobSet {
    let mut set = GlobSetBuilder::new();
    for glob in globs {
        set.add(GlobBuilder::new(glob).literal_separator(true).build().unwrap());
    }
    set.build().unwrap()
}

/// The same glob, but for its first braces, which stand for one name after the other.
fn alternatives(glob: &str) -> Vec<String> {
    match glob.split_once('{').and_then(|(start, rest)| Some((start, rest.split_once('}')?))) {
        Some((start, (names, end))) => {
            names.split(',').map(|name| format!("{start}{name}{end}")).collect()
        }
        None => vec![glob.to_owned()],
    }
}

/// What is wrong: a file that nobody thought of, or that two did; a name of no file.
fn astray(files: &[&str], configs: &[Configuration], left_out: &[(&str, &str)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let named = configs.iter().flat_map(|config| {
        let globs = config.examines.iter().chain(&config.excludes);
        globs.map(|glob| (config.name.as_str(), glob.as_str()))
    });
    let named = named.chain(left_out.iter().map(|&(glob, _)| ("left out", glob)));
    for (by, glob) in named {
        for one in alternatives(glob) {
            let set = set([one.as_str()]);
            if !files.iter().any(|file| set.is_match(file)) {
                wrong.push(format!("{by}: {one} is no file"));
            }
        }
    }
    let changes: Vec<_> = configs.iter().map(Configuration::changes).collect();
    let is_changed = |file: &str| changes.iter().any(|changes| changes(file));
    let left_out = set(left_out.iter().map(|(glob, _)| *glob));
    for file in files {
        match (is_changed(file), left_out.is_match(file)) {
            (false, false) => wrong.push(format!("{file} is neither changed nor left out")),
            (true, true) => wrong.push(format!("{file} is left out, and changed")),
            _ => {}
        }
    }
    wrong
}

/// Tests are not changed.
fn is_code(path: &str) -> bool {
    let is_crate = path.starts_with("model/src/") || path.starts_with("impl/src/");
    is_crate
        && !path.contains("/tests/")
        && !path.ends_with("/tests.rs")
        && !path.ends_with("/testing.rs")
}

#[test]
fn each_file_is_changed_or_left_out_with_its_reason() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(".cargo");
    let others = fs::read_dir(root.join("mutants")).unwrap().map(|entry| entry.unwrap().path());
    let configs: Vec<_> = std::iter::once(root.join("mutants.toml")).chain(others).collect();
    let configs: Vec<_> = configs.iter().filter_map(|path| Configuration::read(path)).collect();
    let sources = sources();
    let files: Vec<_> =
        sources.iter().map(|source| source.path.as_str()).filter(|path| is_code(path)).collect();
    let wrong = astray(&files, &configs, LEFT_OUT);
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_file_that_nobody_thought_of_is_seen() {
    let config = |examines: &str, excludes: &[&str]| Configuration {
        name: "some.toml".to_owned(),
        examines: vec![examines.to_owned()],
        excludes: excludes.iter().map(|&glob| glob.to_owned()).collect(),
    };
    let files = ["a/b.rs", "a/c.rs", "a/d/e.rs"];
    let all = ["some.toml: a/x.rs is no file", "a/d/e.rs is neither changed nor left out"];
    assert_eq!(astray(&files, &[config("a/{b,c,x}.rs", &[])], &[]), all);
    let excluded = astray(&files, &[config("a/**/*.rs", &["a/c.rs"])], &[]);
    assert_eq!(excluded, ["a/c.rs is neither changed nor left out"]);
    let twice = astray(&files, &[config("a/**/*.rs", &[])], &[("a/d/**", "")]);
    assert_eq!(twice, ["a/d/e.rs is left out, and changed"]);
    assert!(astray(&files, &[config("a/{b,c}.rs", &[])], &[("a/d/**", "")]).is_empty());
}
