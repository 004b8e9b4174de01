// out[i…] = x[i…]: up to eight axes, any strides on both sides
//
// One invocation copies one element. Appended: `alias Element`.

struct Parameters {
    width: u32, // of the folded grid
    count: u32,
    source: u32, // of the first element
    target_offset: u32,
    axes: array<vec4<u32>, 8>, // length, stride of x, stride of out; the last axis is counted fastest
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Element>;
@group(0) @binding(2) var<storage, read_write> out: array<Element>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.count {
        return;
    }
    var rest = number;
    var from_at = parameters.source;
    var to_at = parameters.target_offset;
    for (var axis = 8u; axis > 0u && rest > 0u; axis--) {
        let length = parameters.axes[axis - 1u].x;
        from_at += rest % length * parameters.axes[axis - 1u].y;
        to_at += rest % length * parameters.axes[axis - 1u].z;
        rest /= length;
    }
    out[to_at] = x[from_at];
}
