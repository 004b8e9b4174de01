//! The table of a pass: roots of unity, chirps and filters, one section after another.

use std::fmt::Write;

use super::recipe::{LineShape, MOST_PASSES};
use super::tables::{Complex, bluestein_filter, chirp, rader_filter, rader_order, root};

/// A part of a pass's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Section {
    /// `exp(−2πi jk/rest)` for j < rest/radix: a row for each k that [`factored`] wants.
    Twiddle {
        rest: usize,
        radix: usize,
    },
    /// `exp(−2πi e/length)` for the low parts of exponents e, and for the high ones.
    RotationLow(usize),
    RotationHigh(usize),
    /// `exp(−πi j²/n)`.
    Chirp(usize),
    /// What Bluestein's algorithm for `length` points multiplies spectra by, in the order in which passes of these lengths
    /// leave the coefficients.
    Filter {
        length: usize,
        passes: [usize; MOST_PASSES],
    },
    /// What Rader's algorithm multiplies spectra by, for a prime.
    RaderFilter(usize),
    /// Rader's order of the entries and of the coefficients, as numbers, for a prime.
    RaderOrder(usize),
}

/// How many low and high factors the powers 0 … radix − 1 are products of: all of them are low where they are few.
pub(super) fn factored(radix: usize) -> (usize, usize) {
    if radix <= 8 {
        return (radix, 1);
    }
    let mut low = 4;
    while low * low < radix {
        low *= 2;
    }
    (low, radix.div_ceil(low))
}

/// Bits of the low part of a rotation's exponent.
pub(super) fn rotation_bits(length: usize) -> u32 {
    (usize::BITS - length.leading_zeros()).div_ceil(2)
}

impl Section {
    /// Bluestein's filter for passes in the order of their positions.
    pub(super) fn filter(length: usize, passes: &[LineShape]) -> Self {
        Self::Filter { length, passes: std::array::from_fn(|at| passes.get(at).map_or(1, |pass| pass.length)) }
    }

    fn length(self) -> usize {
        match self {
            Self::Twiddle { rest, radix } => {
                let (low, high) = factored(radix);
                rest / radix * (low - 1 + high - 1)
            }
            Self::RotationLow(length) => 1 << rotation_bits(length),
            Self::RotationHigh(length) => (length >> rotation_bits(length)) + 1,
            Self::Chirp(n) => n,
            Self::Filter { passes, .. } => passes.iter().product(),
            Self::RaderFilter(prime) | Self::RaderOrder(prime) => prime - 1,
        }
    }

    fn values(self) -> Vec<Complex> {
        match self {
            Self::Twiddle { rest, radix } => {
                let (low, high) = factored(radix);
                let powers = (1..low).chain((1..high).map(|b| low * b));
                powers.flat_map(|k| (0..rest / radix).map(move |j| root(j * k, rest))).collect()
            }
            Self::RotationLow(length) => (0..self.length()).map(|e| root(e, length)).collect(),
            Self::RotationHigh(length) => {
                (0..self.length()).map(|e| root(e << rotation_bits(length), length)).collect()
            }
            Self::Chirp(n) => (0..n).map(|j| chirp(j, n)).collect(),
            Self::Filter { length, passes } => {
                let filter = bluestein_filter(length, self.length());
                (0..filter.len()).map(|place| filter[coefficient(place, &passes)]).collect()
            }
            Self::RaderFilter(prime) => rader_filter(prime),
            Self::RaderOrder(prime) => rader_order(prime),
        }
    }
}

/// Which coefficient passes of these lengths leave at a place: the first digit of the place is the last of the coefficient.
fn coefficient(place: usize, passes: &[usize]) -> usize {
    let (mut rest, mut index) = (place, 0);
    for (at, length) in passes.iter().enumerate().rev() {
        index += rest % length * passes[..at].iter().product::<usize>();
        rest /= length;
    }
    index
}

/// All sections of a pass.
#[derive(Debug, Default)]
pub(super) struct Table {
    sections: Vec<Section>,
    length: usize,
}

impl Table {
    /// Where a section begins; added where it is new.
    pub(super) fn section(&mut self, wanted: Section) -> usize {
        let mut at = 0;
        for section in &self.sections {
            if *section == wanted {
                return at;
            }
            at += section.length();
        }
        self.sections.push(wanted);
        self.length = at + wanted.length();
        at
    }

    /// A function of an exponent e that gives `exp(−2πi e/length)`, from two short tables instead of a long one.
    pub(super) fn rotation(&mut self, name: &str, length: usize) -> String {
        let bits = rotation_bits(length);
        let (low, high) = (self.section(Section::RotationLow(length)), self.section(Section::RotationHigh(length)));
        let mask = (1u64 << bits) - 1;
        format!(
            "fn {name}(e: u32) -> vec2f {{ return times(table_entry({low}u + (e & {mask}u)), table_entry({high}u + (e >> {bits}u))); }}\n"
        )
    }

    /// Complex numbers in it.
    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// What tells it from other tables.
    pub(super) fn key(&self) -> String {
        let mut key = "fft".to_owned();
        for section in &self.sections {
            let _ = match section {
                Section::Twiddle { rest, radix } => write!(key, " twiddle {rest}/{radix}"),
                Section::RotationLow(length) => write!(key, " low {length}"),
                Section::RotationHigh(length) => write!(key, " high {length}"),
                Section::Chirp(n) => write!(key, " chirp {n}"),
                Section::Filter { length, passes } => write!(key, " filter {length}/{passes:?}"),
                Section::RaderFilter(prime) => write!(key, " rader {prime}"),
                Section::RaderOrder(prime) => write!(key, " order {prime}"),
            };
        }
        key
    }

    /// The numbers.
    pub(super) fn values(&self) -> Vec<Complex> {
        self.sections.iter().flat_map(|section| section.values()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pass by pass: every one leaves its digit of the coefficient where it found the one of the entry.
    #[test]
    fn coefficients_have_their_digits_the_other_way_round() {
        assert_eq!(coefficient(7, &[10, 10]), 70);
        assert_eq!(coefficient(123_456, &[10; 6]), 654_321);
        let passes = [2, 3, 4, 1, 5];
        let mut seen: Vec<usize> = (0..120).map(|place| coefficient(place, &passes)).collect();
        // Neighbours are as far apart as the product of all lengths but the last.
        assert_eq!(seen[..5], [0, 24, 48, 72, 96]);
        assert_eq!(seen[60], 1);
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..120));
    }
}
