// packed[batch, panel, feature, row] = x[batch, PANEL · panel + row, feature], and 0 past the last row
//
//   x        any strides; of the batch axes, the last is counted fastest
//   packed   batches × panels × features × PANEL, read four rows at a time
//
// One invocation writes four rows of one feature. A pass may fill only some of the batches, panels and features.
// Appended: `const PANEL`, `alias Stored` and `load_x`.

struct Parameters {
    width: u32, // of the folded grid
    rows: u32, // of x, in all panels
    panels: u32, // of `packed`
    features: u32, // of `packed`
    first_batch: u32, // of this pass, counted in `packed`
    batches: u32,
    first_row: u32,
    end_row: u32,
    first_feature: u32,
    feature_count: u32,
    offset: u32, // of row 0 and feature 0 of `packed` in the window, batches aside; it may wrap below 0
    row_stride: u32,
    feature_stride: u32,
    source_batch: u32, // number of x's batch that is batch 0 of `packed`
    axis_count: u32,
    unused: u32,
    axes: array<vec4<u32>, 8>, // length and stride of each batch axis
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> packed: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    // A panel's quads of one feature are neighbours, then its features: what an invocation writes follows what the one
    // before it wrote, and a line of memory that one feature brings in still serves the next.
    let quad = number % (PANEL / 4u);
    var rest = number / (PANEL / 4u);
    let feature = parameters.first_feature + rest % parameters.feature_count;
    rest /= parameters.feature_count;
    let first_panel = parameters.first_row / PANEL;
    let panels = (parameters.end_row + PANEL - 1u) / PANEL - first_panel;
    let panel = first_panel + rest % panels;
    rest /= panels;
    if rest >= parameters.batches {
        return;
    }
    let batch = parameters.first_batch + rest;

    let row = panel * PANEL + quad * 4u;
    let stride = parameters.row_stride;
    let start = batch_start(parameters.source_batch + batch) + row * stride + feature * parameters.feature_stride;
    let end_row = min(parameters.end_row, parameters.rows);
    let at = ((batch * parameters.panels + panel) * parameters.features + feature) * (PANEL / 4u) + quad;
    if row >= parameters.first_row && row + 4u <= end_row {
        packed[at] = vec4<f32>(
            load_x(start), load_x(start + stride), load_x(start + 2u * stride), load_x(start + 3u * stride)
        );
        return;
    }
    for (var i = 0u; i < 4u; i++) {
        if row + i >= parameters.first_row && row + i < parameters.end_row {
            var entry = 0.0;
            if row + i < parameters.rows {
                entry = load_x(start + i * stride);
            }
            packed[at][i] = entry;
        }
    }
}

fn batch_start(batch: u32) -> u32 {
    var at = parameters.offset;
    var rest = batch;
    for (var axis = parameters.axis_count; axis > 0u; axis--) {
        let length = parameters.axes[axis - 1u].x;
        at += (rest % length) * parameters.axes[axis - 1u].y;
        rest /= length;
    }
    return at;
}
