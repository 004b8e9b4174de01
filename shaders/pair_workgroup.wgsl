// out[batch, i, j] = the value of x[batch, i] and y[batch, j], whose state is accumulated over the features
//
//   x     panels of ROWS rows (see pack.wgsl)
//   y     panels of COLUMNS rows
//   out   any strides; values, or the words of the states of slices of features, which pair_finish.wgsl ends
//
// One workgroup owns a ROWS × COLUMNS tile of one slice and shares DEPTH features at a time in workgroup memory; one
// invocation owns a BLOCK_ROWS × BLOCK_COLUMNS block, in groups of four, and holds its states in registers while it
// walks at most 64 features, whose states are then merged into the totals.
// Appended: `ROWS`, `COLUMNS`, `BLOCK_ROWS`, `BLOCK_COLUMNS`, `DEPTH`, `PAIR_VALUES`, `State`, `Word` and `emit`, and
// the unrolled register block: `Block`, `accumulate_feature`, `merge_block`, `emit_first_row` and `drop_first_row`.

struct Parameters {
    nan_bits: u32,
    infinity_bits: u32,
    width: u32, // of the folded grid
    groups: u32, // workgroups of this pass
    first_row: u32, // of this pass, counted from the first packed row
    end_row: u32,
    first_column: u32,
    end_column: u32,
    row_tiles: u32, // of this pass
    column_tiles: u32,
    features: u32, // packed
    slice_features: u32, // features of one slice
    first_slice: u32, // of this pass, counted from the first packed one
    slices: u32,
    first_feature: u32, // packed feature 0 is this one of all
    x_batch: u32, // distance of packed batches in quads; 0: all use the same
    y_batch: u32,
    first_batch: u32, // of this pass, counted from the first packed one
    out_offset: u32,
    out_slice: u32, // strides of `out`
    out_batch: u32,
    out_row: u32,
    out_column: u32,
    addend_offset: u32, // strides of what the epilogue adds
    addend_batch: u32,
    addend_row: u32,
    addend_column: u32,
    unused: u32,
    values: array<vec4<f32>, PAIR_VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<Word>;

const LANE_ROWS = ROWS / BLOCK_ROWS;
const LANE_COLUMNS = COLUMNS / BLOCK_COLUMNS;
const LANES = LANE_ROWS * LANE_COLUMNS;

var<workgroup> x_tile: array<vec4<f32>, DEPTH * ROWS / 4u>;
var<workgroup> y_tile: array<vec4<f32>, DEPTH * COLUMNS / 4u>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group.x + group.y * parameters.width;
    if number >= parameters.groups {
        return;
    }
    let column_tile = parameters.first_column / COLUMNS + number % parameters.column_tiles;
    var rest = number / parameters.column_tiles;
    let row_tile = parameters.first_row / ROWS + rest % parameters.row_tiles;
    rest /= parameters.row_tiles;
    let slice = rest % parameters.slices;
    let batch = rest / parameters.slices;
    let lane_row = lane / LANE_COLUMNS;
    let lane_column = lane % LANE_COLUMNS;

    var feature = (parameters.first_slice + slice) * parameters.slice_features;
    let end = min(feature + parameters.slice_features, parameters.features);
    let packed_batch = parameters.first_batch + batch;
    var x_at = packed_batch * parameters.x_batch + (row_tile * parameters.features + feature) * (ROWS / 4u);
    var y_at = packed_batch * parameters.y_batch + (column_tile * parameters.features + feature) * (COLUMNS / 4u);

    var totals = Block();
    while feature < end {
        var block = Block();
        let block_end = min(feature + 64u, end);
        while feature < block_end {
            let depth = min(DEPTH, block_end - feature);
            workgroupBarrier();
            for (var i = lane; i < depth * (ROWS / 4u); i += LANES) {
                x_tile[i] = x[x_at + i];
            }
            for (var i = lane; i < depth * (COLUMNS / 4u); i += LANES) {
                y_tile[i] = y[y_at + i];
            }
            workgroupBarrier();
            for (var f = 0u; f < depth; f++) {
                accumulate_feature(&block, f * (ROWS / 4u) + lane_row, f * (COLUMNS / 4u) + lane_column, feature + f);
            }
            x_at += depth * (ROWS / 4u);
            y_at += depth * (COLUMNS / 4u);
            feature += depth;
        }
        merge_block(&totals, block);
    }

    // Rows and columns before the first of this pass wrap around, and so lie past the last one too. Rows leave one at a time
    // through the same few lines: unrolled stores would take drivers seconds to compile.
    let column = column_tile * COLUMNS + lane_column * 4u - parameters.first_column;
    let rows = parameters.end_row - parameters.first_row;
    let columns = parameters.end_column - parameters.first_column;
    let start = parameters.out_offset + slice * parameters.out_slice + batch * parameters.out_batch
        + column * parameters.out_column;
    for (var r = 0u; r < BLOCK_ROWS; r++) {
        let row = row_tile * ROWS + (r / 4u * LANE_ROWS + lane_row) * 4u + r % 4u - parameters.first_row;
        let at = start + row * parameters.out_row;
        emit_first_row(totals, at, batch, row, column, select(0u, columns, row < rows));
        drop_first_row(&totals);
    }
}
