//! How many values lie within a radius.

use pulp::Arch;

use super::super::memory::Scatter;
use super::Fold;

pub(super) struct Count {
    pub(super) arch: Arch,
    pub(super) radius: f32,
}

impl Fold for Count {
    type Carry = u32;
    const IN_SLICES: bool = false;

    fn start(&self) -> u32 {
        0
    }

    fn take(&self, carries: &mut [u32], _: usize, values: &mut [&mut [f32]]) {
        let radius = self.radius;
        for (carry, values) in carries.iter_mut().zip(values) {
            let values = &**values;
            *carry += self.arch.dispatch(
                #[inline(always)]
                || values.iter().map(|value| u32::from(*value <= radius)).sum::<u32>(),
            );
        }
    }

    fn join(&self, carry: &mut u32, next: u32) {
        *carry += next;
    }

    fn finish(&self, carry: u32, row: usize, out: &Scatter<u32>) {
        // SAFETY: every row is finished once.
        unsafe { out.slice(row, 1) }.fill(carry);
    }
}
