//! What a device can do, as plain numbers.

/// What kind of processor runs the shaders; tile defaults follow it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeviceKind {
    /// The host's own cores through a rasterizer in software (lavapipe, SwiftShader, llvmpipe, WARP).
    Software,
    /// A GPU that shares the host's memory.
    Integrated,
    /// A GPU with memory of its own.
    Discrete,
    /// The host executor, without any shader.
    Host,
    /// Unknown; treated like a GPU.
    Other,
}

/// Limits and features that plans are made from. The defaults are WebGPU's.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// The adapter's name, for errors.
    pub adapter: String,
    /// What kind of processor runs the shaders.
    pub kind: DeviceKind,
    /// Largest byte range that one storage binding may see.
    pub max_binding_bytes: u64,
    /// Largest buffer in bytes.
    pub max_buffer_bytes: u64,
    /// Storage binding offsets are multiples of this many bytes.
    pub offset_alignment: u64,
    /// Workgroups per dimension of a dispatch.
    pub max_workgroups: u32,
    /// Invocations per workgroup.
    pub max_invocations: u32,
    /// Bytes of workgroup memory.
    pub workgroup_bytes: u32,
    /// Storage buffers that one shader may bind.
    pub max_storage_buffers: u32,
    /// Invocations per subgroup where subgroup operations may be used and the size never varies.
    pub subgroup_size: Option<u32>,
    /// Whether shaders may use integers of 64 bits.
    pub int64: bool,
    /// Whether the driver's compiler takes minutes for what others take a second: SwiftShader's.
    pub compiles_slowly: bool,
    /// Iterations that one invocation may run in all its loops together. Half of the 65,535 after which an old
    /// lavapipe silently leaves every loop: what a driver counts beside our own loops is its own affair.
    pub max_iterations: u32,
    /// Rough arithmetic operations that one dispatch may hold, so that no submission runs long.
    pub max_pass_cost: f64,
}

impl Limits {
    /// Bytes of the largest temporary that one binding sees.
    pub(crate) fn temporary_bytes(&self) -> u64 {
        self.max_binding_bytes.min(self.max_buffer_bytes)
    }

    /// WebGPU's default limits, on an unknown device.
    pub fn webgpu_defaults() -> Self {
        Self {
            adapter: "a device at WebGPU's default limits".to_owned(),
            kind: DeviceKind::Other,
            max_binding_bytes: 128 << 20,
            max_buffer_bytes: 256 << 20,
            offset_alignment: 256,
            max_workgroups: 65_535,
            max_invocations: 256,
            workgroup_bytes: 16 << 10,
            max_storage_buffers: 8,
            subgroup_size: None,
            int64: false,
            compiles_slowly: false,
            max_iterations: 32_768,
            max_pass_cost: 2e9,
        }
    }

    /// Spreads `groups` workgroups over two dimensions: the grid and its width. A shader finds its own number as
    /// `workgroup.x + workgroup.y * width` and leaves where that is past the last.
    pub fn fold(&self, groups: u64) -> ([u32; 3], u32) {
        let widest = u64::from(self.max_workgroups);
        if groups <= widest {
            return ([groups as u32, 1, 1], groups as u32);
        }
        let rows = groups.div_ceil(widest);
        let width = groups.div_ceil(rows);
        ([width as u32, rows as u32, 1], width as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folded_grids_hold_every_group() {
        let limits = Limits::webgpu_defaults();
        for groups in [0, 1, 65_535, 65_536, 65_537, 1_000_003, 65_535 * 65_535] {
            let ([x, y, z], width) = limits.fold(groups);
            assert!(u64::from(x) * u64::from(y) * u64::from(z) >= groups);
            assert!(x <= limits.max_workgroups && y <= limits.max_workgroups && width == x);
        }
    }
}
