//! The `gristmill` program.

mod args;
mod command;
mod demo;
mod device;
mod format;
mod stop;

use std::process::ExitCode;

use anyhow::Error;
use clap::Parser;

use crate::args::Cli;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    quieten_display_libraries();
    let cli = Cli::parse();
    stop::listen();
    match command::run(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::from(if is_usage(&error) { 2 } else { 1 })
        }
    }
}

/// OpenGL drivers look for a Wayland display, whose library prints an error where this variable is missing.
#[cfg(target_os = "linux")]
fn quieten_display_libraries() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: called first of all, while there is only one thread.
        unsafe { std::env::set_var("XDG_RUNTIME_DIR", std::env::temp_dir()) };
    }
}

/// One line on standard error; nobody there to read it is no reason to fail.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// The command line asks for something that there is not: exit code 2.
#[derive(Debug)]
struct Usage(String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

pub(crate) fn usage(message: impl Into<String>) -> Error {
    Error::new(Usage(message.into()))
}

fn is_usage(error: &Error) -> bool {
    use gristmill::Error::{InvalidArgument, NoAdapter, Parse, UnknownName};
    error.chain().any(|cause| {
        cause.is::<Usage>()
            || matches!(
                cause.downcast_ref(),
                Some(UnknownName { .. } | Parse { .. } | InvalidArgument { .. } | NoAdapter { .. })
            )
    })
}

/// `gristmill … | head` closes our output early; that is not an error.
fn is_broken_pipe(error: &Error) -> bool {
    let broken = |cause: &std::io::Error| cause.kind() == std::io::ErrorKind::BrokenPipe;
    error.chain().any(|cause| cause.downcast_ref().is_some_and(broken))
}
