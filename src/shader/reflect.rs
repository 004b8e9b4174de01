//! What the host must know of a shader, read from the shader.

use naga::proc::Layouter;
use naga::valid::{FunctionInfo, ModuleInfo};
use naga::{
    AddressSpace, Binding, BuiltIn, Expression, Function, Module, ScalarKind, ShaderStage, StorageAccess, TypeInner,
};

use crate::error::{Error, Result};

/// What kind of resource a binding of group 0 is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BindingKind {
    /// `var<uniform>`
    Uniform,
    /// `var<storage, read>`
    StorageRead,
    /// `var<storage, read_write>`
    StorageReadWrite,
}

/// Bindings, workgroup size and workgroup memory of a shader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Interface {
    /// The shader's name, for errors.
    pub shader: &'static str,
    /// The entry point's name.
    pub entry_point: String,
    /// Bindings 0, 1, 2 … of group 0.
    pub bindings: Vec<BindingKind>,
    /// Size of the uniform block in bytes; 0 where there is none.
    pub parameter_bytes: u32,
    /// Invocations per workgroup along each dimension.
    pub workgroup_size: [u32; 3],
    /// Workgroup memory that the entry point uses, as WebGPU counts it: every variable rounded up to 16 bytes.
    pub workgroup_bytes: u32,
    /// Whether it needs subgroup operations.
    pub uses_subgroups: bool,
    /// Whether it needs integers of 64 bits.
    pub uses_int64: bool,
}

impl Interface {
    pub(super) fn of(shader: &'static str, module: &Module, info: &ModuleInfo) -> Result<Self> {
        let broken = |message: String| Error::Shader { label: format!("shaders/{shader}.wgsl"), message };
        let entry = match module.entry_points.as_slice() {
            [entry] if entry.stage == ShaderStage::Compute => entry,
            entries => return Err(broken(format!("it needs one compute entry point and has {}", entries.len()))),
        };
        let mut layouter = Layouter::default();
        layouter.update(module.to_ctx()).map_err(|error| broken(error.to_string()))?;

        let uses = info.get_entry_point(0);
        let mut bindings = Vec::new();
        let mut parameter_bytes = 0;
        let mut workgroup_bytes = 0u32;
        for (handle, variable) in module.global_variables.iter() {
            let name = variable.name.as_deref().unwrap_or("a variable");
            if variable.space == AddressSpace::WorkGroup && !uses[handle].is_empty() {
                workgroup_bytes = workgroup_bytes.saturating_add(layouter[variable.ty].size.next_multiple_of(16));
            }
            let Some(place) = &variable.binding else { continue };
            if place.group != 0 {
                return Err(broken(format!("{name} is in group {}; every binding belongs to group 0", place.group)));
            }
            let kind = match variable.space {
                AddressSpace::Uniform => {
                    parameter_bytes = layouter[variable.ty].size;
                    BindingKind::Uniform
                }
                AddressSpace::Storage { access } if access.contains(StorageAccess::STORE) => {
                    BindingKind::StorageReadWrite
                }
                AddressSpace::Storage { .. } => BindingKind::StorageRead,
                space => return Err(broken(format!("{name} is bound in {space:?}; only uniform and storage can be"))),
            };
            bindings.push((place.binding, kind));
        }
        bindings.sort_by_key(|(number, _)| *number);
        if let Some((expected, _)) = bindings.iter().enumerate().find(|(at, (number, _))| *at as u32 != *number) {
            return Err(broken(format!("bindings are numbered 0, 1, 2 …, but there is no binding {expected}")));
        }
        Ok(Self {
            shader,
            entry_point: entry.name.clone(),
            bindings: bindings.into_iter().map(|(_, kind)| kind).collect(),
            parameter_bytes,
            workgroup_size: entry.workgroup_size,
            workgroup_bytes,
            uses_subgroups: uses_subgroups(&entry.function)
                || module.functions.iter().any(|(_, function)| uses_subgroups(function)),
            uses_int64: uses_int64(module, &entry.function, info.get_entry_point(0))
                || module.functions.iter().any(|(at, function)| uses_int64(module, function, &info[at]))
                || module.types.iter().any(|(_, declared)| is_int64(&declared.inner)),
        })
    }

    /// Invocations in one workgroup.
    pub fn invocations(&self) -> u64 {
        self.workgroup_size.iter().map(|&n| u64::from(n)).product()
    }
}

/// Every subgroup operation leaves its result among the expressions; the sizes and numbers come as arguments.
fn uses_subgroups(function: &Function) -> bool {
    let operation = |expression: &Expression| {
        matches!(expression, Expression::SubgroupBallotResult | Expression::SubgroupOperationResult { .. })
    };
    let built_in = |binding: &Option<Binding>| {
        matches!(
            binding,
            Some(Binding::BuiltIn(
                BuiltIn::NumSubgroups | BuiltIn::SubgroupId | BuiltIn::SubgroupSize | BuiltIn::SubgroupInvocationId
            ))
        )
    };
    function.expressions.iter().any(|(_, expression)| operation(expression))
        || function.arguments.iter().any(|argument| built_in(&argument.binding))
}

/// Whether an expression has such a value.
fn uses_int64(module: &Module, function: &Function, info: &FunctionInfo) -> bool {
    function.expressions.iter().any(|(at, _)| is_int64(info[at].ty.inner_with(&module.types)))
}

fn is_int64(inner: &TypeInner) -> bool {
    inner.scalar().is_some_and(|scalar| scalar.width == 8 && matches!(scalar.kind, ScalarKind::Sint | ScalarKind::Uint))
}
