//! The accurate functions of `shaders/math.wgsl`: what each must give, and how far it may be off.

use std::f64::consts::TAU;

use crate::expr::{Binary, Unary};
use crate::metric::UNIT_ROUNDOFF;

/// Arguments of a trial.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Arguments {
    /// Not used: 0.
    None,
    /// Every normal number with the same chance, by its bits.
    Bits,
    /// Evenly from the first to the second.
    Even(f32, f32),
    /// Of either sign, with magnitudes evenly spread in the logarithm from the first to the second.
    Magnitudes(f32, f32),
    /// One after another.
    Of(&'static [f32]),
}

/// One function of `math.wgsl` over one range.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MathFunction {
    /// Function and range in words.
    pub(crate) name: &'static str,
    /// A WGSL expression in `x` and `y`.
    pub(crate) call: &'static str,
    /// The first argument.
    pub(crate) x: Arguments,
    /// The second argument.
    pub(crate) y: Arguments,
    /// The value in f64.
    pub(crate) definition: fn(x: f64, y: f64) -> f64,
    /// Largest absolute error, from the arguments and the exact value.
    pub(crate) bound: fn(x: f64, y: f64, exact: f64) -> f64,
}

/// Zeros, infinities, NaN, subnormal and extreme numbers, ones, halves, and where functions end; every trial has them, in
/// every pair where there are two arguments. Bits, because a NaN's sign and a signed zero matter.
#[rustfmt::skip]
pub(crate) const SPECIAL: [u32; 31] = [
    0x0000_0000, 0x8000_0000, 0x7f80_0000, 0xff80_0000, 0x7fc0_0000, 0xffc1_2345, 0x3f80_0000, 0xbf80_0000,
    0x4000_0000, 0xc000_0000, 0x3f00_0000, 0xbf00_0000, 0x4040_0000, 0xc040_0000, 0x7f7f_ffff, 0xff7f_ffff,
    0x0080_0000, 0x8080_0000, 0x3eaa_aaab, 0x3f7f_ffff, 0x3f80_0001, 0xbf7f_ffff, 0xbf80_0001, 0x4b00_0001,
    0xcb00_0001, 0x4b80_0001, 0x42b1_7217, 0x42b1_7218, 0x4049_0fdb, 0x4108_0000, 0x4100_0000,
];

const fn one(
    name: &'static str,
    call: &'static str,
    x: Arguments,
    definition: fn(f64, f64) -> f64,
    bound: fn(f64, f64, f64) -> f64,
) -> MathFunction {
    MathFunction { name, call, x, y: Arguments::None, definition, bound }
}

/// `units` of roundoff, relative to the exact value.
fn relative(units: f64, exact: f64) -> f64 {
    units * UNIT_ROUNDOFF * exact.abs()
}

/// Powers by repeated multiplication cost a rounding per factor, a half one root; all others are within 3 u.
fn power_bound(y: f64, exact: f64) -> f64 {
    let units = if y == -1.0 {
        // WGSL: 2.5 ULP for a division, and a unit in the last place is at most 2 u.
        5.0
    } else if (0.0..=8.5).contains(&y) && (2.0 * y).fract() == 0.0 {
        (y.floor() + 2.0).max(3.0)
    } else {
        3.0
    };
    relative(units, exact)
}

const WHOLE: &[f32] = &[-11.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 12.0];
const HALVES: &[f32] = &[-1.5, -0.5, 0.5, 1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5];

/// The table. Bounds are derived in the comments of `math.wgsl`; a built-in division may be 2.5 ULP off.
pub(crate) const FUNCTIONS: &[MathFunction] = &[
    one("sqrt", "sqrt_(x)", Arguments::Bits, |x, _| x.sqrt(), |_, _, v| relative(1.01, v)),
    one("exp", "exp_(x)", Arguments::Even(-104.0, 89.0), |x, _| x.exp(), |_, _, v| relative(2.5, v)),
    one("exp of small", "exp_(x)", Arguments::Magnitudes(1e-9, 2.0), |x, _| x.exp(), |_, _, v| relative(2.5, v)),
    one("decay", "decay_(x)", Arguments::Even(-127.0, 0.0), |x, _| x.exp2(), |_, _, v| relative(2.5, v)),
    one("decay of any", "decay_(-abs(x))", Arguments::Bits, |x, _| (-x.abs()).exp2(), |_, _, v| relative(2.5, v)),
    one("exp2", "exp2_(x)", Arguments::Even(-151.0, 129.0), |x, _| x.exp2(), |_, _, v| relative(2.5, v)),
    one("expm1", "expm1_(x)", Arguments::Bits, |x, _| x.exp_m1(), |_, _, v| relative(5.0, v)),
    one("expm1 near 0", "expm1_(x)", Arguments::Even(-3.0, 3.0), |x, _| x.exp_m1(), |_, _, v| relative(5.0, v)),
    one("log", "log_(x)", Arguments::Bits, |x, _| x.ln(), |_, _, v| relative(3.0, v)),
    one("log near 1", "log_(x)", Arguments::Even(0.5, 2.0), |x, _| x.ln(), |_, _, v| relative(3.0, v)),
    one("log nearer 1", "log_(x)", Arguments::Even(0.999, 1.001), |x, _| x.ln(), |_, _, v| relative(3.0, v)),
    one("log1p", "log1p_(x)", Arguments::Bits, |x, _| x.ln_1p(), |_, _, v| relative(4.0, v)),
    one("log1p near 0", "log1p_(x)", Arguments::Even(-1.0, 3.0), |x, _| x.ln_1p(), |_, _, v| relative(4.0, v)),
    one("sin", "sin_(x)", Arguments::Even(-1e4, 1e4), |x, _| x.sin(), |_, _, _| 3.0 * UNIT_ROUNDOFF),
    one("sin of any", "sin_(x)", Arguments::Bits, |x, _| x.sin(), |_, _, _| 3.0 * UNIT_ROUNDOFF),
    one(
        "sin near 0",
        "sin_(x)",
        Arguments::Magnitudes(1e-30, 0.785),
        |x, _| x.sin(),
        |x, _, v| {
            // The promise is relative only where nothing is reduced.
            if x.abs() < TAU / 8.0 { relative(3.0, v) } else { 3.0 * UNIT_ROUNDOFF }
        },
    ),
    one("cos", "cos_(x)", Arguments::Even(-1e4, 1e4), |x, _| x.cos(), |_, _, _| 3.0 * UNIT_ROUNDOFF),
    one("cos of any", "cos_(x)", Arguments::Bits, |x, _| x.cos(), |_, _, _| 3.0 * UNIT_ROUNDOFF),
    one("tanh", "tanh_(x)", Arguments::Bits, |x, _| x.tanh(), |_, _, v| relative(5.0, v)),
    one("tanh of small", "tanh_(x)", Arguments::Even(-10.0, 10.0), |x, _| x.tanh(), |_, _, v| relative(5.0, v)),
    one("asin", "asin_(x)", Arguments::Even(-1.0, 1.0), |x, _| x.asin(), |_, _, v| relative(6.0, v)),
    one("asin of small", "asin_(x)", Arguments::Magnitudes(1e-30, 2.0), |x, _| x.asin(), |_, _, v| relative(6.0, v)),
    one("acos", "acos_(x)", Arguments::Even(-1.0, 1.0), |x, _| x.acos(), |_, _, v| relative(4.0, v)),
    one("acos near 1", "acos_(x)", Arguments::Even(0.999, 1.0), |x, _| x.acos(), |_, _, v| relative(4.0, v)),
    MathFunction {
        name: "atan2",
        call: "atan2_(y, x)",
        x: Arguments::Even(-1.0, 1.0),
        y: Arguments::Even(-1.0, 1.0),
        definition: |x, y| y.atan2(x),
        bound: |_, _, v| relative(8.0, v),
    },
    MathFunction {
        name: "atan2 of any",
        call: "atan2_(y, x)",
        x: Arguments::Bits,
        y: Arguments::Bits,
        definition: |x, y| y.atan2(x),
        bound: |_, _, v| relative(8.0, v),
    },
    one(
        "relu_angle",
        "relu_angle_(x)",
        Arguments::Even(0.0, 3.1415925),
        |x, _| Unary::ReluAngle.value(x),
        |_, _, v| relative(16.0, v),
    ),
    one(
        "relu_angle of small",
        "relu_angle_(x)",
        Arguments::Magnitudes(1e-9, 1.0),
        |x, _| Unary::ReluAngle.value(x),
        |_, _, v| relative(16.0, v),
    ),
    bessel("log_bessel_k", Arguments::Even(0.01, 20.0)),
    bessel("log_bessel_k of any", Arguments::Magnitudes(1e-3, 1e5)),
    power("pow", "pow_(x, y)", Arguments::Magnitudes(1e-4, 1e4), Arguments::Even(-5.0, 5.0)),
    power("pow near 1", "pow_(x, y)", Arguments::Even(0.5, 2.0), Arguments::Even(-120.0, 120.0)),
    power("pow of any", "pow_(x, y)", Arguments::Bits, Arguments::Bits),
    power("whole pow", "pow_(x, y)", Arguments::Magnitudes(1e-3, 1e3), Arguments::Of(WHOLE)),
    power("half pow", "pow_(x, y)", Arguments::Even(0.0, 100.0), Arguments::Of(HALVES)),
];

const ORDERS: &[f32] = &[1e-4, 0.1, 0.5, 0.8, 1.0, 1.2, 1.9, 2.5, 3.3, 7.0, 30.0, 300.0, 1e4];

const fn bessel(name: &'static str, x: Arguments) -> MathFunction {
    let bound = |x: f64, _: f64, _: f64| (32.0 + 12.0 * x.abs()) * UNIT_ROUNDOFF;
    let definition = |x: f64, y: f64| Binary::LogBesselK.value(y, x);
    MathFunction { name, call: "log_bessel_k_(y, x)", x, y: Arguments::Of(ORDERS), definition, bound }
}

const fn power(name: &'static str, call: &'static str, x: Arguments, y: Arguments) -> MathFunction {
    MathFunction { name, call, x, y, definition: f64::powf, bound: |_, y, v| power_bound(y, v) }
}

/// `powi_` by itself: its second argument is a whole number, which the special numbers are not.
pub(crate) const WHOLE_POWER: MathFunction =
    power("powi", "powi_(x, i32(y))", Arguments::Magnitudes(1e-3, 1e3), Arguments::Of(WHOLE));

impl MathFunction {
    /// `n` arguments drawn with `bits`, a source of random numbers, the special ones first where they apply.
    pub(crate) fn arguments(&self, n: usize, mut bits: impl FnMut() -> u64) -> (Vec<f32>, Vec<f32>) {
        let mut x: Vec<f32> = (0..n).map(|i| draw(self.x, i, &mut bits)).collect();
        let mut y: Vec<f32> = (0..n).map(|i| draw(self.y, i, &mut bits)).collect();
        let special = SPECIAL.map(f32::from_bits);
        let pairs: Box<dyn Iterator<Item = (f32, f32)>> = match self.y {
            Arguments::None => Box::new(special.into_iter().map(|x| (x, 0.0))),
            Arguments::Of(ys) => Box::new(special.into_iter().flat_map(move |x| ys.iter().map(move |y| (x, *y)))),
            _ => Box::new(special.into_iter().flat_map(move |x| special.into_iter().map(move |y| (x, y)))),
        };
        for ((x, y), (a, b)) in x.iter_mut().zip(&mut y).zip(pairs) {
            (*x, *y) = (a, b);
        }
        (x, y)
    }
}

fn draw(from: Arguments, i: usize, bits: &mut impl FnMut() -> u64) -> f32 {
    match from {
        Arguments::None => 0.0,
        Arguments::Bits => {
            // Exponents 1 to 254: subnormal numbers may be flushed to 0, which is no error of the function.
            let random = bits();
            let exponent = 1 + (random >> 33) % 254;
            f32::from_bits(((random & 0x807f_ffff) | (exponent << 23)) as u32)
        }
        Arguments::Even(from, to) => (f64::from(from) + f64::from(to - from) * unit(bits())) as f32,
        Arguments::Magnitudes(from, to) => {
            let random = bits();
            let magnitude = f64::from(from) * f64::from(to / from).powf(unit(random));
            (if random & 1 == 0 { magnitude } else { -magnitude }) as f32
        }
        Arguments::Of(values) => values.get(i % values.len().max(1)).copied().unwrap_or(0.0),
    }
}

fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1u64 << 53) as f64
}
