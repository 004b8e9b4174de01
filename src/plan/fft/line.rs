//! A pass over lines: everything that tells its shader from another's, and the shader.

use std::fmt::Write;
use std::sync::Arc;

use super::entries::{result_text, source_text};
use super::recipe::{COMPLEX_BYTES, LineShape};
use super::rolled;
use super::sections::{Section, Table};
use super::stages::Stages;
use super::words::storage_text;
use crate::plan::stored::Stored;
use crate::plan::{BufferId, Program};
use crate::shader::{Shader, ShaderFile, Tail};

const FFT_LINES: ShaderFile = ShaderFile { name: "fft_lines", text: include_str!("../../../shaders/fft_lines.wgsl") };

/// What an entry that a pass takes is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A complex number.
    Complex,
    /// A real number.
    Real,
    /// Two real neighbours.
    RealPair,
    /// A complex number, of which only the first half of the Hermitian spectrum exists.
    Half,
    /// Two coefficients of the first half of a Hermitian spectrum, so that the result is [`Target::RealPair`].
    HalfPair,
    /// Real numbers of two lines.
    RealLines,
    /// Coefficients of complex numbers that stand for two real ones each, of which the real ones' are made.
    Tangled,
}

/// What an entry that a pass gives becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// A complex number.
    Complex,
    /// Its real part.
    Real,
    /// Two real neighbours.
    RealPair,
    /// Real numbers of two lines.
    RealLines,
}

/// Between a transform and a second one backwards in the same pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Between {
    /// A section of the table is multiplied.
    Factor(Section),
    /// Rader's filter is multiplied, and the first entry is added to all coefficients.
    Rader,
    /// The product's other factor is multiplied.
    Product,
    /// The same of half the spectra of real numbers that were taken two as one.
    HalfProduct,
}

/// Everything that tells one pass's shader from another's.
#[derive(Debug, Clone)]
pub(super) struct LinePass<'a> {
    pub(super) shape: &'a LineShape,
    pub(super) source: Source,
    /// It is stored in f16.
    pub(super) halves: bool,
    pub(super) target: Target,
    /// The source's entries are multiplied by real factors.
    pub(super) taper: bool,
    /// The source may have fewer entries than the transform.
    pub(super) short: bool,
    /// The result may keep fewer entries than the transform gives.
    pub(super) cut: bool,
    pub(super) conjugate: bool,
    pub(super) swap_source: bool,
    pub(super) prepare: Option<Section>,
    pub(super) between: Option<Between>,
    /// Length of the transform whose roots of unity rotate the result.
    pub(super) rotate: Option<usize>,
    /// They rotate the source instead.
    pub(super) rotates_source: bool,
    pub(super) swap_first: bool,
    pub(super) finish: Option<Section>,
    /// The lines are columns of a transform of this length, whose roots of unity rotate the result.
    pub(super) columns: Option<usize>,
    pub(super) swap_last: bool,
    /// A prime whose order of entries and coefficients is Rader's.
    pub(super) order: Option<usize>,
    /// The result is half the spectrum of real numbers that were taken two as one.
    pub(super) untangled: bool,
    pub(super) conjugate_result: bool,
    pub(super) product: bool,
    /// What comes before the kept entries belongs to the block before and is left to it.
    pub(super) headless: bool,
    /// Neighbouring invocations work on neighbouring lines instead of on one line.
    pub(super) neighbours_are_lines: bool,
    /// Whether entries that follow each other in a line are neighbours in memory.
    pub(super) dense_source: bool,
    pub(super) dense_result: bool,
    pub(super) dimensions: usize,
    /// Points of the transform that the lengths of all passes multiply to.
    pub(super) whole: usize,
}

impl<'a> LinePass<'a> {
    /// A pass that transforms complex numbers and nothing more.
    pub(super) fn plain(shape: &'a LineShape) -> Self {
        Self {
            shape,
            source: Source::Complex,
            halves: false,
            target: Target::Complex,
            taper: false,
            short: false,
            cut: false,
            conjugate: false,
            swap_source: false,
            prepare: None,
            between: None,
            rotate: None,
            rotates_source: false,
            swap_first: false,
            finish: None,
            columns: None,
            swap_last: false,
            order: None,
            untangled: false,
            conjugate_result: false,
            product: false,
            headless: false,
            neighbours_are_lines: false,
            dense_source: false,
            dense_result: false,
            dimensions: 1,
            whole: shape.length,
        }
    }

    /// The shader for a transform of `length` numbers along the axis, and its table if it needs one: the windows are
    /// source, result, table, product, taper, as far as they exist.
    pub(super) fn build(&self, length: usize, program: &mut Program) -> (Arc<Shader>, Option<(BufferId, u64)>) {
        let mut table = Table::default();
        let mut code = String::new();
        let real = matches!(self.source, Source::Real | Source::RealPair | Source::RealLines);
        let stored = Stored { complex: !real, halves: self.halves };
        code.push_str(&storage_text(stored, self.target == Target::Complex, self.shape.words));
        code.push_str(source_text(self.source));
        code.push_str(result_text(self.target));
        self.write_factors(length, &mut code, &mut table);
        code.push_str(&match self.shape.rolled {
            true => rolled::write(self, &mut table),
            false => Stages::write(self, &mut table),
        });
        let mut binding = 3;
        if table.len() > 0 {
            let _ = writeln!(code, "@group(0) @binding(3) var<storage, read> table: array<Word>;");
            code.push_str("fn table_entry(at: u32) -> vec2f { return from_word(table[at]); }\n");
            binding = 4;
        }
        if self.takes_product() {
            let _ = writeln!(code, "@group(0) @binding({binding}) var<storage, read> factors: array<Word>;");
            binding += 1;
        }
        if self.taper {
            let _ = writeln!(code, "@group(0) @binding({binding}) var<storage, read> taper: array<f32>;");
        }
        let shape = self.shape;
        let meets = self.untangled || self.between == Some(Between::HalfProduct);
        let exchanged = shape.radices.len() > 1 || shape.rolled || meets;
        let tail = Tail::new()
            .constant("LENGTH", shape.length as u32)
            .constant("LINES", shape.lines as u32)
            .constant("SPREAD", shape.spread as u32)
            .constant("THREADS", shape.threads as u32)
            .constant("INVOCATIONS", shape.invocations() as u32)
            .constant("STRIDE", shape.stride() as u32)
            .constant("EXCHANGE", if exchanged { (shape.stride() * shape.lines) as u32 } else { 1 })
            .constant("DIMENSIONS", self.dimensions as u32)
            .flag("PADDED", shape.padded)
            .flag("NEIGHBOURS_ARE_LINES", self.neighbours_are_lines)
            .flag("DENSE_SOURCE", self.dense_source)
            .flag("DENSE_RESULT", self.dense_result)
            .flag("HEADLESS", self.headless)
            .flag("SOURCE_IS_SHORT", self.short)
            .flag("RESULT_IS_CUT", self.cut)
            .flag("CONJUGATE_SOURCE", self.conjugate)
            .flag("SWAP_SOURCE", self.swap_source)
            .flag("REORDER", self.order.is_some())
            .flag("PREPARE", self.prepare.is_some())
            .flag("SWAP_FIRST", self.swap_first)
            .flag("FINISH", self.finish.is_some() || self.columns.is_some())
            .flag("SWAP_LAST", self.swap_last)
            .flag("PRODUCT", self.product)
            .code(&code);
        let shader = Arc::new(Shader { file: FFT_LINES, tail, math: self.halves, indices_proven: true });
        let bytes = (table.len() * COMPLEX_BYTES) as u64;
        let constant = (bytes > 0)
            .then(|| (program.constant(table.key(), move || super::tables::to_bytes(&table.values())), bytes));
        (shader, constant)
    }

    /// Whether a spectrum is bound beside source and result.
    pub(super) fn takes_product(&self) -> bool {
        self.product || matches!(self.between, Some(Between::Product | Between::HalfProduct))
    }

    /// The functions that give the factors on the way.
    fn write_factors(&self, length: usize, code: &mut String, table: &mut Table) {
        let mut entry = |section: Option<Section>| match section {
            Some(section) => format!("table_entry({}u + index)", table.section(section)),
            None => "vec2f(1.0, 0.0)".to_owned(),
        };
        let _ = writeln!(code, "fn prepare_factor(index: u32) -> vec2f {{ return {}; }}", entry(self.prepare));
        // What Bluestein's algorithm pads has no factor; it is not kept either.
        let chirped = matches!(self.finish, Some(Section::Chirp(_)));
        let index = if chirped { "min(k, parameters.points - 1u)" } else { "k" };
        let factor =
            if self.columns.is_some() { "column_root(line.rotation * index)".to_owned() } else { entry(self.finish) };
        let _ =
            writeln!(code, "fn finish_factor(line: Line, k: u32) -> vec2f {{ let index = {index}; return {factor}; }}");
        let order = entry(self.order.map(Section::RaderOrder));
        let _ = writeln!(code, "fn order(index: u32) -> vec2f {{ return {order}; }}");
        let taper = if self.taper { "taper[parameters.taper_offset + index]" } else { "1.0" };
        let _ = writeln!(code, "fn taper_factor(index: u32) -> f32 {{ return {taper}; }}");
        let product = if self.takes_product() { "from_word(factors[at])" } else { "vec2f(1.0, 0.0)" };
        let _ = writeln!(code, "fn product_factor(at: u32) -> vec2f {{ return {product}; }}");
        let between = match self.between {
            None => None,
            Some(Between::Factor(section)) => {
                Some(format!("table_entry({}u + line.result_index + index)", table.section(section)))
            }
            Some(Between::Rader) => Some(entry(self.order.map(Section::RaderFilter))),
            Some(Between::Product | Between::HalfProduct) => {
                Some("product_factor(line.product_at + index * parameters.product_stride)".into())
            }
        };
        if let Some(between) = between {
            let _ = writeln!(code, "fn between_factor(line: Line, index: u32) -> vec2f {{ return {between}; }}");
        }
        if let Some(whole) = self.rotate {
            code.push_str(&table.rotation("rotation", whole));
        }
        if let Some(whole) = self.columns {
            code.push_str(&table.rotation("column_root", whole));
        }
        let halved = self.untangled || self.between == Some(Between::HalfProduct);
        if matches!(self.source, Source::HalfPair | Source::Tangled) || halved {
            code.push_str(&table.rotation("turn", length));
        }
    }
}
