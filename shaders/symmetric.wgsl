// out = n × n matrices with 0 on their diagonals; or what is above the diagonal of one, row by row
//
// One invocation takes one entry of a matrix. Rows are counted through all matrices.
// Appended: `CONDENSED`.

struct Parameters {
    width: u32, // of the folded grid
    count: u32, // of this pass
    n: u32,
    first_row: u32, // of this pass
    matrix_offset: u32, // of the first row
    out_offset: u32,
    unused_0: u32,
    unused_1: u32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> matrix: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.count {
        return;
    }
    let n = parameters.n;
    let below = number / n; // rows of this pass above this one
    let row = parameters.first_row + below;
    let column = number % n;
    let value = matrix[parameters.matrix_offset + number];
    if !CONDENSED {
        out[parameters.out_offset + number] = select(value, 0.0, row % n == column);
        return;
    }
    if column > row {
        // The rows of this pass before this one hold n − 1 − first_row entries, one less each.
        let before = below * (n - 1u - parameters.first_row) - below * (below - select(0u, 1u, below > 0u)) / 2u;
        out[parameters.out_offset + before + column - row - 1u] = value;
    }
}
