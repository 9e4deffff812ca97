//! The `flashcrash` command.
#![forbid(unsafe_code)]

mod cli;

use std::panic::catch_unwind;
use std::process::ExitCode;

/// Exit code of a broken invariant, as of [`flashcrash::fault::Failure::Broken`].
const BROKEN: u8 = 2;

fn main() -> ExitCode {
    // A broken path is told once, with the command that replays it; where in the code it broke is for those who ask.
    if std::env::var_os("RUST_BACKTRACE").is_none_or(|value| value == "0") {
        std::panic::set_hook(Box::new(|_| ()));
    }
    match catch_unwind(cli::main) {
        Ok(code) => code.into(),
        Err(panic) => {
            let message = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied())
                .unwrap_or("unknown panic");
            eprintln!(
                "error: this is a defect of the program, please report it: {message}\n  where: run again with \
                 RUST_BACKTRACE=1"
            );
            BROKEN.into()
        }
    }
}
