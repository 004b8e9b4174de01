//! Inside an application that has a wgpu device of its own: the application polls, nothing of ours blocks or takes its
//! callbacks, and the result is used where it lies, in a buffer of the device.
//!
//! `cargo run --example embed_in_wgpu_app`; GRISTMILL_ADAPTER takes part of an adapter's name.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{self, Poll, Waker};

use anyhow::{Context as _, Result};
use gristmill::{Context, Metric, pairwise, wgpu};

fn main() -> Result<()> {
    let (device, queue) = application_device()?;
    let context = Context::from_wgpu(&device, &queue)?;
    // wgpu keeps one loss callback per device. It is the application's, which hands the news on.
    let lost = Arc::new(Mutex::new(None));
    let heard = Arc::clone(&lost);
    device.set_device_lost_callback(move |_, message| {
        if let Ok(mut lost) = heard.lock() {
            *lost = Some(message);
        }
    });

    let points = [glam::Vec2::new(0.0, 0.0), glam::Vec2::new(3.0, 4.0)];
    let points = context.upload_points(&points)?;
    let distances = pairwise(&points, &points, &Metric::EUCLIDEAN)?; // recorded, not yet run
    context.flush()?;
    if let Some((buffer, offset)) = distances.buffer() {
        println!("{} bytes of the buffer from byte {offset} on could be drawn from", buffer.size() - offset);
    }

    // The application's frames: each polls its device once and looks whether the result has come.
    let mut reading = pin!(distances.read());
    let mut frame = 0_u64;
    let distances = loop {
        frame += 1;
        device.poll(wgpu::PollType::Poll)?;
        if let Some(message) = lost.lock().ok().and_then(|mut lost| lost.take()) {
            context.notify_lost(&message);
        }
        if let Poll::Ready(read) = reading.as_mut().poll(&mut task::Context::from_waker(Waker::noop())) {
            break read?;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    };
    println!("{distances}\non {}, the application's own device", context.info());
    anyhow::ensure!(frame > 0 && distances[[0, 1]] == 5.0, "the distance of (0, 0) and (3, 4) is 5");
    Ok(())
}

/// What any wgpu application does when it starts.
fn application_device() -> Result<(wgpu::Device, wgpu::Queue)> {
    let wanted = std::env::var("GRISTMILL_ADAPTER").unwrap_or_default().to_lowercase();
    let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
    let adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    let named = |adapter: &wgpu::Adapter| {
        let info = adapter.get_info();
        let (backend, part) = wanted.split_once(':').unwrap_or(("", &wanted));
        let any = ["auto", "cpu"].contains(&part);
        let of_backend = format!("{:?}", info.backend).to_lowercase().contains(backend);
        of_backend && (any || info.name.to_lowercase().contains(part))
    };
    let adapter = adapters.into_iter().find(named).context("no adapter fits GRISTMILL_ADAPTER")?;
    Ok(pollster::block_on(adapter.request_device(&wgpu::DeviceDescriptor::default()))?)
}
