//! Inputs of the trials: a small generator that gives the same numbers on every machine.

/// SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014): a counter and
/// a mixing function. Only integer arithmetic and exact conversions, so that every platform sees the same inputs.
#[derive(Debug, Clone)]
pub struct Generator {
    state: u64,
}

impl Generator {
    /// A generator that starts at `seed`.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// A generator whose seed is a text, so that a trial's inputs follow from its name (FNV-1a).
    pub fn named(name: &str) -> Self {
        let hash = name
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
        Self::new(hash)
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number below `end`; 0 where `end` is 0.
    pub fn below(&mut self, end: usize) -> usize {
        // The high half of a 128-bit product: its bias is below 2⁻⁴⁰ for the small ranges that trials use.
        ((u128::from(self.bits()) * end as u128) >> 64) as usize
    }

    /// Uniform in [0, 1), a multiple of 2⁻²⁴.
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / 16_777_216.0
    }

    /// Uniform in [−1, 1).
    pub fn signed(&mut self) -> f32 {
        2.0 * self.unit() - 1.0
    }

    /// Bell-shaped, mean 0, variance 1: twelve uniform numbers minus six. Needs no logarithm and no cosine, which
    /// differ between platforms.
    pub fn bell(&mut self) -> f32 {
        (0..12).map(|_| self.unit()).sum::<f32>() - 6.0
    }

    /// One of `items`, by reference.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        items.get(self.below(items.len()))
    }

    /// `count` values of `draw`.
    pub fn fill<T>(&mut self, count: usize, mut draw: impl FnMut(&mut Self) -> T) -> Vec<T> {
        (0..count).map(|_| draw(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_the_published_ones() {
        // First outputs of SplitMix64 from seed 1234567, as in the reference implementation's test vectors.
        let mut generator = Generator::new(1_234_567);
        assert_eq!(generator.bits(), 6_457_827_717_110_365_317);
        assert_eq!(generator.bits(), 3_203_168_211_198_807_973);
    }

    #[test]
    fn draws_stay_in_their_ranges() {
        let mut generator = Generator::named("ranges");
        let mut sum = 0.0;
        for _ in 0..1000 {
            assert!(generator.below(7) < 7);
            assert!((0.0..1.0).contains(&generator.unit()));
            sum += generator.bell();
        }
        assert_eq!(generator.below(0), 0);
        // The mean of 1000 draws of variance 1 lies within six standard deviations.
        assert!(sum.abs() / 1000.0 < 6.0 / 1000_f32.sqrt());
    }
}
