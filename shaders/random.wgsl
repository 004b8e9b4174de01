// result[4 b + j] = number j that Philox4x32-10 makes of counter b (Salmon, Moraes, Dror and Shaw, "Parallel random numbers:
// as easy as 1, 2, 3", SC 2011)
//
// One invocation owns one counter. Appended: `alias Number` and `numbers`, what becomes of four words.

struct Parameters {
    entries: u32,
    width: u32,           // workgroups per row of the folded grid
    first: vec2u,         // the first counter, low word first
    stream: vec2u,
    key: vec2u,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> result: array<Number>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let block = (group.x + group.y * parameters.width) * 64u + local;
    if block >= (parameters.entries + 3u) / 4u { return; }
    let low = parameters.first.x + block;
    let high = parameters.first.y + select(0u, 1u, low < block);
    let made = numbers(philox(vec4u(low, high, parameters.stream), parameters.key));
    let at = 4u * block;
    result[at] = made.x;
    if at + 1u < parameters.entries { result[at + 1u] = made.y; }
    if at + 2u < parameters.entries { result[at + 2u] = made.z; }
    if at + 3u < parameters.entries { result[at + 3u] = made.w; }
}

fn philox(counter: vec4u, seed: vec2u) -> vec4u {
    var c = counter;
    var key = seed;
    for (var round = 0u; round < 10u; round++) {
        let p = c.x * 0xd2511f53u;
        let q = c.z * 0xcd9e8d57u;
        c = vec4u(upper_product_(c.z, 0xcd9e8d57u) ^ c.y ^ key.x, q, upper_product_(c.x, 0xd2511f53u) ^ c.w ^ key.y, p);
        key += vec2u(0x9e3779b9u, 0xbb67ae85u);
    }
    return c;
}
