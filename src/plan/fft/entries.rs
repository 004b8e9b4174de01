//! What the entries of source and result are: the functions through which `fft_lines.wgsl` reads and writes them.

use super::line::{Source, Target};

/// `entry(line, index, at)`: the complex number that goes into a transform.
pub(super) fn source_text(source: Source) -> &'static str {
    match source {
        Source::Complex => "fn entry(line: Line, index: u32, at: u32) -> vec2f { return fetch(index, at); }\n",
        Source::Real => "fn entry(line: Line, index: u32, at: u32) -> vec2f { return vec2f(fetch(index, at), 0.0); }\n",
        Source::RealPair => {
            "fn entry(line: Line, index: u32, at: u32) -> vec2f {
    return vec2f(fetch_index(line, 2u * index), fetch_index(line, 2u * index + 1u));
}
"
        }
        Source::RealLines => {
            "fn entry(line: Line, index: u32, at: u32) -> vec2f {
    let partner = index + parameters.pair_source_index;
    let there = line.paired & (partner < parameters.source_length);
    let apart = parameters.pair_source + parameters.pair_source_index * parameters.source_stride;
    let other = load_source(select(0u, at + apart, there));
    return vec2f(fetch(index, at), select(0.0, other, there));
}
"
        }
        // The other half of a Hermitian spectrum is the conjugate of this one; entries that are their own mirror image
        // are real.
        Source::Half => {
            "fn entry(line: Line, index: u32, at: u32) -> vec2f {
    let mirrored = 2u * index > parameters.axis_length;
    var value = fetch_index(line, select(index, parameters.axis_length - index, mirrored));
    let real = (index == 0u) | (2u * index == parameters.axis_length);
    value.y = select(select(value.y, -value.y, mirrored), 0.0, real);
    return value;
}
"
        }
        // Z = E + iO of the even and the odd entries gives E + wᵏ O.
        Source::Tangled => {
            "fn entry(line: Line, index: u32, at: u32) -> vec2f {
    let z = fetch_index(line, select(index, 0u, index == parameters.points));
    let mirrored = fetch_index(line, select(parameters.points - index, 0u, index == 0u)) * vec2f(1.0, -1.0);
    let even = 0.5 * (z + mirrored);
    let odd = 0.5 * (z - mirrored);
    return even + times(turn(index), vec2f(odd.y, -odd.x));
}
"
        }
        // Even and odd entries of the result are two transforms of half the length: sums and turned differences of the
        // coefficients k and k + n/2, and the latter is the conjugate of n/2 − k.
        Source::HalfPair => {
            "fn entry(line: Line, index: u32, at: u32) -> vec2f {
    var low = fetch_index(line, index);
    var high = fetch_index(line, parameters.points - index) * vec2f(1.0, -1.0);
    low.y = select(low.y, 0.0, index == 0u);
    high.y = select(high.y, 0.0, index == 0u);
    var root = turn(index);
    if SWAP_SOURCE { root.y = -root.y; }
    let odd = times(root, low - high);
    return low + high + vec2f(-odd.y, odd.x);
}
"
        }
    }
}

/// `emit(line, index, at, value)`: keeps a complex number that comes out.
pub(super) fn result_text(target: Target) -> &'static str {
    match target {
        Target::Complex => "fn emit(line: Line, index: u32, at: u32, value: vec2f) { keep(line, index, at, value); }\n",
        Target::Real => "fn emit(line: Line, index: u32, at: u32, value: vec2f) { keep(line, index, at, value.x); }\n",
        Target::RealPair => {
            "fn emit(line: Line, index: u32, at: u32, value: vec2f) {
    let first = result_place(line, 2u * index);
    keep(line, 2u * index, first, value.x);
    keep(line, 2u * index + 1u, first + distance(1u, parameters.result_stride, DENSE_RESULT), value.y);
}
"
        }
        Target::RealLines => {
            "fn emit(line: Line, index: u32, at: u32, value: vec2f) {
    keep(line, index, at, value.x);
    if line.paired {
        var partner = line;
        partner.result_index += parameters.pair_result_index;
        let apart = parameters.pair_result + parameters.pair_result_index * parameters.result_stride;
        keep(partner, index + parameters.pair_result_index, at + apart, value.y);
    }
}
"
        }
    }
}
