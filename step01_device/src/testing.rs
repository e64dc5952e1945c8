//! For the tests of all floors: running a program, skipping out loud, and
//! explaining what broke.

mod history;

use std::path::{Path, PathBuf};
use std::process::Command;

pub use history::History;

/// The variable that turns every skipped test into a failure. CI sets it.
pub const REQUIRE_ALL: &str = "MICROPS_REQUIRE_ALL";

/// Says why a test is not run here.
///
/// # Panics
/// If [`REQUIRE_ALL`] is set: then nothing may be skipped.
#[allow(clippy::panic)] // this is how a test fails
pub fn skip(reason: &str) {
    assert!(
        std::env::var_os(REQUIRE_ALL).is_none(),
        "must not be skipped, as {REQUIRE_ALL} is set: {reason}"
    );
    eprintln!("skipped: {reason}");
}

/// What a program has printed: a snapshot's text.
///
/// # Panics
/// If the program cannot be started.
#[allow(clippy::expect_used)] // this is how a test fails
pub fn transcript(program: &Path, args: &[&str]) -> String {
    let output = Command::new(program)
        .args(args)
        .output()
        .unwrap_or_else(|error| {
            panic!(
                "{}: {error}; 'cargo test' or 'cargo build --examples' builds it",
                program.display()
            )
        });
    let code = output
        .status
        .code()
        .map_or("none".to_owned(), |code| code.to_string());
    let stdout = String::from_utf8(output.stdout).expect("stdout is text");
    let stderr = String::from_utf8(output.stderr).expect("stderr is text");
    format!("exit code: {code}\n--- stdout ---\n{stdout}--- stderr ---\n{stderr}")
}

/// Where cargo has put the example `name`, seen from a running test.
///
/// # Panics
/// If the test was not built by cargo.
#[allow(clippy::expect_used)] // this is how a test fails
pub fn example(name: &str) -> PathBuf {
    // target/debug/deps/this_test-0123 → target/debug/examples/name
    let test = std::env::current_exe().expect("a test has a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("deps/ is in a profile's folder");
    profile.join("examples").join(name)
}

/// Declares one snapshot test per program. A program is run twice and must
/// print the same both times; what it prints is locked by `insta`.
///
/// ```text
/// step01_device::snapshots! {
///     demo => bin(env!("CARGO_BIN_EXE_step01_device")),
///     guide00_greeting => example,
/// }
/// ```
#[macro_export]
macro_rules! snapshots {
    ($($name:ident => $kind:ident $(($path:expr))?,)*) => {$(
        #[test]
        fn $name() {
            let path = $crate::snapshots!(@path $name $kind $($path)?);
            let first = $crate::testing::transcript(&path, &[]);
            assert!(first.starts_with("exit code: 0\n"), "{first}");
            assert_eq!(first, $crate::testing::transcript(&path, &[]), "a second run differs");
            insta::assert_snapshot!(stringify!($name), first);
        }
    )*};
    (@path $name:ident bin $path:expr) => { ::std::path::PathBuf::from($path) };
    (@path $name:ident example) => { $crate::testing::example(stringify!($name)) };
}
