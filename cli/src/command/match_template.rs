//! `gristmill match-template`: where a small picture is in a large one.

use anyhow::{Result, ensure};
use gristmill::methods::signal::{best_match_blocking, match_template};
use ndarray::Axis;
use serde_json::json;

use super::{Job, channels};
use crate::args::{General, MatchTemplate};
use crate::format::{Kind, Output, Picture, Values};

pub(super) fn run(general: &General, args: &MatchTemplate) -> Result<()> {
    let mut job = Job::new("match-template", general);
    let output = Output::create(&args.output, &[Kind::Npy, Kind::Npz, Kind::Picture])?;
    let picture = channels::read(&mut job, "image", &args.image)?;
    let template = channels::read(&mut job, "template", &args.template)?;
    // All colours at once where both have them, else in grey.
    let (mut image, mut small) = (picture.clone(), template);
    if image.channels.shape()[0] != small.channels.shape()[0] {
        (image, small) = (Picture::grey(image.to_grey()), Picture::grey(small.to_grey()));
    }
    let (_, height, width) = image.channels.dim();
    let (_, rows, columns) = small.channels.dim();
    ensure!(
        rows <= height && columns <= width,
        "match-template: {} is {rows}×{columns}, larger than {} ({height}×{width})",
        args.template,
        args.image
    );
    job.holds(image.channels.len().saturating_mul(8))?;
    let context = job.open()?;
    let map = match_template(&channels::upload(&context, &image)?, &channels::upload(&context, &small)?);
    let map = job.explain(map)?;
    let (place, value) = job.explain(best_match_blocking(&map))?;
    ensure!(value.is_finite(), "match-template: no place has a correlation; the pictures may hold NaN or infinity");
    let (row, column) = match place[..] {
        [_, row, column] => (row, column),
        _ => (0, 0),
    };
    let map = job.read(&map)?.index_axis_move(Axis(0), 0);
    let shape = map.shape().to_vec();
    if output.kind() == Kind::Picture {
        output.picture(&picture.framed((row, column), (rows, columns)))?;
    } else {
        output.array(&Values::Real(map))?;
    }
    if !general.json {
        job.say(&format!("best match at row {row}, column {column}: correlation {value:.4}"));
    }
    let more = json!({"row": row, "column": column, "height": rows, "width": columns, "correlation": value});
    job.done(&context.info().to_string(), &args.output, &shape, more)
}
