//! The table of trials on every adapter found; `cargo test --test conformance -- vulkan:llvmpipe::gemm` runs a part.
//!
//! `GRISTMILL_FULL=1` runs the full table instead of its sample. The other variables are told in `adapters/mod.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use gristmill::conformance::{Extent, run_trial, trials};
use libtest_mimic::{Arguments, Completion, Trial};

fn main() {
    let mut arguments = Arguments::from_args();
    // One thread: GL work may not change threads, and software rasterizers use every core by themselves.
    arguments.test_threads = Some(1);
    let extent = if adapters::flag("GRISTMILL_FULL") { Extent::Full } else { Extent::Sample };
    let (found, missing) = adapters::find();
    let mut tests = Vec::new();
    for adapter in found {
        for trial in trials(extent) {
            let adapter = adapter.clone();
            let name = format!("{}::{}", adapter.name, trial.name());
            tests.push(Trial::ignorable_test(name, move || {
                let context = adapters::context(&adapter).map_err(|error| error.to_string())?;
                let outcome = pollster::block_on(run_trial(&context, &trial));
                match (outcome.failure, outcome.skipped) {
                    (Some(detail), _) => Err(detail.into()),
                    (None, Some(reason)) => Ok(Completion::ignored_with(reason)),
                    (None, None) => Ok(Completion::Completed),
                }
            }));
        }
    }
    tests.extend(adapters::stand_ins(missing));
    adapters::run(&arguments, tests)
}
