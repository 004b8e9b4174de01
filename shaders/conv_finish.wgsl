// result[n, o, p] = finish(result[n, o, p]), the bias and the activation of a sum that lies there already
//
// One invocation owns one entry.
// Appended: VALUES and `finish`.

struct Parameters {
    width: u32,         // of the folded grid
    entries: u32,       // of this pass
    first: u32,         // number of its first entry in the channel of that number
    channel: u32,
    channels: u32,
    plane: u32,         // entries of a channel
    offset: u32,
    bias_offset: u32,
    values: array<vec4<f32>, VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.entries {
        return;
    }
    let channel = (parameters.channel + (parameters.first + number) / parameters.plane) % parameters.channels;
    result[parameters.offset + number] = finish(result[parameters.offset + number], channel);
}

fn param(i: u32) -> f32 {
    return parameters.values[i / 4u][i % 4u];
}
