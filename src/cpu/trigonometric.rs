//! Discrete cosine and sine transforms through rustdct, threads over the lines.
//!
//! # Accuracy
//! As the Fourier transform's, by which they go.

use std::f32::consts::{FRAC_1_SQRT_2, SQRT_2};
use std::sync::{Arc, Mutex, PoisonError};

use num_complex::Complex32;
use rustdct::{Dct1, DctPlanner, Dst1, TransformType2And3, TransformType4};

use super::fft::{LineTransform, room_for_tables, transform_lines};
use super::memory::Memory;
use super::view::View;
use crate::error::{Error, Result};
use crate::work::{Operand, TransformType, TrigonometricWork};

/// rustdct's plans, kept between calls.
pub(super) struct Plans(Mutex<DctPlanner<f32>>);

impl Plans {
    pub(super) fn new() -> Self {
        Self(Mutex::new(DctPlanner::new()))
    }
}

/// [`crate::work::Work::Trigonometric`].
pub(super) fn run(plans: &Plans, work: &TrigonometricWork, input: &Operand) -> Result<Memory> {
    work.check()?;
    let TrigonometricWork { op, axis, length, .. } = *work;
    let view = View::<f32>::of(op, input)?;
    if axis >= view.shape.len() {
        let message = format!("does not exist; the input has {} axes", view.shape.len());
        return Err(Error::argument(op, format!("axis {axis}"), message));
    }
    room_for_tables(op, work.period())?;
    let mut planner = plans.0.lock().unwrap_or_else(PoisonError::into_inner);
    let plan = match (work.kind, work.sine) {
        (TransformType::I, false) => Plan::CosineOne(planner.plan_dct1(length)),
        (TransformType::I, true) => Plan::SineOne(planner.plan_dst1(length)),
        (TransformType::II | TransformType::III, _) => Plan::TwoAndThree(planner.plan_dct2(length)),
        (TransformType::IV, _) => Plan::Four(planner.plan_dct4(length)),
    };
    drop(planner);
    transform_lines(op, &view, None, axis, (length, length), &Lines { plan, work: *work })
}

enum Plan {
    CosineOne(Arc<dyn Dct1<f32>>),
    SineOne(Arc<dyn Dst1<f32>>),
    TwoAndThree(Arc<dyn TransformType2And3<f32>>),
    Four(Arc<dyn TransformType4<f32>>),
}

struct Lines {
    plan: Plan,
    work: TrigonometricWork,
}

impl Lines {
    /// The entries that stand alone in the formulas, before the transform and after it.
    fn alone(&self) -> [Vec<usize>; 2] {
        let (first, last) = (0, self.work.length - 1);
        let edge = vec![if self.work.sine { last } else { first }];
        match (self.work.kind, self.work.sine) {
            _ if !self.work.orthogonal => [vec![], vec![]],
            (TransformType::I, false) => [vec![first, last], vec![first, last]],
            (TransformType::II, _) => [vec![], edge],
            (TransformType::III, _) => [edge, vec![]],
            _ => [vec![], vec![]],
        }
    }
}

impl LineTransform for Lines {
    type From = f32;
    type To = f32;

    fn scratch(&self) -> usize {
        let numbers = match &self.plan {
            Plan::CosineOne(plan) => plan.get_scratch_len(),
            Plan::SineOne(plan) => plan.get_scratch_len(),
            Plan::TwoAndThree(plan) => plan.get_scratch_len(),
            Plan::Four(plan) => plan.get_scratch_len(),
        };
        numbers.div_ceil(2)
    }

    fn line(&self, from: &[f32], to: &mut [f32], scratch: &mut [Complex32]) {
        let scratch: &mut [f32] = bytemuck::cast_slice_mut(scratch);
        let [before, after] = self.alone();
        to.copy_from_slice(from);
        before.into_iter().for_each(|at| to[at] *= SQRT_2);
        match (&self.plan, self.work.kind, self.work.sine) {
            (Plan::CosineOne(plan), ..) => plan.process_dct1_with_scratch(to, scratch),
            (Plan::SineOne(plan), ..) => plan.process_dst1_with_scratch(to, scratch),
            (Plan::TwoAndThree(plan), TransformType::III, false) => plan.process_dct3_with_scratch(to, scratch),
            (Plan::TwoAndThree(plan), TransformType::III, true) => plan.process_dst3_with_scratch(to, scratch),
            (Plan::TwoAndThree(plan), _, false) => plan.process_dct2_with_scratch(to, scratch),
            (Plan::TwoAndThree(plan), _, true) => plan.process_dst2_with_scratch(to, scratch),
            (Plan::Four(plan), _, false) => plan.process_dct4_with_scratch(to, scratch),
            (Plan::Four(plan), _, true) => plan.process_dst4_with_scratch(to, scratch),
        }
        // rustdct's sums lack the factor 2 of SciPy's.
        let scale = 2.0 * self.work.scale;
        to.iter_mut().for_each(|y| *y *= scale);
        after.into_iter().for_each(|at| to[at] *= FRAC_1_SQRT_2);
    }
}
