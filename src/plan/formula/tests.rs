#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::shader::compile;

fn lowered(expr: Expr, n: usize, m: usize, limits: &Limits) -> Program {
    let work = FormulaWork { op: "formula_sum", formula: Formula::new(expr).unwrap(), n, m };
    let layouts: Vec<Layout> =
        work.formula.variables().iter().map(|v| Layout::contiguous(&work.shape_of(*v))).collect();
    let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes: 4 }).collect();
    let program = lower(&work, &inputs, limits).unwrap();
    for pass in &program.passes {
        let interface = compile(&pass.shader).map_err(|e| panic!("{e}\n{}", pass.shader.text())).unwrap().interface;
        interface.check(limits).unwrap();
        assert_eq!(interface.bindings.len(), pass.windows.len() + 1);
        assert!(pass.parameters.len() >= interface.parameter_bytes as usize);
        assert!(pass.windows.iter().all(|w| w.bytes <= limits.max_binding_bytes && w.bytes > 0));
    }
    program
}

/// The n-th word of a pass's parameters.
fn word(pass: &Pass, n: usize) -> u32 {
    u32::from_le_bytes(pass.parameters[4 * n..4 * n + 4].try_into().unwrap())
}

/// Every operation, long and short vectors, numbers and parameters, and the gradients of all.
fn formulas() -> Vec<Expr> {
    let mut all = Vec::new();
    for d in [1, 3, 17, 100] {
        let (x, y, p, w) = (Expr::vi(0, d), Expr::vj(0, d), Expr::pm(0, d), Expr::vj(1, 40));
        let rbf = (-(&p * (&x - &y)).sqnorm() * Expr::parameter(0.5)).exp();
        all.push(rbf.clone());
        all.push(&rbf * &w);
        all.push(x.concat(&w).extract(d / 2, 20) * x.dot(&y).rsqrt() * Expr::vij(0));
        all.push((x.sqnorm() + 1.0).log() * y.abs().clamp(0.1, 2.0).pow(1.5) * y.step(0.2));
        all.push(Expr::vector(&vec![0.5; d]) * x.sin() / (y.cos() + 2.0) + x.powi(3));
        all.extend(rbf.gradients(&[x.clone(), y.clone(), p.clone()]));
    }
    all
}

#[test]
fn every_formula_is_a_valid_shader() {
    for expr in formulas() {
        for (n, m) in [(5, 70), (5, 5000), (0, 3), (3, 0)] {
            let program = lowered(expr.clone(), n, m, &Limits::webgpu_defaults());
            assert_eq!(program.passes.is_empty(), n == 0);
        }
    }
}

#[test]
fn no_invocation_passes_the_limit_of_iterations() {
    let (x, y) = (Expr::vi(0, 4096), Expr::vj(0, 4096));
    let program = lowered((-x.sqdist(&y)).exp() * (&x - &y), 3, 1000, &Limits::webgpu_defaults());
    // 4096 features, 16 at a time in blocks of 64, are 320 iterations: a slice of 384 j takes more than one pass.
    let (slice, columns) = (word(&program.passes[0], 5), word(&program.passes[0], 7));
    assert!(columns * 320 < Limits::webgpu_defaults().max_iterations && columns < slice, "{columns} of {slice}");
    let small = Limits { max_binding_bytes: 4096, offset_alignment: 256, ..Limits::webgpu_defaults() };
    let (x, y) = (Expr::vi(0, 3), Expr::vj(0, 3));
    let program = lowered(x.sqdist(&y) * &y, 1000, 1000, &small);
    assert!(program.passes.len() > 9);
}

#[test]
fn more_variables_than_a_device_binds_are_refused() {
    let sum = (0..8).fold(Expr::vi(0, 1), |sum, number| sum + Expr::vj(number, 1));
    let work = FormulaWork { op: "formula_sum", formula: Formula::new(sum).unwrap(), n: 2, m: 2 };
    let layout = Layout::contiguous(&[2, 1]);
    let inputs = vec![Input { layout: &layout, element_bytes: 4 }; 9];
    assert!(matches!(lower(&work, &inputs, &Limits::webgpu_defaults()), Err(Error::Unsupported { .. })));
}
