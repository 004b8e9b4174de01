// out[slice, i, c] = component c of Σ_j formula(i, j), j in the slice
//
//   out   slices × rows × components; the result itself where there is one slice, else what formula_finish.wgsl adds
//   then the variables of the formula, any strides, and its tables
//
// One invocation owns a row, a slice and up to CHUNK components; neighbours own neighbouring rows, so that they read the
// same j at the same time. Sums of 64 terms are added to the total. A pass covers `columns` of each slice; the passes after
// the first add to what stands in `out`. Appended: `CHUNK`, `INPUTS`, `VALUES`, and `sums`, which holds the formula.

struct Input {
    offset: u32,
    row: u32,
    column: u32,
    component: u32,
}

struct Parameters {
    nan_bits: u32,
    infinity_bits: u32,
    width: u32, // of the folded grid
    rows: u32, // of this pass
    slices: u32,
    slice: u32, // j between the starts of slices
    skipped: u32, // j of each slice that passes before have covered
    columns: u32, // j of each slice that this pass covers
    all_columns: u32, // of the windows of this pass
    chunks: u32, // of components
    components: u32,
    adds: u32, // whether to add to `out`
    out_offset: u32,
    out_slice: u32,
    unused_0: u32,
    unused_1: u32,
    inputs: array<Input, INPUTS>,
    values: array<vec4<f32>, VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.rows * parameters.chunks * parameters.slices {
        return;
    }
    let row = number % parameters.rows;
    let chunk = number / parameters.rows % parameters.chunks;
    let slice = number / parameters.rows / parameters.chunks;
    let slice_end = min((slice + 1u) * parameters.slice, parameters.all_columns);
    let start = slice * parameters.slice + parameters.skipped;
    let end = min(start + parameters.columns, slice_end);
    // The last chunk ends with the components, and leaves out those of the chunk before it.
    let first = min(chunk * CHUNK, parameters.components - CHUNK);
    let skipped = chunk * CHUNK - first;
    var total = sums(row, first, start, end);
    let at = parameters.out_offset + slice * parameters.out_slice + row * parameters.components + first;
    for (var c = skipped; c < CHUNK; c++) {
        if parameters.adds == 0u {
            out[at + c] = total[c];
        } else {
            out[at + c] += total[c];
        }
    }
}

fn param(i: u32) -> f32 {
    return parameters.values[i / 4u][i % 4u];
}
