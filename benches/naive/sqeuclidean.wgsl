// out[i, j] = Σ (x[i] − y[j])², one entry per invocation: the yardstick.
//
//   x     n × d   row-major
//   y     m × d   row-major
//   out   n × m   row-major

struct Sizes {
    n: u32,
    m: u32,
    d: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> x: array<f32>;
@group(0) @binding(2) var<storage, read> y: array<f32>;
@group(0) @binding(3) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= sizes.m || id.y >= sizes.n {
        return;
    }
    var sum = 0.0;
    for (var k = 0u; k < sizes.d; k++) {
        let difference = x[id.y * sizes.d + k] - y[id.x * sizes.d + k];
        sum += difference * difference;
    }
    out[id.y * sizes.m + id.x] = sum;
}
