// result[n, o, p] = finish(Σ_c Σ_t w[o, c, t] · x[n, c, step · p + spread · t + start]), c over the channels of o's group
//
//   x        a batch of channels of three spatial axes, any strides; what lies outside counts as 0
//   w        panels of CHANNELS filters of one group each: block × (c, t) × CHANNELS (see conv_pack.wgsl)
//   result   any strides
//
// One invocation owns a block of CHANNELS × ROWS × COLUMNS neighbouring outputs; the invocations of a workgroup own blocks
// of the same channels, so that they share the filters. Taps are taken in along the last axis in segments of SEGMENT at
// most. A line is what one row of the input adds: with several rows of outputs it meets several rows of the filters.
// PER_BLOCK segments, together at most 64 terms, are summed for themselves and then added to the totals.
//
// A pass may take only some of the channels, rows, and lines; `continued` adds to what earlier passes left, and `last` says
// that nothing follows.
// Appended: CHANNELS, ROWS, COLUMNS, LANES, TAPS, SEGMENT, PER_BLOCK and VALUES, `Stored`, `load_x` and `finish`, and the unrolled
// block: `Block`, `take_segment`, `merge_block`, `store_first_row` and `drop_first_row`.

struct Axis {
    outputs: u32,       // of this pass
    step: u32,          // entries of x from one output to the next
    taps: u32,
    spread: u32,        // entries of x from one tap to the next
    start: u32,         // entry that tap 0 of output 0 sees; it may lie before 0 and then wraps
    input: u32,         // entries of x, as far as this pass sees them
    input_stride: u32,
    output_stride: u32,
}

struct Parameters {
    width: u32,         // of the folded grid
    groups: u32,        // workgroups of this pass
    tiles: u32,         // workgroups for each block of channels
    blocks: u32,        // blocks of outputs for each of them
    row_blocks: u32,    // along an image, and along a row
    column_blocks: u32,
    first_block: u32,   // block of channels of this pass, counted from its group of channels
    group_blocks: u32,  // blocks of channels of a group of channels
    group_outputs: u32, // channels of the result of a group of channels
    first_group: u32,   // group of channels of this pass
    x_offset: u32,
    x_batch: u32,
    x_group: u32,
    x_channel: u32,
    w_offset: u32,
    w_block: u32,
    result_offset: u32, // of the first channel of the pass
    result_batch: u32,
    result_channel: u32,
    first_channel: u32, // of the pass
    channel: u32,       // this pass's first segment: its channel, plane, line and place along the line
    plane: u32,
    line: u32,
    segment: u32,
    segments: u32,      // of this pass
    continued: u32,
    last: u32,
    bias_offset: u32,
    axes: array<Axis, 3>,
    values: array<vec4<f32>, VALUES>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read> w: array<f32>;
@group(0) @binding(3) var<storage, read_write> result: array<f32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = group.x + group.y * parameters.width;
    if number >= parameters.groups {
        return;
    }
    let panel = number / parameters.tiles;
    let block_of_group = parameters.first_block + panel;
    let channels = block_of_group / parameters.group_blocks;
    let first_of_group = block_of_group % parameters.group_blocks * CHANNELS;

    // Where this invocation's block lies; those past the last compute it once more and store nothing.
    let own = number % parameters.tiles * LANES + lane;
    var rest = min(own, parameters.blocks - 1u);
    let column = rest % parameters.column_blocks * COLUMNS;
    rest /= parameters.column_blocks;
    let row = rest % parameters.row_blocks * ROWS;
    rest /= parameters.row_blocks;
    let plane = rest % parameters.axes[0].outputs;
    let batch = rest / parameters.axes[0].outputs;
    let at = vec3<u32>(
        plane * parameters.axes[0].step + parameters.axes[0].start,
        row * parameters.axes[1].step + parameters.axes[1].start,
        column * parameters.axes[2].step + parameters.axes[2].start,
    );
    let inputs = vec3<u32>(parameters.axes[0].input, parameters.axes[1].input, parameters.axes[2].input);
    let strides = vec3<u32>(
        parameters.axes[0].input_stride, parameters.axes[1].input_stride, parameters.axes[2].input_stride,
    );
    let spread = vec3<u32>(parameters.axes[0].spread, parameters.axes[1].spread, parameters.axes[2].spread);
    let planes = parameters.axes[0].taps;
    let rows = parameters.axes[1].taps;
    let x_channel = parameters.x_channel;

    var channel_at = parameters.x_offset + batch * parameters.x_batch + channels * parameters.x_group
        + parameters.channel * x_channel;
    // The first tap of the line's filters, if this row of outputs is the first of the block.
    var w_at = parameters.w_offset + panel * parameters.w_block
        + ((parameters.channel * planes + parameters.plane) * rows * TAPS
        + parameters.line * TAPS + parameters.segment * SEGMENT) * CHANNELS;
    var tap_plane = parameters.plane;
    var line = parameters.line;
    var tap = parameters.segment * SEGMENT;
    var totals = Block();
    var left = parameters.segments;
    while left > 0u {
        var block = Block();
        let taken = min(left, PER_BLOCK);
        for (var i = 0u; i < taken; i++) {
            let above = at.x + tap_plane * spread.x;
            let down = at.y + line * spread.y;
            let line_at = channel_at + min(above, inputs.x - 1u) * strides.x + min(down, inputs.y - 1u) * strides.y;
            let inside = (above < inputs.x) & (down < inputs.y);
            take_segment(&block, line_at, inside, at.z + tap * spread.z, w_at, line, rows, tap, lane, inputs.z, strides.z);
            let steps = min(SEGMENT, TAPS - tap);
            tap += steps;
            w_at += steps * CHANNELS;
            // Past the last tap follows the next line, past the last line the next plane, then the next channel.
            let past_taps = tap == TAPS;
            tap = select(tap, 0u, past_taps);
            line += u32(past_taps);
            let past_lines = line == rows + ROWS - 1u;
            line = select(line, 0u, past_lines);
            w_at -= select(0u, (ROWS - 1u) * TAPS * CHANNELS, past_lines);
            tap_plane += u32(past_lines);
            let past_planes = tap_plane == planes;
            tap_plane = select(tap_plane, 0u, past_planes);
            channel_at += select(0u, x_channel, past_planes);
        }
        merge_block(&totals, block);
        left -= taken;
    }

    // Rows leave one at a time through the same few lines: unrolled stores would take drivers seconds to compile.
    let columns = parameters.axes[2].outputs - column;
    let result_at = parameters.result_offset + batch * parameters.result_batch + plane * parameters.axes[0].output_stride
        + column * parameters.axes[2].output_stride;
    for (var i = 0u; i < CHANNELS * ROWS; i++) {
        let of_group = first_of_group + i / ROWS;
        let channel = (parameters.first_group + channels) * parameters.group_outputs + of_group;
        let r = row + i % ROWS;
        let there = (own < parameters.blocks) & (of_group < parameters.group_outputs) & (r < parameters.axes[1].outputs);
        let first = result_at + (channel - parameters.first_channel) * parameters.result_channel
            + r * parameters.axes[1].output_stride;
        store_first_row(totals, first, channel, select(0u, columns, there));
        drop_first_row(&totals);
    }
}

// Entry `place` of a line of x, which starts at `line_at`; 0 outside.
fn load_inside(line_at: u32, inside: bool, place: u32, input: u32, stride: u32) -> f32 {
    return select(0.0, load_x(line_at + min(place, input - 1u) * stride), inside & (place < input));
}

fn store(at: u32, value: f32, channel: u32) {
    var sum = value;
    if parameters.continued != 0u {
        sum += result[at];
    }
    if parameters.last != 0u {
        sum = finish(sum, channel);
    }
    result[at] = sum;
}

fn param(i: u32) -> f32 {
    return parameters.values[i / 4u][i % 4u];
}
