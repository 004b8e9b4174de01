//! How a reduction takes the values of a panel in, in WGSL.

use std::fmt::Write;

use super::fold::Fold;
use crate::work::Reduction;

impl Fold {
    /// Statements that take the values `f0` … of `rows` rows of y from number `column` on into the variable `c`; where
    /// `masked`, only those whose bit is set in `bits`. `v{row}_{column}` are the values' entries, and `floor`
    /// is the last extreme that the own row has had.
    pub(super) fn take(&self, rows: u32, floor: &str, masked: bool) -> String {
        let mut text = String::new();
        let met = |r: u32| format!("(bits & {}u) != 0u", 1_u32 << r);
        let where_met = |zero: &str, value: String, r: u32| match masked {
            true => format!("select({zero}, {value}, {})", met(r)),
            false => value,
        };
        let indent = "        ";
        match self.reduction {
            Reduction::Sum { compensated, .. } => {
                for r in 0..rows {
                    for column in 0..self.sums() {
                        let term = if self.columns > 0 { format!("f{r} * v{r}_{column}") } else { format!("f{r}") };
                        let term = where_met("0.0", term, r);
                        let _ = match compensated {
                            false => writeln!(text, "{indent}c.block_{column} += {term};"),
                            true => writeln!(
                                text,
                                "{indent}let t{r}_{column} = two_sum(c.total_{column}, {term});\n{indent}\
                                 c.total_{column} = t{r}_{column}.sum;\n{indent}\
                                 c.error_{column} += t{r}_{column}.error;"
                            ),
                        };
                    }
                }
            }
            Reduction::SumWithin { .. } => {
                for r in 0..rows {
                    let near = where_met("false", format!("is_within(f{r})"), r);
                    let _ = writeln!(text, "{indent}let near{r} = {near};");
                    for column in 0..self.sums() {
                        let term = if self.columns > 0 { format!("v{r}_{column}") } else { format!("f{r}") };
                        let _ = writeln!(text, "{indent}c.block_{column} += select(0.0, {term}, near{r});");
                    }
                }
            }
            Reduction::Count { .. } => {
                for r in 0..rows {
                    let near = where_met("false", format!("is_within(f{r})"), r);
                    let _ = writeln!(text, "{indent}c.count += select(0u, 1u, {near});");
                }
            }
            Reduction::LogSumExp { .. } | Reduction::SoftmaxSum => self.take_exponentials(&mut text, rows, masked),
            Reduction::Extreme { largest, .. } => {
                let sign = if largest { "-" } else { "" };
                for r in 0..rows {
                    let key = where_met("0xffffffffu", format!("order_key({sign}f{r})"), r);
                    let _ = writeln!(text, "{indent}var q{r} = {key};");
                    if self.has_floor() {
                        let behind = format!("is_behind(q{r}, column + {r}u, {floor})");
                        let _ = writeln!(text, "{indent}q{r} = select(0xffffffffu, q{r}, {behind});");
                    }
                }
                let least = (1..rows).fold("q0".to_owned(), |least, r| format!("min({least}, q{r})"));
                let last = self.ranks - 1;
                let _ = writeln!(text, "{indent}var least = {least};");
                let _ = writeln!(text, "{indent}while least < c.key_{last} {{");
                let _ = writeln!(text, "{indent}    var r = {}u;", rows - 1);
                for r in (0..rows - 1).rev() {
                    let _ = writeln!(text, "{indent}    r = select(r, {r}u, q{r} == least);");
                }
                let _ = writeln!(text, "{indent}    keep(&c, least, column + r);");
                for r in 0..rows {
                    let _ = writeln!(text, "{indent}    q{r} = select(q{r}, 0xffffffffu, r == {r}u);");
                }
                let _ = writeln!(text, "{indent}    least = {least};\n{indent}}}");
            }
        }
        text
    }

    /// Sums of exp(f − peak). The peak follows the maximum only when that is more than 4 ahead: no term is above e⁴, few
    /// sums are ever rescaled, and each rescaling is of something e⁴ smaller than what comes.
    fn take_exponentials(&self, text: &mut String, rows: u32, masked: bool) {
        let indent = "        ";
        let softmax = self.reduction == Reduction::SoftmaxSum;
        let weighted = !softmax && self.columns > 0;
        // A pair of weight 0 counts no more than one that the mask keeps apart: its value must not become the peak.
        let counts = |r: u32| match (masked, weighted) {
            (true, true) => Some(format!("((bits & {}u) != 0u) & (v{r}_0 != 0.0)", 1_u32 << r)),
            (true, false) => Some(format!("(bits & {}u) != 0u", 1_u32 << r)),
            (false, true) => Some(format!("v{r}_0 != 0.0")),
            (false, false) => None,
        };
        for r in 0..rows {
            let value = match counts(r) {
                Some(counts) => format!("select(-3.4028234e38, f{r}, {counts})"),
                None => format!("f{r}"),
            };
            let _ = writeln!(text, "{indent}let g{r} = {value};");
        }
        let most = (1..rows).fold("g0".to_owned(), |most, r| format!("max({most}, g{r})"));
        let _ = writeln!(text, "{indent}let most = min({most}, 3.4028234e38);");
        // No branch: drivers in software take both ways anyway, and some need minutes to compile many of them.
        let _ = writeln!(text, "{indent}let peak = select(c.peak, most, most > c.peak + 4.0);");
        let _ = writeln!(text, "{indent}let shrink = exp_(c.peak - peak);\n{indent}c.peak = peak;");
        for name in self.sum_names() {
            for part in ["block", "total", "error"] {
                let _ = writeln!(text, "{indent}c.{part}_{name} *= shrink;");
            }
        }
        for r in 0..rows {
            let term = format!("exp_(g{r} - c.peak)");
            let term = match counts(r) {
                Some(counts) => format!("select(0.0, {term}, {counts})"),
                None => term,
            };
            let _ = writeln!(text, "{indent}let e{r} = {term};");
            let weight = if weighted { format!(" * v{r}_0") } else { String::new() };
            let _ = writeln!(text, "{indent}c.block_s += e{r}{weight};");
            for column in (0..self.columns).filter(|_| softmax) {
                let _ = writeln!(text, "{indent}c.block_{column} += e{r} * v{r}_{column};");
            }
        }
    }

    /// `keep`: puts a key behind the smaller ones, and behind the equal ones of lower numbers.
    pub(super) fn insertion(&self, text: &mut String) {
        text.push_str("fn keep(c: ptr<function, Carry>, key: u32, at: u32) {\n");
        for s in 0..self.kept() {
            let _ = writeln!(
                text,
                "    let before_{s} = (key < (*c).key_{s}) | ((key == (*c).key_{s}) & (at < (*c).at_{s}));"
            );
        }
        for s in (0..self.kept()).rev() {
            for (part, new) in [("key", "key"), ("at", "at")] {
                let moved = match s {
                    0 => new.to_owned(),
                    _ => format!("select({new}, (*c).{part}_{}, before_{})", s - 1, s - 1),
                };
                let _ = writeln!(text, "    (*c).{part}_{s} = select((*c).{part}_{s}, {moved}, before_{s});");
            }
        }
        text.push_str("}\n");
    }

    /// What `take` calls besides: whether a value counts.
    pub(super) fn within(&self) -> &'static str {
        match self.reduction {
            Reduction::Count { .. } | Reduction::SumWithin { .. } => {
                "fn is_within(f: f32) -> bool {\n    return (f <= parameters.radius) & !is_nan_(f);\n}\n"
            }
            _ => "",
        }
    }
}
