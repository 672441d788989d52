// SPDX-License-Identifier: Apache-2.0
//! Becoming another of our executables.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitCode};

/// Becomes the executable of this name that lies beside this one; returns only if that fails.
pub fn hand_over(name: &str, arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let beside = std::env::current_exe().map(|here| here.with_file_name(name));
    match beside {
        Ok(file) => {
            let error = Command::new(&file).args(arguments).exec();
            eprintln!("error: failed to start {}: {error}", file.display());
        }
        Err(error) => eprintln!("error: failed to find {name}: {error}"),
    }
    eprintln!("help: keep the executables of a release together");
    ExitCode::FAILURE
}
