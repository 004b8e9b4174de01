// y[o, f] = Σ_c x[c, f] · w[o, c, f], complex, c over the channels of o's group
//
//   x   channels × points
//   w   outputs × channels of a group × points
//   y   outputs × points
//
// One invocation owns one point of one output and walks the channels in blocks of at most 64.

struct Parameters {
    width: u32,         // of the folded grid
    points: u32,
    inputs: u32,        // channels of a group of x
    outputs: u32,       // of a group
    entries: u32,       // points of all outputs
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<vec2<f32>>;
@group(0) @binding(2) var<storage, read> w: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> y: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.entries {
        return;
    }
    let points = parameters.points;
    let point = number % points;
    let output = number / points;
    var x_at = output / parameters.outputs * parameters.inputs * points + point;
    var w_at = output * parameters.inputs * points + point;
    var total = vec2<f32>(0.0);
    var left = parameters.inputs;
    while left > 0u {
        var block = vec2<f32>(0.0);
        let size = min(left, 64u);
        for (var i = 0u; i < size; i++) {
            let a = x[x_at];
            let b = w[w_at];
            block += vec2<f32>(a.x * b.x - a.y * b.y, a.x * b.y + a.y * b.x);
            x_at += points;
            w_at += points;
        }
        total += block;
        left -= size;
    }
    y[number] = total;
}
