#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::sync::Arc;

use crate::kernel::{Kernel, PairFunction};
use crate::metric::Metric;
use crate::plan::fft::tests::{assert_sound, tight};
use crate::plan::{BufferId, Choices, DeviceKind, Limits, Pass, Program, lower};
use crate::work::{Bias, BlockRanges, Input, Layout, PairMask, ReduceWork, Reduction, Work};

/// Devices with and without subgroups, each at the default limits and at tight ones.
fn devices() -> Vec<Limits> {
    let mut devices = Vec::new();
    for (kind, subgroup_size, compiles_slowly) in [
        (DeviceKind::Software, Some(8), false),
        (DeviceKind::Software, Some(4), true),
        (DeviceKind::Software, None, false),
        (DeviceKind::Discrete, None, false),
    ] {
        let small = Limits { max_binding_bytes: 40_000, ..tight() };
        for limits in [Limits::webgpu_defaults(), small] {
            devices.push(Limits { kind, subgroup_size, compiles_slowly, ..limits });
        }
    }
    devices
}

fn words(pass: &Pass) -> Vec<usize> {
    pass.parameters.chunks_exact(4).map(|word| u32::from_le_bytes(word.try_into().unwrap()) as usize).collect()
}

fn constant(pass: &Pass, name: &str) -> usize {
    let text = pass.shader.text();
    let at = text.find(&format!("const {name} = ")).unwrap() + name.len() + 9;
    text[at..].split('u').next().unwrap().parse().unwrap()
}

/// How often each pair of a row of x and a row of y is taken in, batches side by side.
fn meetings(program: &Program, n: usize, m: usize) -> Vec<u32> {
    let mut met = vec![0; n * m];
    let mut begun = HashSet::new();
    for pass in &program.passes {
        match pass.shader.file.name {
            "pair_reduce" => {}
            "pair_reduce_finish" => {
                begun.clear();
                continue;
            }
            _ => continue,
        }
        let words = words(pass);
        let (tile, panel) = (constant(pass, "TILE"), constant(pass, "PANEL"));
        let batches = words[3] / words[5] / words[6];
        let rows = words[23] + words[4] * tile..(words[23] + (words[4] + words[5]) * tile).min(words[27] + 1);
        for at in rows.clone().flat_map(|row| (words[17]..words[17] + batches).map(move |batch| (batch, row))) {
            assert_eq!(begun.insert(at), words[18] == 0, "the first pass of a row starts, and only that");
        }
        for slice in 0..words[6] {
            let first = words[11] + slice * words[8];
            let end = (first + words[10]).min(first + words[8]).min(words[12]);
            for row in rows.clone() {
                for column in words[24] + (first + words[9]) * panel..words[24] + end * panel {
                    if column >= words[25] && column < words[26] {
                        met[row * m + column] += batches as u32;
                    }
                }
            }
        }
    }
    met
}

/// How often each entry of the result is written.
fn writes(program: &Program) -> Vec<u32> {
    let mut writes = vec![0; program.output_bytes as usize / 4];
    for pass in program.passes.iter().filter(|pass| pass.shader.file.name == "pair_reduce_finish") {
        let window = pass.windows.iter().find(|window| window.buffer == BufferId::Output).unwrap();
        let words = words(pass);
        let text = &pass.shader.tail.code;
        let width = text.matches("out[at + ").count() / if text.contains("parameters.part") { 2 } else { 1 };
        for number in 0..words[3] {
            let at = words[10] + number / words[4] * words[11] + number % words[4] * words[12];
            for entry in 0..width {
                assert!(4 * (at + entry) < window.bytes as usize, "entry {at} of {window:?}");
                writes[window.offset as usize / 4 + at + entry] += 1;
            }
        }
    }
    writes
}

/// An upper bound of the iterations of all loops of an invocation.
fn iterations(pass: &Pass) -> usize {
    let words = words(pass);
    let panels = words[10] - words[9];
    let has = |text: &str| pass.shader.tail.code.contains(text);
    let (panel, own) = (constant(pass, "PANEL"), constant(pass, "TILE") / constant(pass, "LANES"));
    let walk = match () {
        () if has("fn state_of") => own * panel * (words[7] + words[7] / 64 + 1),
        () if has("struct Block") => words[7] / if has("+ 4u <=") { 4 } else { 1 },
        () => 0,
    };
    let inserts = pass.shader.tail.code.matches("while least <").count();
    let ends =
        if has("var states") || has("state_of") { own * panel * (1 + 2 * inserts) } else { inserts * (panel + 1) };
    panels * (1 + walk + ends)
}

fn reduce(function: PairFunction, reduction: Reduction, mask: PairMask) -> Work {
    Work::Reduce(ReduceWork { op: "reduce", function, reduction, mask })
}

fn check(reduction: Reduction, mask: &PairMask, [batch, n, m, d, c]: [usize; 5], limits: &Limits) {
    let name = format!("{reduction:?} of {batch} × {n} × {m} × {d} on {limits:?}");
    let work = reduce(Metric::SQEUCLIDEAN.into(), reduction, mask.clone());
    let mut layouts = vec![Layout::contiguous(&[batch, n, d])];
    layouts.push(Layout { shape: vec![batch, m, d], strides: vec![0, d, 1], offset: 3 });
    if reduction.has_values() {
        layouts.push(Layout { shape: vec![batch, m, c], strides: vec![m * c, 1, m], offset: 0 });
    }
    if mask.bias.is_some() {
        layouts.push(Layout { shape: vec![batch, n, m], strides: vec![0, m, 1], offset: 0 });
    }
    let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes: 4 }).collect();
    let program =
        lower(&work, &inputs, limits, &Choices::for_limits(limits)).map_err(|error| format!("{name}: {error}"));
    let program = program.unwrap();
    let bytes: Vec<u64> = layouts.iter().map(|layout| (layout.end() as u64 * 4).max(16)).collect();
    assert_sound(&program, &bytes, limits);
    let chunks = match reduction {
        Reduction::Extreme { k, .. } => k.div_ceil(16) as usize,
        Reduction::Sum { values: true, .. } => c.div_ceil(8),
        _ => 1,
    };
    assert!(writes(&program).iter().all(|times| *times == 1), "{name}");
    let mut expected = vec![(batch * chunks) as u32; n * m];
    if let Some(blocks) = &mask.blocks {
        expected.fill(0);
        for (rows, columns) in blocks.rows.iter().zip(&blocks.columns) {
            for row in rows.clone() {
                let met = columns.iter().cloned().flatten();
                met.for_each(|column| expected[row * m + column] = (batch * chunks) as u32);
            }
        }
    }
    assert!(meetings(&program, n, m) == expected, "{name}");
    for pass in program.passes.iter().filter(|pass| pass.shader.file.name == "pair_reduce") {
        assert!(iterations(pass) <= limits.max_iterations as usize, "{name}: {}", iterations(pass));
    }
}

const SUM: Reduction = Reduction::Sum { values: true, scale: 1.0, compensated: false };

#[test]
fn every_pair_is_met_once_within_the_limits() {
    for limits in devices() {
        for shape in [[1, 1, 1, 1, 1], [2, 33, 70, 3, 1], [1, 200, 300, 5, 1], [3, 5, 1000, 12, 1], [1, 130, 64, 0, 1]]
        {
            check(SUM, &PairMask::default(), shape, &limits);
            check(Reduction::Extreme { k: 3, largest: false }, &PairMask::default(), shape, &limits);
        }
        check(SUM, &PairMask::default(), [2, 20, 50, 3, 16], &limits);
        check(Reduction::Extreme { k: 33, largest: true }, &PairMask::default(), [2, 20, 50, 3, 16], &limits);
    }
}

#[test]
fn every_reduction_and_mask_makes_sound_passes() {
    let blocks = Arc::new(BlockRanges { rows: vec![3..9, 20..33], columns: vec![vec![0..8, 30..31], vec![5..70]] });
    let masks = [
        PairMask { exclude_self: true, ..PairMask::default() },
        PairMask { causal: true, window: Some(9), ..PairMask::default() },
        PairMask { bias: Some(Bias::Additive), ..PairMask::default() },
        PairMask { bias: Some(Bias::Boolean), causal: true, ..PairMask::default() },
        PairMask { blocks: Some(blocks), ..PairMask::default() },
    ];
    let reductions = [
        Reduction::Sum { values: false, scale: 1.0, compensated: true },
        Reduction::LogSumExp { values: false },
        Reduction::LogSumExp { values: true },
        Reduction::SoftmaxSum,
        Reduction::Extreme { k: 1, largest: true },
        Reduction::Extreme { k: 16, largest: false },
        Reduction::Count { radius: 0.5 },
        Reduction::SumWithin { radius: 0.5, values: true },
    ];
    for limits in devices() {
        for d in [3, 20] {
            for reduction in reductions {
                check(reduction, &PairMask::default(), [1, 40, 70, d, 1], &limits);
            }
            for mask in &masks {
                check(SUM, mask, [2, 40, 70, d, 1], &limits);
            }
        }
    }
}

#[test]
fn nothing_in_y_still_gives_results() {
    let limits = Limits::webgpu_defaults();
    for reduction in [SUM, Reduction::SoftmaxSum, Reduction::Extreme { k: 2, largest: false }] {
        check(reduction, &PairMask::default(), [1, 9, 0, 3, 1], &limits);
    }
}

#[test]
fn kernels_and_weights_compile() {
    let limits = Limits { kind: DeviceKind::Software, subgroup_size: Some(8), ..Limits::webgpu_defaults() };
    for text in ["rbf", "matern(nu=2.5)", "rbf(length_scale=[1, 2, 3])", "2.5*rbf(0.9) + 0.3*rq(1.2)*dot_product(0.8)"]
    {
        let function = text.parse::<Kernel>().unwrap().pair_function(3).unwrap();
        let work = reduce(function, SUM, PairMask::default());
        let layouts = [Layout::contiguous(&[70, 3]), Layout::contiguous(&[41, 3]), Layout::contiguous(&[41, 2])];
        let inputs = layouts.each_ref().map(|layout| Input { layout, element_bytes: 4 });
        let program = lower(&work, &inputs, &limits, &Choices::for_limits(&limits)).unwrap();
        assert_sound(&program, &layouts.each_ref().map(|layout| layout.end() as u64 * 4), &limits);
    }
}
