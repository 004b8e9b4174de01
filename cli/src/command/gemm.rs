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
    let (last, next) = (
        |shape: &[usize]| shape.last().copied().unwrap_or(1),
        |shape: &[usize]| shape.iter().rev().nth(1).copied().unwrap_or(1),
    );
    let rows = if args.trans_a { last(a.array.shape()) } else { next(a.array.shape()) };
    let columns = if args.trans_b { next(b.array.shape()) } else { last(b.array.shape()) };
    job.holds(rows.saturating_mul(columns).saturating_mul(4))?;
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
