// out[batch, i, j] = the value of the states of all slices of features, merged in order
//
//   partials   words of states: slices × batches × rows × columns
//   out        any strides
//
// One invocation owns one entry. Without slices the value is that of no features at all.
// Appended: `PAIR_VALUES`, `STATE_WORDS`, `State`, `state_from`, `entry_value` and the pair function.

struct Parameters {
    nan_bits: u32,
    infinity_bits: u32,
    width: u32, // of the folded grid
    count: u32, // entries of this pass
    rows: u32, // of this pass
    columns: u32,
    slices: u32,
    partial_offset: u32, // in words, and so for the strides of `partials`
    partial_slice: u32,
    partial_batch: u32,
    partial_row: u32,
    partial_column: u32,
    out_offset: u32,
    out_batch: u32,
    out_row: u32,
    out_column: u32,
    addend_offset: u32,
    addend_batch: u32,
    addend_row: u32,
    addend_column: u32,
    values: array<vec4<f32>, PAIR_VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> partials: array<u32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.count {
        return;
    }
    let column = number % parameters.columns;
    let row = number / parameters.columns % parameters.rows;
    let batch = number / parameters.columns / parameters.rows;

    var at = parameters.partial_offset + batch * parameters.partial_batch + row * parameters.partial_row
        + column * parameters.partial_column;
    var total = State();
    for (var slice = 0u; slice < parameters.slices; slice++) {
        total = pair_merge(total, state_from(at));
        at += parameters.partial_slice;
    }
    out[parameters.out_offset + batch * parameters.out_batch + row * parameters.out_row + column * parameters.out_column] =
        entry_value(total, batch, row, column);
}
