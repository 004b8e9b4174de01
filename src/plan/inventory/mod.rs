//! Every shader with every specialization that the plans make for a spread of work, devices and choices: what is checked
//! by the tools of other languages, without a device.

mod pairs;
mod signals;

use std::collections::HashSet;
use std::sync::Arc;

use super::{Choices, DeviceKind, Limits, lower};
use crate::error::{Error, Result};
use crate::metric::RowMap;
use crate::shader::Shader;
use crate::work::{Boundary, ExtendWork, Input, Layout, Part, PrepareWork, SymmetricWork, Work};

/// A shader, who needs it, and the device that it was made for.
#[derive(Debug, Clone)]
pub struct Needed {
    /// The shader with its tail.
    pub shader: Arc<Shader>,
    /// The first work that needs it, and the device, in words.
    pub by: String,
    /// What that device can do.
    pub limits: Limits,
}

/// The shaders of all work in the spread, each once.
///
/// # Errors
/// The first work that a plan refuses although it should not.
pub fn every_shader() -> Result<Vec<Needed>> {
    let mut seen = HashSet::new();
    let mut shaders = Vec::new();
    for (device, limits) in devices() {
        let choices = Choices::for_limits(&limits);
        #[cfg(feature = "conformance")]
        for pass in super::map_program("return pow_(x, y) + atan2_(y, x);", true, 100, &limits).passes {
            if seen.insert(Arc::clone(&pass.shader)) {
                let by = format!("conformance on {device}");
                shaders.push(Needed { shader: pass.shader, by, limits: limits.clone() });
            }
        }
        for Case { name, work, layouts, element_bytes } in cases()? {
            let inputs: Vec<Input<'_>> = layouts.iter().map(|layout| Input { layout, element_bytes }).collect();
            let by = format!("{name} on {device}");
            let program = match lower(&work, &inputs, &limits, &choices) {
                Ok(program) => program,
                Err(error) => return Err(Error::Shader { label: by, message: error.to_string() }),
            };
            for pass in program.passes {
                if seen.insert(Arc::clone(&pass.shader)) {
                    shaders.push(Needed { shader: pass.shader, by: by.clone(), limits: limits.clone() });
                }
            }
        }
    }
    Ok(shaders)
}

/// Subgroups of every size and none, in software and on GPUs, software with 64-bit integers, and one device with more
/// workgroup memory.
fn devices() -> Vec<(String, Limits)> {
    let mut devices = Vec::new();
    for (kind, name) in [(DeviceKind::Software, "a software device"), (DeviceKind::Discrete, "a GPU")] {
        for subgroup_size in [None, Some(4), Some(8), Some(16), Some(32), Some(64)] {
            let lanes = subgroup_size.map_or("no subgroups".to_owned(), |size: u32| format!("subgroups of {size}"));
            devices.push((format!("{name} with {lanes}"), Limits { kind, subgroup_size, ..Limits::webgpu_defaults() }));
        }
    }
    let words = Limits { kind: DeviceKind::Software, subgroup_size: Some(8), int64: true, ..Limits::webgpu_defaults() };
    devices.push(("a software device with 64-bit integers".to_owned(), words));
    let limits = Limits {
        kind: DeviceKind::Discrete,
        workgroup_bytes: 32 << 10,
        max_invocations: 1024,
        offset_alignment: 32,
        max_storage_buffers: 32,
        ..Limits::webgpu_defaults()
    };
    devices.push(("a GPU above the default limits".to_owned(), limits));
    devices
}

struct Case {
    name: String,
    work: Work,
    layouts: Vec<Layout>,
    element_bytes: usize,
}

fn cases() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for element_bytes in [2, 4, 8] {
        let strided = Layout { shape: vec![3, 5, 7], strides: vec![1, 3, 15], offset: 2 };
        cases.push(Case { name: "copy".to_owned(), work: Work::Copy, layouts: vec![strided], element_bytes });
    }
    for (complex, element_bytes) in [(false, 4), (true, 8), (false, 2), (true, 4)] {
        let axes = vec![(-2, 9), (0, 7)];
        let work = Work::Extend(ExtendWork { op: "pad", axes, complex, boundary: Boundary::Reflect });
        let layouts = vec![Layout::contiguous(&[5, 7])];
        cases.push(Case { name: "pad".to_owned(), work, layouts, element_bytes });
    }
    for (rows, d) in [
        (RowMap::Standardise, 5),
        (RowMap::Normalise, 5),
        (RowMap::Standardise, 800_000),
        (RowMap::Halves, 5),
        (RowMap::ExpandLeft, 5),
        (RowMap::ExpandRight, 5),
        (RowMap::Whiten(vec![1.0; 25].into()), 5),
    ] {
        let work = Work::Prepare(PrepareWork { op: "pairwise", rows });
        // Words of bits are no halves.
        let sizes: &[usize] =
            if matches!(work, Work::Prepare(PrepareWork { rows: RowMap::Halves, .. })) { &[4] } else { &[4, 2] };
        for &element_bytes in sizes {
            cases.push(Case {
                name: format!("rows of {d}, {element_bytes} bytes each"),
                work: work.clone(),
                layouts: vec![Layout::contiguous(&[3, d])],
                element_bytes,
            });
        }
    }
    for part in [Part::ZeroDiagonal, Part::Condensed] {
        let work = Work::Symmetric(SymmetricWork { op: "pairwise", part });
        let layouts = vec![Layout::contiguous(&[9, 9])];
        cases.push(Case { name: format!("{part:?}"), work, layouts, element_bytes: 4 });
    }
    pairs::pairs(&mut cases)?;
    pairs::reductions(&mut cases)?;
    pairs::products(&mut cases);
    signals::transforms(&mut cases);
    signals::lines(&mut cases);
    signals::convolutions(&mut cases);
    signals::windows(&mut cases);
    pairs::formulas(&mut cases)?;
    Ok(cases)
}
