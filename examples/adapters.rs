//! Every adapter of this machine, software ones included, and the CPU; then what `auto` takes, and why.
//!
//! `cargo run --example adapters`

use gristmill::Context;

fn main() -> anyhow::Result<()> {
    for adapter in Context::adapters_blocking() {
        let (smallest, largest) = adapter.subgroup_sizes;
        println!(
            "{adapter}\n    kind {:?}, driver {:?}, subgroups of {smallest} to {largest}",
            adapter.kind, adapter.driver
        );
    }
    let context = Context::open_blocking()?;
    println!("auto takes {}: {}", context.info(), context.reason());
    Ok(())
}
