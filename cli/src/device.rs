//! Which adapter the work runs on, and why.

use anyhow::Result;
use gristmill::{AdapterInfo, Context, ContextOptions, DeviceKind};

use crate::args::General;
use crate::say;

/// Opens the adapter that was asked for and says on standard error which one it is and why.
pub(crate) fn open(general: &General) -> Result<Context> {
    if general.adapter.trim().eq_ignore_ascii_case("all") {
        return Err(crate::usage(
            "--adapter all is for info, demo and conformance; choose one adapter here (`gristmill info`)",
        ));
    }
    let context = open_named(&general.adapter)?;
    if !general.quiet {
        say(&format!("running on {}: {}", context.info(), context.reason()));
    }
    Ok(context)
}

/// Opens one adapter without a word.
pub(crate) fn open_named(adapter: &str) -> Result<Context> {
    Ok(Context::with_options_blocking(ContextOptions {
        adapter: adapter.trim().to_owned(),
        // Where there is no such directory, pipelines are compiled anew in every process.
        cache_directory: dirs::cache_dir().map(|directory| directory.join("gristmill")),
        ..ContextOptions::default()
    })?)
}

/// Everything that `--adapter all` names: the CPU first, then what the drivers offer.
pub(crate) fn all() -> Vec<String> {
    let mut names = vec!["cpu".to_owned()];
    for adapter in Context::adapters_blocking().iter().filter(|a| a.backend != "cpu") {
        let name = adapter.selector();
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// What runs where nobody chose: the CPU and the best hardware GPU, or every software adapter where there is none.
/// The second part says so in words.
pub(crate) fn suitable() -> (Vec<String>, String) {
    let adapters = Context::adapters_blocking();
    if adapters.iter().any(AdapterInfo::is_hardware) {
        return (vec!["cpu".to_owned(), "auto".to_owned()], "the CPU and the best hardware GPU".to_owned());
    }
    let names = all();
    let words = match names.len() {
        1 => "no GPU was found, in hardware or software: only the CPU runs".to_owned(),
        n => format!("no hardware GPU was found: the CPU and {} run", plural(n - 1, "software adapter")),
    };
    (names, words)
}

/// Whether the host's own cores run the shaders.
pub(crate) fn is_software(adapter: &AdapterInfo) -> bool {
    adapter.kind == DeviceKind::Software
}

fn plural(n: usize, what: &str) -> String {
    if n == 1 { format!("one {what}") } else { format!("{n} {what}s") }
}
