//! Butterflies: small transforms written out as WGSL statements on named values.

use std::fmt::Write;

use super::tables::root;

/// Appends statements that transform `inputs` and gives the names of the results, in order.
///
/// `fresh` numbers the names that are made up on the way.
pub(super) fn write_butterfly(code: &mut String, inputs: &[String], fresh: &mut usize) -> Vec<String> {
    let n = inputs.len();
    match n {
        0 | 1 => inputs.to_vec(),
        2 => {
            let sum = bind(code, fresh, &format!("{} + {}", inputs[0], inputs[1]));
            let difference = bind(code, fresh, &format!("{} - {}", inputs[0], inputs[1]));
            vec![sum, difference]
        }
        _ => match divisor_near_root(n) {
            Some(outer) => composite(code, inputs, outer, fresh),
            None => odd_prime(code, inputs, fresh),
        },
    }
}

fn bind(code: &mut String, fresh: &mut usize, expression: &str) -> String {
    let name = format!("b{fresh}");
    *fresh += 1;
    let _ = writeln!(code, "    let {name} = {expression};");
    name
}

/// A factor of `n` for the outer of two steps: 2 where the rest is 4, else the one nearest the root.
fn divisor_near_root(n: usize) -> Option<usize> {
    (2..n).take_while(|d| d * d <= n).filter(|d| n.is_multiple_of(*d)).last()
}

/// Cooley and Tukey: `n = outer · inner`, index `j = j₁·inner + j₂`, result `k = k₁ + outer·k₂`.
fn composite(code: &mut String, inputs: &[String], outer: usize, fresh: &mut usize) -> Vec<String> {
    let n = inputs.len();
    let inner = n / outer;
    let mut columns = Vec::with_capacity(inner);
    for j2 in 0..inner {
        let column: Vec<String> = (0..outer).map(|j1| inputs[j1 * inner + j2].clone()).collect();
        let transformed = write_butterfly(code, &column, fresh);
        let rotated: Vec<String> =
            transformed.iter().enumerate().map(|(k1, name)| rotated(code, name, j2 * k1, n, fresh)).collect();
        columns.push(rotated);
    }
    let mut results = vec![String::new(); n];
    for k1 in 0..outer {
        let row: Vec<String> = columns.iter().map(|column| column[k1].clone()).collect();
        for (k2, name) in write_butterfly(code, &row, fresh).into_iter().enumerate() {
            results[k1 + outer * k2] = name;
        }
    }
    results
}

/// `name · exp(−2πi e/n)`.
fn rotated(code: &mut String, name: &str, e: usize, n: usize, fresh: &mut usize) -> String {
    let e = e % n;
    if e == 0 {
        return name.to_owned();
    }
    if 2 * e == n {
        return bind(code, fresh, &format!("-{name}"));
    }
    if 4 * e == n {
        return bind(code, fresh, &format!("vec2f({name}.y, -{name}.x)"));
    }
    if 4 * e == 3 * n {
        return bind(code, fresh, &format!("vec2f(-{name}.y, {name}.x)"));
    }
    let (c, s) = root(e, n);
    if (8 * e).is_multiple_of(n) {
        // An odd eighth of a turn: both parts are ±√½, one multiplication suffices.
        let r = literal(std::f64::consts::FRAC_1_SQRT_2);
        let (re, im) = match 8 * e / n {
            1 => (format!("{name}.x + {name}.y"), format!("{name}.y - {name}.x")),
            3 => (format!("{name}.y - {name}.x"), format!("-{name}.x - {name}.y")),
            5 => (format!("-{name}.x - {name}.y"), format!("{name}.x - {name}.y")),
            _ => (format!("{name}.x - {name}.y"), format!("{name}.x + {name}.y")),
        };
        return bind(code, fresh, &format!("{r} * vec2f({re}, {im})"));
    }
    let (c, s) = (literal(c), literal(s));
    bind(code, fresh, &format!("{c} * {name} + {s} * vec2f(-{name}.y, {name}.x)"))
}

/// The definition, with the terms j and p − j taken together: half the multiplications, and symmetric inputs give
/// exactly symmetric results.
fn odd_prime(code: &mut String, inputs: &[String], fresh: &mut usize) -> Vec<String> {
    let p = inputs.len();
    let half = (p - 1) / 2;
    let mut sums = Vec::with_capacity(half);
    let mut differences = Vec::with_capacity(half);
    for j in 1..=half {
        sums.push(bind(code, fresh, &format!("{} + {}", inputs[j], inputs[p - j])));
        differences.push(bind(code, fresh, &format!("{} - {}", inputs[j], inputs[p - j])));
    }
    let mut results = vec![String::new(); p];
    results[0] = bind(code, fresh, &format!("{} + ({})", inputs[0], sums.join(" + ")));
    for k in 1..=half {
        let mut even = String::new();
        let mut odd = String::new();
        for j in 1..=half {
            let (c, s) = root(j * k % p, p);
            let _ = write!(even, "{}{} * {}", if j > 1 { " + " } else { "" }, literal(c), sums[j - 1]);
            let _ = write!(odd, "{}{} * {}", if j > 1 { " + " } else { "" }, literal(s), differences[j - 1]);
        }
        let even = bind(code, fresh, &format!("{} + ({even})", inputs[0]));
        let odd = bind(code, fresh, &odd);
        results[k] = bind(code, fresh, &format!("vec2f({even}.x - {odd}.y, {even}.y + {odd}.x)"));
        results[p - k] = bind(code, fresh, &format!("vec2f({even}.x + {odd}.y, {even}.y - {odd}.x)"));
    }
    results
}

/// The nearest f32 as WGSL has it.
fn literal(value: f64) -> String {
    let text = format!("{:?}f", value as f32);
    if value < 0.0 { format!("({text})") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_butterfly_of_four_needs_no_multiplication() {
        let mut code = String::new();
        let inputs: Vec<String> = (0..4).map(|i| format!("a{i}")).collect();
        let results = write_butterfly(&mut code, &inputs, &mut 0);
        assert_eq!(
            code,
            "    let b0 = a0 + a2;\n    let b1 = a0 - a2;\n    let b2 = a1 + a3;\n    let b3 = a1 - a3;\n    \
             let b4 = vec2f(b3.y, -b3.x);\n    let b5 = b0 + b2;\n    let b6 = b0 - b2;\n    let b7 = b1 + b4;\n    \
             let b8 = b1 - b4;\n"
        );
        assert_eq!(results, ["b5", "b7", "b6", "b8"]);
    }
}
