// prepared[i] = row x[i] divided by its sum; or less its mean and divided by its norm
//
//   x          n × d   row-major
//   prepared   n × d   row-major
//
// One workgroup owns a row; its lanes take the features in turn, and sum them in blocks of 64. The mean is taken twice, of
// the row and of what the first mean leaves, so that a large mean does not cancel the digits of the rest; a row whose features are
// all equal has no norm and becomes NaN.
// Appended: `LANES` (a power of two), `CENTRED`, `Stored` and `load_x`.

struct Parameters {
    nan_bits: u32,
    width: u32, // of the folded grid
    rows: u32, // of this pass
    features: u32,
    x_offset: u32,
    prepared_offset: u32,
    unused_0: u32,
    unused_1: u32,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> prepared: array<f32>;

var<workgroup> sums: array<f32, LANES>;

const VALUES = 0u;
const REST = 1u;
const SQUARES = 2u;
const DIFFERENT = 3u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x + group.y * parameters.width;
    if row >= parameters.rows {
        return;
    }
    let start = parameters.x_offset + row * parameters.features;
    let out = parameters.prepared_offset + row * parameters.features;
    let features = f32(parameters.features);
    var mean = total(VALUES, start, lane, 0.0, 0.0);
    var missed = 0.0;
    var divisor = mean;
    var exists = mean != 0.0;
    if CENTRED {
        mean = mean / features;
        missed = total(REST, start, lane, mean, 0.0) / features;
        divisor = sqrt_(total(SQUARES, start, lane, mean, missed));
        exists = total(DIFFERENT, start, lane, 0.0, 0.0) != 0.0;
    } else {
        mean = 0.0;
    }
    for (var f = lane; f < parameters.features; f += LANES) {
        let value = (fenced_(load_x(start + f) - mean) - missed) / divisor;
        prepared[out + f] = select(bitcast<f32>(parameters.nan_bits), value, exists);
    }
}

// The sum over the row's features, the same in all lanes.
fn total(what: u32, start: u32, lane: u32, mean: f32, missed: f32) -> f32 {
    let first = load_x(start);
    var sum = 0.0;
    for (var f = lane; f < parameters.features;) {
        let end = min(f + 64u * LANES, parameters.features);
        var block = 0.0;
        for (; f < end; f += LANES) {
            let value = load_x(start + f);
            let rest = fenced_(value - mean) - missed;
            switch what {
                case VALUES: { block += value; }
                case REST: { block += rest; }
                case SQUARES: { block += rest * rest; }
                default: { block += select(1.0, 0.0, value == first); }
            }
        }
        sum += block;
    }
    workgroupBarrier();
    sums[lane] = sum;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    workgroupBarrier();
    return sums[0];
}
