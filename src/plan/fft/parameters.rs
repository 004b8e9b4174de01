//! The uniform block of `fft_lines.wgsl`.

/// One side of a pass: where a line's entries lie, in elements of its window.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Along {
    /// The first line's first entry.
    pub(super) at: i64,
    /// How far the index moves from one entry of the line to the next.
    pub(super) step: usize,
    /// Distance between neighbours along the axis.
    pub(super) stride: i64,
    /// Entries along the axis.
    pub(super) length: usize,
}

/// Real lines that share a complex one: distances from one to its partner, of places and of indices along the axis.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Pairing {
    /// Real lines along the last dimension.
    pub(crate) count: usize,
    /// In the source.
    pub(crate) source: (i64, i64),
    /// In the result.
    pub(crate) result: (i64, i64),
}

/// One dimension of the box of lines.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Dimension {
    pub(super) size: usize,
    /// Distances of places and of indices along the axis.
    pub(super) source: (i64, i64),
    pub(super) result: (i64, i64),
    pub(super) rotation: u32,
    pub(super) product: i64,
}

/// All of it, but for the dimensions.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LineParameters {
    pub(super) lines: u64,
    pub(super) width: u32,
    pub(super) source: Along,
    /// Index of the first line's first entry.
    pub(super) source_start: i64,
    pub(super) result: Along,
    /// First index of the result that is kept.
    pub(super) result_start: usize,
    /// Place and distance of the product's other factor.
    pub(super) product: (i64, i64),
    pub(super) axis_length: usize,
    pub(super) scale: f32,
    pub(super) points: usize,
    pub(super) taper_at: i64,
    pub(super) pairing: Pairing,
    /// What the first line's coefficients are rotated by.
    pub(super) rotation: usize,
}

impl LineParameters {
    /// As the shader reads it. Distances may be negative: addresses are computed modulo 2³².
    pub(super) fn bytes(&self, dimensions: &[Dimension]) -> Vec<u8> {
        let Self { source, result, pairing, .. } = self;
        let mut words = vec![
            self.lines as u32,
            self.width,
            source.at as u32,
            source.step as u32,
            source.stride as u32,
            source.length as u32,
            result.at as u32,
            result.step as u32,
            result.stride as u32,
            self.result_start as u32,
            result.length as u32,
            self.product.0 as u32,
            self.product.1 as u32,
            self.axis_length as u32,
            self.scale.to_bits(),
            self.points as u32,
            self.taper_at as u32,
            pairing.count as u32,
            pairing.source.0 as u32,
            pairing.source.1 as u32,
            pairing.result.0 as u32,
            pairing.result.1 as u32,
            self.source_start as u32,
            self.rotation as u32,
        ];
        for dimension in dimensions {
            words.extend([
                dimension.size as u32,
                dimension.source.0 as u32,
                dimension.source.1 as u32,
                dimension.result.0 as u32,
                dimension.result.1 as u32,
                dimension.rotation,
                dimension.product as u32,
                0,
            ]);
        }
        words.iter().flat_map(|word| word.to_ne_bytes()).collect()
    }
}
