// Functions of kernels: the angle between random ReLU features, and the modified Bessel function K on a log scale.
//
// Appended to a shader that calls them, as math.wgsl is, with the same rules: specials by bits, no loops, and bounds in
// u = 2⁻²⁴ against the exact value at the f32 arguments.

// The larger of x and 0; NaN stays, which `max` may lose.
fn positive_(x: f32) -> f32 {
    return select(max(x, 0.0), x, is_nan_(x));
}

// The angle between the ReLU features of two vectors at the angle x, arccos((sin x + (π − x) cos x)/π), within 16 u
// for x in 0 … π; NaN outside. As 2 arcsin √t with t = ((π − x) 2 sin²(x/2) + (x − sin x))/2π, a sum of positive
// terms, so that small angles keep their digits.
fn relu_angle_(x: f32) -> f32 {
    let half_sine = sin_of_quarter_(0.5 * x, near_quarter_(0.5 * x), 0);
    let sine = sin_of_quarter_(x, near_quarter_(x), 0);
    let z = x * x;
    var q = 1.0 - z * 9.0909091e-3;
    q = 1.0 - z * 1.3888889e-2 * q;
    q = 1.0 - z * 2.3809524e-2 * q;
    q = 1.0 - z * 0.05 * q;
    let gap = select(x - sine, 0.16666667 * x * z * q, x < 1.0);
    let t = ((3.14159274 - x) * 2.0 * half_sine * half_sine + gap) * 0.159154943;
    let y = 2.0 * asin_(sqrt_(t));
    let bits = bitcast<u32>(x);
    let outside = (bits > 0x40490fdbu) & (bits != 0x80000000u);
    return select(select(y, nan_like_(x), outside), x, is_nan_(x));
}

fn fenced4_(x: vec4<f32>) -> vec4<f32> {
    let bits = bitcast<vec4<u32>>(x);
    return bitcast<vec4<f32>>(select(bits, vec4<u32>(0u), bits == vec4<u32>(0x7f7fffffu)));
}

// e^x for x in −87 … 88, and at the nearer end outside; within 3 u. See `exp_`.
fn exp4_(x: vec4<f32>) -> vec4<f32> {
    let bounded = clamp(x, vec4<f32>(-87.0), vec4<f32>(88.0));
    let k = bitcast<vec4<i32>>(bounded * 1.44269504 + vec4<f32>(12582912.0)) - vec4<i32>(0x4b400000);
    let whole = vec4<f32>(k);
    let r = fenced4_(bounded - whole * 0.693359375) - whole * -2.12194440e-4;
    var q = r * 1.9875691500e-4 + 1.3981999507e-3;
    q = q * r + 8.3334519073e-3;
    q = q * r + 4.1665795894e-2;
    q = q * r + 1.6666665459e-1;
    q = q * r + 5.0000001201e-1;
    return (1.0 + (r + q * r * r)) * bitcast<vec4<f32>>(bitcast<vec4<u32>>(k + vec4<i32>(127)) << vec4<u32>(23u));
}

// exp(−a g(x) − b g(−x)) with g(x) = e^x − 1 − x, by its series near 0.
fn bessel_nodes_(x: vec4<f32>, a: f32, b: f32) -> vec4<f32> {
    let z = x * x;
    var even = z * 2.7557319e-7 + 2.4801587e-5;
    even = even * z + 1.3888889e-3;
    even = (even * z + 4.1666667e-2) * z + 0.5;
    var odd = z * 2.5052108e-8 + 2.7557319e-6;
    odd = odd * z + 1.9841270e-4;
    odd = (odd * z + 8.3333333e-3) * z + 0.16666667;
    let near = a * (z * (even + x * odd)) + b * (z * (even - x * odd));
    let growing = exp4_(x);
    let far = a * (growing - 1.0 - x) + b * (1.0 / growing - 1.0 + x);
    return exp4_(-min(select(far, near, abs(x) < vec4<f32>(1.0)), vec4<f32>(87.0)));
}

// ln(2 (s/2)^ν K_ν(s)) − ν ln ν + ν for ν in 1e-4 … 1e4; its value at 0.01 for s below that, −∞ for s above 1e18; absolute
// error (32 + 12 s) u. 2 (s/2)^ν K_ν(s) is the integral of w^(ν−1) exp(−w − s²/4w) over w > 0. With w = a e^x, where
// a is the peak and b = s²/4a = a − ν, its integrand is exp(ν ln a − a − b) exp(−a g(x) − b g(−x)), which the
// trapezoidal rule takes to all digits of an f32 with 32 nodes between the places where it has fallen to e⁻²⁰.
fn log_bessel_k_(nu: f32, s_given: f32) -> f32 {
    let s = clamp(s_given, 0.01, 1e18);
    let a = 0.5 * (nu + sqrt_(nu * nu + s * s));
    let b = s * (s / (4.0 * a));
    let over_a = 20.0 / a;
    let over_b = 20.0 / max(b, 1e-30);
    let reach_a = over_a + sqrt_(2.0 * over_a);
    let left = min(reach_a, log1p_(over_b + sqrt_(2.0 * over_b)));
    let h = (left + log1p_(reach_a)) * (1.0 / 31.0);
    let first = vec4<f32>(0.0, 1.0, 2.0, 3.0) * h - left;
    let step4 = 4.0 * h;
    let near_left = bessel_nodes_(first, a, b) + bessel_nodes_(first + step4, a, b);
    let left_middle = bessel_nodes_(first + 2.0 * step4, a, b) + bessel_nodes_(first + 3.0 * step4, a, b);
    let right_middle = bessel_nodes_(first + 4.0 * step4, a, b) + bessel_nodes_(first + 5.0 * step4, a, b);
    let near_right = bessel_nodes_(first + 6.0 * step4, a, b) + bessel_nodes_(first + 7.0 * step4, a, b);
    let sums = (near_left + near_right) + (left_middle + right_middle);
    let y = (nu * log1p_(b / nu) - 2.0 * b) + log_(h * ((sums.x + sums.w) + (sums.y + sums.z)));
    let bits = bitcast<u32>(s_given);
    let outside = ((bits > 0x80000000u) & (bits <= 0xff800000u)) | !((nu >= 9e-5) & (nu <= 1.1e4));
    let value = select(y, -infinity_like_(abs(s_given)), (bits & 0x7fffffffu) > 0x5d5e0b6bu);
    return select(select(value, nan_like_(s_given), outside), s_given, is_nan_(s_given));
}
