// out[i…] = x[place(first + i)…] along up to eight axes: x continued past its edges, cut, or moved around
//
//   x     any strides
//   out   any strides; entries that no entry of x stands for are `outside`
//
// One invocation owns one entry. Appended: `alias Element`, `alias Stored` and the functions `outside` and `entry`.

struct Axis {
    length: u32,     // of this pass's part of the result
    first: i32,      // of the part's first entry within x
    size: u32,       // length of x
    stride: u32,     // of x
    out_stride: u32,
    // WGSL: distances between array elements of a uniform block are multiples of 16 bytes.
    padding_0: u32,
    padding_1: u32,
    padding_2: u32,
}

struct Parameters {
    width: u32,      // of the folded grid
    count: u32,
    source: u32,     // of the first entry of x
    out_offset: u32,
    boundary: u32,   // 0: outside, 1: reflect, 2: mirror, 3: nearest, 4: wrap
    rank: u32,
    outside: u32,    // bits
    padding: u32,
    axes: array<Axis, 8>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> x: array<Stored>;
@group(0) @binding(2) var<storage, read_write> out: array<Element>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let number = (group.x + group.y * parameters.width) * 64u + lane;
    if number >= parameters.count {
        return;
    }
    var rest = number;
    var from_at = parameters.source;
    var to_at = parameters.out_offset;
    var inside = true;
    for (var a = parameters.rank; a > 0u; a--) {
        let axis = parameters.axes[a - 1u];
        let i = rest % axis.length;
        rest /= axis.length;
        to_at += i * axis.out_stride;
        let at = place(axis.first + i32(i), i32(axis.size));
        inside = inside & (at >= 0);
        from_at += u32(max(at, 0)) * axis.stride;
    }
    if inside {
        out[to_at] = entry(from_at);
    } else {
        out[to_at] = outside(parameters.outside);
    }
}

// Which of n entries stands at `at`; −1: none.
fn place(at: i32, n: i32) -> i32 {
    switch parameters.boundary {
        case 1u: {
            let turn = modulo(at, 2 * n);
            return min(turn, 2 * n - 1 - turn);
        }
        case 2u: {
            let period = max(2 * n - 2, 1);
            let turn = modulo(at, period);
            return min(turn, period - turn);
        }
        case 3u: { return clamp(at, 0, n - 1); }
        case 4u: { return modulo(at, n); }
        default: { return select(-1, at, (at >= 0) & (at < n)); }
    }
}

// GLSL does not say what % is of negative numbers.
fn modulo(a: i32, n: i32) -> i32 {
    if a < 0 {
        return n - 1 - (-1 - a) % n;
    }
    return a % n;
}
