// result[n, c, p] = the entries x[n, c, step · p + spread · t + start] that a window sees, in one number
//
//   x        a batch of channels of three spatial axes, any strides; what lies outside is not there
//   result   row-major per channel; WORDS words for each window
//
// One invocation owns one window and walks the taps of this pass in blocks of at most 64, whose states are then merged.
// Windows of more taps than a pass may take are continued by further passes.
// Appended: WORDS, `Stored` and `load_x`, and what becomes of the entries: `State`, `none`, `take`, `merge`, `earlier` and `finish`.

struct Axis {
    outputs: u32,       // of this pass
    step: u32,          // entries of x from one output to the next
    taps: u32,
    spread: u32,        // entries of x from one tap to the next
    start: u32,         // entry that tap 0 of output 0 sees; it may lie before 0 and then wraps
    input: u32,         // entries of x, as far as this pass sees them
    input_stride: u32,
    output_stride: u32,
}

struct Parameters {
    infinity_bits: u32,
    width: u32,         // of the folded grid
    windows: u32,       // of this pass
    channels: u32,      // of this pass
    x_offset: u32,
    x_batch: u32,
    x_channel: u32,
    result_offset: u32,
    result_batch: u32,
    result_channel: u32,
    taps: u32,          // of this pass
    last: u32,          // 1: nothing follows
    first_tap: vec4<u32>,
    first_place: vec4<u32>, // first entry of x that this pass sees
    lengths: vec4<u32>, // of x
    before: vec4<u32>,  // entries before this pass's first that exist or count
    counted: vec4<u32>, // entries that exist or count
    axes: array<Axis, 3>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> result: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.windows {
        return;
    }
    var rest = number;
    var output = vec3<u32>(0u);
    var result_at = parameters.result_offset;
    for (var axis = 3u; axis > 0u; axis--) {
        output[axis - 1u] = rest % parameters.axes[axis - 1u].outputs;
        rest /= parameters.axes[axis - 1u].outputs;
        result_at += output[axis - 1u] * parameters.axes[axis - 1u].output_stride;
    }
    let channel = rest % parameters.channels;
    let batch = rest / parameters.channels;
    result_at += batch * parameters.result_batch + channel * parameters.result_channel;
    let x_at = parameters.x_offset + batch * parameters.x_batch + channel * parameters.x_channel;

    let inputs = vec3<u32>(parameters.axes[0].input, parameters.axes[1].input, parameters.axes[2].input);
    let strides = vec3<u32>(
        parameters.axes[0].input_stride, parameters.axes[1].input_stride, parameters.axes[2].input_stride,
    );
    let taps = vec3<u32>(parameters.axes[0].taps, parameters.axes[1].taps, parameters.axes[2].taps);
    let spread = vec3<u32>(parameters.axes[0].spread, parameters.axes[1].spread, parameters.axes[2].spread);
    let step = vec3<u32>(parameters.axes[0].step, parameters.axes[1].step, parameters.axes[2].step);
    let start = vec3<u32>(parameters.axes[0].start, parameters.axes[1].start, parameters.axes[2].start);
    let first = output * step + start;

    var tap = parameters.first_tap.xyz;
    var total = none();
    var left = parameters.taps;
    while left > 0u {
        var block = none();
        let size = min(left, 64u);
        for (var i = 0u; i < size; i++) {
            let at = first + tap * spread;
            if all(at < inputs) {
                let whole = at + parameters.first_place.xyz;
                let place = (whole.x * parameters.lengths.y + whole.y) * parameters.lengths.z + whole.z;
                take(&block, load_x(x_at + dot(at, strides)), place);
            }
            tap.z++;
            let past_row = tap.z == taps.z;
            tap.z = select(tap.z, 0u, past_row);
            tap.y += u32(past_row);
            let past_plane = tap.y == taps.y;
            tap.y = select(tap.y, 0u, past_plane);
            tap.x += u32(past_plane);
        }
        total = merge(total, block);
        left -= size;
    }
    if any(parameters.first_tap.xyz > vec3<u32>(0u)) {
        total = merge(earlier(result_at), total);
    }
    let counts = counted(first.x, 0u) * counted(first.y, 1u) * counted(first.z, 2u);
    finish(result_at, total, counts);
}

// Taps along an axis that see entries which exist or count, the first tap seeing `first`.
fn counted(first: u32, axis: u32) -> f32 {
    // Counted from the first that counts, nothing lies before 0 except what wraps.
    let at = i32(first + parameters.before[axis]);
    let spread = i32(parameters.axes[axis].spread);
    let taps = i32(parameters.axes[axis].taps);
    let skipped = min((max(-at, 0) + spread - 1) / spread, taps);
    let end = clamp((max(i32(parameters.counted[axis]) - at, 0) + spread - 1) / spread, skipped, taps);
    return f32(end - skipped);
}

fn is_nan(value: f32) -> bool {
    return (bitcast<u32>(value) & 0x7fffffffu) > 0x7f800000u;
}
