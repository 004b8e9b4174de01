// One Walsh–Hadamard transform of LENGTH points per line, LINES lines per workgroup: groups of stages run through
// registers and meet in workgroup memory.
//
//   result[line, k] = scale · Σ_j (−1)^(bits that j and k share) · source[line, j]
//
// A longer transform is several passes, each over some bits of the index along the axis; the other bits are coordinates of
// the line. Stages commute, so a pass takes its highest bits first and its lowest next: neighbouring invocations then
// read and write neighbours.
//
// The tail holds `fetch` (an entry of the source, times the factor at its index where there is one) and `transform`, the
// stages, with their sums written out.

struct Dimension {
    size: u32,
    source_stride: u32,
    result_stride: u32,
    index: u32,           // what the coordinate adds to the index along the axis
}

struct Parameters {
    lines: u32,
    width: u32,           // workgroups per row of the folded grid
    source_offset: u32,
    source_stride: u32,
    result_offset: u32,
    result_stride: u32,
    index_step: u32,      // what an entry of the line adds to the index along the axis
    factors_offset: u32,
    scale: f32,
    shift: u32,           // 32 less the bits of the axis
    axis_stride: u32,     // distance along the axis in the result
    padding: u32,
    dimensions: array<Dimension, DIMENSIONS>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<f32>;
@group(0) @binding(2) var<storage, read_write> result: array<f32>;

var<workgroup> exchange: array<f32, EXCHANGE>;

struct Line {
    present: bool,
    source_at: u32,
    result_at: u32,
    index: u32,
}

@compute @workgroup_size(INVOCATIONS)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let first = (group.x + group.y * parameters.width) * LINES;
    if first >= parameters.lines { return; }
    var lane = local / THREADS;
    var thread = local % THREADS;
    if NEIGHBOURS_ARE_LINES {
        lane = local % LINES;
        thread = local / LINES;
    }
    transform(locate(first + lane), lane, thread);
}

// A line past the last one reads the last, so that nothing branches; it must store nothing.
fn locate(number: u32) -> Line {
    var line = Line(number < parameters.lines, parameters.source_offset, parameters.result_offset, 0u);
    var rest = min(number, parameters.lines - 1u);
    for (var i = DIMENSIONS; i > 0u; i--) {
        let dimension = parameters.dimensions[i - 1u];
        let at = rest % dimension.size;
        rest = rest / dimension.size;
        line.source_at += at * dimension.source_stride;
        line.result_at += at * dimension.result_stride;
        line.index += at * dimension.index;
    }
    return line;
}

fn load(line: Line, k: u32) -> f32 {
    return fetch(line.source_at + k * parameters.source_stride, line.index + k * parameters.index_step);
}

// Only for lines that are present.
fn store(line: Line, k: u32, value: f32) {
    var at = line.result_at + k * parameters.result_stride;
    if SEQUENCY { at = line.result_at + changes(line.index + k * parameters.index_step) * parameters.axis_stride; }
    result[at] = value * parameters.scale;
}

// How often the sign changes along row `index`: its bits reversed, read as a Gray code.
fn changes(index: u32) -> u32 {
    var code = reverseBits(index) >> parameters.shift;
    code ^= code >> 1u;
    code ^= code >> 2u;
    code ^= code >> 4u;
    code ^= code >> 8u;
    return code ^ (code >> 16u);
}

fn put(lane: u32, k: u32, value: f32) {
    exchange[lane * LENGTH + k] = value;
}

fn take(lane: u32, k: u32) -> f32 {
    return exchange[lane * LENGTH + k];
}
