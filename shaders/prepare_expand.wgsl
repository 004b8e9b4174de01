// prepared[i] = −2 x[i], ‖x[i]‖², 1; or x[i], 1, ‖x[i]‖²
//
//   x          n × d         row-major
//   prepared   n × (d + 2)   row-major
//
// One workgroup owns a row; its lanes take the features in turn, and sum their squares in blocks of 64.
// Appended: `LANES` (a power of two), `LEFT`, `Stored` and `load_x`.

struct Parameters {
    width: u32, // of the folded grid
    rows: u32, // of this pass
    features: u32,
    x_offset: u32,
    prepared_offset: u32,
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> prepared: array<f32>;

var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x + group.y * parameters.width;
    if row >= parameters.rows {
        return;
    }
    let start = parameters.x_offset + row * parameters.features;
    let out = parameters.prepared_offset + row * (parameters.features + 2u);
    var sum = 0.0;
    for (var f = lane; f < parameters.features;) {
        let end = min(f + 64u * LANES, parameters.features);
        var block = 0.0;
        for (; f < end; f += LANES) {
            let value = load_x(start + f);
            block += value * value;
            prepared[out + f] = select(value, -2.0 * value, LEFT);
        }
        sum += block;
    }
    sums[lane] = sum;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    if lane == 0u {
        prepared[out + parameters.features] = select(1.0, sums[0], LEFT);
        prepared[out + parameters.features + 1u] = select(sums[0], 1.0, LEFT);
    }
}
