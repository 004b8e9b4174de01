//! The stages of a line as WGSL: butterflies in place, one exchange between two stages.
//!
//! With radices R₁ … R_s and L their product, an entry's position is j₁·L/R₁ + j₂·L/(R₁R₂) + … + j_s. Stage i transforms
//! the digit i of all positions and writes the digit of the result where the one of the input was; what is left of the
//! roots of unity rotates the results. The last stage then has coefficient k₁ + R₁·k₂ + R₁R₂·k₃ + … in its hands, and
//! stores it where it belongs: no order is restored on the way. A second transform goes the same way back.

use std::fmt::Write;

use super::butterfly::write_butterfly;
use super::coefficients::{half_product, place, untangle};
use super::line::{Between, LinePass};
use super::sections::{Section, Table, factored};

/// Where a stage's butterflies take their values from, or leave them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Memory,
    Exchange,
}

/// Writes the function `transform`.
pub(super) struct Stages<'a> {
    pass: &'a LinePass<'a>,
    table: &'a mut Table,
    code: String,
    fresh: usize,
}

impl<'a> Stages<'a> {
    /// The text of `transform` and of `place`, which gives the position of a coefficient.
    pub(super) fn write(pass: &'a LinePass<'a>, table: &'a mut Table) -> String {
        let mut stages = Self { pass, table, code: String::new(), fresh: 0 };
        stages.code.push_str(&place(pass.shape));
        stages.code.push_str("fn transform(line: Line, lane: u32, thread: u32) {\n");
        stages.all();
        stages.code.push_str("}\n");
        stages.code
    }

    fn all(&mut self) {
        let last = self.pass.shape.radices.len() - 1;
        if self.pass.between == Some(Between::Rader) {
            self.code.push_str("    let own = load_entry(line, 0u, line.source_at);\n");
        }
        if self.pass.between == Some(Between::HalfProduct) {
            return self.around_half_product();
        }
        for stage in 0..last {
            self.inner(stage, false);
            self.barrier();
        }
        self.last(last);
        if self.pass.between.is_some() {
            for stage in (0..last).rev() {
                self.barrier();
                self.inner(stage, true);
            }
        }
        if self.pass.untangled {
            self.barrier();
            self.code.push_str(&untangle(self.pass));
        }
    }

    /// There and back, with every coefficient in the exchange at the turn, since a product takes two that lie apart.
    fn around_half_product(&mut self) {
        let stages = self.pass.shape.radices.len();
        for stage in 0..stages {
            self.inner(stage, false);
            self.barrier();
        }
        self.code.push_str(&half_product(self.pass));
        for stage in (0..stages).rev() {
            self.barrier();
            self.inner(stage, true);
        }
    }

    /// A stage; `back`: as the transform backwards has it, rotated first and transformed then.
    fn inner(&mut self, stage: usize, back: bool) {
        let (radix, done) = self.radix(stage);
        let length = self.pass.shape.length;
        let rest = length / done;
        let step = rest / radix;
        let _ = writeln!(self.code, "    // radix {radix}, {step} apart");
        self.open(length / radix);
        let base = match stage {
            0 => "n".to_owned(),
            _ => {
                let _ = writeln!(self.code, "    let base = n / {step}u * {rest}u + n % {step}u;");
                "base".to_owned()
            }
        };
        let at = |r: usize| if r == 0 { base.clone() } else { format!("{base} + {}u", r * step) };
        let from = if stage == 0 && !back { Place::Memory } else { Place::Exchange };
        let mut values: Vec<String> = (0..radix).map(|r| self.read(from, r, radix, &at(r))).collect();
        if from == Place::Memory && self.pass.rotates_source {
            values = self.turned(values, step);
        }
        let place = if stage == 0 { "n".to_owned() } else { format!("n % {step}u") };
        if back && step > 1 {
            values = self.rotated(values, rest, &place);
        }
        values = write_butterfly(&mut self.code, &values, &mut self.fresh);
        if !back && step > 1 {
            values = self.rotated(values, rest, &place);
        }
        let to = if back && stage == 0 { Place::Memory } else { Place::Exchange };
        self.leave(to, &values, at);
        self.close();
    }

    /// The last stage, whose results are coefficients n, n + done, n + 2·done …
    fn last(&mut self, stage: usize) {
        let (radix, done) = self.radix(stage);
        let _ = writeln!(self.code, "    // radix {radix}, neighbours");
        self.open(done);
        let from = if stage == 0 { Place::Memory } else { Place::Exchange };
        let base = if stage == 0 { "0u" } else { "base" };
        if stage > 0 {
            self.code.push_str("    let base = place(n);\n");
        }
        let position = |r: usize| format!("{base} + {r}u");
        let mut values: Vec<String> = (0..radix).map(|r| self.read(from, r, radix, &position(r))).collect();
        if from == Place::Memory && self.pass.rotates_source {
            values = self.turned(values, 1);
        }
        let mut values = write_butterfly(&mut self.code, &values, &mut self.fresh);
        let coefficient = |r: usize| if r == 0 { "n".to_owned() } else { format!("n + {}u", r * done) };
        if let Some(between) = self.pass.between {
            let values = self.multiplied(between, values, coefficient);
            let values = write_butterfly(&mut self.code, &values, &mut self.fresh);
            let to = if stage == 0 { Place::Memory } else { Place::Exchange };
            self.leave(to, &values, position);
        } else if self.pass.untangled {
            self.leave(Place::Exchange, &values, position);
        } else {
            if self.pass.rotate.is_some() && !self.pass.rotates_source {
                values = self.turned(values, done);
            }
            self.leave(Place::Memory, &values, coefficient);
        }
        self.close();
    }

    /// The spectrum times the factors between the two transforms, real and imaginary part exchanged for the way back.
    fn multiplied(&mut self, between: Between, values: Vec<String>, index: impl Fn(usize) -> String) -> Vec<String> {
        let rader = between == Between::Rader;
        let mut products = Vec::with_capacity(values.len());
        for (r, value) in values.into_iter().enumerate() {
            let k = index(r);
            if rader && r == 0 {
                let _ = writeln!(
                    self.code,
                    "    if (n == 0u) & line.present {{ finish(line, 0u, result_place(line, 0u), {value} + own); }}"
                );
            }
            let mut product = self.bind(&format!("times({value}, between_factor(line, {k})).yx"));
            if rader && r == 0 {
                product = self.bind(&format!("{product} + select(vec2f(0.0), own.yx, n == 0u)"));
            }
            products.push(product);
        }
        products
    }

    /// Values times the roots of unity of `rest` points to the power j·r.
    fn rotated(&mut self, values: Vec<String>, rest: usize, j: &str) -> Vec<String> {
        let radix = values.len();
        let step = rest / radix;
        let at = self.table.section(Section::Twiddle { rest, radix });
        let (low, high) = factored(radix);
        let root = |row: usize| format!("table_entry({}u + {j})", at + row * step);
        let lows: Vec<String> = (1..low).map(|a| self.bind(&root(a - 1))).collect();
        let highs: Vec<String> = (1..high).map(|b| self.bind(&root(low - 1 + b - 1))).collect();
        self.times_powers(values, &lows, &highs)
    }

    /// Values times what a transform split over passes rotates coefficient (or, on the way back, entry) n + r·done by.
    fn turned(&mut self, values: Vec<String>, done: usize) -> Vec<String> {
        let (low, high) = factored(values.len());
        let lows = self.powers(done, low);
        let mut highs = self.powers(low * done, high);
        let values = if done > 1 {
            // The first coefficient's turn is in the factor of all others that have a high part.
            let first = self.bind("rotation(line.rotation * n)");
            highs = highs.iter().map(|factor| self.bind(&format!("times({first}, {factor})"))).collect();
            let turned = |(r, value): (usize, String)| match r {
                r if r < low => self.bind(&format!("times({value}, {first})")),
                _ => value,
            };
            values.into_iter().enumerate().map(turned).collect()
        } else {
            values
        };
        self.times_powers(values, &lows, &highs)
    }

    /// The line's rotation for `step` coefficients, to the powers 1 … count − 1, by products of one that is looked up, since
    /// memory is slower than that. The relative error of power e is at most e times that of the first, 3u, and e − 1 products:
    /// below 5e u, e ≤ 7, for few of the values; the mean stays far inside the bound of transforms, as every trial shows.
    fn powers(&mut self, step: usize, count: usize) -> Vec<String> {
        let mut powers: Vec<String> = Vec::new();
        for e in 1..count {
            let text = match e {
                1 => format!("rotation(line.rotation * {step}u)"),
                e => format!("times({}, {})", powers[e / 2 - 1], powers[e.div_ceil(2) - 1]),
            };
            powers.push(self.bind(&text));
        }
        powers
    }

    /// Value a + low·b times low factor a and high factor b.
    fn times_powers(&mut self, values: Vec<String>, lows: &[String], highs: &[String]) -> Vec<String> {
        let low = lows.len() + 1;
        let mut products = Vec::with_capacity(values.len());
        for (k, value) in values.into_iter().enumerate() {
            let (a, b) = (k % low, k / low);
            let factor = match (a, b) {
                (0, 0) => None,
                (a, 0) => Some(lows[a - 1].clone()),
                (0, b) => Some(highs[b - 1].clone()),
                (a, b) => Some(format!("times({}, {})", lows[a - 1], highs[b - 1])),
            };
            products.push(match factor {
                Some(factor) => self.bind(&format!("times({value}, {factor})")),
                None => value,
            });
        }
        products
    }

    /// The radix of a stage and the product of those before it.
    fn radix(&self, stage: usize) -> (usize, usize) {
        let radices = &self.pass.shape.radices;
        (radices[stage], radices[..stage].iter().product())
    }

    /// Begins what is done for every n below `count`, an invocation at a time.
    fn open(&mut self, count: usize) {
        let threads = self.pass.shape.threads;
        self.code.push_str(&match count {
            _ if count == threads => "    {\n    let n = thread;\n".to_owned(),
            _ if count < threads => format!("    if thread < {count}u {{\n    let n = thread;\n"),
            _ => format!("    for (var n = thread; n < {count}u; n += {threads}u) {{\n"),
        });
    }

    fn close(&mut self) {
        self.code.push_str("    }\n");
    }

    fn barrier(&mut self) {
        self.code.push_str("    workgroupBarrier();\n");
    }

    fn read(&mut self, from: Place, r: usize, radix: usize, at: &str) -> String {
        self.bind(&match from {
            Place::Memory if self.pads(self.pass.prepare, r, radix) => "vec2f(0.0)".to_owned(),
            Place::Memory => format!("load(line, {at})"),
            Place::Exchange => format!("take(lane, {at})"),
        })
    }

    fn leave(&mut self, to: Place, values: &[String], at: impl Fn(usize) -> String) {
        let call = match to {
            Place::Memory => "store(line",
            Place::Exchange => "put(lane",
        };
        if to == Place::Memory {
            self.code.push_str("    if line.present {\n");
        }
        for (r, value) in values.iter().enumerate() {
            if to == Place::Memory && self.pads(self.pass.finish, r, values.len()) {
                continue;
            }
            let _ = writeln!(self.code, "    {call}, {}, {value});", at(r));
        }
        if to == Place::Memory {
            self.code.push_str("    }\n");
        }
    }

    /// Whether all entries whose first digit is r are behind the chirp, where Bluestein's algorithm has zeros and wants no
    /// result.
    fn pads(&self, chirp: Option<Section>, r: usize, radix: usize) -> bool {
        matches!(chirp, Some(Section::Chirp(points)) if r * (self.pass.whole / radix) >= points)
    }

    fn bind(&mut self, expression: &str) -> String {
        let name = format!("v{}", self.fresh);
        self.fresh += 1;
        let _ = writeln!(self.code, "    let {name} = {expression};");
        name
    }
}
