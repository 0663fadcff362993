//! The files of the page, which stand in the program itself.

use std::path::Path;

/// A file of the page.
#[derive(Clone, Copy)]
pub(super) struct Asset {
    pub(super) name: &'static str,
    text: &'static str,
}

macro_rules! assets {
    ($($name:literal)*) => {
        [$(Asset { name: $name, text: include_str!(concat!("../../../web/", $name)) }),*]
    };
}

pub(super) const ASSETS: &[Asset] = &assets![
    "index.html"
    "icon.svg"
    "style.css"
    "api.js"
    "app.js"
    "cluster.js"
    "dom.js"
    "geometry.js"
    "keys.js"
    "lanes.js"
    "link.js"
    "map.js"
    "palette.js"
    "panels.js"
    "picture.css"
    "recording.js"
    "strip.js"
    "take.js"
    "tour.js"
    "views.css"
    "words.js"
];

impl Asset {
    /// The file of this name; the page itself has none.
    pub(super) fn named(name: &str) -> Option<Self> {
        let name = if name.is_empty() { "index.html" } else { name };
        ASSETS.iter().find(|asset| asset.name == name).copied()
    }

    /// Its text: as it was when this was built, or as it stands in a folder by now.
    pub(super) fn text(self, folder: Option<&Path>) -> String {
        let read = folder.and_then(|folder| std::fs::read_to_string(folder.join(self.name)).ok());
        read.unwrap_or_else(|| self.text.to_owned())
    }

    pub(super) fn content_type(self) -> &'static str {
        match self.name.rsplit_once('.').map(|(_, extension)| extension) {
            Some("html") => "text/html; charset=utf-8",
            Some("css") => "text/css; charset=utf-8",
            Some("svg") => "image/svg+xml",
            _ => "text/javascript; charset=utf-8",
        }
    }
}
