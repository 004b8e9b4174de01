// packed[block, c, t, o] = w[the block's filter o, c, t], and 0 past the last filter of a group
//
//   w        any strides; along the taps they may be negative
//   packed   blocks × (channels and taps) × CHANNELS
//
// One invocation writes one entry. A pass may fill only some of the blocks.
// Appended: CHANNELS, `Stored` and `load_w`.

struct Parameters {
    width: u32,         // of the folded grid
    entries: u32,       // of this pass
    first_block: u32,   // of this pass, counted from the first group that it sees
    group_blocks: u32,
    group_outputs: u32,
    packed_offset: u32,
    w_offset: u32,
    w_group: u32,
    w_output: u32,
    w_input: u32,
    inputs: u32,        // channels of a group
    unused: u32,
    taps: vec4<u32>,    // along the three axes
    strides: vec4<u32>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> w: array<Stored>;
@group(0) @binding(2) var<storage, read_write> packed: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.entries {
        return;
    }
    var rest = number / CHANNELS;
    var at = parameters.w_offset;
    for (var axis = 3u; axis > 0u; axis--) {
        at += rest % parameters.taps[axis - 1u] * parameters.strides[axis - 1u];
        rest /= parameters.taps[axis - 1u];
    }
    at += rest % parameters.inputs * parameters.w_input;
    let block = parameters.first_block + rest / parameters.inputs;
    let output = block % parameters.group_blocks * CHANNELS + number % CHANNELS;
    at += block / parameters.group_blocks * parameters.w_group + output * parameters.w_output;
    var entry = 0.0;
    if output < parameters.group_outputs {
        entry = load_w(at);
    }
    packed[parameters.packed_offset + number] = entry;
}
