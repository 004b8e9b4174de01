//! The passes of a recipe: what each does to its lines, and where the transform's own wishes enter.

use super::append::{AxisTransform, SourceKind};
use super::line::{Between, LinePass, Source, Target};
use super::recipe::{FftRecipe, Form, LineShape};
use super::sections::Section;

/// A pass of the transform, apart from where its lines lie.
#[derive(Clone)]
pub(super) struct Step<'a> {
    pub(super) pass: LinePass<'a>,
    /// Position among the passes that share one transform of the inner length; `None`: what follows all of them.
    pub(super) position: Option<usize>,
    /// The result lies as the source does, for the same way back.
    pub(super) in_place: bool,
    pub(super) first: bool,
    pub(super) last: bool,
}

/// The passes of a recipe; `packed`: each complex number stands for two real ones. `single` is the shape of one entry.
pub(super) fn steps<'a>(
    recipe: &'a FftRecipe,
    transform: &AxisTransform,
    packed: bool,
    single: &'a LineShape,
) -> Vec<Step<'a>> {
    let sequence = |passes: &'a [LineShape]| {
        let whole: usize = passes.iter().map(|p| p.length).product();
        let last = passes.len() - 1;
        // The last pass has nothing to rotate; where it shares the shader of the others, it does so by 1.
        let rotating = if transform.shares_a_shader(recipe) { last + 1 } else { last };
        let mut steps = Vec::with_capacity(passes.len());
        for (position, shape) in passes.iter().enumerate() {
            let rotate = (position < rotating).then_some(whole);
            let pass = LinePass { rotate, whole, ..LinePass::plain(shape) };
            steps.push(Step { pass, position: Some(position), in_place: position < last, first: false, last: false });
        }
        steps
    };
    let mut steps = sequence(recipe.passes());
    match &recipe.form {
        Form::Smooth(_) => {}
        Form::Rader(_) => {
            steps[0].pass.order = Some(recipe.length);
            steps[0].pass.between = Some(Between::Rader);
            steps[0].pass.swap_first = true;
        }
        Form::Bluestein(passes) => {
            let chirp = Some(Section::Chirp(recipe.length));
            let back = steps[..passes.len() - 1].iter().rev().cloned().map(|mut step| {
                step.pass.rotates_source = true;
                step
            });
            let back: Vec<Step<'_>> = back.collect();
            if let Some(step) = steps.last_mut() {
                step.pass.between = Some(Between::Factor(Section::filter(recipe.length, passes)));
                step.in_place = true;
            }
            steps.extend(back);
            if let Some(step) = steps.first_mut() {
                step.pass.prepare = chirp;
            }
            if let Some(step) = steps.last_mut() {
                step.pass.swap_first = true;
                step.pass.finish = chirp;
            }
        }
    }
    // Half a spectrum is put together from both its ends, which only a line in one workgroup has at hand.
    let halved = packed && transform.number == SourceKind::Real;
    let untangled = halved && recipe.is_one_line();
    if halved && !untangled {
        let pass = LinePass { source: Source::Tangled, ..LinePass::plain(single) };
        steps.push(Step { pass, position: None, in_place: false, first: false, last: false });
    }
    if let Some(step) = steps.first_mut() {
        step.first = true;
        step.pass.taper = transform.taper.is_some();
        step.pass.halves = transform.halves;
        step.pass.source = match (transform.number, packed) {
            (SourceKind::Complex, _) => Source::Complex,
            (SourceKind::Real, false) => Source::Real,
            (SourceKind::Real, true) => Source::RealPair,
            (SourceKind::Half, false) => Source::Half,
            (SourceKind::Half, true) => Source::HalfPair,
        };
        let wanted = match transform.number {
            SourceKind::Half => transform.length / 2 + 1,
            _ => transform.length,
        };
        step.pass.short = transform.source.length < wanted;
        step.pass.conjugate = transform.conjugate;
        step.pass.swap_source = transform.inverse && !halved;
    }
    if let Some(step) = steps.last_mut() {
        step.last = true;
        let given = match (transform.number, &recipe.form) {
            (SourceKind::Real, _) if halved => transform.length / 2 + 1,
            (_, Form::Bluestein(_)) => recipe.inner_length(),
            _ => transform.length,
        };
        step.pass.cut = transform.result.length < given || transform.result_start > 0;
        step.pass.target = match (transform.real_result, packed && !halved) {
            (false, _) => Target::Complex,
            (true, false) => Target::Real,
            (true, true) => Target::RealPair,
        };
        step.pass.untangled = untangled;
        step.pass.conjugate_result = untangled && transform.inverse;
        step.pass.conjugate |= halved && !untangled && transform.inverse;
        step.pass.swap_last = transform.inverse && !halved;
        step.pass.product = transform.product.is_some();
        step.pass.columns = transform.columns.map(|columns| columns.whole);
    }
    steps
}
