// out[batch, t] = the value of x[batch, i] and y[batch, j], t = i · columns + j, whose state is accumulated over the
// features; or, for paired rows, of x[t] and y[t] (columns = 1, and y steps with t)
//
//   x, y   any strides
//   out    one value for each pair of rows; or the words of the states of slices of features, which pair_finish.wgsl ends
//
// One invocation owns one entry and one slice: nothing is shared, and the pair function stands in the text once. That is
// right for functions whose arithmetic outweighs their loads. Sums of at most 64 features are merged into the total.
// Appended: `Stored`, `load_x`, `load_y`, `PAIR_VALUES`, `State`, `Word`, `emit`, `feature_weight` and the pair function.

struct Parameters {
    nan_bits: u32,
    infinity_bits: u32,
    width: u32, // of the folded grid
    entries: u32, // of this pass
    features: u32, // of this pass
    first_feature: u32, // of this pass in the window of the weights
    x_offset: u32,
    x_row: u32,
    x_feature: u32,
    y_offset: u32,
    y_row: u32,
    y_feature: u32,
    out_offset: u32,
    out_row: u32,
    columns: u32,
    y_column: u32,
    batch_entries: u32, // of this pass in each batch
    x_batch: u32,
    y_batch: u32,
    out_batch: u32,
    values: array<vec4<f32>, PAIR_VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> y: array<Stored>;
@group(0) @binding(3) var<storage, read_write> out: array<Word>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.entries {
        return;
    }
    let batch = number / parameters.batch_entries;
    let entry = number % parameters.batch_entries;
    let row = entry / parameters.columns;
    let column = entry % parameters.columns;
    var x_at = parameters.x_offset + batch * parameters.x_batch + row * parameters.x_row;
    var y_at = parameters.y_offset + batch * parameters.y_batch + row * parameters.y_row + column * parameters.y_column;
    var total = State();
    var feature = 0u;
    while feature < parameters.features {
        var block = State();
        let block_end = min(feature + 64u, parameters.features);
        for (; feature < block_end; feature++) {
            pair_accumulate(&block, load_x(x_at), load_y(y_at), feature_weight(feature));
            x_at += parameters.x_feature;
            y_at += parameters.y_feature;
        }
        total = pair_merge(total, block);
    }
    emit(parameters.out_offset + batch * parameters.out_batch + entry * parameters.out_row, total, batch, entry, 0u);
}
