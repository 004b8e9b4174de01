// Accurate f32 functions, the same on every driver.
//
// Appended to a shader that calls them. Bounds are relative unless they say absolute, in u = 2⁻²⁴, against the exact
// value at the f32 argument; results below 2⁻¹²⁶ may come out as 0.
//
// How they hold everywhere: specials are decided by bits (`a != a` is no NaN test on some drivers); the only built-in
// arithmetic is + − × ÷ and sqrt, where ÷ may be 2.5 ULP off; argument reductions multiply only factors short enough
// for an exact product, so that a fused multiply-add changes nothing; `fenced_` keeps compilers in fast-math mode
// (Metal) from reassociating them; and conditions are joined by & and |, because && and || are branches. No function
// loops. "Measured" is the worst of a million arguments and more on lavapipe, llvmpipe GL, SwiftShader, and the same
// text compiled for the host with fast-math and fused multiply-adds.

fn is_nan_(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) > 0x7f800000u;
}

fn is_inf_(x: f32) -> bool {
    return (bitcast<u32>(x) & 0x7fffffffu) == 0x7f800000u;
}

// WGSL has no constant for these two: the bits depend on the argument, as far as WGSL can see.
fn infinity_like_(x: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(x) & 0x80000000u) | 0x7f800000u);
}

fn nan_like_(x: f32) -> f32 {
    return bitcast<f32>((bitcast<u32>(x) & 0x80000000u) | 0x7fc00000u);
}

// x itself. No intermediate value of an argument reduction has this pattern, but no compiler knows that.
fn fenced_(x: f32) -> f32 {
    let bits = bitcast<u32>(x);
    return bitcast<f32>(select(bits, 0u, bits == 0x7f7fffffu));
}

// The upper 12 bits of the significand: products of two such values are exact.
fn upper_(x: f32) -> f32 {
    return bitcast<f32>(bitcast<u32>(x) & 0xfffff000u);
}

// x · 2^k for k in −252 … 254, in two steps because 2^k itself may not be an f32.
fn scaled_(x: f32, k: i32) -> f32 {
    let first = k >> 1u;
    let partly = fenced_(x * bitcast<f32>(bitcast<u32>((first + 127) << 23u)));
    return partly * bitcast<f32>(bitcast<u32>((k - first + 127) << 23u));
}

// The integer nearest to x, |x| < 2²². Adding 1.5 · 2²³ leaves it in the low bits of the sum.
fn nearest_(x: f32) -> i32 {
    return bitcast<i32>(x + 12582912.0) - 0x4b400000;
}

// √x within 1.01 u (measured 1.00). One Newton step on the built-in root of m, x = m · 4^e, whose residual m − s² is
// exact because s is split into halves of 12 bits.
fn sqrt_(x: f32) -> f32 {
    let given = bitcast<u32>(x);
    // Subnormal numbers are read as integers: f32(given) = x · 2¹⁴⁹.
    let subnormal = given < 0x00800000u;
    let bits = select(given, bitcast<u32>(2.0 * f32(given)), subnormal);
    let e = (bitcast<i32>(bits >> 23u) - 127) >> 1u;
    let m = bitcast<f32>(bits - bitcast<u32>(e << 24u));
    let s = sqrt(m);
    let upper = upper_(s);
    let lower = s - upper;
    let residual = fenced_(fenced_(m - upper * upper) - 2.0 * upper * lower) - lower * lower;
    let root = bitcast<u32>(s + residual * (0.5 / s));
    var y = bitcast<f32>(root + bitcast<u32>(select(e, e - 75, subnormal) << 23u));
    y = select(y, x, ((given & 0x7fffffffu) == 0u) | (given >= 0x7f800000u));
    return select(y, nan_like_(x), (given > 0x80000000u) & (given <= 0xff800000u));
}

// r + r² q(r) = e^r − 1 for |r| ≤ ½ ln 2, before the leading r. Coefficients: minimax for the relative error of e^r, 0.06 u.
fn exp_tail_(r: f32) -> f32 {
    var q = 1.3814517e-3;
    q = q * r + 8.368756e-3;
    q = q * r + 4.1668393e-2;
    q = q * r + 1.666652e-1;
    q = q * r + 4.9999994e-1;
    return q * r * r;
}

// x − k ln 2; the upper part of ln 2 has 9 bits, so that k times it is exact (Cody and Waite).
fn exp_rest_(x: f32, k: i32) -> f32 {
    return fenced_(x - f32(k) * 0.693359375) - f32(k) * -2.12194440e-4;
}

// e^x within 2.5 u (measured 2.0). e^x = 2^k e^r, |r| ≤ ½ ln 2; k is added to the exponent's bits, from the low bits of the
// sum in which it was rounded. Overflows to infinity from 88.72284 on, vanishes below −87.33654, where results are subnormal.
// Comparisons are of bits, since what a driver says of NaN is not known: as u32 negative numbers lie above positive ones.
fn exp_(x: f32) -> f32 {
    let rounded = bitcast<u32>(x * 1.44269504 + 12582912.0);
    let r = exp_rest_(x, bitcast<i32>(rounded - 0x4b400000u));
    let y = bitcast<f32>(bitcast<u32>(1.0 + (r + exp_tail_(r))) + (rounded << 23u));
    let bits = bitcast<u32>(x);
    let low = bits >= 0xc2aeac50u;
    let high = bitcast<i32>(bits) >= 0x42b17218;
    return select(y, select(x * 3.0e38, 0.0, low & (bits <= 0xff800000u)), low | high);
}

// 2^x within 2.5 u (measured 1.7). 2^x = 2^k 2^r, |r| ≤ ½, r exact. Coefficients: Cephes exp2f.
fn exp2_(x: f32) -> f32 {
    let bounded = clamp(x, -151.0, 129.0);
    let k = nearest_(bounded);
    return select(scaled_(exp2_fraction_(bounded - f32(k)), k), x, is_nan_(x));
}

// 2^x within 2.5 u (measured 1.7) for x ≤ 0; 0 below −126. The sum in which x is rounded holds in its low bits the
// exponent of 2^k; a product with that keeps a NaN, so that only numbers too small need a decision, in one comparison.
fn decay_(x: f32) -> f32 {
    let rounded = bitcast<u32>(x + 12583039.0);
    let y = exp2_fraction_(x - f32(bitcast<i32>(rounded - 0x4b40007fu))) * bitcast<f32>(rounded << 23u);
    return select(y, 0.0, bitcast<u32>(x) - 0xc2fc0001u <= 0x3c83ffffu);
}

fn exp2_fraction_(r: f32) -> f32 {
    var q = 1.535336188319500e-4;
    q = q * r + 1.339887440266574e-3;
    q = q * r + 9.618437357674640e-3;
    q = q * r + 5.550332471162809e-2;
    q = q * r + 2.402264791363012e-1;
    q = q * r + 6.931472028550421e-1;
    return 1.0 + q * r;
}

// e^x − 1 within 5 u (measured 2.0). 2^k ((e^r − 1) + (1 − 2⁻ᵏ)).
fn expm1_(x: f32) -> f32 {
    let bounded = clamp(x, -17.5, 89.0);
    let k = nearest_(bounded * 1.44269504);
    let r = exp_rest_(bounded, k);
    let offset = 1.0 - bitcast<f32>(bitcast<u32>(max(127 - k, 0) << 23u));
    let y = scaled_((r + exp_tail_(r)) + offset, k);
    return select(y, x, is_nan_(x) | ((bitcast<u32>(x) & 0x7fffffffu) < 0x33000000u));
}

// ln(2^k (1 + f)) within 3 u, 1 + f in √½ … √2. Coefficients: Cephes logf.
fn log_of_(f: f32, k: i32) -> f32 {
    var q = 7.0376836292e-2;
    q = q * f - 1.1514610310e-1;
    q = q * f + 1.1676998740e-1;
    q = q * f - 1.2420140846e-1;
    q = q * f + 1.4249322787e-1;
    q = q * f - 1.6668057665e-1;
    q = q * f + 2.0000714765e-1;
    q = q * f - 2.4999993993e-1;
    q = q * f + 3.3333331174e-1;
    let square = f * f;
    let tail = fenced_(q * f * square + f32(k) * -2.12194440e-4) - 0.5 * square;
    return fenced_(f + tail) + f32(k) * 0.693359375;
}

// What ln has at 0 (−∞), below 0 (NaN), at +∞ and at NaN (itself), where `at` is the argument of ln.
fn log_special_(y: f32, at: f32, x: f32) -> f32 {
    let bits = bitcast<u32>(at);
    var z = select(y, x, bits >= 0x7f800000u);
    z = select(z, nan_like_(x), (bits > 0x80000000u) & (bits <= 0xff800000u));
    return select(z, -infinity_like_(abs(x)), (bits & 0x7fffffffu) == 0u);
}

// ln x within 3 u (measured 2.0), near 1 too. Subnormal arguments are exact where the driver hands their bits over.
fn log_(x: f32) -> f32 {
    let given = bitcast<u32>(x);
    let subnormal = given < 0x00800000u;
    // Counted from √½, the upper bits are the exponent of the power of two that leaves √½ … √2.
    let bits = select(given, bitcast<u32>(f32(given)), subnormal) + 0x004afb0du;
    let k = bitcast<i32>(bits >> 23u) - select(127, 276, subnormal);
    let m = bitcast<f32>((bits & 0x007fffffu) + 0x3f3504f3u);
    return log_special_(log_of_(m - 1.0, k), x, x);
}

// ln(1 + x) within 4 u (measured 2.5). With 1 + x = 2^k (1 + f), f = 2⁻ᵏ x + (2⁻ᵏ − 1): one rounding, and nothing of
// the rounding of 1 + x is left.
fn log1p_(x: f32) -> f32 {
    let sum = 1.0 + x;
    let k = bitcast<i32>((bitcast<u32>(sum) + 0x004afb0du) >> 23u) - 127;
    let down = clamp(k, -30, 128);
    let offset = bitcast<f32>(bitcast<u32>(max(127 - down, 0) << 23u)) - 1.0;
    let f = fenced_(scaled_(x, -down)) + fenced_(offset);
    let y = log_special_(log_of_(f, down), sum, x);
    return select(y, x, (bitcast<u32>(x) & 0x7fffffffu) < 0x33000000u);
}

// 1/x within 2.5 ULP, and 0 at 0.
fn inverse_or_zero_(x: f32) -> f32 {
    return select(1.0 / x, 0.0, (bitcast<u32>(x) & 0x7fffffffu) == 0u);
}

// tanh x within 5 u (measured 3.5). An odd polynomial below 0.625 (Cephes tanhf), 1 − 2 / (e^2x + 1) above.
fn tanh_(x: f32) -> f32 {
    let a = min(abs(x), 10.0);
    let z = a * a;
    var q = -5.70498872745e-3;
    q = q * z + 2.06390887954e-2;
    q = q * z - 5.37397155531e-2;
    q = q * z + 1.33314422036e-1;
    q = q * z - 3.33332819422e-1;
    let y = select(1.0 - 2.0 / (exp_(2.0 * a) + 1.0), a + q * z * a, a < 0.625);
    return select(bitcast<f32>(bitcast<u32>(y) | (bitcast<u32>(x) & 0x80000000u)), x, is_nan_(x));
}

// |x|^y within 3 u (measured 1.9) for finite x ≠ 0 and finite y. log₂|x| as the sum of an upper and a lower f32, as in
// e_powf.c of FreeBSD's msun (Sun Microsystems; Ian Lance Taylor), whose halves of 12 bits need no fused multiply-add.
fn pow_of_magnitude_(x: f32, y: f32) -> f32 {
    let given = bitcast<u32>(x) & 0x7fffffffu;
    let subnormal = given < 0x00800000u;
    let bits = select(given, bitcast<u32>(f32(given)), subnormal);
    let fraction = bits & 0x007fffffu;
    // |x| = 2^n m with m near 1 (up to √1.5), near 1.5 (up to √3), or near 1 from below.
    let middle = (fraction > 0x001cc471u) & (fraction < 0x005db3d7u);
    let below = fraction >= 0x005db3d7u;
    let n = bitcast<i32>(bits >> 23u) - select(127, 276, subnormal) + select(0, 1, below);
    let m_bits = (fraction | 0x3f800000u) - select(0u, 0x00800000u, below);
    let m = bitcast<f32>(m_bits);
    let centre = select(1.0, 1.5, middle);
    // s = (m − c) / (m + c) = s_upper + s_lower.
    let difference = m - centre;
    let inverse = 1.0 / (m + centre);
    let s = difference * inverse;
    let s_upper = upper_(s);
    let sum_bits = (((m_bits >> 1u) & 0xfffff000u) | 0x20000000u) + select(0x00400000u, 0x00600000u, middle);
    let sum_upper = bitcast<f32>(sum_bits);
    let sum_lower = m - fenced_(sum_upper - centre);
    let s_lower = inverse * (fenced_(difference - s_upper * sum_upper) - s_upper * sum_lower);
    // ln(m / c) · 3/2 = s (3 + s² + r).
    let z = s * s;
    var q = 2.0697501302e-1;
    q = q * z + 2.3066075146e-1;
    q = q * z + 2.7272811532e-1;
    q = q * z + 3.3333334327e-1;
    q = q * z + 4.2857143283e-1;
    q = q * z + 6.0000002384e-1;
    let r = z * z * q + s_lower * (s_upper + s);
    let square = s_upper * s_upper;
    let factor_upper = upper_(3.0 + square + r);
    let factor_lower = r - fenced_(fenced_(factor_upper - 3.0) - square);
    let product_upper = s_upper * factor_upper;
    let product_lower = s_lower * factor_upper + factor_lower * s;
    let log_upper = upper_(product_upper + product_lower);
    let log_lower = product_lower - fenced_(log_upper - product_upper);
    // log₂|x| = n + log₂ c + (log_upper + log_lower) · 2 / (3 ln 2).
    let binary_upper = 9.6191406250e-1 * log_upper;
    let binary_lower = -1.1736857402e-4 * log_upper + log_lower * 9.6179670095e-1 + select(0.0, 1.56322085e-6, middle);
    let of_centre = select(0.0, 5.84960938e-1, middle);
    let whole = f32(n);
    let upper = upper_(binary_upper + binary_lower + of_centre + whole);
    let lower = binary_lower - fenced_(fenced_(fenced_(upper - whole) - of_centre) - binary_upper);
    // y · log₂|x| = exact + rest, the exponent of 2.
    let y_upper = upper_(y);
    let exact = y_upper * upper;
    let rest = (y - y_upper) * upper + y * lower;
    let exponent = exact + rest;
    let k = nearest_(clamp(exponent, -151.0, 129.0));
    let remainder = clamp(fenced_(exact - f32(k)) + rest, -0.6, 0.6);
    let value = scaled_(exp2_fraction_(remainder), k);
    return select(value, select(infinity_like_(abs(x)), 0.0, exponent < 0.0), abs(exponent) > 151.0);
}

// x^n for 0 ≤ n ≤ 8 by repeated multiplication: exact where every product is, else within n u.
fn small_power_(x: f32, n: u32) -> f32 {
    let x2 = x * x;
    let x4 = x2 * x2;
    let low = select(1.0, x, (n & 1u) != 0u) * select(1.0, x2, (n & 2u) != 0u);
    return select(low * select(1.0, x4, (n & 4u) != 0u), x4 * x4, n == 8u);
}

// x^n: by repeated multiplication for n = −1 … 8, else within 3 u. x^0 is 1 for every x, NaN too.
fn powi_(x: f32, n: i32) -> f32 {
    if n >= 0 && n <= 8 {
        return small_power_(x, bitcast<u32>(n));
    }
    if n == -1 && (bitcast<u32>(x) & 0x7fffffffu) != 0u {
        return 1.0 / x;
    }
    return pow_any_(x, f32(n), (n & 1) != 0, true);
}

// x^y as C has it. Integers 0 … 8 by repeated multiplication, halves between them with one root, else within 3 u.
fn pow_(x: f32, y: f32) -> f32 {
    let floor_y = floor(y);
    if bitcast<u32>(y) <= 0x41080000u {
        let n = u32(floor_y);
        if y == floor_y {
            return small_power_(x, n);
        }
        // The root of −0 or −∞ would lose C's answers, +0 and +∞.
        if y == floor_y + 0.5 && (bitcast<u32>(x) < 0x7f800000u) {
            return small_power_(x, n) * sqrt_(x);
        }
    }
    let integer = (y == floor_y) & !is_inf_(y);
    // From 2²⁴ on every f32 is even.
    let odd = integer & (abs(y) < 16777216.0) & ((i32(clamp(y, -16777216.0, 16777216.0)) & 1) != 0);
    return pow_any_(x, y, odd, integer);
}

// x^y with C's answers for 0, infinities, NaN and negative bases.
fn pow_any_(x: f32, y: f32, odd: bool, integer: bool) -> f32 {
    let x_bits = bitcast<u32>(x);
    let magnitude = x_bits & 0x7fffffffu;
    let y_negative = (bitcast<u32>(y) & 0x80000000u) != 0u;
    let y_infinite = is_inf_(y);
    if (bitcast<u32>(y) & 0x7fffffffu) == 0u || x_bits == 0x3f800000u {
        return 1.0;
    }
    if magnitude > 0x7f800000u {
        return x;
    }
    if is_nan_(y) {
        return y;
    }
    var value = x;
    if magnitude == 0u || magnitude == 0x7f800000u || y_infinite {
        let grows = select(magnitude > 0x3f800000u, magnitude < 0x3f800000u, y_negative);
        value = select(select(0.0, infinity_like_(abs(x)), grows), 1.0, magnitude == 0x3f800000u);
    } else if x_bits > 0x80000000u && !integer {
        return nan_like_(x);
    } else {
        value = pow_of_magnitude_(x, y);
    }
    return bitcast<f32>(bitcast<u32>(value) | select(0u, x_bits & 0x80000000u, odd));
}
