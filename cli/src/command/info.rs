//! `gristmill info`: what there is to run on.

use std::io::Write;

use anyhow::Result;
use gristmill::{AdapterInfo, Context, DeviceKind};
use serde_json::{Value, json};

use crate::args::General;
use crate::device;

pub(super) fn run(general: &General) -> Result<()> {
    let everything = general.adapter.trim().eq_ignore_ascii_case("all");
    let contexts = if everything {
        device::all().iter().map(|name| device::open_named(name)).collect::<Result<Vec<_>>>()?
    } else {
        vec![device::open_named(&general.adapter)?]
    };
    let adapters = Context::adapters_blocking();
    let mut out = std::io::stdout();
    if general.json {
        let record = json!({
            "adapters": adapters.iter().map(adapter_json).collect::<Vec<_>>(),
            "opened": contexts.iter().map(context_json).collect::<Vec<_>>(),
        });
        return Ok(writeln!(out, "{record}")?);
    }
    writeln!(out, "Adapters (use with --adapter):")?;
    for adapter in &adapters {
        let name = adapter.selector();
        writeln!(out, "  {name:<24}{adapter}{}", if device::is_software(adapter) { "  (in software)" } else { "" })?;
    }
    for context in &contexts {
        writeln!(out, "\n{}: {}", context.info(), context.reason())?;
        let mut rows = vec![("driver", context.info().driver.clone()), ("kind", kind(context.info().kind).to_owned())];
        if let Some(limits) = context.limits() {
            rows.extend([
                ("largest buffer", bytes(limits.max_buffer_bytes)),
                ("largest binding", bytes(limits.max_binding_bytes)),
                ("invocations per group", limits.max_invocations.to_string()),
                ("workgroup memory", bytes(u64::from(limits.workgroup_bytes))),
                ("subgroup size", limits.subgroup_size.map_or_else(|| "not used".to_owned(), |n| n.to_string())),
            ]);
        }
        rows.push(("features", context.features().join(", ")));
        for (what, value) in rows.iter().filter(|(_, value)| !value.is_empty()) {
            writeln!(out, "  {what:<24}{value}")?;
        }
    }
    Ok(())
}

fn adapter_json(adapter: &AdapterInfo) -> Value {
    json!({
        "name": adapter.name, "backend": adapter.backend, "driver": adapter.driver, "kind": kind(adapter.kind),
        "option": adapter.selector(),
    })
}

fn context_json(context: &Context) -> Value {
    let limits = context.limits().map(|limits| {
        json!({
            "max_buffer_bytes": limits.max_buffer_bytes,
            "max_binding_bytes": limits.max_binding_bytes,
            "max_invocations": limits.max_invocations,
            "workgroup_bytes": limits.workgroup_bytes,
            "subgroup_size": limits.subgroup_size,
        })
    });
    json!({
        "adapter": adapter_json(context.info()), "reason": context.reason(), "features": context.features(), "limits": limits,
    })
}

fn kind(kind: DeviceKind) -> &'static str {
    match kind {
        DeviceKind::Software => "software",
        DeviceKind::Integrated => "integrated GPU",
        DeviceKind::Discrete => "discrete GPU",
        DeviceKind::Host => "the host's own cores",
        _ => "unknown",
    }
}

fn bytes(n: u64) -> String {
    match n {
        n if n >= 1 << 30 => format!("{:.1} GiB", n as f64 / (1u64 << 30) as f64),
        n if n >= 1 << 20 => format!("{} MiB", n >> 20),
        n => format!("{} KiB", n >> 10),
    }
}
