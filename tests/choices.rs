//! Whatever a tuner may choose, results stay within the same bounds: parts of the table of trials with tiles and shapes of
//! transforms that are not the adapter's own. On every adapter found but the CPU, which has nothing to choose.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;

use std::collections::HashMap;

use gristmill::conformance::{Extent, run_trial, trials};
use gristmill::{Choices, ContextOptions, FftChoices, Limits, Tile};
use libtest_mimic::Trial;

use adapters::Adapter;

/// Ops that tiles are for, and every how many of their trials are run.
const OF_TILES: (&[&str], usize) = (&["pairwise::euclidean", "gemm"], 7);
const OF_TRANSFORMS: (&[&str], usize) = (&["fft", "ifft", "rfft", "irfft", "dct", "stft", "convolve"], 8);

fn main() {
    adapters::run(|adapter| {
        if adapter.name == "cpu" {
            return Vec::new();
        }
        let trial = |name: String, choices: fn(&Limits) -> Vec<Choices>, ops| {
            let adapter = adapter.clone();
            Trial::test(format!("{}::{name}", adapter.name), move || {
                every_choice(&adapter, choices, ops).map_err(Into::into)
            })
        };
        vec![
            trial("every tile".to_owned(), tiles, OF_TILES),
            trial("shapes of transforms".to_owned(), transforms, OF_TRANSFORMS),
        ]
    })
}

fn tiles(limits: &Limits) -> Vec<Choices> {
    let of = |tile: Tile| Choices { pair: tile, gemm: tile, ..Choices::for_limits(limits) };
    Tile::candidates(limits).into_iter().map(of).collect()
}

/// Those of GPUs, those for much work and for little in software, and such as cut everything into many passes.
fn transforms(limits: &Limits) -> Vec<Choices> {
    let own = FftChoices::for_limits(limits);
    let gpu = FftChoices { rolled: limits.compiles_slowly, ..FftChoices::default() };
    let shapes = [
        FftChoices { rolled: true, padded: false, ..gpu.clone() },
        FftChoices { longest_line: 60, single_butterflies: true, ..gpu.clone() },
        FftChoices { rolled_points: 0, ..own.clone() },
        FftChoices { rolled: true, largest_radix: 2, longest_line: 200, threads: 3, invocations: 30, ..own },
        gpu,
    ];
    shapes.into_iter().map(|fft| Choices { fft, ..Choices::for_limits(limits) }).collect()
}

/// Some trials of these ops with each of the choices.
fn every_choice(
    adapter: &Adapter,
    choices: fn(&Limits) -> Vec<Choices>,
    (ops, step): (&[&str], usize),
) -> Result<(), String> {
    let text = |error: gristmill::Error| error.to_string();
    let limits = adapters::context(adapter).map_err(text)?.limits().ok_or("the CPU has no choices")?.clone();
    let chosen: Vec<Choices> = choices(&limits);
    assert!(chosen.len() > 1 && chosen.iter().all(|choices| choices.fit(&limits)), "{chosen:?}");
    let mut compared: HashMap<&str, usize> = ops.iter().map(|op| (*op, 0)).collect();
    for (number, choices) in chosen.into_iter().enumerate() {
        let description = format!("{choices:?}");
        let options = ContextOptions { choices: Some(choices), ..adapters::options(adapter) };
        let context = adapters::opened(options).map_err(text)?;
        let trials = trials(Extent::Sample).into_iter().filter(|trial| ops.contains(&trial.op.as_str()));
        for trial in trials.skip(number % step).step_by(step) {
            let outcome = pollster::block_on(run_trial(&context, &trial));
            if let Some(failure) = outcome.failure {
                return Err(format!("{} with {description}: {failure}", trial.name()));
            }
            if let Some(entries) = compared.get_mut(trial.op.as_str()) {
                *entries += outcome.entries;
            }
        }
    }
    match compared.iter().find(|(_, entries)| **entries == 0) {
        Some((op, _)) => Err(format!("nothing of {op} was compared")),
        None => Ok(()),
    }
}
