//! The table of trials, an area per file.

mod attention;
mod convolve;
mod extend;
mod fft;
mod formula;
mod gemm;
mod hadamard;
mod lattice;
mod math;
mod pair;
mod reduce;
mod signal;
mod stft;
mod transfer;
mod trigonometric;
mod window;

#[cfg(test)]
pub(super) use pair::RULES;
#[cfg(test)]
pub(super) use reduce::reductions;

use super::compare::Comparison;
use super::covering;
use super::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;

/// What a trial does, as data.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// Metrics and kernels over pairs of rows.
    Pair(pair::PairTrial),
    /// Reductions of metrics and kernels.
    Reduce(reduce::ReduceTrial),
    /// Attention over heads, masks and windows.
    Attention(attention::AttentionTrial),
    /// Matrix products.
    Gemm(gemm::GemmTrial),
    /// Fourier transforms.
    Fft(fft::FftTrial),
    /// Formulas and gradients.
    Formula(formula::FormulaTrial),
    /// Convolution and correlation.
    Convolve(convolve::ConvolveTrial),
    /// Neural convolution and its transpose.
    Conv(window::ConvTrial),
    /// Pooling.
    Pool(window::PoolTrial),
    /// Padding and rolling.
    Extend(extend::ExtendTrial),
    /// Cosine and sine transforms.
    Trigonometric(trigonometric::TrigonometricTrial),
    /// Walsh–Hadamard transforms.
    Hadamard(hadamard::HadamardTrial),
    /// Random numbers, and Gram matrices on lattices and nets.
    Lattice(lattice::LatticeTrial),
    /// Filters, deconvolution, matching, registration, resampling.
    Signal(signal::SignalTrial),
    /// Short-time transforms.
    Stft(stft::StftTrial),
    /// Functions of one or two numbers.
    Math(math::MathTrial),
    /// Upload, views, copies and read-back.
    Transfer(transfer::TransferTrial),
}

impl Body {
    /// Points of a complex Fourier transform forwards along one axis.
    pub(crate) fn transform_points(&self) -> Option<usize> {
        match self {
            Self::Fft(trial) => trial.points(),
            _ => None,
        }
    }

    /// Runs it on inputs that follow from the trial's name.
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        match self {
            Self::Pair(trial) => trial.run(context, name).await,
            Self::Reduce(trial) => trial.run(context, name).await,
            Self::Attention(trial) => trial.run(context, name).await,
            Self::Gemm(trial) => trial.run(context, name).await,
            Self::Fft(trial) => trial.run(context, name).await,
            Self::Formula(trial) => trial.run(context, name).await,
            Self::Convolve(trial) => trial.run(context, name).await,
            Self::Conv(trial) => trial.run(context, name).await,
            Self::Pool(trial) => trial.run(context, name).await,
            Self::Extend(trial) => trial.run(context, name).await,
            Self::Trigonometric(trial) => trial.run(context, name).await,
            Self::Hadamard(trial) => trial.run(context, name).await,
            Self::Lattice(trial) => trial.run(context, name).await,
            Self::Signal(trial) => trial.run(context, name).await,
            Self::Stft(trial) => trial.run(context, name).await,
            Self::Math(trial) => trial.run(context, name).await,
            Self::Transfer(trial) => trial.run(context, name).await,
        }
    }
}

/// Every trial.
pub(super) fn all(extent: Extent) -> Vec<Trial> {
    [
        transfer::trials(extent),
        math::trials(extent),
        pair::trials(extent),
        reduce::trials(extent),
        attention::trials(extent),
        gemm::trials(extent),
        fft::trials(extent),
        trigonometric::trials(extent),
        hadamard::trials(extent),
        lattice::trials(extent),
        stft::trials(extent),
        signal::trials(extent),
        convolve::trials(extent),
        window::trials(extent),
        extend::trials(extent),
        formula::trials(extent),
    ]
    .concat()
}

/// The rows of levels that an extent takes of a product of factors.
fn settings(extent: Extent, levels: &[usize]) -> Vec<Vec<usize>> {
    match extent {
        Extent::Sample => covering::pairwise(levels),
        Extent::Full => covering::product(levels),
    }
}

/// Which of `count` results are compared: all of a small array; of a large one the ends and every so many in between,
/// a prime number apart, so that no row, tile or window is left out.
fn sampled(count: usize) -> impl Iterator<Item = usize> {
    const WHOLE: usize = 200_000;
    const ENDS: usize = 1000;
    let step = if count <= WHOLE { 1 } else { (count / WHOLE).max(1) | 1 };
    let step = if step == 1 && count > WHOLE { 3 } else { step };
    let ends = if step == 1 { 0 } else { ENDS };
    (0..count).step_by(step).chain(count.saturating_sub(ends)..count)
}

/// `3x4x5`.
fn shape_name(shape: &[usize]) -> String {
    if shape.is_empty() {
        return "scalar".to_owned();
    }
    shape.iter().map(usize::to_string).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn names_tell_trials_apart() {
        for extent in [Extent::Sample, Extent::Full] {
            let mut seen = HashSet::new();
            for trial in all(extent) {
                assert!(seen.insert(trial.name()), "{} is there twice", trial.name());
            }
        }
    }

    #[test]
    fn large_results_are_compared_at_both_ends() {
        assert_eq!(sampled(5).collect::<Vec<_>>(), [0, 1, 2, 3, 4]);
        let chosen: HashSet<usize> = sampled(36_000_000).collect();
        assert!(chosen.contains(&0) && chosen.contains(&35_999_999) && chosen.len() < 300_000);
    }
}
