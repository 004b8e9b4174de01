// Numbers of 16 bits (IEEE 754 binary16) in words, by integer code: it needs no feature of the device, and no driver flushes
// or changes anything.

// The number in the lower 16 bits of a word. Exact: every f16 but infinities and NaN is 0 or a normal f32, the subnormal ones
// a whole number times 2⁻²⁴.
fn from_half_(word: u32) -> f32 {
    let magnitude = word & 0x7fffu;
    let exponent = magnitude >> 10u;
    let shifted = magnitude << 13u;
    let small = bitcast<u32>(f32(magnitude) * 5.9604644775390625e-8);
    let bits = select(select(shifted + 0x38000000u, shifted | 0x7f800000u, exponent == 31u), small, exponent == 0u);
    return bitcast<f32>(bits | ((word & 0x8000u) << 16u));
}

