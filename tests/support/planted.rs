//! A crate of the workspace, copied to be edited: what a mistake in it comes to.

use std::fs;
use std::path::Path;

/// Copies one of the two crates, `model` or `impl`, into a workspace of its own, in which the other
/// one is as it is. The copy has a library of the same name, and its own package and its own
/// program, that nobody takes for the real ones.
pub fn copy(member: &str, library: &str, program: &str, folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // What stands beside its source is shown by its page, and a node's page draws with a model's.
    let [source, page] = ["src", "web"].map(|part| root.join(member).join(part));
    let parts = [source, page, root.join("model/web"), root.join("tests/scenarios")];
    for part in parts.iter().filter(|part| part.exists()) {
        for_each_file(part, &mut |path| {
            let copy = folder.join(path.strip_prefix(root).unwrap());
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(path, copy).unwrap();
        });
    }
    let read = |file: &str| fs::read_to_string(root.join(file)).unwrap();
    let workspace = read("Cargo.toml");
    let (workspace, _) = workspace.split_once("# This package owns").unwrap();
    let is_kept =
        |line: &&str| !["default-members", "raft-node ="].iter().any(|key| line.starts_with(key));
    let workspace: Vec<_> = workspace.lines().filter(is_kept).collect();
    let workspace = workspace.join("\n").replace(r#"["model", "impl"]"#, &format!("[{member:?}]"));
    let model = format!("path = {:?}", root.join("model"));
    let workspace = workspace.replace(r#"path = "model""#, &model) + "\n";
    fs::write(folder.join("Cargo.toml"), workspace).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();

    let manifest = format!("{member}/Cargo.toml");
    let package = read(&manifest);
    let (package, _) = package.split_once("[[bench]]").unwrap();
    let (head, _) = package.split_once("[[bin]]").unwrap_or((package, ""));
    let head = head.replace("default-run = \"raft-model\"", "");
    let name = head.lines().find(|line| line.starts_with("name = ")).unwrap();
    let head = head.replace(name, &format!("name = {program:?}"));
    let head = head.replace("[lints]\nworkspace = true\n", "");
    let targets = format!(
        "[lib]\nname = {library:?}\n\n[[bin]]\nname = {program:?}\npath = \"src/main.rs\"\n\n\
         [lints.rust]\nwarnings = \"allow\"\n"
    );
    fs::write(folder.join(manifest), head + &targets).unwrap();
}

/// Puts a text in place of another one, wherever that stands.
pub fn replace(file: &Path, before: &str, after: &str) {
    let text = fs::read_to_string(file).unwrap();
    assert!(text.contains(before), "{} no longer says “{}”", file.display(), before.trim());
    fs::write(file, text.replace(before, after)).unwrap();
}

/// Visits every file in a folder and in those below it.
pub fn for_each_file(folder: &Path, visit: &mut impl FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { for_each_file(&path, visit) } else { visit(&path) }
    }
}
