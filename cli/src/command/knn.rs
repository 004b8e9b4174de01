//! `gristmill knn`: nearest rows and their vote.

use std::cmp::Ordering;

use anyhow::{Context as _, Result, ensure};
use ndarray::{Array2, ArrayD, ArrayView1, Ix2};
use serde_json::json;

use super::Job;
use super::metric::Chosen;
use super::pairs::{panel_bytes, progress, row_panels};
use super::points::Selection;
use crate::args::{General, Knn};
use crate::format::{Kind, Member, Output, Values, read_labels};
use crate::usage;

pub(super) fn run(general: &General, args: &Knn) -> Result<()> {
    let chosen = Chosen::of(&args.metric)?;
    let mut job = Job::new("knn", general);
    let output = Output::create(&args.output, &[Kind::Npz])?;
    let selection = Selection { columns: &[], bits: chosen.compares_bits() };
    let query = selection.read(&mut job, "x", &args.query)?;
    let train = selection.read(&mut job, "y", &args.train)?;
    let (known, wanted) = (train.nrows(), query.nrows());
    if args.k == 0 || args.k > known {
        return Err(usage(format!("knn: -k {} must be from 1 to the rows of {} ({known})", args.k, args.train)));
    }
    let labels = args.labels.as_deref().map(read_labels).transpose()?;
    if let Some(labels) = &labels {
        let count = labels.array.len();
        ensure!(
            count == known,
            "knn: {} has {count} labels, {} has {known} rows; they must match",
            labels.path,
            args.train
        );
    }
    let metric = chosen.ready(&mut job, &mut [&mut query.view(), &mut train.view()])?;
    let (mut indices, mut distances, mut votes) = room(general, wanted, known, args.k)?;
    let context = job.open()?;
    let (points, queries) = (context.upload(&train)?, context.upload(&query)?);
    let progress = progress(&job, "queries");
    progress.set_length(wanted as u64);
    for panel in row_panels(wanted, known, panel_bytes(general, &context)) {
        let block = job.explain(queries.rows(panel.clone()).and_then(|q| gristmill::pairwise(&q, &points, &metric)))?;
        let block = job.read(&block)?.into_dimensionality::<Ix2>()?;
        for (row, distance) in panel.zip(block.outer_iter()) {
            let near = nearest(distance, args.k);
            for (place, &j) in near.iter().enumerate() {
                indices[[row, place]] = j as i64;
                distances[[row, place]] = distance[j];
            }
            if let Some(labels) = &labels {
                votes.push(vote(near.iter().filter_map(|&j| labels.array.get(j).copied())));
            }
            progress.inc(1);
        }
    }
    progress.finish_and_clear();
    let indices: ArrayD<i64> = indices.into_dyn();
    let distances = Values::Real(distances.into_dyn());
    let mut members = vec![("indices", Member::Indices(&indices)), ("distances", Member::Values(&distances))];
    if labels.is_some() {
        members.push(("labels", Member::Labels(&votes)));
    }
    output.arrays(&members)?;
    job.done(
        &context.info().to_string(),
        &args.output,
        &[wanted, args.k],
        json!({ "arrays": members.iter().map(|m| m.0).collect::<Vec<_>>() }),
    )
}

/// Places for indices, distances and votes, if they and the work on one query stay within the memory budget.
fn room(general: &General, wanted: usize, known: usize, k: usize) -> Result<(Array2<i64>, Array2<f32>, Vec<f64>)> {
    // A result is an index, a distance and a share of a vote; a query needs four copies of its distances and an order.
    let results = wanted.checked_mul(k).and_then(|n| n.checked_mul(8 + 4 + 8));
    let needed = known.checked_mul(4 * 4 + 8).and_then(|query| query.checked_add(results?));
    let fits = needed.is_some_and(|bytes| bytes as u64 <= general.budget());
    ensure!(
        fits,
        "knn: {k} neighbours of {wanted} queries among {known} rows take more than the memory budget of {} MiB; \
         take fewer rows at a time or raise --memory-budget",
        general.budget() >> 20
    );
    let (mut indices, mut distances, mut votes) = (Vec::new(), Vec::new(), Vec::new());
    let count = wanted * k;
    let reserved = indices
        .try_reserve_exact(count)
        .and_then(|()| distances.try_reserve_exact(count))
        .and_then(|()| votes.try_reserve_exact(wanted));
    reserved.context("knn: there is no memory for the result; take fewer queries at a time")?;
    indices.resize(count, 0);
    distances.resize(count, 0.0);
    let shape = (wanted, k);
    Ok((Array2::from_shape_vec(shape, indices)?, Array2::from_shape_vec(shape, distances)?, votes))
}

/// Positions of the `k` smallest, nearest first; ties go to the lower position, NaN comes last.
pub(crate) fn nearest(distances: ArrayView1<'_, f32>, k: usize) -> Vec<usize> {
    let order = |&a: &usize, &b: &usize| -> Ordering {
        let (x, y) = (distances[a], distances[b]);
        x.is_nan().cmp(&y.is_nan()).then(x.partial_cmp(&y).unwrap_or(Ordering::Equal)).then(a.cmp(&b))
    };
    let mut positions: Vec<usize> = (0..distances.len()).collect();
    if k > 0 && k < positions.len() {
        positions.select_nth_unstable_by(k - 1, order);
    }
    positions.truncate(k);
    positions.sort_unstable_by(order);
    positions
}

/// The most frequent label; the smallest of them where several are.
pub(crate) fn vote(labels: impl Iterator<Item = f64>) -> f64 {
    let mut labels: Vec<f64> = labels.collect();
    labels.sort_unstable_by(f64::total_cmp);
    let mut best = (0, f64::NAN);
    for group in labels.chunk_by(|a, b| a == b) {
        if let (true, Some(&label)) = (group.len() > best.0, group.first()) {
            best = (group.len(), label);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::arr1;

    #[test]
    fn ties_take_the_lowest() {
        assert_eq!(nearest(arr1(&[2.0, 1.0, f32::NAN, 1.0, 0.5]).view(), 3), [4, 1, 3]);
        assert_eq!(nearest(arr1(&[f32::NAN, 3.0]).view(), 2), [1, 0]);
        assert_eq!(vote([3.0, 1.0, 3.0, 1.0, 2.0].into_iter()), 1.0);
    }
}
