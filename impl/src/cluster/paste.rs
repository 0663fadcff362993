//! Commands that can be pasted into a shell.

use std::path::Path;

/// The program that replays: the one beside this program, if it is there.
pub(super) fn replayer(program: &Path) -> String {
    let beside = program.with_file_name("raft-model");
    if beside.exists() { quoted(&beside) } else { "raft-model".to_owned() }
}

/// A path as a shell takes it for one.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-".contains(letter);
    if text.chars().all(is_plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_can_be_pasted() {
        let words = [("/tmp/a-b.c", "/tmp/a-b.c"), ("/my traces", "'/my traces'")];
        for (path, word) in words.into_iter().chain([("it's", r"'it'\''s'")]) {
            assert_eq!(quoted(Path::new(path)), word);
        }
    }

    #[test]
    fn the_program_that_replays_is_the_one_beside_this_one() {
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join("raft-node");
        assert_eq!(replayer(&program), "raft-model", "there is none");
        let beside = directory.path().join("raft-model");
        std::fs::write(&beside, "").unwrap();
        assert_eq!(replayer(&program), quoted(&beside));
    }
}
