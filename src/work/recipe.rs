//! By which algorithm a convolution is done, as data that prints.

use std::fmt;

/// An algorithm for a convolution.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConvolveAlgorithm {
    /// Every entry as the sum of its products.
    Direct {
        /// Products of an entry.
        taps: usize,
    },
    /// Along one axis, transforms there and back in one pass: of the whole line, or of blocks of it (overlap-save). Real
    /// numbers go two as one: of two blocks, of two lines that share their kernel, or neighbours in a line by itself.
    OverlapSave {
        /// Points of a block.
        length: usize,
        /// Results of a block.
        step: usize,
        /// Blocks of a line; one is the whole of it.
        count: usize,
    },
    /// Transforms of the whole signal, the product, and transforms back, in passes of their own.
    Transforms {
        /// Points along each convolved axis.
        lengths: Vec<usize>,
    },
}

impl fmt::Display for ConvolveAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct { taps } => write!(f, "direct sum of {taps} products"),
            Self::OverlapSave { length, count: 1, .. } => write!(f, "FFT of {length} points, in one pass"),
            Self::OverlapSave { length, step, count } => {
                write!(f, "overlap-save: {count} blocks of {length} points, {step} results each")
            }
            Self::Transforms { lengths } => {
                let lengths: Vec<String> = lengths.iter().map(usize::to_string).collect();
                write!(f, "FFT of {} points", lengths.join("×"))
            }
        }
    }
}

/// Why an algorithm was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConvolveReason {
    /// Its estimate is the lowest.
    Cheapest,
    /// Its estimate is below the direct sum's, and transforms in one pass go before others.
    OnePass,
    /// [`Method`](super::Method) named it.
    AskedFor,
    /// The kernel wraps around the signal more than once, which transforms of the signal's length cannot do.
    WrapsTwice,
}

impl fmt::Display for ConvolveReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cheapest => "the cheapest by estimate",
            Self::OnePass => "by estimate cheaper than the direct sum, and in one pass",
            Self::AskedFor => "asked for",
            Self::WrapsTwice => "the kernel wraps around more than once",
        })
    }
}

/// How a convolution is done: the algorithm, why it, and what each that could do it is estimated to cost.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ConvolveRecipe {
    /// What will be done.
    pub algorithm: ConvolveAlgorithm,
    /// Why.
    pub reason: ConvolveReason,
    /// What could be done, with a rough cost: operations on a GPU, nanoseconds of one core on the CPU.
    pub candidates: Vec<(ConvolveAlgorithm, f64)>,
}

impl ConvolveRecipe {
    /// The direct sum, or the first of the transforms where `method` asks for it or one of them is cheaper.
    pub(crate) fn choose(
        method: super::Method,
        direct: (ConvolveAlgorithm, f64),
        transforms: Vec<(ConvolveAlgorithm, f64)>,
    ) -> Self {
        let cheaper = transforms.iter().any(|(_, cost)| *cost < direct.1);
        let lowest = transforms.iter().map(|(_, cost)| *cost).fold(direct.1, f64::min);
        let one_pass = cheaper && transforms.first().is_some_and(|(_, cost)| *cost > lowest);
        let (reason, by_transforms) = match method {
            super::Method::Auto if one_pass => (ConvolveReason::OnePass, true),
            super::Method::Auto => (ConvolveReason::Cheapest, cheaper),
            super::Method::Direct => (ConvolveReason::AskedFor, false),
            super::Method::Fft => (ConvolveReason::AskedFor, true),
        };
        let first = transforms.first().filter(|_| by_transforms);
        let algorithm = first.map_or_else(|| direct.0.clone(), |(algorithm, _)| algorithm.clone());
        Self { algorithm, reason, candidates: [vec![direct], transforms].concat() }
    }
}

impl fmt::Display for ConvolveRecipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let costs: Vec<String> = self.candidates.iter().map(|(way, cost)| format!("{way}: {cost:.1e}")).collect();
        write!(f, "{} ({}; {})", self.algorithm, self.reason, costs.join(", "))
    }
}
