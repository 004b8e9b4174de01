// prepared[i, 2c] + prepared[i, 2c + 1] = Σ_f x[i, f] factor[f, c], in two floats
//
//   x          n × d    row-major
//   factor     d × k    row-major, each entry the sum of two floats
//   prepared   n × 2k   row-major
//
// A feature does not reach a column in which its factor is 0: what is no number stays where it belongs.
// One invocation owns one column of one row. Products are exact in two floats (Dekker), sums keep their rounding errors (Knuth).
// Appended: `Stored` and `load_x`.

struct Parameters {
    width: u32, // of the folded grid
    count: u32, // of this pass
    features: u32,
    x_offset: u32,
    prepared_offset: u32,
    columns: u32, // k
    unused_0: u32,
    unused_1: u32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> factor: array<vec2<f32>>;
@group(0) @binding(3) var<storage, read_write> prepared: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.count {
        return;
    }
    let start = parameters.x_offset + number / parameters.columns * parameters.features;
    let column = number % parameters.columns;
    var sum = 0.0;
    var rest = 0.0;
    for (var f = 0u; f < parameters.features; f++) {
        let b = factor[f * parameters.columns + column];
        let a = select(load_x(start + f), 0.0, (b.x == 0.0) & (b.y == 0.0));
        let product = fenced_(a * b.x);
        let a_upper = upper_(a);
        let b_upper = upper_(b.x);
        let a_lower = a - a_upper;
        let b_lower = b.x - b_upper;
        let crossed = fenced_(fenced_(fenced_(a_upper * b_upper - product) + a_upper * b_lower) + a_lower * b_upper);
        let lost = fenced_(crossed + a_lower * b_lower) + a * b.y;
        let next = fenced_(sum + product);
        let added = fenced_(next - sum);
        rest += (fenced_(sum - fenced_(next - added)) + fenced_(product - added)) + lost;
        sum = next;
    }
    let upper = fenced_(sum + rest);
    prepared[parameters.prepared_offset + 2u * number] = upper;
    prepared[parameters.prepared_offset + 2u * number + 1u] = rest - fenced_(upper - sum);
}
