//! The table of trials on every adapter found; `cargo test --test conformance -- vulkan:llvmpipe::gemm` runs a part.
//!
//! `GRISTMILL_FULL=1` runs the full table instead of its sample. The other variables are told in `adapters/mod.rs`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use gristmill::conformance::{Extent, run_trial, trials};
use libtest_mimic::{Completion, Trial};

fn main() {
    let extent = if adapters::flag("GRISTMILL_FULL") { Extent::Full } else { Extent::Sample };
    adapters::run(|adapter| {
        let test = |trial: gristmill::conformance::Trial| {
            let adapter = adapter.clone();
            Trial::ignorable_test(format!("{}::{}", adapter.name, trial.name()), move || {
                let context = adapters::context(&adapter).map_err(|error| error.to_string())?;
                let outcome = pollster::block_on(run_trial(&context, &trial));
                match (outcome.failure, outcome.skipped) {
                    (Some(detail), _) => Err(detail.into()),
                    (None, Some(reason)) => Ok(Completion::ignored_with(reason)),
                    (None, None) => Ok(Completion::Completed),
                }
            })
        };
        trials(extent).into_iter().map(test).collect()
    })
}
