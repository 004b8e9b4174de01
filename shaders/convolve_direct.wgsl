// result[o] = Σ_j kernel[j] · signal[o + start − j], the sum over all taps j inside the kernel
//
//   signal   three axes per item, any strides; zeros beyond its edges, or wrapped around them
//   kernel   three axes per item, any strides
//   result   row-major per item
//
// One invocation owns one entry of the result and walks the taps of this pass in blocks of at most 64, whose sums are
// then summed. Kernels of more taps than a pass may take are summed over several passes.
//
// The tail holds the type of the numbers, how they are stored, `product` and, as DIMENSIONS, the number of batch axes.

struct Axis {
    result: u32,          // length of the result
    start: u32,           // of the result within the full convolution
    signal: u32,
    signal_stride: u32,
    kernel: u32,
    kernel_stride: u32,
    first_tap: u32,       // coordinate of this pass's first tap
    result_stride: u32,
}

struct Dimension {
    size: u32,
    signal_stride: u32,
    kernel_stride: u32,
    result_stride: u32,
}

struct Parameters {
    first: u32,           // entries of the result that this pass computes: first number, and one past the last
    end: u32,
    width: u32,           // workgroups per row of the folded grid
    taps: u32,            // taps that this pass takes
    signal_offset: u32,
    kernel_offset: u32,
    result_offset: u32,
    continued: u32,       // 1: add to what earlier passes left
    axes: array<Axis, 3>,
    dimensions: array<Dimension, DIMENSIONS>,
}

@group(0) @binding(0) var<uniform> parameters: Parameters;
@group(0) @binding(1) var<storage, read> signal: array<Signal>;
@group(0) @binding(2) var<storage, read> kernel: array<Kernel>;
@group(0) @binding(3) var<storage, read_write> result: array<Number>;

const BLOCK = 64u;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_index) local: u32) {
    let number = parameters.first + (group.x + group.y * parameters.width) * 64u + local;
    if number >= parameters.end { return; }

    // Coordinates of the entry, the last axis first.
    var rest = number;
    var at = vec3u(0u);
    var result_at = parameters.result_offset;
    for (var a = 3u; a > 0u; a--) {
        let length = parameters.axes[a - 1u].result;
        at[a - 1u] = rest % length;
        rest = rest / length;
        result_at += at[a - 1u] * parameters.axes[a - 1u].result_stride;
        at[a - 1u] += parameters.axes[a - 1u].start;
    }
    var signal_at = parameters.signal_offset;
    var kernel_at = parameters.kernel_offset;
    for (var i = DIMENSIONS; i > 0u; i--) {
        let dimension = parameters.dimensions[i - 1u];
        let coordinate = rest % dimension.size;
        rest = rest / dimension.size;
        signal_at += coordinate * dimension.signal_stride;
        kernel_at += coordinate * dimension.kernel_stride;
        result_at += coordinate * dimension.result_stride;
    }

    let signal_shape = vec3u(parameters.axes[0].signal, parameters.axes[1].signal, parameters.axes[2].signal);
    let kernel_shape = vec3u(parameters.axes[0].kernel, parameters.axes[1].kernel, parameters.axes[2].kernel);
    let signal_strides = vec3u(
        parameters.axes[0].signal_stride, parameters.axes[1].signal_stride, parameters.axes[2].signal_stride,
    );
    let kernel_strides = vec3u(
        parameters.axes[0].kernel_stride, parameters.axes[1].kernel_stride, parameters.axes[2].kernel_stride,
    );
    var tap = vec3u(parameters.axes[0].first_tap, parameters.axes[1].first_tap, parameters.axes[2].first_tap);
    var sum = Number();
    var left = parameters.taps;
    while left > 0u {
        var block = Number();
        let size = min(left, BLOCK);
        for (var i = 0u; i < size; i++) {
            // Before the signal's start the difference wraps around to a number beyond every length.
            var place = at - tap;
            if WRAPS { place = wrapped(at, tap, signal_shape); }
            if all(place < signal_shape) {
                let s = load_signal(signal_at + dot(place, signal_strides));
                let k = load_kernel(kernel_at + dot(tap, kernel_strides));
                block += product(s, k);
            }
            tap.z++;
            if tap.z == kernel_shape.z {
                tap.z = 0u;
                tap.y++;
                if tap.y == kernel_shape.y {
                    tap.y = 0u;
                    tap.x++;
                }
            }
        }
        sum += block;
        left -= size;
    }
    if parameters.continued != 0u { sum += result[result_at]; }
    result[result_at] = sum;
}

fn wrapped(at: vec3u, tap: vec3u, shape: vec3u) -> vec3u {
    return (at % shape + shape - tap % shape) % shape;
}
