//! The programs of the workspace, for tests that run them. Cargo does not build another package's
//! binary for a test, so the test does.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;

/// Builds the binary of a package, in the profile of this test, and says where it is.
pub fn built(package: &str) -> PathBuf {
    built_from(Path::new(env!("CARGO_MANIFEST_DIR")), package, &[])
}

/// Builds an example of a package, and says where it is.
pub fn example(package: &str, name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = built_from(root, package, &["--example", name]);
    program.with_file_name("examples").join(name)
}

/// Runs the program that follows, which gets this signal when the thread that started it ends, in
/// whatever way. (util-linux, which is on every Debian.)
pub fn mortal(signal: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", signal]);
    command
}

/// The same as [`built`], of another workspace, beside this one's: so what both depend on is built
/// once.
pub fn built_from(workspace: &Path, package: &str, options: &[&str]) -> PathBuf {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    // This test is <target>/<profile>/deps/<name>.
    let test = std::env::current_exe().expect("a running test has a path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("deps in a profile");
    let target = profile.parent().expect("a profile in the target directory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--package", package, "--target-dir"]).arg(target);
    cargo.args(options).current_dir(workspace);
    if profile.ends_with("release") {
        cargo.arg("--release");
    }
    assert!(cargo.status().expect("cargo runs").success(), "{package} does not build");
    profile.join(package)
}
