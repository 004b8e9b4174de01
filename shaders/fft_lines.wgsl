// One transform of LENGTH points per line, LINES lines per workgroup, which are SPREAD apart: as many workgroups share the lines
// between. The stages of a line run through registers and meet in workgroup memory, where entries come from and go to as well
// if the stages are loops.
//
//   result[line, k] = finish(Σ_j prepare(source[line, j]) exp(−2πi jk / LENGTH))
//
// A line is one point of the box `dimensions`. Its entries lie at `offset + stride · index`, where the index along
// the transformed axis is `step · k` plus what the line's own coordinates add to it: that is how a transform that is
// split over several passes reads and writes every N₁-th entry, and how it transposes without a pass of its own.
//
// The tail holds `Word` (how complex numbers lie in memory), `load_source` and `store_result` (how the numbers of source and
// result do), `entry` and `emit` (what their entries are), the factors (tables) and `transform`, the stages, with their
// butterflies written out.

struct Dimension {
    size: u32,
    source_stride: u32,
    source_index: u32,
    result_stride: u32,
    result_index: u32,
    rotation: u32,        // what the coordinate adds to the line's rotation
    product_stride: u32,
    padding: u32,
}

struct Parameters {
    lines: u32,
    width: u32,           // workgroups per row of the folded grid
    source_offset: u32,
    source_step: u32,
    source_stride: u32,
    source_length: u32,   // entries along the axis that exist; the rest are zeros
    result_offset: u32,
    result_step: u32,
    result_stride: u32,
    result_start: u32,    // first index along the axis that is kept, and how many are
    result_length: u32,
    product_offset: u32,
    product_stride: u32,
    axis_length: u32,     // of the whole transform, where this pass is one of several
    scale: f32,
    points: u32,          // complex numbers that are transformed: half as many where each holds two real ones
    taper_offset: u32,
    pair_count: u32,      // real lines along the last dimension, where two share a complex one
    pair_source: u32,     // how far a line is from its partner: places and indices of source and of result
    pair_source_index: u32,
    pair_result: u32,
    pair_result_index: u32,
    source_start: u32,    // index of the first line's first entry
    rotation: u32,        // of the first line
    dimensions: array<Dimension, DIMENSIONS>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<Stored>;
@group(0) @binding(2) var<storage, read_write> result: array<StoredResult>;

var<workgroup> exchange: array<Word, EXCHANGE>;

struct Line {
    present: bool,
    paired: bool,         // two real lines share this complex one
    source_at: u32,
    source_index: u32,
    source_first: u32,    // place of the first entry: what it takes to find it is added once, not for every entry
    result_at: u32,
    result_index: u32,
    result_first: u32,
    rotation: u32,
    product_at: u32,
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let number = group.x + group.y * parameters.width;
    let first = number / SPREAD * (SPREAD * LINES) + number % SPREAD;
    if first >= parameters.lines { return; }
    var lane = select(local / THREADS, 0u, LINES == 1u);
    var thread = select(local % THREADS, local, LINES == 1u);
    if NEIGHBOURS_ARE_LINES {
        lane = local % LINES;
        thread = local / LINES;
    }
    transform(locate(first + lane * SPREAD), lane, thread);
}

// A line past the last one reads the last, so that nothing branches; it must store nothing.
fn locate(number: u32) -> Line {
    var line = Line(
        (LINES == 1u) | (number < parameters.lines), false, parameters.source_offset, parameters.source_start, 0u,
        parameters.result_offset, 0u, 0u, parameters.rotation, parameters.product_offset,
    );
    var rest = min(number, parameters.lines - 1u);
    for (var i = DIMENSIONS; i > 0u; i--) {
        let dimension = parameters.dimensions[i - 1u];
        // What is left for the first dimension is below its size: lines along one axis cost no division.
        var at = rest;
        if i > 1u {
            rest = rest / dimension.size;
            at -= rest * dimension.size;
        }
        if i == DIMENSIONS { line.paired = 2u * at + 1u < parameters.pair_count; }
        line.source_at += at * dimension.source_stride;
        line.source_index += at * dimension.source_index;
        line.result_at += at * dimension.result_stride;
        line.result_index += at * dimension.result_index;
        line.rotation += at * dimension.rotation;
        line.product_at += at * dimension.product_stride;
    }
    line.source_first = source_place(line, line.source_index);
    line.result_first = result_place(line, line.result_index);
    return line;
}

fn source_place(line: Line, index: u32) -> u32 {
    return line.source_at + distance(index, parameters.source_stride, DENSE_SOURCE);
}

fn result_place(line: Line, index: u32) -> u32 {
    let kept = select(index, index - parameters.result_start, HEADLESS | RESULT_IS_CUT);
    return line.result_at + distance(kept, parameters.result_stride, DENSE_RESULT);
}

// The entry at a place as it lies in memory, times the taper's at its index where there is one; past the source's end it
// is 0.
fn fetch(index: u32, at: u32) -> Source {
    if SOURCE_IS_SHORT {
        // Where a line has no such entry its place may be before the window: the window's first entry is read instead.
        let there = index < parameters.source_length;
        let value = load_source(select(0u, at, there));
        return select(Source(), value * taper_factor(select(0u, index, there)), there);
    }
    return load_source(at) * taper_factor(index);
}

fn fetch_index(line: Line, index: u32) -> Source {
    return fetch(index, source_place(line, index));
}

// The transform forwards of numbers with real and imaginary part exchanged is, exchanged again, the transform
// backwards.
fn load_entry(line: Line, index: u32, at: u32) -> vec2f {
    var value = entry(line, index, at);
    if CONJUGATE_SOURCE { value.y = -value.y; }
    if SWAP_SOURCE { value = value.yx; }
    return value;
}

fn load(line: Line, k: u32) -> vec2f {
    var index = line.source_index + distance(k, parameters.source_step, DENSE_SOURCE);
    var at = line.source_first + distance(k, parameters.source_step * parameters.source_stride, DENSE_SOURCE);
    if REORDER {
        index = u32(order(index).x);
        at = source_place(line, index);
    }
    if PREPARE {
        if index >= parameters.points { return vec2f(0.0); }
    }
    var value = load_entry(line, index, at);
    if PREPARE { value = times(value, prepare_factor(index)); }
    return value;
}

// Only for lines that are present.
fn store(line: Line, k: u32, transformed: vec2f) {
    var index = line.result_index + distance(k, parameters.result_step, DENSE_RESULT);
    var at = line.result_first + distance(k, parameters.result_step * parameters.result_stride, DENSE_RESULT);
    if REORDER {
        index = u32(order(index).y);
        at = result_place(line, index);
    }
    var value = transformed;
    if SWAP_FIRST { value = value.yx; }
    if FINISH { value = times(value, finish_factor(line, index)); }
    finish(line, index, at, value);
}

fn finish(line: Line, index: u32, at: u32, transformed: vec2f) {
    var value = transformed;
    if SWAP_LAST { value = value.yx; }
    if PRODUCT {
        value = times(value, product_factor(line.product_at + (index - parameters.result_start) * parameters.product_stride));
    }
    emit(line, index, at, value * parameters.scale);
}

fn keep(line: Line, index: u32, at: u32, value: Result) {
    if HEADLESS | RESULT_IS_CUT {
        let kept = index - parameters.result_start;
        // The head of a block belongs to the block before.
        let own = !HEADLESS | (index - line.result_index >= parameters.result_start);
        if own & (kept < parameters.result_length) { store_result(at, value); }
    } else {
        store_result(at, value);
    }
}

// `unit`: known to be 1 when the shader is made.
fn distance(count: u32, stride: u32, unit: bool) -> u32 {
    return select(count * stride, count, unit);
}

fn times(a: vec2f, b: vec2f) -> vec2f {
    return vec2f(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
}

fn put(lane: u32, position: u32, value: vec2f) {
    exchange[lane * STRIDE + padded(position)] = to_word(value);
}

fn take(lane: u32, position: u32) -> vec2f {
    return from_word(exchange[lane * STRIDE + padded(position)]);
}

// Steps through powers of two would meet in the same bank of the memory.
fn padded(position: u32) -> u32 {
    return select(position, position + position / 16u, PADDED);
}
