//! One distance matrix, from the device to the numbers: what a page pays for it in bytes.

use std::future::Future;
use std::pin::pin;
use std::task::{Context as Task, Waker};

use gristmill::{Context, Metric, Result, pairwise};

async fn largest_distance() -> Result<f32> {
    let context = Context::open().await?;
    let points = context.upload(&ndarray::array![[0.0_f32, 0.0], [3.0, 4.0]])?;
    let distances = pairwise(&points, &points, &Metric::EUCLIDEAN)?.read().await?;
    Ok(distances.iter().copied().fold(0.0, f32::max))
}

/// Starts the work. A page would wait for the promise; only the size is of interest here.
#[unsafe(no_mangle)]
pub extern "C" fn start() -> f32 {
    match pin!(largest_distance()).poll(&mut Task::from_waker(Waker::noop())) {
        std::task::Poll::Ready(Ok(distance)) => distance,
        _ => -1.0,
    }
}
