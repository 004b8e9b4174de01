// partials[batch, slice, word, i] = the carry of row i over the rows of y in one slice: of f(x[i], y[j]) for each j
//
//   rows       x in panels of TILE rows (see pack.wgsl)
//   columns    y in panels of PANEL rows
//   partials   the words of every row's carry; read again where a pass goes on after another
//
// One workgroup owns a tile of rows of x and walks the panels of one slice of y; one invocation owns a few rows, in groups of
// four, and keeps their carries in registers. A matrix of values is stored nowhere. Sums are closed after every 64 rows.
// pair_reduce_finish.wgsl joins the slices.
// Appended: `LANES`, `TILE`, `PANEL`, `VALUE_COLUMNS`, `PAIR_VALUES`, the pair function, `Carry` and what it does, and the unrolled text over the
// rows of an invocation: `Own`, `own_rows`, `Carries`, `start_carries`, `load_carries`, `store_carries`, `close_carries`,
// `take_panel`, and `columns_of_tile`, which says what of y a tile meets.

struct Parameters {
    nan_bits: u32,
    infinity_bits: u32,
    width: u32, // of the folded grid
    groups: u32, // workgroups of this pass
    first_tile: u32, // of this pass, counted from the first packed row
    tiles: u32, // of this pass
    slices: u32,
    features: u32,
    slice_panels: u32, // panels of one slice
    first_panel: u32, // of this pass within each slice
    end_panel: u32,
    range_first: u32, // the packed panels that slices are counted in
    range_end: u32,
    first_feature: u32, // of the table of weights
    row_batch: u32, // distance of packed batches in quads; 0: all use the same
    column_batch: u32,
    value_batch: u32,
    first_batch: u32, // of this pass, counted from the first packed one
    resume: u32, // 1: go on from the carries that are there
    partial_batch: u32, // strides of `partials`
    partial_slice: u32,
    partial_word: u32,
    zero: u32, // 0, which no compiler knows
    first_row: u32, // number of the first packed row among all
    first_column: u32,
    begin_column: u32, // rows of y that may meet, counted among all
    end_column: u32,
    last_row: u32, // last row of x there is
    shift: i32, // m − n
    window: u32,
    radius: f32,
    bias_offset: u32, // of row 0 and column 0 of this pass's first batch; it may wrap below 0
    bias_batch: u32,
    bias_row: u32,
    bias_column: u32,
    floor_offset: u32, // of row 0 in this pass's first batch
    floor_rows: u32,
    values: array<vec4<f32>, PAIR_VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> rows: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> columns: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> partials: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group.x + group.y * parameters.width;
    if number >= parameters.groups {
        return;
    }
    let tile = parameters.first_tile + number % parameters.tiles;
    let rest = number / parameters.tiles;
    let slice = rest % parameters.slices;
    let pass_batch = rest / parameters.slices;
    let batch = parameters.first_batch + pass_batch;

    // Rows of y that any row of the tile meets, in packed panels.
    let row = parameters.first_row + tile * TILE;
    let met = columns_of_tile(row, min(row + TILE - 1u, parameters.last_row));
    let slice_first = parameters.range_first + slice * parameters.slice_panels;
    let slice_end = min(slice_first + parameters.slice_panels, parameters.range_end);
    var panel = max(slice_first + parameters.first_panel, (met.x - parameters.first_column) / PANEL);
    var end = min(slice_first + parameters.end_panel, slice_end);
    end = min(end, (met.y - parameters.first_column + PANEL - 1u) / PANEL);
    if met.x >= met.y {
        end = 0u;
    }

    let own_row = row + lane * 4u;
    let own = own_rows(batch * parameters.row_batch + tile * parameters.features * (TILE / 4u) + lane, pass_batch, own_row);
    let partial_at = batch * parameters.partial_batch + slice * parameters.partial_slice + tile * TILE + lane * 4u;
    var carries = start_carries();
    if parameters.resume != 0u {
        carries = load_carries(partial_at);
    }
    while panel < end {
        let close = min(panel + 64u / PANEL, end);
        for (; panel < close; panel++) {
            take_panel(
                &carries,
                own,
                batch * parameters.column_batch + panel * parameters.features * (PANEL / 4u),
                batch * parameters.value_batch + panel * VALUE_COLUMNS * (PANEL / 4u),
                lane,
                pass_batch,
                own_row,
                parameters.first_column + panel * PANEL,
            );
        }
        close_carries(&carries);
    }
    store_carries(partial_at, carries);
}
