//! Features as truths: 0 is false, anything else (NaN too) is true. With weights, features count by their weight.

use super::super::Domain;
use super::super::bound::{share, shares};
use super::super::definition::{sum, truth_table};
use super::metrics;

/// Bodies that see the truths of both sides as `a` and `b`, 0 or 1. `!=` is false for NaN, `==` is too.
macro_rules! truths {
    ($body:literal) => {
        concat!("let a = select(1.0, 0.0, x == 0.0); let b = select(1.0, 0.0, y == 0.0); ", $body)
    };
}

metrics! {
    /// The share of features that differ, `Σ w_f [x_f ≠ y_f] / Σ w_f`, for any numbers; 0 without features.
    ///
    /// # Accuracy
    /// Relative error 5 u: counts are exact up to 2²⁴ features, and a quotient is 2.5 ULP off at most; with weights
    /// 2 γ(b + 2) + 5 u.
    /// # Sources
    /// SciPy, `scipy.spatial.distance.hamming`; WGSL, "Floating Point Accuracy".
    pub HAMMING {
        name: "hamming",
        formula: "Σ w_f [x_f ≠ y_f] / Σ w_f",
        aliases: &["matching"],
        state: "apart: f32, all: f32",
        accumulate: "(*state).apart += select(1.0, 0.0, x == y); (*state).all += 1.0;",
        accumulate_weighted: "(*state).apart += select(w, 0.0, x == y); (*state).all += w;",
        finish: "if state.all == 0.0 { return 0.0; } return state.apart / state.all;",
        definition: |x, y, w, _| {
            let apart = sum(x, y, w, |x, y| f64::from(u8::from(x != y)));
            if apart == 0.0 { 0.0 } else { apart / sum(x, y, w, |_, _| 1.0) }
        },
        error_bound: |x, y, w, _| share(x, y, w, HAMMING.definition),
        padding_neutral: false,
    }

    /// Features that differ among those that are not 0 on both sides, for any numbers; 0 where there is none.
    ///
    /// # Accuracy
    /// As [`Metric::HAMMING`](crate::Metric::HAMMING).
    /// # Sources
    /// SciPy, `scipy.spatial.distance.jaccard` and its `cdist` for numbers.
    pub JACCARD {
        name: "jaccard",
        formula: "c(x ≠ y) / c(x ≠ 0 or y ≠ 0)",
        state: "apart: f32, either: f32",
        accumulate: "(*state).apart += select(1.0, 0.0, x == y);
    (*state).either += select(1.0, 0.0, (x == 0.0) & (y == 0.0));",
        accumulate_weighted: "(*state).apart += select(w, 0.0, x == y);
    (*state).either += select(w, 0.0, (x == 0.0) & (y == 0.0));",
        finish: "if state.either == 0.0 { return 0.0; } return state.apart / state.either;",
        domain: Domain::Boolean,
        definition: |x, y, w, _| {
            let apart = sum(x, y, w, |x, y| f64::from(u8::from(x != y)));
            let either = sum(x, y, w, |x, y| f64::from(u8::from(x != 0.0 || y != 0.0)));
            if either == 0.0 { 0.0 } else { apart / either }
        },
        error_bound: |x, y, w, _| share(x, y, w, JACCARD.definition),
    }

    /// The Dice distance, `(c_TF + c_FT) / (2 c_TT + c_TF + c_FT)`; NaN where no feature is true.
    ///
    /// # Accuracy
    /// Relative error 6 u: exact counts, a sum, a quotient; with weights 2 γ(b + 2) + 6 u.
    /// # Sources
    /// SciPy, `scipy.spatial.distance.dice`.
    pub DICE {
        name: "dice",
        formula: "(c_TF + c_FT) / (2 c_TT + c_TF + c_FT)",
        state: "both: f32, one: f32",
        accumulate: truths!("(*state).both += a * b; (*state).one += abs(a - b);"),
        accumulate_weighted: truths!("(*state).both += w * (a * b); (*state).one += w * abs(a - b);"),
        finish: "let all = 2.0 * state.both + state.one; if all == 0.0 { return pair_nan(); } return state.one / all;",
        domain: Domain::Boolean,
        definition: |x, y, w, _| {
            let [both, a, b, _] = truth_table(x, y, w);
            (a + b) / (2.0 * both + a + b)
        },
        error_bound: |x, y, w, _| share(x, y, w, DICE.definition),
        zero_on_self: false,
        is_metric: false,
    }

    /// The Rogers–Tanimoto distance, `2 (c_TF + c_FT) / (c_TT + c_FF + 2 (c_TF + c_FT))`; 0 without features.
    ///
    /// # Accuracy
    /// As [`Metric::DICE`](crate::Metric::DICE).
    /// # Sources
    /// SciPy, `scipy.spatial.distance.rogerstanimoto`; Gower and Legendre, "Metric and Euclidean properties of
    /// dissimilarity coefficients", 1986 (the triangle inequality, here and below).
    pub ROGERSTANIMOTO {
        name: "rogerstanimoto",
        formula: "2 (c_TF + c_FT) / (c_TT + c_FF + 2 (c_TF + c_FT))",
        aliases: &["sokalmichener"],
        state: "alike: f32, one: f32",
        accumulate: truths!("(*state).alike += 1.0 - abs(a - b); (*state).one += abs(a - b);"),
        accumulate_weighted: truths!("(*state).alike += w * (1.0 - abs(a - b)); (*state).one += w * abs(a - b);"),
        finish: "if state.one == 0.0 { return 0.0; } return 2.0 * state.one / (state.alike + 2.0 * state.one);",
        domain: Domain::Boolean,
        definition: |x, y, w, _| {
            let [both, a, b, neither] = truth_table(x, y, w);
            if a + b == 0.0 { 0.0 } else { 2.0 * (a + b) / (both + neither + 2.0 * (a + b)) }
        },
        error_bound: |x, y, w, _| share(x, y, w, ROGERSTANIMOTO.definition),
        padding_neutral: false,
    }

    /// The Russell–Rao distance, the share of features that are not true on both sides, `(n − c_TT) / n`; NaN without
    /// features.
    ///
    /// # Accuracy
    /// As [`Metric::HAMMING`](crate::Metric::HAMMING).
    /// # Sources
    /// SciPy, `scipy.spatial.distance.russellrao`.
    pub RUSSELLRAO {
        name: "russellrao",
        formula: "(n − c_TT) / n",
        state: "apart: f32, all: f32",
        accumulate: truths!("(*state).apart += 1.0 - a * b; (*state).all += 1.0;"),
        accumulate_weighted: truths!("(*state).apart += w * (1.0 - a * b); (*state).all += w;"),
        finish: "if state.all == 0.0 { return pair_nan(); } return state.apart / state.all;",
        domain: Domain::Boolean,
        definition: |x, y, w, _| {
            let [both, a, b, neither] = truth_table(x, y, w);
            (a + b + neither) / (both + a + b + neither)
        },
        error_bound: |x, y, w, _| share(x, y, w, RUSSELLRAO.definition),
        zero_on_self: false,
        padding_neutral: false,
    }

    /// The Sokal–Sneath distance, `2 (c_TF + c_FT) / (c_TT + 2 (c_TF + c_FT))`; NaN where no feature is true.
    ///
    /// # Accuracy
    /// As [`Metric::DICE`](crate::Metric::DICE).
    /// # Sources
    /// SciPy, `scipy.spatial.distance.sokalsneath`.
    pub SOKALSNEATH {
        name: "sokalsneath",
        formula: "2 (c_TF + c_FT) / (c_TT + 2 (c_TF + c_FT))",
        state: DICE.state,
        accumulate: DICE.accumulate,
        accumulate_weighted: DICE.accumulate_weighted,
        finish: "let all = state.both + 2.0 * state.one; if all == 0.0 { return pair_nan(); }
    return 2.0 * state.one / all;",
        domain: Domain::Boolean,
        definition: |x, y, w, _| {
            let [both, a, b, _] = truth_table(x, y, w);
            2.0 * (a + b) / (both + 2.0 * (a + b))
        },
        error_bound: |x, y, w, _| share(x, y, w, SOKALSNEATH.definition),
        zero_on_self: false,
    }

    /// Yule's distance, `2 c_TF c_FT / (c_TT c_FF + c_TF c_FT)`; 0 where c_TF or c_FT is.
    ///
    /// # Accuracy
    /// Relative error 10 u: exact counts, three products, a sum, a quotient; with weights 4 γ(b + 2) + 10 u.
    /// # Sources
    /// SciPy, `scipy.spatial.distance.yule`.
    pub YULE {
        name: "yule",
        formula: "2 c_TF c_FT / (c_TT c_FF + c_TF c_FT)",
        state: "both: f32, left: f32, right: f32, neither: f32",
        accumulate: truths!("(*state).both += a * b; (*state).left += a * (1.0 - b);
    (*state).right += (1.0 - a) * b; (*state).neither += (1.0 - a) * (1.0 - b);"),
        accumulate_weighted: truths!("(*state).both += w * (a * b); (*state).left += w * (a * (1.0 - b));
    (*state).right += w * ((1.0 - a) * b); (*state).neither += w * ((1.0 - a) * (1.0 - b));"),
        finish: "let crossed = state.left * state.right; if crossed == 0.0 { return 0.0; }
    return 2.0 * crossed / (state.both * state.neither + crossed);",
        domain: Domain::Boolean,
        definition: |x, y, w, _| {
            let [both, a, b, neither] = truth_table(x, y, w);
            if a * b == 0.0 { 0.0 } else { 2.0 * a * b / (both * neither + a * b) }
        },
        error_bound: |x, y, w, _| shares(x, y, w, YULE.definition),
        is_metric: false,
        padding_neutral: false,
    }

    /// The share of bits that differ, of words whose halves of 16 bits are the features: what
    /// [`pairwise_bits`](crate::pairwise_bits) computes for rows of `u32` words.
    ///
    /// # Accuracy
    /// As [`Metric::HAMMING`](crate::Metric::HAMMING) for up to 2²⁴ bits.
    /// # Sources
    /// As [`Metric::HAMMING`](crate::Metric::HAMMING).
    pub BIT_HAMMING {
        name: "bit_hamming",
        formula: "bits that differ / bits",
        state: "apart: u32, halves: u32",
        accumulate: "(*state).apart += countOneBits(u32(x) ^ u32(y)); (*state).halves += 1u;",
        finish: "if state.halves == 0u { return 0.0; } return f32(state.apart) / f32(16u * state.halves);",
        domain: Domain::Halves,
        definition: |x, y, _, _| {
            let apart = sum(x, y, &[], |x, y| f64::from((x as u32 ^ y as u32).count_ones()));
            if apart == 0.0 { 0.0 } else { apart / (16.0 * x.len() as f64) }
        },
        error_bound: |x, y, _, _| share(x, y, &[], BIT_HAMMING.definition),
        padding_neutral: false,
    }

    /// Bits that differ among those that are set in either, of words whose halves of 16 bits are the features; 0 where
    /// there is none. [`pairwise_bits`](crate::pairwise_bits) computes it for rows of `u32` words.
    ///
    /// # Accuracy
    /// As [`Metric::BIT_HAMMING`](crate::Metric::BIT_HAMMING).
    /// # Sources
    /// As [`Metric::JACCARD`](crate::Metric::JACCARD).
    pub BIT_JACCARD {
        name: "bit_jaccard",
        formula: "bits that differ / bits set in either",
        state: "apart: u32, either: u32",
        accumulate: "(*state).apart += countOneBits(u32(x) ^ u32(y)); (*state).either += countOneBits(u32(x) | u32(y));",
        finish: "if state.either == 0u { return 0.0; } return f32(state.apart) / f32(state.either);",
        domain: Domain::Halves,
        definition: |x, y, _, _| {
            let either = sum(x, y, &[], |x, y| f64::from((x as u32 | y as u32).count_ones()));
            let apart = sum(x, y, &[], |x, y| f64::from((x as u32 ^ y as u32).count_ones()));
            if either == 0.0 { 0.0 } else { apart / either }
        },
        error_bound: |x, y, _, _| share(x, y, &[], BIT_JACCARD.definition),
    }
}
