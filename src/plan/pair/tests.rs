#![allow(clippy::unwrap_used)]

use super::text::register_block;
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::plan::choices::Sharing;
use crate::plan::fft::tests::{assert_sound, tight};
use crate::plan::{BufferId, Choices, Limits, Pass, Program, Tile, lower};
use crate::work::{GemmWork, Input, Layout, PairWork, Work};

/// Devices with and without subgroups, each at the default limits and at tight ones.
fn devices() -> Vec<Limits> {
    let mut devices = Vec::new();
    for subgroup_size in [None, Some(8)] {
        // Panels of 128 features fit, so that the slices of the longest rows are few enough for one loop.
        for limits in [Limits::webgpu_defaults(), Limits { max_binding_bytes: 150_000, ..tight() }] {
            devices.push(Limits { subgroup_size, ..limits });
        }
    }
    devices
}

fn words(pass: &Pass) -> Vec<usize> {
    pass.parameters.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()) as usize).collect()
}

/// How often each entry of the result is written, read from the parameters of the passes that write it.
fn writes(program: &Program) -> Vec<u32> {
    let mut writes = vec![0; program.output_bytes as usize / 4];
    for pass in &program.passes {
        let Some(window) = pass.windows.iter().find(|window| window.buffer == BufferId::Output) else {
            continue;
        };
        let words = words(pass);
        let (counts, place) = match pass.shader.file.name {
            "pair_finish" => {
                let [count, rows, columns] = [words[3], words[4], words[5]];
                ([count / rows / columns, rows, columns], [words[12], words[13], words[14], words[15]])
            }
            "pair_entries" => {
                let [count, of_batch] = [words[3], words[16]];
                ([count / of_batch, of_batch, 1], [words[12], words[19], words[13], 1])
            }
            _ => {
                let tiles = words[8] * words[9] * words[13];
                let counts = [words[3] / tiles, words[5] - words[4], words[7] - words[6]];
                (counts, [words[18], words[20], words[21], words[22]])
            }
        };
        for batch in 0..counts[0] {
            for row in 0..counts[1] {
                for column in 0..counts[2] {
                    let at = place[0] + batch * place[1] + row * place[2] + column * place[3];
                    assert!(4 * at < window.bytes as usize, "entry {at} of {window:?}");
                    writes[window.offset as usize / 4 + at] += 1;
                }
            }
        }
    }
    writes
}

/// Iterations of the loops over features and rows in one invocation.
fn iterations(pass: &Pass, tile: &Tile) -> u64 {
    let words = words(pass);
    match pass.shader.file.name {
        "pair_lanes" => (words[11] + words[11] / 64 + 8 + tile.block_rows as usize) as u64,
        "pair_workgroup" => {
            let depth = tile.depth as usize;
            let loads = |side: u32| ((tile.depth * side / 4).div_ceil(tile.invocations())) as usize;
            let steps = 1 + depth + loads(tile.rows) + loads(tile.columns);
            (words[11] / depth * steps + words[11] / 64 + tile.block_rows as usize) as u64
        }
        "pair_finish" => words[6] as u64,
        "pair_entries" => (words[4] + words[4].div_ceil(64)) as u64,
        _ => 8,
    }
}

fn check(work: &Work, layouts: &[&Layout], element_bytes: usize, limits: &Limits, choices: &Choices, name: &str) {
    let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes }).collect();
    let program = match lower(work, &inputs, limits, choices) {
        Ok(program) => program,
        Err(error) => {
            // Rows of y that lie further apart than a binding reaches.
            assert!(
                layouts.iter().any(|layout| (layout.end() * element_bytes) as u64 > limits.max_binding_bytes),
                "{name}: {error}"
            );
            return;
        }
    };
    let bytes = layouts.iter().map(|layout| (layout.end() * element_bytes).next_multiple_of(4).max(16) as u64);
    let bytes: Vec<u64> = bytes.collect();
    assert_sound(&program, &bytes, limits);
    assert!(writes(&program).iter().all(|times| *times == 1), "{name} on {limits:?}");
    for pass in &program.passes {
        let most = u64::from(limits.max_iterations);
        assert!(iterations(pass, &choices.pair) <= most, "{name}: {} of {most}", iterations(pass, &choices.pair));
    }
    for bytes in &program.temporaries {
        assert!(*bytes > 0 && *bytes <= limits.max_buffer_bytes, "{name}: {bytes}");
    }
}

/// Batches that lie one after another, that share their rows, and that no single stride tells apart.
fn batches(n: usize, m: usize, d: usize) -> [[Layout; 2]; 3] {
    let spread = |batch: [usize; 2], strides: [usize; 2], rows: usize| Layout {
        shape: vec![batch[0], batch[1], rows, d],
        strides: vec![strides[0], strides[1], d, 1],
        offset: 3,
    };
    let plain = |batch: [usize; 2], rows: usize| Layout::contiguous(&[batch[0], batch[1], rows, d]);
    [
        [plain([3, 1], n), plain([3, 1], m)],
        [spread([2, 2], [0, 0], n), plain([2, 2], m)],
        [spread([2, 3], [n * d, 2 * n * d + 7], n), spread([2, 3], [4 * m * d, m * d], m)],
    ]
}

#[test]
fn passes_write_every_entry_once_and_keep_the_limits() {
    for limits in devices() {
        let mut tiles = Tile::candidates(&limits);
        tiles.sort_by_key(|tile| tile.sharing as u8);
        tiles.dedup_by_key(|tile| tile.sharing);
        for tile in tiles {
            let choices = Choices { pair: tile, gemm: tile, ..Choices::for_limits(&limits) };
            for (n, m, d) in [(1, 1, 1), (33, 65, 7), (200, 3, 130), (5, 300, 0), (3, 5, 70_000), (61, 67, 1000)] {
                let name = format!("{n} × {m} × {d} by {tile:?}");
                let function = PairFunction::from(Metric::COSINE);
                let work = Work::Pair(PairWork { op: "pairwise", function, paired: false });
                let x = Layout { shape: vec![n, d], strides: vec![d + 3, 1], offset: 5 };
                check(&work, &[&x, &Layout::contiguous(&[m, d])], 4, &limits, &choices, &name);
                for metric in [Metric::COSINE, Metric::minkowski(1.5)] {
                    let work = Work::Pair(PairWork { op: "pairwise", function: metric.into(), paired: false });
                    for ([x, y], element_bytes) in batches(n, m, d).into_iter().zip([4, 2, 2]) {
                        check(&work, &[&x, &y], element_bytes, &limits, &choices, &format!("{:?} · {name}", x.shape));
                    }
                }
                let work = Work::Gemm(GemmWork { alpha: 1.0, beta: 0.0 });
                let a = Layout { shape: vec![2, n, d], strides: vec![n * d, 1, n], offset: 0 };
                check(&work, &[&a, &Layout::contiguous(&[d, m])], 4, &limits, &choices, &name);
            }
        }
    }
}

/// Whether each shader that holds the function's text runs without the driver's checks.
fn unchecked(function: &PairFunction, paired: bool, d: usize) -> Vec<bool> {
    let limits = Limits::webgpu_defaults();
    let x = Layout::contiguous(&[3, d]);
    let input = Input { layout: &x, element_bytes: 4 };
    let work = Work::Pair(PairWork { op: "pairwise", function: function.clone(), paired });
    let program = lower(&work, &[input, input], &limits, &Choices::for_limits(&limits)).unwrap();
    let shaders = program.passes.iter().map(|pass| &pass.shader).filter(|shader| shader.file.name != "pack");
    let found: Vec<bool> = shaders.map(|shader| shader.indices_proven).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn only_our_own_text_runs_without_the_drivers_checks() {
    let changed = |change: fn(&mut Metric)| {
        let mut metric = Metric::CITYBLOCK;
        change(&mut metric);
        metric
    };
    let foreign = [
        changed(|metric| metric.accumulate = "(*state).sum += 2.0 * abs(x - y);".into()),
        changed(|metric| metric.accumulate_weighted = "(*state).sum += abs(x - y);".into()),
        changed(|metric| metric.merge = "return State(a.sum + b.sum);".into()),
        changed(|metric| metric.finish = "return state.sum + 0.0;".into()),
        changed(|metric| metric.parameters = vec![("p".into(), 1.0)]),
    ];
    for (paired, d) in [(false, 7), (true, 7), (false, 300_000), (true, 300_000)] {
        let others = [Metric::COSINE_SIMILARITY, Metric::INNER_PRODUCT, Metric::minkowski(3.0)];
        // Rows are prepared before the pair function sees them.
        let ready = |metric: Metric| match metric.prepared().unwrap() {
            Some((_, ready)) => ready,
            None => metric,
        };
        for metric in Metric::all().into_iter().chain(others).filter_map(|metric| metric.example(d)).map(ready) {
            let d = metric.weights.as_ref().map_or(d, Vec::len);
            assert!(unchecked(&metric.clone().into(), paired, d).iter().all(|proven| *proven), "{}", metric.name);
            if metric.weights.is_none() && !metric.accumulate_weighted.is_empty() {
                assert!(unchecked(&metric.with_weights(vec![1.0; d]).into(), paired, d).iter().all(|proven| *proven));
            }
        }
        for metric in &foreign {
            let beside = PairFunction { terms: vec![Metric::COSINE, metric.clone()], ..PairFunction::from(metric) };
            assert!(unchecked(&metric.into(), paired, d).iter().all(|proven| !proven));
            assert!(unchecked(&beside, paired, d).iter().all(|proven| !proven));
        }
    }
}

#[test]
fn default_tiles_fit_every_device() {
    for limits in devices() {
        let choices = Choices::for_limits(&limits);
        assert!(choices.pair.fits(&limits) && choices.gemm.fits(&limits), "{choices:?}");
        assert_eq!(Tile::candidates(&limits).first(), Some(&choices.pair));
    }
}

/// The text as it was read and measured: a change of it is a change of speed on every device.
#[test]
fn the_register_block_is_the_one_that_was_measured() {
    let tile = Tile { sharing: Sharing::Broadcast, rows: 4, columns: 32, block_rows: 4, block_columns: 4, depth: 2 };
    assert_eq!(register_block(&tile, false), include_str!("register_block.wgsl"));
}
