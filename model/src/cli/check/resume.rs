//! How a search on disk goes on that ended early.

use std::env;

use raft_model::search::disk::{CHECKPOINT, DiskError};

use super::args::Args;
use crate::cli::Failure;

impl Args {
    /// The command that goes on with the search, once the folder has a checkpoint.
    pub(super) fn resuming(&self) -> Option<String> {
        let folder = self.disk.as_ref()?;
        folder.join(CHECKPOINT).exists().then(|| resuming(env::args(), self.resume))
    }

    /// What to say when a search on disk cannot go on.
    pub(super) fn on_disk_failed(&self, error: DiskError) -> Failure {
        match error {
            DiskError::Peers(error) => error.into(),
            DiskError::Unusable { .. } => {
                let resuming = self.resuming().map(|command| {
                    format!("\nThe checkpoint is kept. Once that is mended, go on with: {command}")
                });
                Failure::Input(format!("{error}{}", resuming.unwrap_or_default()))
            }
            error => Failure::Input(error.to_string()),
        }
    }
}

/// These arguments, as one types them, with --resume.
fn resuming(arguments: impl Iterator<Item = String>, has_resume: bool) -> String {
    let resume = (!has_resume).then(|| "--resume".to_owned());
    arguments.chain(resume).map(quoted).collect::<Vec<_>>().join(" ")
}

/// As a shell wants it.
fn quoted(argument: String) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@".contains(c);
    if !argument.is_empty() && argument.chars().all(is_plain) {
        return argument;
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_that_goes_on_can_be_typed_as_it_is() {
        let typed = |arguments: &[&str], has_resume| {
            resuming(arguments.iter().map(ToString::to_string), has_resume)
        };
        let check = ["raft-model", "check", "--disk", "it's here"];
        let expected = r"raft-model check --disk 'it'\''s here' --resume";
        assert_eq!(typed(&check, false), expected);
        assert_eq!(typed(&["raft-model", "check", "--resume"], true), "raft-model check --resume");
    }
}
