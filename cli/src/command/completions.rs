//! Completion scripts.

use std::io::Write;

use anyhow::Result;
use clap::CommandFactory;

use crate::args::{Cli, Completions};

pub(super) fn run(args: &Completions) -> Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "gristmill", &mut script);
    Ok(std::io::stdout().write_all(&script)?)
}
