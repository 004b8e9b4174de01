//! The named kernels, by family. An entry holds everything about its kernel, in at most 25 lines.
//!
//! Parameters become numbers of the uniform after what can be done with them in f64 has been done (1/(2l²), say), so
//! that each is rounded once and changing one needs no new pipeline.
//!
//! # Accuracy
//! Every kernel's bound is its statistics' bounds carried through its expression
//! ([`Expr::evaluate_with_bound`](crate::Expr::evaluate_with_bound)): an argument of `exp` far from 0 turns its
//! relative error into an absolute one, which is most of a distant pair's error.
//! # Sources
//! scikit-learn, `sklearn.metrics.pairwise` and `sklearn.gaussian_process.kernels`; Rasmussen and Williams, *Gaussian
//! Processes for Machine Learning*, ch. 4. Families that come from elsewhere say so.

mod density;
mod histogram;
mod inner;
mod lattice;
mod neural;
mod periodic;
mod radial;
mod stationary;

use std::sync::LazyLock;

use super::entry::{KernelEntry, Parameter, Rule};

pub(super) use inner::{CONSTANT, LINEAR, POLYNOMIAL, SIGMOID};
pub(super) use stationary::{LAPLACIAN, MATERN, RBF};

/// Declares the entries of a family, and lists them.
macro_rules! kernels {
    ($($(#[$attribute:meta])* $name:ident = $entry:expr;)*) => {
        $($(#[$attribute])* pub(in crate::kernel) static $name: KernelEntry = $entry;)*
        pub(super) static FAMILY: &[&KernelEntry] = &[$(&$name),*];
    };
}
use kernels;

/// Every entry, in the order in which they are listed.
pub(super) static ALL: LazyLock<Vec<&'static KernelEntry>> = LazyLock::new(|| {
    [
        inner::FAMILY,
        stationary::FAMILY,
        radial::FAMILY,
        periodic::FAMILY,
        histogram::FAMILY,
        neural::FAMILY,
        density::FAMILY,
        lattice::FAMILY,
    ]
    .concat()
});

const GAMMA: Parameter = Parameter { name: "gamma", default: None, rule: Rule::NotNegative };
const LENGTH_SCALE: Parameter = Parameter { name: "length_scale", default: Some(1.0), rule: Rule::Positive };
const PRECISION: Parameter = Parameter { name: "precision", default: None, rule: Rule::PositiveDefinite };
const LENGTH_SCALES: Parameter = Parameter { rule: Rule::PositivePerFeature, ..LENGTH_SCALE };

/// A number with a default.
const fn number(name: &'static str, default: f64, rule: Rule) -> Parameter {
    Parameter { name, default: Some(default), rule }
}
