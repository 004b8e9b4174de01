// C = A B, one entry per invocation: the yardstick.
//
//   a   n × d   row-major
//   b   d × m   row-major
//   c   n × m   row-major

struct Sizes {
    n: u32,
    m: u32,
    d: u32,
}

@group(0) @binding(0) var<uniform> sizes: Sizes;
@group(0) @binding(1) var<storage, read> a: array<f32>;
@group(0) @binding(2) var<storage, read> b: array<f32>;
@group(0) @binding(3) var<storage, read_write> c: array<f32>;

@compute @workgroup_size(16, 16)
fn main(@builtin(global_invocation_id) id: vec3<u32>) {
    if id.x >= sizes.m || id.y >= sizes.n {
        return;
    }
    var sum = 0.0;
    for (var k = 0u; k < sizes.d; k++) {
        sum += a[id.y * sizes.d + k] * b[k * sizes.m + id.x];
    }
    c[id.y * sizes.m + id.x] = sum;
}
