//! Tensors continued past their edges, cut, or moved around.

use std::sync::Arc;

use super::lower::output_bytes;
use super::parameters::Words;
use super::pieces::{Region, extent, length, longest, pieces, window, window_bytes};
use super::stored::Stored;
use super::{BufferId, Limits, Pass, Program};
use crate::error::{Error, Result};
use crate::shader::{Shader, ShaderFile, Tail};
use crate::work::{Boundary, ExtendWork, Input, Layout};

const EXTEND: ShaderFile = ShaderFile { name: "extend", text: include_str!("../../shaders/extend.wgsl") };
const AXES: usize = 8;

/// Lengths and places that the shader's signed numbers hold, doubled as they are in reflections.
const LONGEST: u64 = 1 << 30;

/// Rough operations per entry: a division and a fold per axis.
const OPERATIONS: f64 = 32.0;

/// Passes that write every entry of the result.
pub(super) fn lower(work: &ExtendWork, inputs: &[Input<'_>], limits: &Limits) -> Result<Program> {
    let op = work.op;
    let [input] = inputs else {
        return Err(Error::argument(op, "inputs", "must be one"));
    };
    let Layout { shape, strides, offset } = input.layout;
    if shape.len() != work.axes.len() || shape.len() > AXES {
        let message = format!("are {} and the input's {}; at most {AXES} are supported", work.axes.len(), shape.len());
        return Err(Error::argument(op, "axes", message));
    }
    let lengths: Vec<usize> = work.axes.iter().map(|(_, length)| *length).collect();
    let dense = Layout::contiguous(&lengths);
    let stored = Stored::new(work.complex, input.element_bytes);
    let wide = Stored { halves: false, ..stored };
    let (from_bytes, to_bytes) = (stored.bytes(), wide.bytes());
    let mut program = Program::new(op, output_bytes(op, dense.len() as u64, to_bytes, limits)?);
    if dense.is_empty() {
        return Ok(program);
    }
    let far = work.axes.iter().any(|(first, length)| first.unsigned_abs().max(*length as u64) > LONGEST);
    if far || shape.iter().any(|n| *n == 0 || *n as u64 > LONGEST) {
        let message = format!("{shape:?} cannot be extended to {lengths:?}: axes have 1 to {LONGEST} entries");
        return Err(Error::Unsupported { op, message });
    }

    let rank = shape.len();
    let mut from = [0; AXES];
    let mut to = [0; AXES];
    let mut whole: Region<AXES> = std::array::from_fn(|_| 0..1);
    let mut moved = [false; AXES];
    for axis in 0..rank {
        from[axis] = strides[axis] as u64;
        to[axis] = dense.strides[axis] as u64;
        whole[axis] = 0..lengths[axis] as u64;
        moved[axis] = work.axes[axis] != (0, shape[axis]);
    }
    // What a part of the result may read: all of every axis along which entries change places.
    let read = |piece: &Region<AXES>| -> Region<AXES> {
        std::array::from_fn(|axis| if moved[axis] { 0..shape[axis] as u64 } else { piece[axis].clone() })
    };
    let kept: [u64; AXES] = std::array::from_fn(|axis| if moved[axis] { 0 } else { from[axis] });
    let excess = |piece: &Region<AXES>| {
        if window_bytes(from_bytes, extent(&read(piece), from), limits) > limits.max_binding_bytes {
            return longest(piece, kept);
        }
        let count = piece.iter().map(length).product::<u64>();
        let dear = count as f64 * OPERATIONS > limits.max_pass_cost.max(OPERATIONS);
        (dear || window_bytes(to_bytes, extent(piece, to), limits) > limits.max_binding_bytes)
            .then(|| longest(piece, to))
            .flatten()
    };
    let cut = pieces(whole, [1; AXES], excess).ok_or_else(|| Error::Unsupported {
        op,
        message: format!(
            "one item needs more than the {} bytes that {} binds at once; extend it in pieces",
            limits.max_binding_bytes, limits.adapter
        ),
    })?;
    // Bits are moved, not numbers: what a device makes of subnormals and NaN as it computes does not matter then.
    let (element, outside) = if work.complex { ("vec2u", "vec2u(bits, 0u)") } else { ("u32", "bits") };
    let entry = if stored.halves { "bitcast<Element>(load_x(at))" } else { "x[at]" };
    let code = format!(
        "fn outside(bits: u32) -> Element {{ return {outside}; }}\nfn entry(at: u32) -> Element {{ return {entry}; }}\n"
    );
    let load = if stored.halves { stored.load("x") } else { String::new() };
    let tail = Tail::new()
        .alias("Element", element)
        .alias("Stored", if stored.halves { stored.element() } else { element })
        .code(&(load + &code));
    let shader = Arc::new(Shader { file: EXTEND, tail, math: stored.halves, indices_proven: true });
    let boundary = match work.boundary {
        Boundary::Zero | Boundary::Constant(_) => 0,
        Boundary::Reflect => 1,
        Boundary::Mirror => 2,
        Boundary::Nearest => 3,
        Boundary::Wrap => 4,
    };
    for piece in cut {
        let seen = read(&piece);
        let first = |region: &Region<AXES>, strides: [u64; AXES]| {
            region.iter().zip(strides).map(|(range, stride)| range.start * stride).sum::<u64>()
        };
        let (source, source_before) =
            window(BufferId::Input(0), from_bytes, *offset as u64 + first(&seen, from), extent(&seen, from), limits);
        let (target, target_before) = window(BufferId::Output, to_bytes, first(&piece, to), extent(&piece, to), limits);
        let count: u64 = piece.iter().map(length).product();
        let (grid, width) = limits.fold(count.div_ceil(64));
        let mut words = Words::new();
        words.u32(width).length(count).u32(source_before).u32(target_before);
        words.u32(boundary).length(rank as u64).u32(work.boundary.outside().to_bits()).align();
        for axis in 0..AXES {
            let start = work.axes.get(axis).filter(|_| moved[axis]).map_or(0, |(first, _)| *first);
            let start = if moved[axis] { start + piece[axis].start as i64 } else { 0 };
            let size = length(&seen[axis]);
            words
                .length(length(&piece[axis]))
                .u32(start as i32 as u32)
                .length(size)
                .length(from[axis])
                .length(to[axis]);
            words.u32(0).u32(0).u32(0);
        }
        program.passes.push(Pass {
            shader: Arc::clone(&shader),
            windows: vec![source, target],
            parameters: words.bytes(),
            grid,
            cost: count as f64 * OPERATIONS,
        });
    }
    Ok(program)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::plan::fft::tests::{assert_sound, tight};

    #[test]
    fn passes_stay_inside_their_buffers() {
        let limits = tight();
        for boundary in [Boundary::Zero, Boundary::Reflect, Boundary::Mirror, Boundary::Nearest, Boundary::Wrap] {
            for (shape, axes) in [
                (vec![5], vec![(-700, 1500)]),
                (vec![300, 40], vec![(0, 300), (-3, 47)]),
                (vec![20, 30], vec![(-25, 70), (7, 9)]),
                (vec![40, 6, 7], vec![(0, 40), (2, 6), (-7, 7)]),
            ] {
                for (complex, element_bytes) in [(false, 2), (false, 4), (true, 4), (true, 8)] {
                    let layout = Layout::contiguous(&shape);
                    let work = ExtendWork { op: "pad", axes: axes.clone(), complex, boundary };
                    let program = lower(&work, &[Input { layout: &layout, element_bytes }], &limits).unwrap();
                    let bytes = (layout.end() * element_bytes).next_multiple_of(4) as u64;
                    assert_sound(&program, &[bytes], &limits);
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_extended_is_refused() {
        let layout = Layout::contiguous(&[0, 4]);
        let input = [Input { layout: &layout, element_bytes: 4 }];
        let work = |axes| ExtendWork { op: "pad", axes, complex: false, boundary: Boundary::Wrap };
        let lower = |axes| lower(&work(axes), &input, &tight());
        assert!(lower(vec![(0, 3), (0, 4)]).is_err());
        assert!(lower(vec![(0, 0)]).is_err());
        assert!(lower(vec![(0, 0), (0, 4)]).unwrap().passes.is_empty());
    }
}
