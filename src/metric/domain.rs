//! What the features of a row may be, and what stands in a metric's table.

/// What the features of a row may be. Other numbers are no error: the definition says what becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Domain {
    /// Any numbers.
    #[default]
    Real,
    /// Numbers at or above 0: counts, masses, probabilities.
    NonNegative,
    /// 0 for false, anything else for true.
    Boolean,
    /// A latitude and a longitude, in radians.
    Angles,
    /// Whole numbers below 65,536: the halves of 32-bit words.
    Halves,
}

/// What the `weights` of a metric hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Table {
    /// One weight per feature, at or above 0; without them all are 1.
    #[default]
    Weights,
    /// One variance per feature, above 0: SciPy's `V`.
    Variances,
    /// The inverse of the covariance matrix, row by row: SciPy's `VI`.
    InverseCovariance,
}

impl Table {
    /// The name of SciPy's parameter.
    pub fn name(self) -> &'static str {
        match self {
            Self::Weights => "weights",
            Self::Variances => "V",
            Self::InverseCovariance => "VI",
        }
    }

    /// Whether a metric can do without.
    pub fn is_optional(self) -> bool {
        self == Self::Weights
    }

    /// How many entries it has for rows of `d` features.
    pub fn entries(self, d: usize) -> usize {
        if self == Self::InverseCovariance { d.saturating_mul(d) } else { d }
    }

    /// Some table for rows of `d` features, for trials; `None` where it would be too large for one.
    pub(super) fn example(self, d: usize) -> Option<Vec<f32>> {
        match self {
            Self::Weights | Self::Variances => Some((0..d).map(|f| [0.5, 1.0, 2.0, 1.5][f % 4]).collect()),
            // Diagonally dominant, so positive definite.
            Self::InverseCovariance if d <= 1024 => {
                let entry = |at: usize| match (at / d).abs_diff(at % d) {
                    0 => 1.0 + 0.25 * (at % d % 3) as f32,
                    1 => -0.375,
                    _ => 0.0,
                };
                Some((0..d * d).map(entry).collect())
            }
            Self::InverseCovariance => None,
        }
    }
}
