//! `gristmill gemm`.

use anyhow::Result;
use serde_json::json;

use super::Job;
use crate::args::{Gemm, General};
use crate::format::{Kind, Output, Values, read_real};

pub(super) fn run(general: &General, args: &Gemm) -> Result<()> {
    let mut job = Job::new("gemm", general);
    let output = Output::create(&args.output, &[Kind::Npy, Kind::Npz, Kind::Csv])?;
    let (a, b) = (read_real(&args.a)?, read_real(&args.b)?);
    job.took("a", &a, a.array.shape());
    job.took("b", &b, b.array.shape());
    let c = args.c.as_deref().map(read_real).transpose()?;
    if let Some(c) = &c {
        job.took("c", c, c.array.shape());
    }
    let from_the_end = |shape: &[usize], at: usize| shape.iter().rev().nth(at).copied().unwrap_or(1);
    let rows = from_the_end(a.array.shape(), usize::from(!args.trans_a));
    let columns = from_the_end(b.array.shape(), usize::from(args.trans_b));
    let axes = a.array.ndim().max(b.array.ndim());
    let batch = (2..axes).map(|at| from_the_end(a.array.shape(), at).max(from_the_end(b.array.shape(), at)));
    job.holds(batch.chain([rows, columns]).fold(4, usize::saturating_mul))?;
    let context = job.open()?;
    let (mut left, mut right) = (context.upload(&a.array)?, context.upload(&b.array)?);
    if args.trans_a {
        left = left.transpose();
    }
    if args.trans_b {
        right = right.transpose();
    }
    let c = c.map(|c| context.upload(&c.array)).transpose()?;
    let product = job.explain(gristmill::gemm(args.alpha, &left, &right, args.beta, c.as_ref()))?;
    let values = job.read(&product)?;
    let shape = values.shape().to_vec();
    output.array(&Values::Real(values))?;
    job.done(&context.info().to_string(), &args.output, &shape, json!({}))
}
