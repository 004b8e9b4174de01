// out[batch, i] = what becomes of the carries of all slices, joined in order
//
//   partials   batches × slices × words × rows
//   out        results of a row lie together
//
// One invocation owns one row. Appended: `PAIR_VALUES`, `Carry`, `carry_start`, `carry_join` and `emit`.

struct Parameters {
    nan_bits: u32,
    infinity_bits: u32,
    width: u32, // of the folded grid
    count: u32, // rows of this pass, all batches together
    rows: u32, // of one batch
    slices: u32, // 0: nothing was met
    partial_offset: u32,
    partial_batch: u32,
    partial_slice: u32,
    partial_word: u32,
    out_offset: u32,
    out_batch: u32,
    out_row: u32,
    zero: u32, // 0, which no compiler knows
    part: u32, // of the results: 0 the values, 1 their numbers
    scale: f32,
    floor_offset: u32, // place of the first row among all
    floor_rows: u32, // of one batch, among all
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> partials: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.count {
        return;
    }
    let row = number % parameters.rows;
    let batch = number / parameters.rows;
    var at = parameters.partial_offset + batch * parameters.partial_batch + row;
    var carry = carry_start();
    for (var slice = 0u; slice < parameters.slices; slice++) {
        carry_join(&carry, at, parameters.partial_word);
        at += parameters.partial_slice;
    }
    let place = parameters.floor_offset + batch * parameters.floor_rows + row;
    emit(carry, parameters.out_offset + batch * parameters.out_batch + row * parameters.out_row, place);
}
