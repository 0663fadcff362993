//! Guides for whoever runs servers, embeds one, or wants to know why to believe them.

#[doc = include_str!("operator.md")]
pub mod operator {}

#[doc = include_str!("embedder.md")]
pub mod embedder {}

#[doc = include_str!("security.md")]
pub mod security {}

#[doc = include_str!("evidence.md")]
pub mod evidence {}
