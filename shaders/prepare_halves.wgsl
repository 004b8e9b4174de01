// prepared[2i] = the lower 16 bits of words[i], prepared[2i + 1] = the upper 16, as whole numbers
//
// One invocation takes one word.

struct Parameters {
    width: u32, // of the folded grid
    words: u32, // of this pass
    words_offset: u32,
    prepared_offset: u32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> words: array<u32>;
@group(0) @binding(2) var<storage, read_write> prepared: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.words {
        return;
    }
    let word = words[parameters.words_offset + number];
    prepared[parameters.prepared_offset + 2u * number] = f32(word & 0xffffu);
    prepared[parameters.prepared_offset + 2u * number + 1u] = f32(word >> 16u);
}
