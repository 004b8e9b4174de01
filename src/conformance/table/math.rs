//! The accurate functions of `shaders/math.wgsl`, one by one, each over two arrays of arguments.

use ndarray::Array1;

use super::Body;
use crate::conformance::Generator;
use crate::conformance::compare::Comparison;
use crate::conformance::math::{FUNCTIONS, MathFunction, WHOLE_POWER};
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::plan::map_program;
use crate::tensor::Tensor;
use crate::work::Layout;

/// One function over one range.
#[derive(Debug, Clone)]
pub(crate) struct MathTrial {
    function: MathFunction,
    count: usize,
}

impl MathTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let Some(engine) = context.executor().as_any().downcast_ref::<Engine>() else {
            let message = "the CPU computes with the functions of the host's own library".to_owned();
            return Err(Error::Unsupported { op: "math", message });
        };
        let mut generator = Generator::named(name);
        let (x, y) = self.function.arguments(self.count, || generator.bits());
        let (device_x, device_y) = (upload(context, &x)?, upload(context, &y)?);
        let body = format!("return {};", self.function.call);
        let program = map_program(&body, true, self.count, engine.limits());
        let storage = engine.run_program(&program, &[device_x.storage().clone(), device_y.storage().clone()])?;
        let layout = Layout::contiguous(&[self.count]);
        let result = Tensor::<f32>::new(context.executor().clone(), storage, layout).read().await?;
        let mut comparison = Comparison::default();
        for (&got, (&x, &y)) in result.iter().zip(x.iter().zip(&y)) {
            let want = (self.function.definition)(f64::from(x), f64::from(y));
            // Results below the normal range may be flushed to 0 and rounded there to any neighbour.
            let flushed = if want.abs() < f64::from(f32::MIN_POSITIVE) { want.abs() } else { 0.0 };
            let bound = (self.function.bound)(f64::from(x), f64::from(y), want).max(flushed);
            comparison.entry(|| format!("x = {x:e}, y = {y:e}"), got, want, bound);
        }
        Ok(comparison)
    }
}

fn upload(context: &Context, values: &[f32]) -> Result<Tensor> {
    context.upload(&Array1::from(values.to_vec()))
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let count = if extent == Extent::Full { 200_000 } else { 20_000 };
    let trial = |function: &MathFunction| {
        let body = Body::Math(MathTrial { function: *function, count });
        Trial::new(format!("math::{}", function.name), format!("{count} arguments"), body)
    };
    FUNCTIONS.iter().chain([&WHOLE_POWER]).map(trial).collect()
}
