//! A signal times the spectrum of a kernel. Where a workgroup holds a line of the first axis, that axis is transformed,
//! multiplied and transformed back in one pass.

use super::Geometry;
use super::spectral::{Incoming, Spectra, Spectrum, other};
use crate::error::Result;
use crate::plan::fft::{Batch, Blocks, Part, Product, Side, append_blocks, is_smooth, longest_block};
use crate::plan::stored::Stored;
use crate::plan::{BufferId, Program};

impl Spectra<'_> {
    /// Appends what leaves the kept part of the convolution in the result; `kernel`: its spectrum, and whether all items
    /// share it.
    pub(in crate::plan) fn filter(
        &self,
        program: &mut Program,
        kept: (&Geometry, &Part),
        signal: &Incoming,
        kernel: (&Spectrum, bool),
        scratch: &[BufferId],
    ) -> Result<()> {
        let length = self.lengths[0];
        if self.lengths.len() > 1 && length <= longest_block(self.limits, self.choices) && is_smooth(length) {
            let spectrum = self.transformed(signal, 1, scratch);
            let (blocks, filtered) = self.first_axis(kept.0, &spectrum, kernel, scratch);
            if let Some(parts) = blocks.parts(self.limits) {
                self.forward(program, signal, 1, scratch, None)?;
                append_blocks(program, &blocks, &parts, self.limits, self.choices);
                return self.backward(program, kept, filtered, 1, scratch);
            }
        }
        let product = self.forward(program, signal, 0, scratch, Some(kernel))?;
        self.backward(program, kept, product, 0, scratch)
    }

    /// The lines along the first axis of spectra along all others, and what they leave.
    fn first_axis(
        &self,
        geometry: &Geometry,
        spectrum: &Spectrum,
        (kernel, one_kernel): (&Spectrum, bool),
        scratch: &[BufferId],
    ) -> (Blocks, Spectrum) {
        let axis = &geometry.axes[0];
        let mut shape = spectrum.shape.clone();
        shape[0] = axis.result;
        let result = Spectrum { buffer: other(scratch, spectrum.buffer), items: spectrum.items, shape };
        let (from, to, by) = (spectrum.strides(), result.strides(), kernel.strides());
        let items = Batch {
            size: spectrum.items,
            source: spectrum.item(),
            result: result.item(),
            product: if one_kernel { 0 } else { kernel.item() },
        };
        let others = (1..from.len()).map(|at| Batch {
            size: result.shape[at],
            source: from[at],
            result: to[at],
            product: by[at],
        });
        let blocks = Blocks {
            length: self.lengths[0],
            halved: false,
            step: axis.result,
            head: if geometry.circular { 0 } else { axis.start },
            source_start: 0,
            stored: Stored { complex: true, halves: false },
            source: Side { buffer: spectrum.buffer, offset: 0, stride: from[0], length: spectrum.shape[0] },
            result: Side { buffer: result.buffer, offset: 0, stride: to[0], length: axis.result },
            spectrum: Product { buffer: kernel.buffer, offset: 0, stride: by[0] },
            batch: std::iter::once(items).chain(others).collect(),
        };
        (blocks, result)
    }
}
