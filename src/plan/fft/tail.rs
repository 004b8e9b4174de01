//! The generated part of a pass: its stages, and what happens to an entry on the way in and out.

use std::fmt::Write;
use std::sync::Arc;

use super::butterfly::write_butterfly;
use super::recipe::{COMPLEX_BYTES, LineShape};
use super::tables::{Complex, bluestein_filter, chirp, root, to_bytes};
use crate::plan::{BufferId, Program};
use crate::shader::{Shader, ShaderFile, Tail};

const FFT_LINES: ShaderFile = ShaderFile { name: "fft_lines", text: include_str!("../../../shaders/fft_lines.wgsl") };

/// What an entry along the source's axis is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    /// A real number.
    Real,
    /// A complex number.
    Complex,
    /// A complex number of the first half of a Hermitian spectrum (as a source only).
    Half,
}

/// A table by which entries are multiplied, indexed along the whole transform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Factor {
    /// `exp(−πi j²/n)`.
    Chirp(usize),
    /// What Bluestein's algorithm for `length` points multiplies spectra of `padded` points by.
    Filter { length: usize, padded: usize },
}

/// Everything that tells one pass's shader from another's.
#[derive(Debug, Clone)]
pub(super) struct LinePass<'a> {
    pub(super) shape: &'a LineShape,
    pub(super) source: Number,
    pub(super) real_result: bool,
    /// The source may have fewer entries than the transform.
    pub(super) short: bool,
    /// The result may keep fewer entries than the transform gives.
    pub(super) cut: bool,
    pub(super) conjugate: bool,
    pub(super) swap_source: bool,
    pub(super) prepare: Option<Factor>,
    /// A factor between this transform and a second one backwards in the same pass.
    pub(super) between: Option<Factor>,
    /// Length of the transform whose roots of unity rotate the result.
    pub(super) rotate: Option<usize>,
    pub(super) swap_first: bool,
    pub(super) finish: Option<Factor>,
    pub(super) swap_last: bool,
    pub(super) product: bool,
    /// Neighbouring invocations work on neighbouring lines instead of on one line.
    pub(super) neighbours_are_lines: bool,
    pub(super) dimensions: usize,
}

impl LinePass<'_> {
    /// The shader, and its table if it needs one: the windows are source, result, table, product, as far as they exist.
    pub(super) fn build(&self, program: &mut Program) -> (Arc<Shader>, Option<(BufferId, u64)>) {
        let mut table = Table::default();
        let mut code = String::new();
        self.write_entries(&mut code, &mut table);
        self.write_stages(&mut code, &mut table);
        let mut binding = 3;
        if !table.sections.is_empty() {
            let _ = writeln!(code, "@group(0) @binding(3) var<storage, read> table: array<vec2f>;");
            binding = 4;
        }
        if self.product {
            let _ = writeln!(code, "@group(0) @binding({binding}) var<storage, read> factors: array<vec2f>;");
        }
        let shape = self.shape;
        let exchanged = shape.radices.len() > 1 || self.between.is_some();
        let tail = Tail::new()
            .constant("LENGTH", shape.length as u32)
            .constant("LINES", shape.lines as u32)
            .constant("THREADS", shape.threads as u32)
            .constant("INVOCATIONS", shape.invocations() as u32)
            .constant("EXCHANGE", if exchanged { (shape.length * shape.lines) as u32 } else { 1 })
            .constant("DIMENSIONS", self.dimensions as u32)
            .flag("NEIGHBOURS_ARE_LINES", self.neighbours_are_lines)
            .flag("SOURCE_IS_HALF", self.source == Number::Half)
            .flag("SOURCE_IS_SHORT", self.short)
            .flag("RESULT_IS_CUT", self.cut)
            .flag("CONJUGATE_SOURCE", self.conjugate)
            .flag("SWAP_SOURCE", self.swap_source)
            .flag("PREPARE", self.prepare.is_some())
            .flag("ROTATE", self.rotate.is_some())
            .flag("SWAP_FIRST", self.swap_first)
            .flag("FINISH", self.finish.is_some())
            .flag("SWAP_LAST", self.swap_last)
            .flag("PRODUCT", self.product)
            .alias("Source", if self.source == Number::Real { "f32" } else { "vec2f" })
            .alias("Result", if self.real_result { "f32" } else { "vec2f" })
            .code(&code);
        let shader = Arc::new(Shader { file: FFT_LINES, tail, math: false, indices_proven: true });
        let bytes = (table.length * COMPLEX_BYTES) as u64;
        let constant = (bytes > 0).then(|| (program.constant(table.key(), move || to_bytes(&table.values())), bytes));
        (shader, constant)
    }

    fn write_entries(&self, code: &mut String, table: &mut Table) {
        let fetched = if self.source == Number::Real { "vec2f(source[at], 0.0)" } else { "source[at]" };
        let _ = writeln!(code, "fn fetch(at: u32) -> vec2f {{ return {fetched}; }}");
        let kept = if self.real_result { "value.x" } else { "value" };
        let _ = writeln!(code, "fn keep(at: u32, value: vec2f) {{ result[at] = {kept}; }}");
        for (name, factor) in [("prepare_factor", self.prepare), ("finish_factor", self.finish)] {
            let value = match factor {
                Some(factor) => format!("table[{}u + index]", table.section(Section::Factor(factor))),
                None => "vec2f(1.0, 0.0)".to_owned(),
            };
            let _ = writeln!(code, "fn {name}(index: u32) -> vec2f {{ return {value}; }}");
        }
        let factor = if self.product { "factors[at]" } else { "vec2f(1.0, 0.0)" };
        let _ = writeln!(code, "fn product_factor(at: u32) -> vec2f {{ return {factor}; }}");
        let rotation = match self.rotate {
            // Two short tables instead of a long one: w^e = w^(low part of e) · w^(high part of e).
            Some(length) => {
                let bits = rotation_bits(length);
                let (low, high) =
                    (table.section(Section::RotationLow(length)), table.section(Section::RotationHigh(length)));
                let mask = (1u32 << bits) - 1;
                format!("times(table[{low}u + (e & {mask}u)], table[{high}u + (e >> {bits}u)])")
            }
            None => "vec2f(1.0, 0.0)".to_owned(),
        };
        let _ = writeln!(code, "fn rotation(e: u32) -> vec2f {{ return {rotation}; }}");
    }

    fn write_stages(&self, code: &mut String, table: &mut Table) {
        let _ = writeln!(code, "fn transform(line: Line, lane: u32, thread: u32) {{");
        let mut fresh = 0;
        let mut written = false;
        let forward = &self.shape.radices;
        let mut names = self.write_sequence(code, table, forward, None, &mut fresh, &mut written);
        let mut last = forward.last().copied().unwrap_or(1);
        if let Some(factor) = self.between {
            // The second transform takes its radices in reverse, so that its first butterflies want exactly the
            // values that the first transform's last butterflies leave in the registers.
            let at = table.section(Section::Factor(factor));
            let count = self.shape.length / last;
            for (round, values) in names.iter_mut().enumerate() {
                for (r, name) in values.iter_mut().enumerate() {
                    let k = format!("{} + {}u", self.butterfly_number(round, count), r * count);
                    let _ = writeln!(code, "    let f{fresh} = times({name}, table[{at}u + {k}]).yx;");
                    *name = format!("f{fresh}");
                    fresh += 1;
                }
            }
            let backward: Vec<usize> = forward.iter().rev().copied().collect();
            names = self.write_sequence(code, table, &backward, Some(names), &mut fresh, &mut written);
            last = backward.last().copied().unwrap_or(1);
        }
        let count = self.shape.length / last;
        code.push_str("    if line.present {\n");
        for (round, values) in names.iter().enumerate() {
            self.guarded(code, round, count, |code, number| {
                for (r, name) in values.iter().enumerate() {
                    let _ = writeln!(code, "    store(line, {number} + {}u, {name});", r * count);
                }
            });
        }
        code.push_str("    }\n}\n");
    }

    /// Stockham stages: the names that hold entry `j + r · count` of the transform, per round and r.
    fn write_sequence(
        &self,
        code: &mut String,
        table: &mut Table,
        radices: &[usize],
        given: Option<Vec<Vec<String>>>,
        fresh: &mut usize,
        written: &mut bool,
    ) -> Vec<Vec<String>> {
        let length = self.shape.length;
        let mut span = 1;
        let mut given = given;
        let mut results = Vec::new();
        for (stage, &radix) in radices.iter().enumerate() {
            let count = length / radix;
            let rounds = count.div_ceil(self.shape.threads);
            let _ = writeln!(code, "    // radix {radix}, transforms of {span} points so far");
            results = Vec::with_capacity(rounds);
            for round in 0..rounds {
                let number = self.butterfly_number(round, count);
                let inputs = match given.as_mut() {
                    Some(values) => std::mem::take(&mut values[round]),
                    None => {
                        let mut names = Vec::with_capacity(radix);
                        for r in 0..radix {
                            let k = format!("{number} + {}u", r * count);
                            let value = match stage {
                                0 => format!("load(line, {k})"),
                                _ => format!("take(lane, {k})"),
                            };
                            let value = if span > 1 && r > 0 {
                                let at = table.section(Section::Stage { span, radix }) + (r - 1) * span;
                                format!("times({value}, table[{at}u + {number} % {span}u])")
                            } else {
                                value
                            };
                            let _ = writeln!(code, "    let v{fresh} = {value};");
                            names.push(format!("v{fresh}"));
                            *fresh += 1;
                        }
                        names
                    }
                };
                results.push(write_butterfly(code, &inputs, fresh));
            }
            given = None;
            if stage + 1 < radices.len() {
                if *written {
                    code.push_str("    workgroupBarrier();\n");
                }
                *written = true;
                for (round, values) in results.iter().enumerate() {
                    self.guarded(code, round, count, |code, number| {
                        for (r, name) in values.iter().enumerate() {
                            let block = format!("{number} / {span}u * {}u", span * radix);
                            let _ =
                                writeln!(code, "    put(lane, {block} + {number} % {span}u + {}u, {name});", r * span);
                        }
                    });
                }
                code.push_str("    workgroupBarrier();\n");
            }
            span *= radix;
        }
        results
    }

    /// Which butterfly an invocation computes in a round; past the last one it repeats the last.
    fn butterfly_number(&self, round: usize, count: usize) -> String {
        let first = round * self.shape.threads;
        if first + self.shape.threads <= count {
            format!("(thread + {first}u)")
        } else {
            format!("min(thread + {first}u, {}u)", count - 1)
        }
    }

    /// Writes statements that only run where the round has a butterfly for the invocation.
    fn guarded(&self, code: &mut String, round: usize, count: usize, body: impl FnOnce(&mut String, &str)) {
        let first = round * self.shape.threads;
        let number = format!("(thread + {first}u)");
        let partial = first + self.shape.threads > count;
        if partial {
            let _ = writeln!(code, "    if thread + {first}u < {count}u {{");
        }
        body(code, &number);
        if partial {
            code.push_str("    }\n");
        }
    }
}

/// Bits of the low part of a rotation's exponent.
fn rotation_bits(length: usize) -> u32 {
    (usize::BITS - length.leading_zeros()).div_ceil(2)
}

/// A part of a pass's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Section {
    Stage { span: usize, radix: usize },
    RotationLow(usize),
    RotationHigh(usize),
    Factor(Factor),
}

impl Section {
    fn length(self) -> usize {
        match self {
            Self::Stage { span, radix } => span * (radix - 1),
            Self::RotationLow(length) => 1 << rotation_bits(length),
            Self::RotationHigh(length) => (length >> rotation_bits(length)) + 1,
            Self::Factor(Factor::Chirp(n)) => n,
            Self::Factor(Factor::Filter { padded, .. }) => padded,
        }
    }

    fn values(self) -> Vec<Complex> {
        match self {
            Self::Stage { span, radix } => {
                (1..radix).flat_map(|r| (0..span).map(move |j| root(r * j, span * radix))).collect()
            }
            Self::RotationLow(length) => (0..self.length()).map(|e| root(e, length)).collect(),
            Self::RotationHigh(length) => {
                (0..self.length()).map(|e| root(e << rotation_bits(length), length)).collect()
            }
            Self::Factor(Factor::Chirp(n)) => (0..n).map(|j| chirp(j, n)).collect(),
            Self::Factor(Factor::Filter { length, padded }) => bluestein_filter(length, padded),
        }
    }
}

/// All sections of a pass, one after another.
#[derive(Debug, Default)]
struct Table {
    sections: Vec<Section>,
    length: usize,
}

impl Table {
    /// Where a section begins; added where it is new.
    fn section(&mut self, wanted: Section) -> usize {
        let mut at = 0;
        for section in &self.sections {
            if *section == wanted {
                return at;
            }
            at += section.length();
        }
        self.sections.push(wanted);
        self.length = at + wanted.length();
        at
    }

    fn key(&self) -> String {
        let mut key = "fft".to_owned();
        for section in &self.sections {
            let _ = match section {
                Section::Stage { span, radix } => write!(key, " stage {span}x{radix}"),
                Section::RotationLow(length) => write!(key, " low {length}"),
                Section::RotationHigh(length) => write!(key, " high {length}"),
                Section::Factor(Factor::Chirp(n)) => write!(key, " chirp {n}"),
                Section::Factor(Factor::Filter { length, padded }) => write!(key, " filter {length}/{padded}"),
            };
        }
        key
    }

    fn values(&self) -> Vec<Complex> {
        self.sections.iter().flat_map(|section| section.values()).collect()
    }
}
