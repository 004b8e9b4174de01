//! Random numbers that follow from a counter: entry i is a function of seed, stream and i alone.

/// Which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Distribution {
    /// All 32 bits, u32.
    Bits,
    /// The upper 24 bits over 2²⁴: f32 from 0 to 1, without 1.
    Uniform,
    /// Of mean 0 and variance 1, f32: Box and Muller's transform of two words.
    Normal,
}

/// `length` random numbers; no input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RandomWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Which numbers.
    pub distribution: Distribution,
    /// The key of the generator.
    pub seed: u64,
    /// The upper half of the counter: streams of one seed do not overlap.
    pub stream: u64,
    /// How many.
    pub length: usize,
}

/// Philox4x32-10: four words for every counter.
///
/// # Sources
/// Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
pub(crate) fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let ([mut a, mut b, mut c, mut d], [mut k, mut l]) = (counter, key);
    for _ in 0..10 {
        let (p, q) = (u64::from(a) * 0xd251_1f53, u64::from(c) * 0xcd9e_8d57);
        (a, b, c, d) = ((q >> 32) as u32 ^ b ^ k, q as u32, (p >> 32) as u32 ^ d ^ l, p as u32);
        (k, l) = (k.wrapping_add(0x9e37_79b9), l.wrapping_add(0xbb67_ae85));
    }
    [a, b, c, d]
}

/// The words of entries 4·block to 4·block + 3.
pub(crate) fn random_words(seed: u64, stream: u64, block: u64) -> [u32; 4] {
    let halves = |word: u64| [word as u32, (word >> 32) as u32];
    let ([a, b], [c, d]) = (halves(block), halves(stream));
    philox([a, b, c, d], halves(seed))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors published with Random123, `tests/kat_vectors`.
    #[test]
    fn known_answers() {
        let ones = u32::MAX;
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([ones; 4], [ones; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, words) in cases {
            assert_eq!(philox(counter, key), words);
        }
    }
}
