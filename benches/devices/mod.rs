//! The devices that a bench runs on, and how their results are timed.
#![allow(dead_code)] // every bench uses its part

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId};
use gristmill::{Context, ContextOptions, Element, Tensor};

/// A Context with the name that its records carry: adapter, backend and driver.
pub struct Device {
    /// Where the ops run.
    pub context: Context,
    /// The name in the records.
    pub name: String,
}

/// What GRISTMILL_ADAPTER names; without it, or with `all`, every adapter found and the CPU.
pub fn devices() -> Vec<Device> {
    let asked = std::env::var("GRISTMILL_ADAPTER").unwrap_or_else(|_| "all".into());
    let names: Vec<String> = if asked == "all" {
        let adapters = Context::adapters_blocking();
        let exact =
            |backend: &str, name: &str| if backend == "cpu" { "cpu".into() } else { format!("{backend}:{name}") };
        adapters.iter().map(|adapter| exact(&adapter.backend, &adapter.name)).collect()
    } else {
        vec![asked]
    };
    names
        .iter()
        .map(|name| {
            let context = Context::with_options_blocking(ContextOptions::named(name)).unwrap();
            // Criterion cuts long names; the record has the whole one once.
            let info = context.info();
            let word = info.name.split([' ', '/', ':']).next().unwrap_or_default();
            let name = if context.is_cpu() { "CPU".to_owned() } else { format!("{} {word}", info.backend) };
            println!("device: {name} is {info} {}", info.driver);
            Device { name, context }
        })
        .collect()
}

/// Waits for the work, without bringing more than its first entry to the host.
pub fn wait<E: Element>(result: Tensor<E>) {
    let mut entry = result;
    for axis in 0..entry.shape().len() {
        entry = entry.slice(axis, 0..1).unwrap();
    }
    entry.read_blocking().unwrap();
}

/// Times the op with inputs that lie on the device already, after one call that builds its pipelines; that call's time
/// is printed beside.
pub fn bench_device<E: Element>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    device: &Device,
    setting: &str,
    op: impl Fn() -> Tensor<E>,
) {
    let start = std::time::Instant::now();
    wait(op());
    println!("{}: first call, pipelines included: {:.1} ms", device.name, start.elapsed().as_secs_f64() * 1e3);
    group.bench_function(BenchmarkId::new(format!("{} device", device.name), setting), |b| b.iter(|| wait(op())));
}

/// Times the op with its upload and its whole read-back.
pub fn bench_end_to_end<E: Element>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    device: &Device,
    setting: &str,
    op: impl Fn() -> Tensor<E>,
) {
    let id = BenchmarkId::new(format!("{} end to end", device.name), setting);
    group.bench_function(id, |b| b.iter(|| op().read_blocking().unwrap()));
}

/// Short runs: software adapters take long, and these numbers compare orders of magnitude.
pub fn shorten(group: &mut BenchmarkGroup<'_, WallTime>) {
    group.sample_size(10);
    group.warm_up_time(std::time::Duration::from_millis(300));
    group.measurement_time(std::time::Duration::from_millis(1500));
}

/// Numbers in −1 … 1 that are the same on every machine.
pub fn numbers(count: usize) -> Vec<f32> {
    (0..count as u64).map(|i| (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f32 / 8_388_608.0 - 1.0).collect()
}
