//! The passes of a recipe: what each does to its lines, and where the transform's own wishes enter.

use super::append::AxisTransform;
use super::recipe::{FftRecipe, Form, LineShape};
use super::tail::{Factor, LinePass, Number};

/// A pass of the transform, apart from where its lines lie.
pub(super) struct Step<'a> {
    pub(super) pass: LinePass<'a>,
    /// Position among the passes that share one transform of the inner length.
    pub(super) position: usize,
    pub(super) first: bool,
    pub(super) last: bool,
}

/// The passes of a recipe.
pub(super) fn steps<'a>(recipe: &'a FftRecipe, transform: &AxisTransform) -> Vec<Step<'a>> {
    let plain = |shape: &'a LineShape| LinePass {
        shape,
        source: Number::Complex,
        real_result: false,
        short: false,
        cut: false,
        conjugate: false,
        swap_source: false,
        prepare: None,
        between: None,
        rotate: None,
        swap_first: false,
        finish: None,
        swap_last: false,
        product: false,
        neighbours_are_lines: false,
        dimensions: 1,
    };
    let sequence = |passes: &'a [LineShape]| {
        let mut rest: usize = passes.iter().map(|p| p.length).product();
        let last = passes.len() - 1;
        let mut steps = Vec::with_capacity(passes.len());
        for (position, shape) in passes.iter().enumerate() {
            let rotate = (position < last).then_some(rest);
            rest /= shape.length;
            steps.push(Step { pass: LinePass { rotate, ..plain(shape) }, position, first: false, last: false });
        }
        steps
    };
    let mut steps = match &recipe.form {
        Form::Smooth(passes) => sequence(passes),
        Form::Bluestein(passes) => {
            let chirp = Some(Factor::Chirp(recipe.length));
            let filter = Some(Factor::Filter { length: recipe.length, padded: recipe.inner_length() });
            let mut steps = sequence(passes);
            if passes.len() == 1 {
                steps[0].pass.between = filter;
            } else {
                if let Some(step) = steps.last_mut() {
                    step.pass.finish = filter;
                    step.pass.swap_last = true;
                }
                steps.extend(sequence(passes));
            }
            if let Some(step) = steps.first_mut() {
                step.pass.prepare = chirp;
            }
            if let Some(step) = steps.last_mut() {
                step.pass.swap_first = true;
                step.pass.finish = chirp;
            }
            steps
        }
    };
    if let Some(step) = steps.first_mut() {
        step.first = true;
        step.pass.source = transform.number;
        step.pass.short = transform.source.length < recipe.inner_length();
        step.pass.conjugate = transform.conjugate;
        step.pass.swap_source = transform.inverse;
    }
    if let Some(step) = steps.last_mut() {
        step.last = true;
        step.pass.cut = transform.result.length < recipe.inner_length() || transform.result_start > 0;
        step.pass.real_result = transform.real_result;
        step.pass.swap_last = transform.inverse;
        step.pass.product = transform.product.is_some();
    }
    steps
}
