//! The functions that an expression is made of: for each its value, its WGSL text and its rounding error.
//!
//! The errors are those that `math.wgsl` states for its functions; conformance measures them on every driver.

use std::f64::consts::PI;

use super::UNIT_ROUNDOFF;
use super::bessel::log_bessel_k;

/// A function of one operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub enum Unary {
    Negate,
    Abs,
    /// −1, 0 or 1.
    Sign,
    /// The largest whole number that is not above x.
    Floor,
    Sqrt,
    Exp,
    /// 2ˣ for x that is not above 0.
    Decay,
    /// exp(x) − 1, accurate near 0.
    Expm1,
    Log,
    /// log(1 + x), accurate near 0.
    Log1p,
    Sin,
    Cos,
    Tanh,
    /// 1/x, and 0 at 0.
    InverseOrZero,
    /// The larger of x and 0, and NaN for NaN.
    PositivePart,
    /// arccos((sin x + (π − x) cos x)/π) for x in 0 … π, NaN outside.
    ReluAngle,
}

/// A function of two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[allow(missing_docs)] // the names say it
pub enum Binary {
    Add,
    Subtract,
    Multiply,
    Divide,
    /// The smaller; where one operand is NaN, either.
    Min,
    /// The larger; where one operand is NaN, either.
    Max,
    /// The first to the power of the second; NaN for a negative base and a power that is no integer.
    Pow,
    /// 0 where the second operand is below the first, else 1.
    Step,
    /// The angle of the point whose y is the first operand and whose x the second.
    Atan2,
    /// See [`Expr::log_bessel_k`](super::Expr::log_bessel_k); the order is the first operand.
    LogBesselK,
}

/// `2 arcsin √t`, `t = ((π − x) 2 sin²(x/2) + (x − sin x))/2π`, for x from 0 to the f32 next to π.
fn relu_angle(x: f64) -> f64 {
    if !(0.0..=f64::from(std::f32::consts::PI)).contains(&x) {
        return f64::NAN;
    }
    let z = x * x;
    let series = x * z / 6.0 * (1.0 - z / 20.0 * (1.0 - z / 42.0 * (1.0 - z / 72.0)));
    let gap = if x < 0.1 { series } else { x - x.sin() };
    2.0 * (((PI - x).max(0.0) * 2.0 * (0.5 * x).sin().powi(2) + gap) / (2.0 * PI)).sqrt().asin()
}

impl Unary {
    /// The value in f64.
    pub fn value(self, a: f64) -> f64 {
        match self {
            Self::Negate => -a,
            Self::Abs => a.abs(),
            Self::Sign if a == 0.0 => 0.0,
            Self::Sign => a.signum(),
            Self::Floor => a.floor(),
            Self::Sqrt => a.sqrt(),
            Self::Exp => a.exp(),
            Self::Decay => a.exp2(),
            Self::Expm1 => a.exp_m1(),
            Self::Log => a.ln(),
            Self::Log1p => a.ln_1p(),
            Self::Sin => a.sin(),
            Self::Cos => a.cos(),
            Self::Tanh => a.tanh(),
            Self::InverseOrZero if a == 0.0 => 0.0,
            Self::InverseOrZero => 1.0 / a,
            Self::PositivePart => {
                if a < 0.0 {
                    0.0
                } else {
                    a
                }
            }
            Self::ReluAngle => relu_angle(a),
        }
    }

    /// WGSL text around the operand's.
    pub(crate) fn wgsl(self, a: &str) -> String {
        match self {
            Self::Negate => format!("-({a})"),
            Self::Abs => format!("abs({a})"),
            Self::Sign => format!("sign({a})"),
            Self::Floor => format!("floor({a})"),
            Self::Sqrt => format!("sqrt_({a})"),
            Self::Exp => format!("exp_({a})"),
            Self::Decay => format!("decay_({a})"),
            Self::Expm1 => format!("expm1_({a})"),
            Self::Log => format!("log_({a})"),
            Self::Log1p => format!("log1p_({a})"),
            Self::Sin => format!("sin_({a})"),
            Self::Cos => format!("cos_({a})"),
            Self::Tanh => format!("tanh_({a})"),
            Self::InverseOrZero => format!("inverse_or_zero_({a})"),
            Self::PositivePart => format!("positive_({a})"),
            Self::ReluAngle => format!("relu_angle_({a})"),
        }
    }

    /// Rounding error of the function itself on a device: relative to the value's magnitude, and absolute.
    fn rounding(self) -> (f64, f64) {
        match self {
            Self::Negate | Self::Abs | Self::Sign | Self::Floor | Self::PositivePart => (0.0, 0.0),
            Self::Sqrt => (SQRT_ROUNDING, 0.0),
            Self::InverseOrZero => (DIVIDE_ROUNDING, 0.0),
            Self::Exp | Self::Decay => (2.5 * UNIT_ROUNDOFF, 0.0),
            Self::Log => (3.0 * UNIT_ROUNDOFF, 0.0),
            Self::Log1p => (4.0 * UNIT_ROUNDOFF, 0.0),
            Self::Expm1 | Self::Tanh => (5.0 * UNIT_ROUNDOFF, 0.0),
            Self::Sin | Self::Cos => (0.0, 3.0 * UNIT_ROUNDOFF),
            Self::ReluAngle => (16.0 * UNIT_ROUNDOFF, 0.0),
        }
    }

    /// The value, and its bound from the operand's.
    pub(crate) fn value_with_bound(self, (a, error): (f64, f64)) -> (f64, f64) {
        let value = self.value(a);
        let passed_on = match self {
            Self::Negate | Self::Abs => error,
            Self::Sin | Self::Cos => error.min(2.0),
            Self::Sign => {
                if a.abs() <= error && error > 0.0 {
                    2.0
                } else {
                    0.0
                }
            }
            Self::InverseOrZero if error == 0.0 => 0.0,
            Self::InverseOrZero if a.abs() <= error => f64::INFINITY,
            Self::InverseOrZero => value.abs() * error / (a.abs() - error),
            Self::Sqrt => spread(value, self.value(a + error), self.value((a - error).max(0.0))),
            Self::Floor | Self::PositivePart => spread(value, self.value(a + error), self.value(a - error)),
            // Its slope is at most 1; an angle that its error takes out of range stays at the end.
            Self::ReluAngle => error,
            Self::Exp | Self::Decay | Self::Expm1 | Self::Log | Self::Log1p | Self::Tanh => {
                spread(value, self.value(a + error), self.value(a - error))
            }
        };
        (value, with_rounding(value, passed_on, self.rounding()))
    }
}

/// Rounding of a root: `sqrt_` states 1.01 u.
pub(crate) const SQRT_ROUNDING: f64 = 1.01 * UNIT_ROUNDOFF;
/// Rounding of a quotient: 2.5 ULP in WGSL.
pub(crate) const DIVIDE_ROUNDING: f64 = 5.0 * UNIT_ROUNDOFF;
/// Rounding of a general power: `pow_` states 3 u, and at most 8 products and a root for integers and halves up to 8.
pub(crate) const POW_ROUNDING: f64 = 10.0 * UNIT_ROUNDOFF;

impl Binary {
    /// The value in f64.
    pub fn value(self, a: f64, b: f64) -> f64 {
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Min => a.min(b),
            Self::Max => a.max(b),
            Self::Pow => a.powf(b),
            Self::Step => f64::from(u8::from(b >= a)),
            Self::Atan2 => a.atan2(b),
            Self::LogBesselK => log_bessel_k(a, b),
        }
    }

    /// WGSL text around the operands'.
    pub(crate) fn wgsl(self, a: &str, b: &str) -> String {
        match self {
            Self::Add => format!("({a} + {b})"),
            Self::Subtract => format!("({a} - {b})"),
            Self::Multiply => format!("({a} * {b})"),
            Self::Divide => format!("({a} / {b})"),
            Self::Min => format!("min({a}, {b})"),
            Self::Max => format!("max({a}, {b})"),
            Self::Pow => format!("pow_({a}, {b})"),
            Self::Step => format!("step({a}, {b})"),
            Self::Atan2 => format!("atan2_({a}, {b})"),
            Self::LogBesselK => format!("log_bessel_k_({a}, {b})"),
        }
    }

    fn rounding(self) -> (f64, f64) {
        match self {
            Self::Add | Self::Subtract | Self::Multiply => (UNIT_ROUNDOFF, 0.0),
            Self::Divide => (DIVIDE_ROUNDING, 0.0),
            Self::Min | Self::Max | Self::Step => (0.0, 0.0),
            Self::Pow => (POW_ROUNDING, 0.0),
            Self::Atan2 => (8.0 * UNIT_ROUNDOFF, 0.0),
            // And 12 s u, which `value_with_bound` adds.
            Self::LogBesselK => (0.0, 32.0 * UNIT_ROUNDOFF),
        }
    }

    /// The value, and its bound from the operands'.
    pub(crate) fn value_with_bound(self, (a, ea): (f64, f64), (b, eb): (f64, f64)) -> (f64, f64) {
        let value = self.value(a, b);
        let passed_on = match self {
            Self::Add | Self::Subtract => ea + eb,
            Self::Multiply => product(a, eb) + product(b, ea) + product(ea, eb),
            Self::Divide if eb == 0.0 => {
                if ea == 0.0 {
                    0.0
                } else {
                    ea / b.abs()
                }
            }
            Self::Divide if b.abs() <= eb => f64::INFINITY,
            Self::Divide => (ea + value.abs() * eb) / (b.abs() - eb),
            Self::Min | Self::Max => spread(value, self.value(a + ea, b + eb), self.value(a - ea, b - eb)),
            Self::Step => f64::from(u8::from((a - b).abs() <= ea + eb && ea + eb > 0.0)),
            Self::Atan2 if ea == 0.0 && eb == 0.0 => 0.0,
            // How far an arc around the origin may be walked from here, at most half a turn.
            Self::Atan2 => {
                let nearest = (a.abs() - ea).max(0.0).hypot((b.abs() - eb).max(0.0));
                (ea.hypot(eb) / nearest).min(PI)
            }
            Self::LogBesselK if !value.is_finite() && ea == 0.0 => 0.0,
            // It falls with s; the order's error is that of one rounding, over which it is straight.
            Self::LogBesselK => {
                let at = |a: f64, b: f64| difference(self.value(a, b.max(0.0)), value);
                let along_s = at(a, b + eb).max(at(a, b - eb));
                along_s + at(a + ea, b).max(at(a - ea, b)) + 12.0 * UNIT_ROUNDOFF * b.min(1e18)
            }
            Self::Pow if ea == 0.0 && eb == 0.0 => 0.0,
            Self::Pow if a < 0.0 => f64::INFINITY,
            // Monotone in each operand: the corners are the extremes.
            Self::Pow => [(a + ea, b + eb), (a + ea, b - eb), ((a - ea).max(0.0), b + eb), ((a - ea).max(0.0), b - eb)]
                .into_iter()
                .fold(0.0, |worst, (a, b)| difference(self.value(a, b), value).max(worst)),
        };
        (value, with_rounding(value, passed_on, self.rounding()))
    }
}

/// `|a · b|`, where 0 beside infinity is 0: an exact operand adds no error.
fn product(a: f64, b: f64) -> f64 {
    if a == 0.0 || b == 0.0 { 0.0 } else { (a * b).abs() }
}

/// The value and bound of an integer power, computed by repeated multiplication.
pub(crate) fn powi_with_bound((a, error): (f64, f64), n: i32) -> (f64, f64) {
    let value = a.powi(n);
    let passed_on = if error == 0.0 || n == 0 {
        0.0
    } else if n > 0 {
        difference((a.abs() + error).powi(n), a.abs().powi(n))
    } else if a.abs() <= error {
        f64::INFINITY
    } else {
        difference((a.abs() - error).powi(n), a.abs().powi(n))
    };
    // As `powi_` states: products up to 8, one division at −1, else a general power.
    let relative = match n {
        0 | 1 => 0.0,
        2..=8 => f64::from(n) * UNIT_ROUNDOFF,
        -1 => DIVIDE_ROUNDING,
        _ => 3.0 * UNIT_ROUNDOFF,
    };
    (value, with_rounding(value, passed_on, (relative, 0.0)))
}

/// How far the ends of an interval's image are from the value in its middle.
fn spread(value: f64, above: f64, below: f64) -> f64 {
    difference(above, value).max(difference(below, value))
}

/// `|a − b|`; 0 where both are the same infinity, infinite where one is NaN alone.
fn difference(a: f64, b: f64) -> f64 {
    if a == b || (a.is_nan() && b.is_nan()) {
        return 0.0;
    }
    let difference = (a - b).abs();
    if difference.is_nan() { f64::INFINITY } else { difference }
}

/// Adds an operation's own rounding, flushing of results below the normal range, and overflow.
pub(crate) fn with_rounding(value: f64, passed_on: f64, (relative, absolute): (f64, f64)) -> f64 {
    if !value.is_finite() {
        // From operands without error a device finds the same NaN or infinity.
        return if passed_on == 0.0 { 0.0 } else { f64::INFINITY };
    }
    let magnitude = value.abs() + passed_on;
    let rounding = magnitude * relative + absolute;
    let exact = relative == 0.0 && absolute == 0.0;
    let flushed = if !exact && magnitude > 0.0 && value.abs() - passed_on < super::SMALLEST_NORMAL {
        super::SMALLEST_NORMAL
    } else {
        0.0
    };
    let bound = passed_on + rounding + flushed;
    if bound.is_nan() || value.abs() + bound > f64::from(f32::MAX) { f64::INFINITY } else { bound }
}
