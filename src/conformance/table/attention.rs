//! Trials of attention: heads that share keys, masks that broadcast, diagonals, windows and caps, entry by entry.

use ndarray::{ArrayD, IxDyn};

use super::{settings, shape_name};
use crate::conformance::compare::Comparison;
use crate::conformance::generator::Generator;
use crate::conformance::table::Body;
use crate::conformance::trial::{Extent, Trial};
use crate::context::Context;
use crate::error::Result;
use crate::expr::{Expr, UNIT_ROUNDOFF};
use crate::kernel::PairFunction;
use crate::metric::Metric;
use crate::ops::{AttentionMask, AttentionOptions, attention};
use crate::reference;

/// Rows of q and of k, features, columns of v.
const SHAPES: [[usize; 4]; 8] = [
    [1, 1, 1, 1],
    [5, 7, 3, 2],
    [20, 13, 8, 4],
    [33, 65, 16, 8],
    [64, 130, 17, 33],
    [3, 1000, 4, 5],
    [0, 4, 3, 2],
    [4, 0, 3, 2],
];

/// Batches, query heads and key heads; no heads at all where there are no batches.
const HEADS: [[usize; 3]; 5] = [[0, 1, 1], [1, 1, 1], [2, 3, 3], [2, 4, 2], [1, 6, 1]];

const RULES: [(&str, Rule); 5] = [
    ("all", Rule { causal: false, window: None, softcap: None }),
    ("causal", Rule { causal: true, window: None, softcap: None }),
    ("window", Rule { causal: false, window: Some(3), softcap: None }),
    ("capped", Rule { causal: false, window: None, softcap: Some(1.5) }),
    ("causal-capped", Rule { causal: true, window: None, softcap: Some(0.5) }),
];

#[derive(Debug, Clone, Copy)]
struct Rule {
    causal: bool,
    window: Option<u32>,
    softcap: Option<f32>,
}

/// What is given for each query and key.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Given {
    Nothing,
    /// One truth value per key.
    Keys,
    /// One truth value per query and key; some queries see nothing.
    Pairs,
    /// A number per head, query and key, some of them −∞.
    Numbers,
}

const GIVEN: [(&str, Given); 4] =
    [("unmasked", Given::Nothing), ("keys", Given::Keys), ("pairs", Given::Pairs), ("numbers", Given::Numbers)];

/// One setting.
#[derive(Debug, Clone)]
pub(crate) struct AttentionTrial {
    shape: [usize; 4],
    heads: [usize; 3],
    rule: Rule,
    given: Given,
}

pub(super) fn trials(extent: Extent) -> Vec<Trial> {
    let levels = [SHAPES.len(), HEADS.len(), RULES.len(), GIVEN.len()];
    let rows = settings(extent, &levels);
    let trial = |row: &Vec<usize>| {
        let &[shape, heads, rule, given] = row.as_slice() else { return None };
        let (shape, heads, rule, given) = (SHAPES.get(shape)?, HEADS.get(heads)?, RULES.get(rule)?, GIVEN.get(given)?);
        let setting = format!("{} heads {} {} {}", shape_name(shape), shape_name(heads), rule.0, given.0);
        let trial = AttentionTrial { shape: *shape, heads: *heads, rule: rule.1, given: given.1 };
        Some(Trial::new("attention", setting, Body::Attention(trial)))
    };
    rows.iter().filter_map(trial).collect()
}

impl AttentionTrial {
    pub(super) async fn run(&self, context: &Context, name: &str) -> Result<Comparison> {
        let mut generator = Generator::named(name);
        let ([n, m, d, columns], [batches, heads, groups]) = (self.shape, self.heads);
        let front = |heads: usize| if batches == 0 { vec![] } else { vec![batches, heads] };
        let mut draw = |heads: usize, last: [usize; 2]| {
            let shape = [front(heads), last.to_vec()].concat();
            ArrayD::from_shape_simple_fn(IxDyn(&shape), || generator.bell())
        };
        let (q, k, v) = (draw(heads, [n, d]), draw(groups, [m, d]), draw(groups, [m, columns]));
        let numbers = draw(heads, [n, m]);
        let hidden = |i: usize, j: usize| (3 * i + 5 * j).is_multiple_of(7) || i % 5 == 4;
        let mask = match self.given {
            Given::Nothing => None,
            Given::Keys => {
                let keep = ArrayD::from_shape_fn(IxDyn(&[m]), |at| u32::from(at[0] % 3 != 1));
                Some(AttentionMask::Boolean(context.upload(&keep)?))
            }
            Given::Pairs => {
                let keep = ArrayD::from_shape_fn(IxDyn(&[n, m]), |at| u32::from(!hidden(at[0], at[1])));
                Some(AttentionMask::Boolean(context.upload(&keep)?))
            }
            Given::Numbers => {
                let axis = numbers.ndim() - 2;
                let added = ArrayD::from_shape_fn(numbers.raw_dim(), |at| {
                    if hidden(at[axis], at[axis + 1]) { f32::NEG_INFINITY } else { numbers[&at] }
                });
                Some(AttentionMask::Additive(context.upload(&added)?))
            }
        };
        let Rule { causal, window, softcap } = self.rule;
        let options = AttentionOptions { scale: None, softcap, causal, window, mask };
        let out = attention(&context.upload(&q)?, &context.upload(&k)?, &context.upload(&v)?, &options)?.read().await?;
        let shape = [front(heads), vec![n, columns]].concat();
        if out.shape() != shape {
            return Ok(Comparison::broken(format!("the shape is {:?}, not {shape:?}", out.shape())));
        }

        let wide = |array: ArrayD<f32>| array.iter().map(|value| f64::from(*value)).collect::<Vec<f64>>();
        let (q, k, v, numbers) = (wide(q), wide(k), wide(v), wide(numbers));
        let out: Vec<f32> = out.into_iter().collect();
        let scale = f64::from((1.0 / (d.max(1) as f64).sqrt()) as f32);
        let function = self.function(scale);
        let mut comparison = Comparison::default();
        for row in 0..batches.max(1) * heads * n {
            let (head, i) = (row / n.max(1), row % n.max(1));
            let own = head / heads * groups + head % heads * groups / heads;
            let query = q.get(row * d..(row + 1) * d).unwrap_or_default();
            let pairs: Vec<Option<(f64, f64)>> = (0..m)
                .map(|j| {
                    let end = (i + m) as i64 - n as i64;
                    let seen = (!(causal || window.is_some()) || j as i64 <= end)
                        && window.is_none_or(|window| j as i64 > end - i64::from(window))
                        && match self.given {
                            Given::Nothing => true,
                            Given::Keys => j % 3 != 1,
                            Given::Pairs | Given::Numbers => !hidden(i, j),
                        };
                    let key = k.get((own * m + j) * d..(own * m + j + 1) * d).unwrap_or_default();
                    let added = if self.given == Given::Numbers { numbers.get(row * m + j).copied()? } else { 0.0 };
                    seen.then(|| self.score(&function, scale, query, key, added))
                })
                .collect();
            for column in 0..columns {
                let value = |j: usize| v.get((own * m + j) * columns + column).copied().unwrap_or(f64::NAN);
                let (want, bound) = reference::softmax_sum(&pairs, &value);
                let Some(&got) = out.get(row * columns + column) else { continue };
                comparison.entry(|| format!("[{row}, {column}]"), got, want, bound);
            }
        }
        Ok(comparison)
    }

    /// The score as the op has it, for its error bound.
    fn function(&self, scale: f64) -> PairFunction {
        let scaled = |factor: f64| Expr::parameter(factor) * Expr::variable(0);
        let finish = match self.rule.softcap.map(f64::from) {
            None => scaled(scale),
            Some(cap) => Expr::parameter(cap) * scaled(scale / cap).tanh(),
        };
        PairFunction { terms: vec![Metric::INNER_PRODUCT], finish }
    }

    /// The score by the textbook, and its bound.
    fn score(&self, function: &PairFunction, scale: f64, q: &[f64], k: &[f64], added: f64) -> (f64, f64) {
        let dot: f64 = q.iter().zip(k).map(|(q, k)| q * k).sum();
        let score = self.rule.softcap.map_or(scale * dot, |cap| {
            let cap = f64::from(cap);
            cap * (scale * dot / cap).tanh()
        });
        let (_, bound) = function.evaluate_with_bound(q, k);
        let rounding = if added == 0.0 { 0.0 } else { UNIT_ROUNDOFF * (score + added).abs() };
        (score + added, bound + rounding)
    }
}
