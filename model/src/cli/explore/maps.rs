//! The maps that were made last.

use std::sync::{Arc, Mutex, PoisonError};

use raft_model::explore::map::{self, Map};
use raft_model::explore::setting::Setting;
use raft_model::search::Control;

/// So many are kept.
const KEPT: usize = 3;

/// Maps, the last one first, each with its setting as it stands in a link.
#[derive(Default)]
pub(super) struct Maps(Mutex<Vec<(String, Arc<dyn Map>)>>);

impl Maps {
    /// The map of a setting: one that was made, or a new one. Nothing, if it has too many states.
    pub(super) fn get(&self, setting: &Setting, control: &Control) -> Option<Arc<dyn Map>> {
        let name = setting.to_string();
        let kept = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, map)) = kept().iter().find(|(of, _)| *of == name) {
            return Some(Arc::clone(map));
        }
        // Room is made before, so that no more than these are there at a time.
        kept().truncate(KEPT - 1);
        let map = map::make(setting, control)?;
        if control.stopped().is_none() {
            kept().insert(0, (name, Arc::clone(&map)));
        }
        Some(map)
    }
}
