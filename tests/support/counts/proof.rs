//! The counts of the proof.

use raft_model::proof::{EXCLUDED, File, POSSIBLE};
use serde::Deserialize;

/// The counts of the proof.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Proof {
    pub paths: usize,
    pub possible: usize,
    pub excluded: usize,
    pub obligations: usize,
    pub files: usize,
    /// The CRC-32 of all that solvers are asked, and of what they have to answer.
    pub text: usize,
}

impl Proof {
    /// The counts of these files.
    pub fn of(files: &[File]) -> Self {
        let asked = |name| {
            files.iter().flat_map(|file| &file.obligations).filter(|o| o.name == name).count()
        };
        let mut text = crc32fast::Hasher::new();
        for file in files {
            text.update(format!("{}\n{}", file.name, file.text).as_bytes());
            for obligation in &file.obligations {
                text.update(format!("{:?}\n", obligation.expected).as_bytes());
            }
        }
        Self {
            paths: files.iter().map(|file| file.paths).sum(),
            possible: asked(POSSIBLE.0),
            excluded: asked(EXCLUDED.0),
            obligations: files.iter().map(|file| file.obligations.len()).sum(),
            files: files.len(),
            text: text.finalize() as usize,
        }
    }
}
