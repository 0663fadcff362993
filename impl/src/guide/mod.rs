//! Guides for whoever runs servers, embeds one, or wants to know why to believe them.

#[doc = include_str!("operator.md")]
pub mod operator {}
