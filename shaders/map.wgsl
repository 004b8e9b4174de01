// out[i] = map(x[i], y[i])
//
//   x, y, out   n entries each
//
// One invocation owns one entry. Appended: `map`.

struct Parameters {
    n: u32,
    width: u32, // workgroups per row of the folded grid
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let i = (group.x + group.y * parameters.width) * 64u + lane;
    if i < parameters.n {
        out[i] = map(x[i], y[i]);
    }
}
