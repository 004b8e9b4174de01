// out[t] = Σ_slice partials[slice, t]
//
//   partials   slices × count
//   out        count
//
// One invocation owns one entry. Sums of 64 slices are added to the total.

struct Parameters {
    width: u32, // of the folded grid
    count: u32,
    slices: u32,
    out_offset: u32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> partials: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let t = (group.x + group.y * parameters.width) * 64u + lane;
    if t >= parameters.count {
        return;
    }
    var total = 0.0;
    var slice = 0u;
    while slice < parameters.slices {
        var block = 0.0;
        let block_end = min(slice + 64u, parameters.slices);
        for (; slice < block_end; slice++) {
            block += partials[slice * parameters.count + t];
        }
        total += block;
    }
    out[parameters.out_offset + t] = total;
}
