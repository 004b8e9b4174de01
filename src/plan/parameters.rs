//! The bytes of a uniform block.

/// Words in the order of the shader's `struct Parameters`.
#[derive(Debug, Default)]
pub(super) struct Words(Vec<u32>);

impl Words {
    /// No words yet.
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Adds a word.
    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.0.push(value);
        self
    }

    /// Adds a length or a stride. What lies past 32 bits belongs to indices that wrap or that are never reached.
    pub(super) fn length(&mut self, value: u64) -> &mut Self {
        self.u32(value as u32)
    }

    /// Adds a number.
    pub(super) fn f32(&mut self, value: f32) -> &mut Self {
        self.u32(value.to_bits())
    }

    /// Fills up to a multiple of four words.
    pub(super) fn align(&mut self) -> &mut Self {
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    /// The bytes, padded to 16.
    pub(super) fn bytes(&mut self) -> Vec<u8> {
        self.align();
        bytemuck::cast_slice(&self.0).to_vec()
    }
}
