//! Whatever a tuner may choose about transforms, results stay within the same bounds: a part of the table of trials with
//! shapes that are not the adapter's own. On every adapter found but the CPU, which has nothing to choose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use gristmill::conformance::{Extent, run_trial, trials};
use gristmill::{Choices, ContextOptions, FftChoices, Limits};
use libtest_mimic::Trial;

use adapters::Adapter;

/// Every how many of an op's trials are run with each of the shapes: primes, so that they do not fall in step with the table. Those
/// with chirps of their own have more, since few lengths need them.
const STEP: usize = 7;
const CHIRP_STEP: usize = 3;
const OPS: [&str; 7] = ["fft", "ifft", "rfft", "irfft", "dct", "stft", "convolve"];

fn main() {
    adapters::run(|adapter| {
        if adapter.name == "cpu" {
            return Vec::new();
        }
        let of_op = |op: &'static str| {
            let adapter = adapter.clone();
            Trial::test(format!("{}::{op} in every shape", adapter.name), move || {
                every_shape(&adapter, op).map_err(Into::into)
            })
        };
        OPS.into_iter().map(of_op).collect()
    })
}

/// Those of GPUs, those for much work and for little in software, and such as cut everything into many passes.
fn shapes(limits: &Limits) -> [FftChoices; 6] {
    let own = FftChoices::for_limits(limits);
    let gpu = FftChoices { rolled: limits.compiles_slowly, ..FftChoices::default() };
    [
        FftChoices { rolled: true, padded: false, ..gpu.clone() },
        FftChoices { longest_line: 60, single_butterflies: true, ..gpu.clone() },
        FftChoices { rolled_points: 0, ..own.clone() },
        FftChoices { rolled: true, largest_radix: 2, longest_line: 200, threads: 3, invocations: 30, ..own },
        gpu.clone(),
        FftChoices { longest_line: 30, single_chirps: usize::MAX, across_lines: true, ..gpu },
    ]
}

fn every_shape(adapter: &Adapter, op: &str) -> Result<(), String> {
    let text = |error: gristmill::Error| error.to_string();
    let limits = adapters::context(adapter).map_err(text)?.limits().ok_or("the CPU has no shapes")?.clone();
    for (number, fft) in shapes(&limits).into_iter().enumerate() {
        let description = format!("{fft:?}");
        let step = if fft.single_chirps == usize::MAX { CHIRP_STEP } else { STEP };
        let choices = Choices { fft, ..Choices::for_limits(&limits) };
        assert!(choices.fit(&limits), "{} cannot run {description}", adapter.name);
        let options = ContextOptions { choices: Some(choices), ..adapters::options(adapter) };
        let context = adapters::opened(options).map_err(text)?;
        let mut compared = 0;
        let trials = trials(Extent::Sample).into_iter().filter(|trial| trial.op == op);
        for trial in trials.skip(number % step).step_by(step) {
            let outcome = pollster::block_on(run_trial(&context, &trial));
            if let Some(failure) = outcome.failure {
                return Err(format!("{} with {description}: {failure}", trial.name()));
            }
            compared += outcome.entries;
        }
        if compared == 0 {
            return Err(format!("nothing of {op} was compared with {description}"));
        }
    }
    Ok(())
}
