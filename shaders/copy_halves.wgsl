// out[t] = x[i…], t counting the entries row by row: up to eight axes of 16-bit entries, any strides of x
//
//   x, out   two entries to a word, the one of even number in its lower half
//
// One invocation owns a word of `out`. A pass takes the entries of a box only, and leaves the other half of a word as it is.

struct Parameters {
    width: u32, // of the folded grid
    words: u32, // of this pass
    source: u32, // of the box's first entry
    first_word: u32,
    first_entry: u32, // number of the entry in the lower half of the first word
    unused_0: u32,
    unused_1: u32,
    unused_2: u32,
    axes: array<vec4<u32>, 8>, // length, start and end of the box, stride of x; the last axis is counted fastest
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.words {
        return;
    }
    var word = out[parameters.first_word + number];
    for (var part = 0u; part < 2u; part++) {
        var rest = parameters.first_entry + 2u * number + part;
        var at = parameters.source;
        var inside = true;
        for (var axis = 8u; axis > 0u; axis--) {
            let box = parameters.axes[axis - 1u];
            let place = rest % box.x;
            rest /= box.x;
            inside = inside & (place >= box.y) & (place < box.z);
            at += (place - box.y) * box.w;
        }
        // What is left over lies past the last entry.
        if inside & (rest == 0u) {
            let entry = (x[at / 2u] >> (16u * (at % 2u))) & 0xffffu;
            word = (word & (0xffff0000u >> (16u * part))) | (entry << (16u * part));
        }
    }
    out[parameters.first_word + number] = word;
}
