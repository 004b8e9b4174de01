// result[line, k] = entry(line, k), for every k along one axis of every line of a box
//
//   source   the lines that are read, at `source_offset + source_stride · index` and what the line's coordinates add
//   result   the lines that are written, in the same way
//   table    numbers that `entry` looks up, where there are any
//
// One invocation owns one entry of the result. Entries are counted as they lie: the last `inner` lines side by side, then
// the axis, then the other lines. The tail holds the aliases Source and Result, the binding `table`, and `entry`, which is
// given the place of its source line's first entry.

struct Dimension {
    size: u32,
    source_stride: u32,
    result_stride: u32,
    padding: u32,
}

struct Parameters {
    entries: u32,
    width: u32,           // workgroups per row of the folded grid
    inner: u32,
    source_offset: u32,
    source_stride: u32,
    source_length: u32,
    result_offset: u32,
    result_stride: u32,
    result_length: u32,
    table_offset: u32,
    scale: f32,
    padding: u32,
    numbers: vec4u,       // what else `entry` wants to know
    dimensions: array<Dimension, DIMENSIONS>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> source: array<Source>;
@group(0) @binding(2) var<storage, read_write> result: array<Result>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + local;
    if number >= parameters.entries { return; }
    let k = number / parameters.inner % parameters.result_length;
    var rest = number / parameters.inner / parameters.result_length * parameters.inner + number % parameters.inner;
    var source_at = parameters.source_offset;
    var result_at = parameters.result_offset + k * parameters.result_stride;
    for (var i = DIMENSIONS; i > 0u; i--) {
        let dimension = parameters.dimensions[i - 1u];
        let place = rest % dimension.size;
        rest = rest / dimension.size;
        source_at += place * dimension.source_stride;
        result_at += place * dimension.result_stride;
    }
    result[result_at] = entry(source_at, k);
}

fn at(line: u32, index: u32) -> Source {
    return source[line + index * parameters.source_stride];
}
