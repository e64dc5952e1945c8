//! What is missing on this machine is skipped, out loud.

use anyhow::{Result, bail};

/// The variable that forbids to skip anything. CI sets it.
const REQUIRE_ALL: &str = "MICROPS_REQUIRE_ALL";

/// Says what is not done. An error if nothing may be skipped.
pub fn skip(what: &str) -> Result<()> {
    skip_unless(std::env::var_os(REQUIRE_ALL).is_some(), what)
}

fn skip_unless(require_all: bool, what: &str) -> Result<()> {
    if require_all {
        bail!("{what}; and {REQUIRE_ALL} is set");
    }
    println!("skipped: {what}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_skipped_if_all_is_required() {
        assert!(skip_unless(false, "no mdbook").is_ok());
        let error = skip_unless(true, "no mdbook").unwrap_err().to_string();
        assert_eq!(error, "no mdbook; and MICROPS_REQUIRE_ALL is set");
    }
}
