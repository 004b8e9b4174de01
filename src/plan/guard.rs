//! Our own check of a shader against a device's limits: wgpu 30 does not look at workgroup memory at all, and GL reports
//! an oversized workgroup as an internal error.

use super::Limits;
use crate::error::{Error, Result};
use crate::shader::{BindingKind, Interface};

/// Invocations along x, y and z that every device takes; only x is ever larger elsewhere, and nothing here needs it.
const WORKGROUP_SIZE: [u32; 3] = [256, 256, 64];

impl Interface {
    /// Whether a device with these limits can run the shader.
    ///
    /// # Errors
    /// [`Error::LimitExceeded`] names what is too large, by how much, and where; [`Error::Unsupported`] names an optional
    /// feature that the device lacks.
    pub fn check(&self, limits: &Limits) -> Result<()> {
        let within = |what: &'static str, requested: u64, limit: u64| {
            if requested <= limit {
                return Ok(());
            }
            let (shader, adapter) = (self.shader.to_owned(), limits.adapter.clone());
            Err(Error::LimitExceeded { shader, what, requested, limit, adapter })
        };
        let dimensions = ["invocations along x", "invocations along y", "invocations along z"];
        for ((what, requested), limit) in dimensions.into_iter().zip(self.workgroup_size).zip(WORKGROUP_SIZE) {
            within(what, requested.into(), limit.into())?;
        }
        within("invocations per workgroup", self.invocations(), limits.max_invocations.into())?;
        within("bytes of workgroup memory", self.workgroup_bytes.into(), limits.workgroup_bytes.into())?;
        let storage = self.bindings.iter().filter(|kind| **kind != BindingKind::Uniform).count();
        within("storage buffers", storage as u64, limits.max_storage_buffers.into())?;
        let features = [
            ("subgroup operations", self.uses_subgroups && limits.subgroup_size.is_none()),
            ("64-bit integers", self.uses_int64 && !limits.int64),
        ];
        if let Some((what, _)) = features.into_iter().find(|(_, missing)| *missing) {
            let message = format!("its shader needs {what}, which {} does not have here", limits.adapter);
            return Err(Error::Unsupported { op: self.shader, message });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface() -> Interface {
        Interface {
            shader: "pair",
            entry_point: "main".to_owned(),
            bindings: vec![BindingKind::Uniform, BindingKind::StorageRead, BindingKind::StorageReadWrite],
            parameter_bytes: 16,
            workgroup_size: [16, 16, 1],
            workgroup_bytes: 16 << 10,
            uses_subgroups: false,
            uses_int64: false,
        }
    }

    #[test]
    fn the_default_limits_are_met_exactly_and_passed_by_one() {
        let limits = Limits::webgpu_defaults();
        assert!(interface().check(&limits).is_ok());
        let refused = |change: fn(&mut Interface)| {
            let mut interface = interface();
            change(&mut interface);
            interface.check(&limits).map_err(|error| error.to_string())
        };
        let expected = "shader pair needs 16400 bytes of workgroup memory, but a device at WebGPU's default limits allows \
                        16384; choose a smaller tile";
        assert_eq!(refused(|i| i.workgroup_bytes += 16), Err(expected.to_owned()));
        assert!(refused(|i| i.workgroup_size = [257, 1, 1]).is_err());
        assert!(refused(|i| i.workgroup_size = [16, 16, 2]).is_err());
        assert!(refused(|i| i.workgroup_size = [1, 1, 65]).is_err());
        assert!(refused(|i| i.bindings.extend([BindingKind::StorageRead; 7])).is_err());
        assert!(refused(|i| i.uses_subgroups = true).is_err());
        assert!(refused(|i| i.uses_int64 = true).is_err());
        assert!(refused(|i| i.bindings.extend([BindingKind::StorageRead; 6])).is_ok());
    }
}
