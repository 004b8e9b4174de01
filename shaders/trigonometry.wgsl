// Sine, cosine and their inverses: accurate f32 functions, the same on every driver.
//
// How they hold everywhere, and how their bounds are to be read, stands in math.wgsl, whose functions they call.

// sin r and cos r for |r| ≤ π/4. Coefficients: Cephes sinf, cosf.
fn sin_near_(r: f32) -> f32 {
    let z = r * r;
    return r + r * z * ((-1.9515295891e-4 * z + 8.3321608736e-3) * z - 1.6666654611e-1);
}

fn cos_near_(r: f32) -> f32 {
    let z = r * r;
    return 1.0 + (z * z * ((2.443315711809948e-5 * z - 1.388731625493765e-3) * z + 4.166664568298827e-2) - 0.5 * z);
}

// x = k π/2 + r with r in −π/4 … π/4; of k only the last two bits count.
struct Quarter_ {
    k: i32,
    r: f32,
}

fn quarter_(x: f32) -> Quarter_ {
    if (bitcast<u32>(x) & 0x7fffffffu) > 0x46000000u {
        return far_quarter_(x);
    }
    return near_quarter_(x);
}

// The same for |x| ≤ 8192.
fn near_quarter_(x: f32) -> Quarter_ {
    // Three parts of π/2 with 8, 11 and 24 bits: k has at most 13, which keeps the first two products exact.
    let k = nearest_(x * 0.636619772);
    let first = fenced_(x - f32(k) * 1.5703125);
    let second = fenced_(first - f32(k) * 4.837512969970703125e-4);
    return Quarter_(k, second - f32(k) * 7.54979012640433e-8);
}

// Payne and Hanek: of the product of x and 2/π only the bits from 2¹ to 2⁻⁶² are formed, in integers.
fn far_quarter_(x: f32) -> Quarter_ {
    let bits = bitcast<u32>(x);
    let significand = (bits << 8u) | 0x80000000u;
    let first_bit = max((bits >> 23u) & 0xffu, 128u) - 128u;
    let word = first_bit >> 5u;
    let shift = first_bit & 31u;
    let w0 = two_over_pi_(word);
    let w1 = two_over_pi_(word + 1u);
    let w2 = two_over_pi_(word + 2u);
    let w3 = two_over_pi_(word + 3u);
    let back = 31u - shift;
    let high = (w0 << shift) | ((w1 >> 1u) >> back);
    let middle = (w1 << shift) | ((w2 >> 1u) >> back);
    let low = (w2 << shift) | ((w3 >> 1u) >> back);
    let product = significand * middle;
    let lower = product + upper_product_(significand, low);
    let upper = significand * high + upper_product_(significand, middle) + select(0u, 1u, lower < product);
    // The fraction of x · 2/π in 64 bits; from one half on it counts from the next quarter, backwards.
    var fraction_upper = (upper << 2u) | (lower >> 30u);
    var fraction_lower = lower << 2u;
    let backwards = (fraction_upper & 0x80000000u) != 0u;
    fraction_upper = select(fraction_upper, ~fraction_upper, backwards);
    fraction_lower = select(fraction_lower, ~fraction_lower, backwards);
    let fraction = f32(fraction_upper) * 2.3283064365386963e-10 + f32(fraction_lower) * 5.421010862427522e-20;
    let k = bitcast<i32>((upper >> 30u) + select(0u, 1u, backwards));
    let negative = (bits & 0x80000000u) != 0u;
    return Quarter_(select(k, -k, negative), fraction * select(1.57079637, -1.57079637, backwards != negative));
}

// The n-th word of 2/π · 2⁻³².
fn two_over_pi_(n: u32) -> u32 {
    var word = select(0u, 0xa2f9836eu, n == 1u);
    word = select(word, 0x4e441529u, n == 2u);
    word = select(word, 0xfc2757d1u, n == 3u);
    word = select(word, 0xf534ddc0u, n == 4u);
    word = select(word, 0xdb629599u, n == 5u);
    return select(word, 0x3c439041u, n == 6u);
}

// The upper 32 bits of the 64 of a product.
fn upper_product_(a: u32, b: u32) -> u32 {
    let first = (a >> 16u) * (b & 0xffffu) + (((a & 0xffffu) * (b & 0xffffu)) >> 16u);
    let second = (a & 0xffffu) * (b >> 16u) + (first & 0xffffu);
    return (a >> 16u) * (b >> 16u) + (first >> 16u) + (second >> 16u);
}

// sin(x + turn π/2), where `quarter` is of x.
fn sin_of_quarter_(x: f32, quarter: Quarter_, turn: i32) -> f32 {
    let k = quarter.k + turn;
    let value = bitcast<u32>(select(sin_near_(quarter.r), cos_near_(quarter.r), (k & 1) != 0));
    let y = bitcast<f32>(value ^ (bitcast<u32>(k & 2) << 30u));
    let magnitude = bitcast<u32>(x) & 0x7fffffffu;
    return select(select(y, nan_like_(x), magnitude == 0x7f800000u), x, magnitude > 0x7f800000u);
}

// sin x, absolute error 3 u (measured 2.5); relative 3 u for |x| ≤ π/4.
fn sin_(x: f32) -> f32 {
    return sin_of_quarter_(x, quarter_(x), 0);
}

// cos x, absolute error 3 u (measured 2.4).
fn cos_(x: f32) -> f32 {
    return sin_of_quarter_(x, quarter_(x), 1);
}

// arcsin s for 0 ≤ s ≤ ½, z = s². Coefficients: Cephes asinf.
fn asin_near_(s: f32, z: f32) -> f32 {
    var q = 4.2163199048e-2;
    q = q * z + 2.4181311049e-2;
    q = q * z + 4.5470025998e-2;
    q = q * z + 7.4953002686e-2;
    q = q * z + 1.6666752422e-1;
    return s + q * z * s;
}

// arcsin x within 6 u (measured 5.2); NaN outside −1 … 1. Above ½: π/2 − 2 arcsin √((1 − x) / 2).
fn asin_(x: f32) -> f32 {
    let a = abs(x);
    let far = a > 0.5;
    let z = select(a * a, 0.5 - 0.5 * a, far);
    let near = asin_near_(select(a, sqrt_(z), far), z);
    let y = select(near, 1.57079637 - (2.0 * near + 4.371139e-8), far);
    let with_sign = bitcast<f32>(bitcast<u32>(y) | (bitcast<u32>(x) & 0x80000000u));
    let outside = (bitcast<u32>(x) & 0x7fffffffu) > 0x3f800000u;
    return select(select(with_sign, nan_like_(x), outside), x, is_nan_(x));
}

// arccos x within 4 u (measured 2.9), near 1 too; NaN outside −1 … 1.
fn acos_(x: f32) -> f32 {
    let a = abs(x);
    let far = a > 0.5;
    let z = select(a * a, 0.5 - 0.5 * a, far);
    let near = asin_near_(select(a, sqrt_(z), far), z);
    let negative = x < 0.0;
    let middle = 1.57079637 - (select(near, -near, negative) + 4.371139e-8);
    let end = select(2.0 * near, 3.14159274 - (2.0 * near + 8.742278e-8), negative);
    let outside = (bitcast<u32>(x) & 0x7fffffffu) > 0x3f800000u;
    return select(select(select(middle, end, far), nan_like_(x), outside), x, is_nan_(x));
}

// The angle of (x, y) within 8 u (measured 4.8), C's signs and infinities. Coefficients: Cephes atanf.
fn atan2_(y: f32, x: f32) -> f32 {
    let x_bits = bitcast<u32>(x) & 0x7fffffffu;
    let y_bits = bitcast<u32>(y) & 0x7fffffffu;
    let most = max(x_bits, y_bits);
    let least = min(x_bits, y_bits);
    let infinite = most == 0x7f800000u;
    // Scaled so that the division below stays where WGSL promises its accuracy.
    let scale = select(select(1.0, 18446744073709551616.0, most < 0x20000000u), 0.0625, most > 0x7d000000u);
    let greater = select(select(bitcast<f32>(most) * scale, 1.0, infinite), 1.0, most == 0u);
    let lesser = select(bitcast<f32>(least) * scale, select(0.0, 1.0, most == least), infinite);
    // Above tan π/8: arctan t = π/4 + arctan((t − 1) / (t + 1)).
    let far = lesser > 0.414213562 * greater;
    let t = select(lesser, lesser - greater, far) / select(greater, lesser + greater, far);
    let z = t * t;
    var q = 8.05374449538e-2;
    q = q * z - 1.38776856032e-1;
    q = q * z + 1.99777106478e-1;
    q = q * z - 3.33329491539e-1;
    var angle = t + q * z * t;
    angle = select(angle, 0.785398185 + (angle - 2.1855695e-8), far);
    angle = select(angle, 1.57079637 - (angle + 4.371139e-8), y_bits > x_bits);
    angle = select(angle, 3.14159274 - (angle + 8.742278e-8), (bitcast<u32>(x) & 0x80000000u) != 0u);
    let with_sign = bitcast<f32>(bitcast<u32>(angle) | (bitcast<u32>(y) & 0x80000000u));
    return select(with_sign, bitcast<f32>(most), most > 0x7f800000u);
}
