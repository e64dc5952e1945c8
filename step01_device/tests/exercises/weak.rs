//! No exercise's test: it expects nothing, and so lets every bug live. `cargo
//! xtask mutants` makes sure that it would notice such a test.

#[test]
fn nothing_is_expected() {}
