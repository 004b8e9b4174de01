//! How a transform of some length is done: which radices, in how many passes, or by way of a longer one.

use std::fmt;

use super::FftChoices;
use super::factors::{
    LARGEST_PRIME, divisors, equal_factors, good_length, is_prime, is_smooth, least_product, radices,
};
use crate::plan::Limits;

/// Largest butterfly of a pass that transforms there and back and is alone.
const LONGEST_TWICE: usize = 16;

/// Complex numbers of a cache line.
const NEIGHBOURS: usize = 8;

/// Workgroups that lines are not put side by side for: as many cores have something to do.
const FEWEST_WORKGROUPS: u64 = 8;

/// Most passes of a single butterfly.
pub(super) const MOST_PASSES: usize = 6;

/// Largest butterfly of a pass of Bluestein's algorithm that has no more than one.
const CHIRP_RADIX: usize = 12;

/// Lines that are never rolled: what a loop would save, it takes.
const SHORTEST_ROLLED: usize = 4;

/// Bytes of a complex number.
pub(super) const COMPLEX_BYTES: usize = 8;

/// The plan of one transform along one axis, as data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FftRecipe {
    /// Number of points.
    pub(crate) length: usize,
    /// How it is done.
    pub(crate) form: Form,
}

/// See [`FftRecipe`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Form {
    /// Passes whose lengths multiply to the transform's; between them every entry is rotated by a root of unity.
    Smooth(Vec<LineShape>),
    /// As a circular convolution with a chirp, by transforms of the smooth length that the passes multiply to
    /// (L. Bluestein, 1970).
    Bluestein(Vec<LineShape>),
    /// Of a prime, as a circular convolution of all entries but the first, in one pass (C. Rader, 1968).
    Rader(LineShape),
}

/// What one workgroup does: `lines` transforms of `length` points at once, in stages.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct LineShape {
    /// Points of a line.
    pub(crate) length: usize,
    /// Radix of each stage; their product is `length`.
    pub(crate) radices: Vec<usize>,
    /// Invocations that share a line.
    pub(crate) threads: usize,
    /// Lines of a workgroup.
    pub(crate) lines: usize,
    /// How far they are from one another: as many workgroups share the lines between.
    pub(crate) spread: usize,
    /// Whether a place is left free after every 16 entries, so that no two meet in a bank of the workgroup's memory.
    pub(crate) padded: bool,
    /// Whether the line is loaded, stored and taken from stage to stage in loops: little to compile.
    pub(crate) rolled: bool,
    /// Whether complex numbers are read and written as words of 64 bits.
    pub(crate) words: bool,
}

impl FftRecipe {
    /// The recipe for `length` ≥ 1 points; `None` where the length is beyond what the passes can do.
    pub(crate) fn new(length: usize, limits: &Limits, choices: &FftChoices) -> Option<Self> {
        let longest = longest_line(limits, choices);
        if is_smooth(length) {
            let several = choices.single_butterflies && length > longest;
            let single = several.then(|| radices(length, choices.largest_radix));
            let single = single.filter(|passes| passes.len() <= MOST_PASSES);
            if let Some(passes) = single.or_else(|| split(length, longest, choices)) {
                return Some(Self { length, form: Form::Smooth(shapes(passes, limits, choices)) });
            }
        }
        if length - 1 <= longest && is_smooth(length - 1) && is_prime(length) {
            let shape = LineShape::there_and_back(length - 1, limits, choices);
            return Some(Self { length, form: Form::Rader(shape) });
        }
        let least = length.checked_mul(2)?.checked_sub(1)?;
        let several = choices.single_chirps > 0 && least > longest;
        let single = several.then(|| equal_factors(least, CHIRP_RADIX, MOST_PASSES)).flatten();
        let passes = single.or_else(|| split(padded_length(least, choices)?, longest, choices))?;
        let passes = match passes[..] {
            [alone] => vec![LineShape::there_and_back(alone, limits, choices)],
            // Only the last of several goes there and back, and its stages cost more than they save the compiler.
            _ => shapes(passes, limits, choices),
        };
        Some(Self { length, form: Form::Bluestein(passes) })
    }

    /// Whether one workgroup has a whole line at hand, in order.
    pub(super) fn is_one_line(&self) -> bool {
        matches!(&self.form, Form::Smooth(passes) if passes.len() == 1)
    }

    /// Whether there are several passes, all butterflies of the same radix.
    pub(super) fn is_equal_butterflies(&self) -> bool {
        match &self.form {
            Form::Smooth(passes) if passes.len() > 1 => {
                passes.iter().all(|pass| *pass == passes[0] && pass.radices.len() == 1)
            }
            _ => false,
        }
    }

    /// Points of the transforms that are really done.
    pub(crate) fn inner_length(&self) -> usize {
        match &self.form {
            Form::Smooth(_) => self.length,
            Form::Bluestein(passes) => passes.iter().map(|p| p.length).product(),
            Form::Rader(shape) => shape.length,
        }
    }

    /// Numbers of a line between two passes: Rader's last pass gives one more than it transforms.
    pub(super) fn line_length(&self) -> usize {
        self.inner_length().max(self.length)
    }

    /// The passes that a transform of the inner length takes.
    pub(crate) fn passes(&self) -> &[LineShape] {
        match &self.form {
            Form::Smooth(passes) | Form::Bluestein(passes) => passes,
            Form::Rader(shape) => std::slice::from_ref(shape),
        }
    }

    /// Rough number of arithmetic operations for one line.
    pub(crate) fn cost(&self) -> f64 {
        let n = self.inner_length() as f64;
        let once = 5.0 * n * n.log2().max(1.0);
        match self.form {
            Form::Smooth(_) => once,
            Form::Bluestein(_) | Form::Rader(_) => 2.0 * once + 18.0 * n,
        }
    }
}

impl fmt::Display for FftRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match &self.form {
            Form::Smooth(_) => "",
            Form::Bluestein(_) => "Bluestein by ",
            Form::Rader(_) => "Rader by ",
        };
        write!(f, "{} = {word}", self.length)?;
        for (i, pass) in self.passes().iter().enumerate() {
            let radices: Vec<String> = pass.radices.iter().map(usize::to_string).collect();
            write!(f, "{}({})", if i > 0 { " · " } else { "" }, radices.join("·"))?;
        }
        if self.passes().iter().any(|pass| pass.rolled) {
            write!(f, " in loops")?;
        }
        Ok(())
    }
}

impl LineShape {
    /// Shares a smooth `length` out among invocations and lines.
    pub(crate) fn new(length: usize, limits: &Limits, choices: &FftChoices) -> Self {
        let radices = radices(length, choices.largest_radix);
        let largest = radices.first().copied().unwrap_or(1);
        let most_threads = (limits.max_invocations as usize).min(choices.threads);
        let threads = (length / largest).clamp(1, most_threads.max(1));
        let memory = limits.workgroup_bytes as usize / COMPLEX_BYTES;
        let padded = choices.padded && length + length / 16 <= memory;
        let by_threads = (choices.invocations.min(limits.max_invocations as usize) / threads).max(1);
        // Lines of one stage may meet in memory too, in loops or when spectra of real numbers are put together.
        let by_memory = (memory / (length + length / 16 * usize::from(padded))).max(1);
        let rolled = choices.rolled && length > SHORTEST_ROLLED;
        let (lines, words) = (by_threads.min(by_memory), choices.words);
        Self { length, radices, threads, lines, spread: 1, padded, rolled, words }
    }

    /// The same for a transform and a second one back, whose text is twice as long where it is not rolled: shorter
    /// butterflies keep it quick to compile.
    pub(crate) fn there_and_back(length: usize, limits: &Limits, choices: &FftChoices) -> Self {
        let largest_radix = choices.largest_radix.min(LONGEST_TWICE);
        Self::new(length, limits, &FftChoices { largest_radix, ..choices.clone() })
    }

    /// The same for lines side by side, of which there are `present`: as many as fill a cache line where their entries lie apart,
    /// since neighbours in memory belong to different lines then.
    pub(super) fn side_by_side(&self, present: u64, limits: &Limits, choices: &FftChoices) -> Self {
        let memory = limits.workgroup_bytes as usize / COMPLEX_BYTES;
        // Lines of one stage are short: two cache lines of them, for the fewer workgroups.
        let wanted = if self.radices.len() > 1 { NEIGHBOURS } else { 2 * NEIGHBOURS };
        let lines = wanted.min(memory / self.stride()).max(self.lines).min(limits.max_invocations as usize);
        // Lanes are a power of two; few lines are for many workgroups rather than side by side.
        let shared = (present / FEWEST_WORKGROUPS).clamp(1, lines as u64).ilog2();
        let lines = if choices.across_lines { 1 << shared } else { lines };
        let most = (limits.max_invocations as usize).min(choices.invocations.max(choices.threads));
        // What other workgroups need of a cache line of short lines is still near when their turn comes.
        let spreads = choices.across_lines && self.radices.len() == 1 && present >= (NEIGHBOURS * lines) as u64;
        let spread = if spreads { NEIGHBOURS } else { 1 };
        Self { lines, spread, threads: (most / lines).clamp(1, self.threads), ..self.clone() }
    }

    /// Workgroups for so many lines.
    pub(super) fn groups(&self, lines: u64) -> u64 {
        lines.div_ceil((self.lines * self.spread) as u64) * self.spread as u64
    }

    /// Places of the workgroup's memory that a line takes.
    pub(crate) fn stride(&self) -> usize {
        if self.padded { self.length + self.length / 16 } else { self.length }
    }

    /// Invocations of a workgroup.
    pub(crate) fn invocations(&self) -> usize {
        self.threads * self.lines
    }
}

/// The longest line that one workgroup takes.
pub(super) fn longest_line(limits: &Limits, choices: &FftChoices) -> usize {
    let by_memory = limits.workgroup_bytes as usize / COMPLEX_BYTES;
    by_memory.min(choices.longest_line).max(LARGEST_PRIME)
}

fn shapes(lengths: Vec<usize>, limits: &Limits, choices: &FftChoices) -> Vec<LineShape> {
    lengths.into_iter().map(|length| LineShape::new(length, limits, choices)).collect()
}

/// Length of the circular convolution of at least so many points by which Bluestein's algorithm transforms. Each different radix
/// is more to compile.
fn padded_length(least: usize, choices: &FftChoices) -> Option<usize> {
    if choices.rolled { least_product(1, &[3, 2], least) } else { good_length(least, false) }
}

/// The fewest factors ≤ `longest` of a smooth length, as equal as they can be; at most three.
fn split(length: usize, longest: usize, choices: &FftChoices) -> Option<Vec<usize>> {
    if length <= longest {
        return Some(vec![length]);
    }
    let factors = divisors(length, longest);
    // Two passes: the pair nearest the square root, preferring few stages.
    let pair = factors
        .iter()
        .filter(|&&a| length / a <= longest)
        .min_by_key(|&&a| {
            let b = length / a;
            let stages = radices(a, choices.largest_radix).len() + radices(b, choices.largest_radix).len();
            (stages, a.max(b))
        })
        .map(|&a| vec![a, length / a]);
    if pair.is_some() {
        return pair;
    }
    let mut best: Option<Vec<usize>> = None;
    for &a in &factors {
        for &b in factors.iter().filter(|&&b| b <= a && (length / a).is_multiple_of(b)) {
            let c = length / a / b;
            if c <= b && best.as_ref().is_none_or(|found| found[0] > a) {
                best = Some(vec![a, b, c]);
            }
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_multiply_to_the_length() {
        let limits = Limits::webgpu_defaults();
        let chirps = FftChoices { single_chirps: usize::MAX, across_lines: true, ..FftChoices::default() };
        for choices in [FftChoices::default(), FftChoices::default().for_points(0), chirps] {
            check(&limits, &choices);
        }
    }

    #[allow(clippy::unwrap_used)]
    fn check(limits: &Limits, choices: &FftChoices) {
        let long =
            [2048, 2187, 3125, 4096, 10_007, 30_030, 59_049, 65_536, 100_003, 1 << 18, 1 << 20, 1 << 24, 28_561 * 13];
        for n in (1..=1100).chain(long) {
            let recipe = FftRecipe::new(n, limits, choices).unwrap();
            let inner = recipe.inner_length();
            let passes = recipe.passes();
            match &recipe.form {
                Form::Smooth(_) => assert_eq!(inner, n),
                Form::Bluestein(_) => assert!(!is_smooth(n) && inner >= 2 * n - 1, "{recipe}"),
                Form::Rader(_) => assert!(is_prime(n) && inner == n - 1, "{recipe}"),
            }
            assert_eq!(passes.iter().map(|p| p.length).product::<usize>(), inner, "{recipe}");
            for pass in passes {
                assert_eq!(pass.radices.iter().product::<usize>(), pass.length, "{recipe}");
                assert!(pass.radices.iter().all(|&r| r <= choices.largest_radix.max(LARGEST_PRIME)), "{recipe}");
                assert!(pass.invocations() <= limits.max_invocations as usize, "{recipe}: {pass:?}");
                let bytes =
                    if pass.radices.len() > 1 || pass.rolled { pass.stride() * pass.lines * COMPLEX_BYTES } else { 0 };
                assert!(bytes <= limits.workgroup_bytes as usize, "{recipe}: {pass:?}");
                for present in [1, 7, 8, 100, 1 << 20] {
                    let beside = pass.side_by_side(present, limits, choices);
                    assert!(beside.invocations() <= limits.max_invocations as usize, "{recipe}: {beside:?}");
                    let bytes = if bytes > 0 { beside.stride() * beside.lines * COMPLEX_BYTES } else { 0 };
                    assert!(bytes <= limits.workgroup_bytes as usize, "{recipe}: {beside:?}");
                    assert!(beside.groups(present) * beside.lines as u64 >= present, "{recipe}: {beside:?}");
                }
            }
        }
    }

    #[test]
    #[allow(clippy::unwrap_used)]
    fn recipes_print_their_radices() {
        let limits = Limits::webgpu_defaults();
        let choices = FftChoices { largest_radix: 16, ..FftChoices::default() };
        let print = |n| FftRecipe::new(n, &limits, &choices).unwrap().to_string();
        assert_eq!(print(13), "13 = (13)");
        assert_eq!(print(1000), "1000 = (10·10·10)");
        assert_eq!(print(4096), "4096 = (16) · (16·16)");
        assert_eq!(print(17), "17 = Rader by (16)");
        assert_eq!(print(47), "47 = Bluestein by (12·8)");
        let rolled = choices.for_points(0);
        let print = |n| FftRecipe::new(n, &limits, &rolled).unwrap().to_string();
        assert_eq!(print(1000), "1000 = (5·5·5·4·2) in loops");
        assert_eq!(print(169), "169 = (13·13) in loops");
        assert_eq!(print(47), "47 = Bluestein by (4·4·3·2) in loops");
        // What no workgroup holds, a butterfly a pass.
        let single = FftChoices { largest_radix: 36, single_butterflies: true, ..choices.clone() };
        let print = |n| FftRecipe::new(n, &limits, &single).unwrap().to_string();
        assert_eq!(print(1024), "1024 = (32·32)");
        assert_eq!(print(1 << 20), "1048576 = (32) · (32) · (32) · (32)");
        assert_eq!(print(10_007), "10007 = Bluestein by (36) · (28·20)");
        let chirps = FftChoices { single_chirps: usize::MAX, ..choices };
        let print = |n| FftRecipe::new(n, &limits, &chirps).unwrap().to_string();
        assert_eq!(print(16_411), "16411 = Bluestein by (4) · (12) · (12) · (12) · (5)");
    }
}
