//! What a reduction carries along j, in WGSL: how it starts, closes a block of 64, and joins slices.

use std::fmt::Write;

use crate::work::Reduction;

/// One reduction, with the values' columns that one pass takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fold {
    /// The reduction.
    pub(super) reduction: Reduction,
    /// Columns of v in one pass; 0 without values.
    pub(super) columns: u32,
    /// Extremes: how many of each row come before those that one pass keeps, and how many it keeps.
    pub(super) first_rank: u32,
    pub(super) ranks: u32,
}

/// Adds with the rounding error kept apart. A compiler that reassociates would find the error to be 0: `parameters.zero`
/// is a number that it does not know, so that every difference is taken of a value as it is.
const TWO_SUM: &str = "struct TwoSum { sum: f32, error: f32 }
fn opaque(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) ^ parameters.zero);
}
fn two_sum(a: f32, b: f32) -> TwoSum {
    let sum = opaque(a + b);
    let rest = opaque(sum - a);
    return TwoSum(sum, opaque(a - opaque(sum - rest)) + opaque(b - rest));
}
// The sum and its error in one number; beside an infinity or a NaN the error is none.
fn joined(sum: f32, error: f32) -> f32 {
    return select(sum, sum + error, (bitcast<u32>(sum) & 0x7fffffffu) < 0x7f800000u);
}
";

/// Keys in the order of the values: −∞ is 0, then all numbers, both zeros the same, and NaN behind +∞.
const ORDER: &str = "fn order_key(x: f32) -> u32 {
    let bits = bitcast<i32>(x);
    return min(bitcast<u32>(select(bits, (-2147483647 - 1) - bits, bits < 0)) - 0x80800000u, 0xff000001u);
}
fn value_of_key(key: u32) -> u32 {
    let bits = bitcast<i32>(key + 0x80800000u);
    return select(bitcast<u32>(select(bits, (-2147483647 - 1) - bits, bits < 0)), parameters.nan_bits, key > 0xff000000u);
}
";

impl Fold {
    /// Columns of the sums: without values the sum of the values of f.
    pub(super) fn sums(&self) -> u32 {
        self.columns.max(1)
    }

    /// Sums in two floats: the name of the block, and of the two parts of the total.
    pub(super) fn sum_names(&self) -> Vec<String> {
        match self.reduction {
            Reduction::Sum { .. } | Reduction::SumWithin { .. } => (0..self.sums()).map(|c| c.to_string()).collect(),
            Reduction::LogSumExp { .. } => vec!["s".to_owned()],
            Reduction::SoftmaxSum => {
                std::iter::once("s".to_owned()).chain((0..self.columns).map(|c| c.to_string())).collect()
            }
            Reduction::Extreme { .. } | Reduction::Count { .. } => Vec::new(),
        }
    }

    fn is_compensated(&self) -> bool {
        matches!(self.reduction, Reduction::Sum { compensated: true, .. })
    }

    fn has_peak(&self) -> bool {
        matches!(self.reduction, Reduction::LogSumExp { .. } | Reduction::SoftmaxSum)
    }

    pub(super) fn kept(&self) -> u32 {
        self.ranks
    }

    /// Whether only what lies behind the last of the ranks before counts.
    pub(super) fn has_floor(&self) -> bool {
        self.first_rank > 0
    }

    /// Whether further ranks follow, for which the last of these is the floor.
    pub(super) fn makes_floor(&self) -> bool {
        matches!(self.reduction, Reduction::Extreme { k, .. } if self.first_rank + self.ranks < k)
    }

    /// Names of the words that a row carries from pass to pass, and whether each is an `f32`.
    pub(super) fn words(&self) -> Vec<(String, bool)> {
        let mut words = Vec::new();
        if self.has_peak() {
            words.push(("peak".to_owned(), true));
        }
        for name in self.sum_names() {
            words.extend([(format!("total_{name}"), true), (format!("error_{name}"), true)]);
        }
        for part in ["key", "at"] {
            words.extend((0..self.kept()).map(|s| (format!("{part}_{s}"), false)));
        }
        if matches!(self.reduction, Reduction::Count { .. }) {
            words.push(("count".to_owned(), false));
        }
        words
    }

    /// Rough number of operations that one value costs.
    pub(super) fn cost(&self) -> f64 {
        let sums = f64::from(self.sums());
        match self.reduction {
            Reduction::Sum { compensated: true, .. } => 12.0 * sums,
            Reduction::Sum { .. } | Reduction::SumWithin { .. } => 2.0 * sums + 1.0,
            Reduction::LogSumExp { .. } | Reduction::SoftmaxSum => 45.0 + 2.0 * sums,
            Reduction::Extreme { .. } => 10.0 + f64::from(self.ranks),
            Reduction::Count { .. } => 3.0,
        }
    }

    /// Iterations that taking `rows` values of one row of x may add.
    pub(super) fn iterations(&self, rows: u32) -> u64 {
        if self.kept() > 0 { u64::from(rows) + 1 } else { 0 }
    }

    /// `Carry`, how it starts, and what the functions on it call.
    pub(super) fn text(&self) -> String {
        let mut text = String::from("struct Carry {");
        for (name, float) in self.words() {
            let _ = write!(text, " {name}: {},", if float { "f32" } else { "u32" });
        }
        for name in self.sum_names().iter().filter(|_| !self.is_compensated()) {
            let _ = write!(text, " block_{name}: f32,");
        }
        text.push_str(" }\nfn carry_start() -> Carry {\n    var carry = Carry();\n");
        if self.has_peak() {
            text.push_str("    carry.peak = -3.4028234e38;\n");
        }
        for part in ["key", "at"] {
            for s in 0..self.kept() {
                let _ = writeln!(text, "    carry.{part}_{s} = 0xffffffffu;");
            }
        }
        text.push_str("    return carry;\n}\n");
        if !self.sum_names().is_empty() {
            text.push_str(TWO_SUM);
        }
        if self.kept() > 0 {
            text.push_str(ORDER);
            self.insertion(&mut text);
        }
        if self.has_floor() {
            text.push_str(
                "fn is_behind(key: u32, at: u32, floor: vec2<u32>) -> bool {\n    \
                 return (key > floor.x) | ((key == floor.x) & (at > floor.y));\n}\n",
            );
        }
        text
    }

    /// `carry_close`: a block of at most 64 values ends.
    pub(super) fn close(&self) -> String {
        let mut text = String::from("fn carry_close(carry: ptr<function, Carry>) {\n");
        if !self.is_compensated() {
            for name in self.sum_names() {
                let _ = writeln!(
                    text,
                    "    let sum_{name} = two_sum((*carry).total_{name}, (*carry).block_{name});\n    \
                     (*carry).total_{name} = sum_{name}.sum;\n    (*carry).error_{name} += sum_{name}.error;\n    \
                     (*carry).block_{name} = 0.0;"
                );
            }
        }
        text.push_str("}\n");
        text
    }

    /// `carry_join`: takes in the carry whose words start at `at`, `step` apart.
    pub(super) fn join(&self) -> String {
        let mut text = String::from("fn carry_join(c: ptr<function, Carry>, at: u32, step: u32) {\n");
        if self.kept() > 0 {
            let kept = self.kept();
            let _ = writeln!(
                text,
                "    for (var s = 0u; s < {kept}u; s++) {{\n        \
                 keep(c, partials[at + s * step], partials[at + (s + {kept}u) * step]);\n    }}"
            );
        }
        if self.has_peak() {
            text.push_str(
                "    let other = bitcast<f32>(partials[at]);\n    let peak = max((*c).peak, other);\n    \
                 let shrink = exp_((*c).peak - peak);\n    let shrink_other = exp_(other - peak);\n    \
                 (*c).peak = peak;\n",
            );
        }
        let first = u32::from(self.has_peak());
        let (own, others) = if self.has_peak() { (" * shrink", " * shrink_other") } else { ("", "") };
        for (number, name) in (0_u32..).zip(self.sum_names()) {
            let total = format!("bitcast<f32>(partials[at + {}u * step])", first + 2 * number);
            let error = format!("bitcast<f32>(partials[at + {}u * step])", first + 2 * number + 1);
            let _ = writeln!(
                text,
                "    let sum_{name} = two_sum((*c).total_{name}{own}, {total}{others});\n    \
                 (*c).error_{name} = (*c).error_{name}{own} + {error}{others} + sum_{name}.error;\n    \
                 (*c).total_{name} = sum_{name}.sum;"
            );
        }
        if matches!(self.reduction, Reduction::Count { .. }) {
            text.push_str("    (*c).count += partials[at];\n");
        }
        text.push_str("}\n");
        text
    }

    /// `emit`: writes the results of a row from `at` on, and its floor for further ranks.
    pub(super) fn emit(&self) -> String {
        let mut text = String::from("fn emit(carry: Carry, at: u32, row: u32) {\n");
        let joined = |name: &str| format!("joined(carry.total_{name}, carry.error_{name})");
        let write = |text: &mut String, entry: u32, value: String| {
            let _ = writeln!(text, "    out[at + {entry}u] = {value};");
        };
        match self.reduction {
            Reduction::Sum { .. } | Reduction::SumWithin { .. } => {
                for column in 0..self.sums() {
                    let sum = joined(&column.to_string());
                    write(&mut text, column, format!("bitcast<u32>(parameters.scale * {sum})"));
                }
            }
            Reduction::LogSumExp { .. } => {
                write(&mut text, 0, format!("bitcast<u32>(carry.peak + log_({}))", joined("s")));
            }
            Reduction::SoftmaxSum => {
                let _ = writeln!(text, "    let sum = {};", joined("s"));
                for column in 0..self.columns {
                    let quotient = format!("{} / sum", joined(&column.to_string()));
                    write(&mut text, column, format!("bitcast<u32>(select({quotient}, 0.0, sum == 0.0))"));
                }
            }
            Reduction::Extreme { largest, .. } => {
                let k = self.ranks;
                if self.makes_floor() {
                    let last = k - 1;
                    let _ = writeln!(text, "    floors[row] = vec2<u32>(carry.key_{last}, carry.at_{last});");
                }
                text.push_str("    if parameters.part == 0u {\n");
                for s in 0..k {
                    let value = format!("value_of_key(carry.key_{s})");
                    // The sign of a NaN says nothing.
                    let value = if largest { format!("({value} ^ 0x80000000u)") } else { value };
                    write(&mut text, s, value);
                }
                text.push_str("        return;\n    }\n");
                for s in 0..k {
                    write(&mut text, s, format!("carry.at_{s}"));
                }
            }
            Reduction::Count { .. } => write(&mut text, 0, "carry.count".to_owned()),
        }
        text.push_str("}\n");
        text
    }
}
