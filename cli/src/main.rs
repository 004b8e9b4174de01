//! The `gristmill` program.

mod args;
#[allow(dead_code, unused_imports)]
mod format;

use clap::Parser;

fn main() {
    let _ = args::Cli::parse();
}
