//! `cargo xtask tidy`: the rules that no compiler checks; one that nothing checks rots.

mod documents;
mod layers;
mod layout;
mod report;
mod tree;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use layers::{Package, packages};
pub(crate) use report::run;
