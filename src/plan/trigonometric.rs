//! Discrete cosine and sine transforms by way of a Fourier transform of as many points, or half as many: a pass before it
//! puts the signal in order, a pass after it takes the numbers out.
//!
//! # Sources
//! Makhoul, "A fast cosine transform in one and two dimensions", IEEE Trans. ASSP 28 (1980), for types II and III; Chan and
//! Ho, "Direct methods for computing discrete sinusoidal transforms", IEE Proc. F 137 (1990), for type IV of odd length.

use super::fft::{AxisTransform, Batch, FftChoices, Part, Side, SourceKind, append_axis, first, root, to_bytes};
use super::lines::{Entry, LinePass, LineTable, Lines};
use super::lower::output_bytes;
use super::{BufferId, Limits, Program};
use crate::error::{Error, Result};
use crate::work::{Input, TransformType, TrigonometricWork};

/// How a transform goes: what lies between the two passes, and their texts.
///
/// A sine transform is the cosine transform of the signal with every other sign changed (II) or reversed (III, IV), and its
/// result reversed (II) or with every other sign changed (III, IV).
struct Route {
    /// Points of the Fourier transform.
    points: usize,
    /// Numbers of a line before and after it.
    source: (SourceKind, usize),
    result: (Entry, usize),
    /// `entry` of the pass before: from `x(line, n)`, the signal as the cosine transform wants it.
    before: &'static str,
    /// `value` of the pass after: coefficient k of the cosine transform, unscaled.
    after: &'static str,
    /// Roots of unity that they look up: entry j is exp(−2πi (step·j + first)/of), how many there are.
    roots: Option<Roots>,
}

#[derive(Clone, Copy)]
struct Roots {
    count: usize,
    step: usize,
    first: usize,
    of: usize,
}

impl Route {
    fn new(work: &TrigonometricWork) -> Self {
        let n = work.length;
        let real = |points: usize| Self {
            points,
            source: (SourceKind::Real, points),
            result: (Entry::Complex, points / 2 + 1),
            before: "",
            after: "",
            roots: None,
        };
        let quarter = Some(Roots { count: n, step: 1, first: 0, of: 4 * n });
        match (work.kind, work.sine) {
            // The even extension of the signal, and the odd one.
            (TransformType::I, false) => Self {
                before: "return x(line, select(2u * n - 2u - k, k, k < n));",
                after: "return at(line, k).x;",
                ..real(work.period())
            },
            (TransformType::I, true) => Self {
                before: "if (k == 0u) | (k == n + 1u) { return 0.0; }
    return select(-x(line, 2u * n + 1u - k), x(line, k - 1u), k <= n);",
                after: "return -at(line, k + 1u).y;",
                ..real(work.period())
            },
            (TransformType::II, _) => Self {
                before: "return x(line, select(2u * (n - k) - 1u, 2u * k, 2u * k < n));",
                after: "let turned = times(spectrum(line, k, n), table[parameters.table_offset + k]);
    return 2.0 * turned.x;",
                roots: quarter,
                ..real(n)
            },
            (TransformType::III, _) => Self {
                points: n,
                source: (SourceKind::Half, n / 2 + 1),
                result: (Entry::Real, n),
                before: "let pair = vec2f(x(line, k), -x(line, n - k));
    let turn = table[parameters.table_offset + k];
    return times(pair, vec2f(turn.x, -turn.y));",
                after: "return at(line, select(n - 1u - k / 2u, k / 2u, k % 2u == 0u));",
                roots: quarter,
            },
            (TransformType::IV, _) if n.is_multiple_of(2) => Self {
                points: n / 2,
                source: (SourceKind::Complex, n / 2),
                result: (Entry::Complex, n / 2),
                before: "let pair = vec2f(x(line, 2u * k), x(line, n - 1u - 2u * k));
    return times(pair, table[parameters.table_offset + k]);",
                after: "let even = k % 2u == 0u;
    let j = select(n - 1u - k, k, even) / 2u;
    let turned = times(at(line, j), table[parameters.table_offset + j]);
    return 2.0 * select(-turned.y, turned.x, even);",
                roots: Some(Roots { count: n / 2, step: 8, first: 1, of: 16 * n }),
            },
            // The signal goes on with x(2n − 1 − m) = −x(m) and x(m + 2n) = −x(m); every fourth entry of that.
            (TransformType::IV, _) => Self {
                before: "let m = (n / 2u + 4u * k) % (4u * n);
    let half = m % (2u * n);
    let value = x(line, select(2u * n - 1u - half, half, half < n));
    return select(value, -value, (m >= 2u * n) != (half >= n));",
                after: "let turn = (2u * k + 1u) % 8u;
    let c = select(-SQRT_HALF, SQRT_HALF, (turn == 1u) | (turn == 7u));
    let s = select(SQRT_HALF, -SQRT_HALF, turn < 4u);
    return 2.0 * times(spectrum(line, (2u * k + 1u) % n, n), vec2f(c, s)).x;",
                ..real(n)
            },
        }
    }

    /// The pass from the signal; entries past its end are zeros.
    fn before_code(&self, work: &TrigonometricWork) -> String {
        let reversed = work.sine && matches!(work.kind, TransformType::III | TransformType::IV);
        let place = if reversed { "n - 1u - m" } else { "m" };
        let mut value = "at(line, place)".to_owned();
        if work.sine && work.kind == TransformType::II {
            value = format!("select({value}, -{value}, m % 2u == 1u)");
        }
        let alone = match (work.kind, work.sine) {
            (TransformType::I, false) => "(m == 0u) | (m == n - 1u)",
            (TransformType::III, _) => "m == 0u",
            _ => "false",
        };
        if work.orthogonal && alone != "false" {
            value = format!("{value} * select(1.0, SQRT_TWO, {alone})");
        }
        let entry = if self.source.0 == SourceKind::Real { "f32" } else { "vec2f" };
        format!(
            "{FUNCTIONS}fn x(line: u32, m: u32) -> f32 {{
    let n = parameters.numbers.x;
    let place = {place};
    if (m >= n) | (place >= parameters.source_length) {{ return 0.0; }}
    return {value};
}}
fn entry(line: u32, k: u32) -> {entry} {{
    let n = parameters.numbers.x;
    {}
}}
",
            self.before
        )
    }

    /// The pass to the result.
    fn after_code(&self, work: &TrigonometricWork) -> String {
        let reversed = work.sine && work.kind == TransformType::II;
        let place = if reversed { "n - 1u - k" } else { "k" };
        let mut scale = "parameters.scale".to_owned();
        if work.sine && matches!(work.kind, TransformType::III | TransformType::IV) {
            scale = format!("select({scale}, -{scale}, k % 2u == 1u)");
        }
        let alone = match (work.kind, work.sine) {
            (TransformType::I, false) => "(m == 0u) | (m == n - 1u)",
            (TransformType::II, _) => "m == 0u",
            _ => "false",
        };
        if work.orthogonal && alone != "false" {
            scale += &format!(" * select(1.0, SQRT_HALF, {alone})");
        }
        // Half a spectrum is the conjugate of the other half.
        let spectrum = match self.source.0 {
            SourceKind::Real => {
                "fn spectrum(line: u32, k: u32, n: u32) -> vec2f {
    let mirrored = 2u * k > n;
    let value = at(line, select(k, n - k, mirrored));
    return vec2f(value.x, select(value.y, -value.y, mirrored));
}
"
            }
            _ => "",
        };
        format!(
            "{FUNCTIONS}{spectrum}fn entry(line: u32, k: u32) -> f32 {{
    let n = parameters.numbers.x;
    let m = {place};
    return value(line, m, n) * {scale};
}}
fn value(line: u32, k: u32, n: u32) -> f32 {{
    {}
}}
",
            self.after
        )
    }
}

const FUNCTIONS: &str = "const SQRT_TWO = 1.41421356237309504880;
const SQRT_HALF = 0.70710678118654752440;
fn times(a: vec2f, b: vec2f) -> vec2f {
    return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}
";

/// Lowers a cosine or sine transform along one axis.
pub(super) fn lower(
    work: &TrigonometricWork,
    inputs: &[Input<'_>],
    limits: &Limits,
    choices: &FftChoices,
) -> Result<Program> {
    let op = work.op;
    let [input] = inputs else { return Err(Error::argument(op, "inputs", "must be one")) };
    work.check()?;
    let mut lines = Lines::new(op, input.layout, work.axis, work.length)?;
    lines.source.length = lines.source.length.min(work.length);
    let mut program = Program::new(op, output_bytes(op, lines.entries, 4, limits)?);
    if lines.entries == 0 {
        return Ok(program);
    }
    let route = Route::new(work);
    let (from_length, to_length) = (route.source.1, route.result.1);
    let from_entry = if route.source.0 == SourceKind::Real { Entry::Real } else { Entry::Complex };
    let table = route.roots.map(|roots| {
        let Roots { count, step, first, of } = roots;
        let values = move || to_bytes(&(0..count).map(|j| root(step * j + first, of)).collect::<Vec<_>>());
        let buffer = program.constant(format!("roots {first}+{step}j of {of}, {count}"), values);
        LineTable { buffer, offset: 0, length: count as u64, entry: Entry::Complex }
    });
    if table.is_some_and(|table| table.length * table.entry.bytes() > limits.max_binding_bytes) {
        let message = format!("a table for {} points is more than one binding sees", work.length);
        return Err(Error::Unsupported { op, message });
    }
    let (before_code, after_code) = (route.before_code(work), route.after_code(work));
    let (from, to) = (program.temporary(0), program.temporary(0));
    let uses_table = |code: &str| table.filter(|_| code.contains("table["));
    // The two passes over a part of the lines, which lie behind one another between them.
    let passes = |part: &Part| {
        let mut behind: i64 = part.iter().map(|(_, size)| *size as i64).product();
        let mut batches = (Vec::new(), Vec::new());
        for (axis, &(_, size)) in lines.batch.iter().zip(part) {
            behind /= size as i64;
            batches.0.push(Batch { size, source: axis.source, result: behind * from_length as i64, product: 0 });
            batches.1.push(Batch { size, source: behind * to_length as i64, result: axis.result, product: 0 });
        }
        let dense = |buffer, length| Side { buffer, offset: 0, stride: 1, length };
        let source = first(lines.source.offset, &lines.batch, part, |axis| axis.source);
        let result = first(lines.result.offset, &lines.batch, part, |axis| axis.result);
        let pass = |code, source, result, batch, inner, scale| LinePass {
            code,
            source,
            result,
            table: uses_table(code),
            numbers: [work.length as u32, 0, 0, 0],
            scale,
            batch,
            inner,
            cost: 12.0,
        };
        let before = pass(
            &before_code,
            (Side { offset: source, ..lines.source }, Entry::Real),
            (dense(from, from_length), from_entry),
            batches.0,
            0,
            1.0,
        );
        let after = pass(
            &after_code,
            (dense(to, to_length), route.result.0),
            (Side { offset: result, ..lines.result }, Entry::Real),
            batches.1,
            lines.inner,
            work.scale,
        );
        (before, after)
    };
    let whole = |part: &Part| part.iter().map(|(_, size)| (0, *size)).collect::<Part>();
    let fits = |part: &Part| {
        let (before, after) = passes(part);
        before.fits(&whole(part), limits) && after.fits(&whole(part), limits)
    };
    let parts = lines.parts(op, limits, fits)?;
    for part in &parts {
        let count: usize = part.iter().map(|(_, size)| *size).product();
        let (before, after) = passes(part);
        for (buffer, bytes) in [
            (from, (count * from_length) as u64 * from_entry.bytes()),
            (to, (count * to_length) as u64 * route.result.0.bytes()),
        ] {
            if let BufferId::Temporary(at) = buffer {
                program.temporaries[at] = program.temporaries[at].max(bytes);
            }
        }
        before.append(&whole(part), limits, &mut program);
        let transform = AxisTransform {
            length: route.points,
            inverse: route.source.0 == SourceKind::Half,
            scale: 1.0,
            number: route.source.0,
            halves: false,
            conjugate: false,
            source: Side { buffer: from, offset: 0, stride: 1, length: from_length },
            taper: None,
            real_result: route.result.0 == Entry::Real,
            result: Side { buffer: to, offset: 0, stride: 1, length: to_length },
            result_start: 0,
            product: None,
            columns: None,
            batch: vec![Batch { size: count, source: from_length as i64, result: to_length as i64, product: 0 }],
        };
        append_axis(&mut program, &transform, limits, choices)?;
        after.append(&whole(part), limits, &mut program);
    }
    Ok(program)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::fft::tests::{assert_sound, tight};
    use crate::work::Layout;

    #[test]
    fn passes_stay_inside_their_buffers() {
        for kind in [TransformType::I, TransformType::II, TransformType::III, TransformType::IV] {
            for (sine, length, present) in
                [(false, 2, 2), (true, 1, 3), (false, 64, 40), (true, 33, 33), (true, 64, 70)]
            {
                let shape = [70, present, 3];
                let transposed = Layout { shape: shape.to_vec(), strides: vec![1, 210, 70], offset: 0 };
                for layout in [Layout::contiguous(&shape), transposed] {
                    let length = if sine { length } else { length.max(2) };
                    let work =
                        TrigonometricWork { op: "dct", sine, kind, axis: 1, length, orthogonal: true, scale: 0.5 };
                    let input = Input { layout: &layout, element_bytes: 4 };
                    let program = lower(&work, &[input], &tight(), &FftChoices::default()).unwrap();
                    assert!(!program.passes.is_empty());
                    assert_sound(&program, &[4 * layout.end() as u64], &tight());
                }
            }
        }
    }
}
