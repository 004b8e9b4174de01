//! Gradients against central differences of the f64 definitions and against closed forms, on the host. The table of
//! trials holds every device against the same formulas in f64.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use gristmill::conformance::Generator;
use gristmill::{
    Context, Expr, Formula, GradientOf, Kernel, Metric, Tensor, formula_sum, formula_sum_gradient, gram_gradient,
    gram_hyperparameter_gradients, kernel_sum_gradient, kernel_sum_hyperparameter_gradients,
};
use ndarray::{Array1, Array2, ArrayD, Axis, array};

/// Every smooth leaf with its parameters as text, `{}` where a parameter's value goes, and the values.
const KERNELS: [(&str, &[f64]); 22] = [
    ("rbf(gamma={})", &[0.7]),
    ("rbf({})", &[1.3]),
    ("rbf([{}, {}, {}])", &[0.5, 1.25, 2.0]),
    ("{}*rbf(precision=[[2, 0.5, 0], [0.5, 1, -0.25], [0, -0.25, 1]])", &[2.5]),
    ("laplacian({})", &[0.4]),
    ("matern({}, 0.5)", &[1.1]),
    ("matern({}, 1.5)", &[0.9]),
    ("matern([{}, {}, {}], 2.5)", &[0.5, 1.25, 2.0]),
    ("matern({}, 0.8)", &[1.1]),
    ("matern({}, 3.2)", &[1.7]),
    ("wendland({}, q=2)", &[4.0]),
    ("polynomial(degree=3, gamma={}, coef0={})", &[0.3, 0.8]),
    ("sigmoid({}, {})", &[0.3, -0.2]),
    ("rational_quadratic({}, {})", &[1.2, 0.6]),
    ("exp_sine_squared({}, {})", &[1.4, 2.3]),
    ("cosine", &[]),
    ("bernoulli(order=1, gamma={})", &[0.3]),
    ("bernoulli(order=2, gamma=[{}, {}, {}])", &[0.3, 0.5, 0.25]),
    ("bernoulli(order=3, gamma={})", &[0.3]),
    ("sobolev({})", &[0.7]),
    ("white({})", &[1.5]),
    ("{}*rbf({})*dot_product({}) + {}*constant({})", &[2.5, 0.9, 0.8, 0.3, 1.5]),
];

fn text(pattern: &str, values: &[f64]) -> String {
    let mut values = values.iter();
    let parts: Vec<&str> = pattern.split("{}").collect();
    let mut text = parts[0].to_owned();
    for part in &parts[1..] {
        text = format!("{text}{:?}{part}", values.next().unwrap());
    }
    text
}

fn points(n: usize, d: usize, name: &str) -> Array2<f32> {
    let mut generator = Generator::named(name);
    Array2::from_shape_simple_fn((n, d), || generator.bell())
}

/// `Σᵢⱼ c[i, j] k(x[i], y[j])` in f64, by the textbook.
fn total(kernel: &str, x: &Array2<f64>, y: &Array2<f64>, c: &Array2<f64>) -> f64 {
    let kernel: Kernel = kernel.parse().unwrap();
    let mut sum = 0.0;
    for ((i, j), c) in c.indexed_iter() {
        sum += c * kernel.definition(&x.row(i).to_vec(), &y.row(j).to_vec()).unwrap();
    }
    sum
}

/// The slope at 0 by central differences: fourth order, so that step and rounding cost some 1e-11 of the values.
fn slope(of: impl Fn(f64) -> f64) -> f64 {
    let h = 1e-4;
    (8.0 * (of(h) - of(-h)) - (of(2.0 * h) - of(-2.0 * h))) / (12.0 * h)
}

fn read(tensor: &Tensor) -> ArrayD<f32> {
    tensor.read_blocking().unwrap()
}

/// Differences of fourth order leave h⁴/30 times the fifth derivative: below 1e-14 for these kernels, whose length scales
/// are ½ and more. The host computes in f64, so a result is off by its rounding to f32, and by that of weights.
fn assert_close(got: f32, want: f64, scale: f64, what: &str) {
    assert!((f64::from(got) - want).abs() <= 3e-7 * (want.abs() + scale), "{what}: {got} is not {want}");
}

#[test]
fn gradients_of_every_kernel_are_its_slopes() {
    let context = Context::cpu();
    let (x, y) = (points(4, 3, "points x"), points(5, 3, "points y"));
    let (u, v) = (points(4, 2, "u"), points(5, 2, "v"));
    let wide = |matrix: &Array2<f32>| matrix.map(|&value| f64::from(value));
    let (x64, y64) = (wide(&x), wide(&y));
    // No difference steps over a kink of |x − y|.
    let near = |(a, b): (f64, f64)| (a - b).abs() < 1e-2;
    let rows = x64.rows().into_iter().flat_map(|a| y64.rows().into_iter().map(move |b| (a.to_vec(), b.to_vec())));
    assert!(!rows.into_iter().any(|(a, b)| a.into_iter().zip(b).any(near)));
    let c = wide(&u).dot(&wide(&v).t());
    let matrix = c.map(|&c| c as f32);
    let c_of_matrix = wide(&matrix);
    let [dx, dy, du, dv, dc] = [&x, &y, &u, &v, &matrix].map(|matrix| context.upload(matrix).unwrap());
    for (pattern, values) in KERNELS {
        let name = text(pattern, values);
        let kernel: Kernel = name.parse().unwrap();
        let of_x = read(&kernel_sum_gradient(&dx, &dy, &kernel, Some(&dv), Some(&du), GradientOf::X).unwrap());
        let of_y = read(&kernel_sum_gradient(&dx, &dy, &kernel, Some(&dv), Some(&du), GradientOf::Y).unwrap());
        let of_gram_x = read(&gram_gradient(&dx, &dy, &kernel, &dc, GradientOf::X).unwrap());
        let of_gram_y = read(&gram_gradient(&dx, &dy, &kernel, &dc, GradientOf::Y).unwrap());
        assert_eq!((of_x.shape(), of_y.shape()), (x.shape(), y.shape()));
        for (row, f) in [(0, 0), (1, 2), (3, 1)] {
            let moved = |matrix: &Array2<f64>, h: f64| {
                let mut matrix = matrix.clone();
                matrix[[row, f]] += h;
                matrix
            };
            let want_x = slope(|h| total(&name, &moved(&x64, h), &y64, &c));
            let want_y = slope(|h| total(&name, &x64, &moved(&y64, h), &c));
            assert_close(of_x[[row, f]], want_x, 1.0, &format!("{name} by x"));
            assert_close(of_y[[row, f]], want_y, 1.0, &format!("{name} by y"));
            let want_x = slope(|h| total(&name, &moved(&x64, h), &y64, &c_of_matrix));
            let want_y = slope(|h| total(&name, &x64, &moved(&y64, h), &c_of_matrix));
            assert_close(of_gram_x[[row, f]], want_x, 1.0, &format!("gram of {name} by x"));
            assert_close(of_gram_y[[row, f]], want_y, 1.0, &format!("gram of {name} by y"));
        }
        let of_v = read(&kernel_sum_gradient(&dx, &dy, &kernel, Some(&dv), Some(&du), GradientOf::Values).unwrap());
        let k = |i: usize, j: usize| kernel.definition(&x64.row(i).to_vec(), &y64.row(j).to_vec()).unwrap();
        for ((j, column), got) in of_v.into_dimensionality::<ndarray::Ix2>().unwrap().indexed_iter() {
            let want: f64 = (0..4).map(|i| k(i, j) * f64::from(u[[i, column]])).sum();
            assert_close(*got, want, 1.0, &format!("{name} by v"));
        }
        let sums = kernel_sum_hyperparameter_gradients(&dx, &dy, &kernel, Some(&dv), Some(&du)).unwrap();
        let grams = gram_hyperparameter_gradients(&dx, &dy, &kernel, &dc).unwrap();
        for (found, c) in [(sums, &c), (grams, &c_of_matrix)] {
            let found: Vec<f32> = found.iter().flat_map(|of| read(&of.gradient).into_iter()).collect();
            assert_eq!(found.len(), values.len(), "{name}");
            for (at, got) in found.into_iter().enumerate() {
                let want = slope(|h| {
                    let mut values = values.to_vec();
                    values[at] += h;
                    total(&text(pattern, &values), &x64, &y64, c)
                });
                // A weight is rounded to f32 in the kernel itself; 1e-6 of it is what moves with it.
                assert_close(got, want, 4.0, &format!("{name} by parameter {at}"));
            }
        }
    }
}

#[test]
fn parameters_that_are_defaults_have_gradients_too() {
    let context = Context::cpu();
    let x = context.upload(&points(3, 4, "defaults")).unwrap();
    let names = |kernel: &str| {
        let found = kernel_sum_hyperparameter_gradients(&x, &x, &kernel.parse().unwrap(), None, None).unwrap();
        found.into_iter().map(|of| of.name).collect::<Vec<_>>()
    };
    assert_eq!(names("rbf"), ["rbf.gamma"]);
    assert_eq!(names("matern(nu=1.5)"), ["matern.length_scale"]);
    assert_eq!(names("polynomial"), ["polynomial.gamma", "polynomial.coef0"]);
    assert_eq!(names("2*rq + linear"), ["factor", "rational_quadratic.length_scale", "rational_quadratic.alpha"]);
}

/// The slope of a Gaussian sum, `Σⱼ −(x − y)/l² k v`; where points meet, gradients are 0 and no gradient is NaN.
#[test]
fn closed_forms() {
    let context = Context::cpu();
    let (x, y) =
        (context.upload(&array![[0.5, 0.0]]).unwrap(), context.upload(&array![[0.0, 0.0], [0.5, 0.0]]).unwrap());
    let v = context.upload(&array![3.0, 7.0]).unwrap();
    let gradient = kernel_sum_gradient(&x, &y, &Kernel::rbf_length(0.5), Some(&v), None, GradientOf::X).unwrap();
    let want = (-3.0 * 2.0 * (-0.5_f64).exp()) as f32;
    assert!((read(&gradient)[[0, 0]] - want).abs() <= 4.0 * f32::EPSILON * want.abs());
    assert_eq!(read(&gradient)[[0, 1]], 0.0);
    let meeting = context.upload(&Array2::<f32>::zeros((3, 4))).unwrap();
    for entry in Kernel::all() {
        let Ok(kernel) = entry.name.parse::<Kernel>() else { continue };
        let Ok(gradient) = kernel_sum_gradient(&meeting, &meeting, &kernel, None, None, GradientOf::X) else {
            continue;
        };
        assert!(read(&gradient).iter().all(|value| !value.is_nan()), "{}", entry.name);
    }
    for kernel in [
        "matern(nu=0.3)",
        "matern(nu=0.8)",
        "matern(nu=1.2)",
        "matern(nu=0.5)",
        "matern(nu=1.5)",
        "matern(nu=2.5)",
        "laplacian",
        "exponential",
    ] {
        let gradient =
            kernel_sum_gradient(&meeting, &meeting, &kernel.parse::<Kernel>().unwrap(), None, None, GradientOf::X);
        assert_eq!(read(&gradient.unwrap()), Array2::<f32>::zeros((3, 4)).into_dyn(), "{kernel}");
    }
    let distances = kernel_sum_gradient(&x, &y, &Metric::EUCLIDEAN, None, None, GradientOf::X).unwrap();
    assert_eq!(read(&distances), array![[1.0_f32, 0.0]].into_dyn());
}

/// Soft assignments of points to centres, a formula of vectors, numbers and parameters, and its gradients by j and by
/// parameters.
#[test]
fn gradients_of_formulas_are_their_slopes() {
    let context = Context::cpu();
    let (x, y) = (points(4, 2, "fx"), points(6, 2, "fy"));
    let scale = Array1::from(vec![0.8_f32, 1.1]);
    let [dx, dy] = [&x, &y].map(|matrix| context.upload(matrix).unwrap());
    let ds = context.upload(&scale).unwrap();
    let (vx, vy, vs) = (Expr::vi(0, 2), Expr::vj(0, 2), Expr::pm(0, 2));
    let moved = (&vx - &vy) * &vs;
    let value = (moved.sqnorm() + 1.0).log() * vx.concat(&vy).extract(1, 2) + moved.abs().max(0.1);
    let formula = Formula::new(value).unwrap();
    let of = |x: &Array2<f64>, y: &Array2<f64>, s: &[f64]| {
        let mut sum = 0.0;
        for a in x.rows() {
            for b in y.rows() {
                sum += formula.evaluate(&[&a.to_vec(), &b.to_vec(), s]).iter().sum::<f64>();
            }
        }
        sum
    };
    let wide = |matrix: &Array2<f32>| matrix.map(|&value| f64::from(value));
    let (x64, y64, s64) = (wide(&x), wide(&y), scale.map(|&value| f64::from(value)).to_vec());
    let sums = read(&formula_sum(&formula, &[&dx], &[&dy], &[&ds]).unwrap());
    assert_eq!(sums.shape(), [4, 2]);
    assert_close(sums.sum(), of(&x64, &y64, &s64), 10.0, "the sum");
    let gradient = |of: &Expr| read(&formula_sum_gradient(&formula, of, &[&dx], &[&dy], &[&ds], None).unwrap());
    let at = |matrix: &Array2<f64>, h: f64| {
        let mut matrix = matrix.clone();
        matrix[[2, 1]] += h;
        matrix
    };
    let close = |got: f32, want: f64, what: &str| assert_close(got, want, 10.0, what);
    close(gradient(&vx)[[2, 1]], slope(|h| of(&at(&x64, h), &y64, &s64)), "by x");
    close(gradient(&vy)[[2, 1]], slope(|h| of(&x64, &at(&y64, h), &s64)), "by y");
    close(gradient(&vs)[[0]], slope(|h| of(&x64, &y64, &[s64[0] + h, s64[1]])), "by the parameters");
    assert_eq!(gradient(&vs).shape(), [2]);
}

/// What a kernel does not see is not counted where only a few features have a gradient.
#[test]
fn a_few_of_many_columns_have_the_gradient_of_those_alone() {
    let context = Context::cpu();
    let (wide, columns) = (points(5, 40, "wide"), [0, 3]);
    let narrow = wide.select(Axis(1), &columns);
    for text in ["rbf(precision=[[2, 0.5], [0.5, 1]])", "bernoulli(gamma=0.3)"] {
        let gradient = |text: &str, x: &Array2<f32>| {
            let x = context.upload(x).unwrap();
            read(&kernel_sum_gradient(&x, &x, &text.parse::<Kernel>().unwrap(), None, None, GradientOf::X).unwrap())
        };
        let (of_all, of_few) = (gradient(&format!("{text}[0, 3]"), &wide), gradient(text, &narrow));
        for i in 0..wide.nrows() {
            for f in 0..wide.ncols() {
                let want = columns.iter().position(|column| *column == f).map_or(0.0, |f| of_few[[i, f]]);
                assert_close(of_all[[i, f]], want.into(), 1.0, &format!("{text}: {i}, {f}"));
            }
        }
    }
    let (x, every) = (context.upload(&wide).unwrap(), "bernoulli(gamma=0.3)".parse::<Kernel>().unwrap());
    let refused = kernel_sum_gradient(&x, &x, &every, None, None, GradientOf::X).unwrap_err().to_string();
    assert!(refused.contains("for up to 32; choose columns"), "{refused}");
}

#[test]
fn what_cannot_be_is_refused() {
    let context = Context::cpu();
    let (x, y) = (
        context.upload(&Array2::<f32>::zeros((3, 2))).unwrap(),
        context.upload(&Array2::<f32>::zeros((4, 3))).unwrap(),
    );
    let linear = Kernel::linear();
    assert!(kernel_sum_gradient(&x, &y, &linear, None, None, GradientOf::X).is_err());
    assert!(kernel_sum_gradient(&x, &x, &linear, None, None, GradientOf::Values).is_err());
    assert!(kernel_sum_gradient(&x, &x, &linear, Some(&y), None, GradientOf::X).is_err());
    assert!(gram_gradient(&x, &x, &linear, &y, GradientOf::X).is_err());
    assert!(kernel_sum_gradient(&x, &x, &Metric::CHEBYSHEV, None, None, GradientOf::X).is_err());
    assert!(Formula::new(Expr::vi(0, 2) + Expr::vj(0, 3)).is_err());
    assert!(Formula::new(Expr::variable(0)).is_err());
    assert!(Formula::new(Expr::vi(0, 2).sum() + Expr::vi(0, 3).sum()).is_err());
    let distance = Formula::new(Expr::vi(0, 2).sqdist(&Expr::vj(0, 2))).unwrap();
    assert!(formula_sum(&distance, &[&x], &[], &[]).is_err());
    assert!(formula_sum(&distance, &[], &[&x], &[]).is_err());
    assert!(formula_sum(&distance, &[&x], &[&y], &[]).is_err());
    assert!(formula_sum_gradient(&distance, &Expr::constant(1.0), &[&x], &[&x], &[], None).is_err());
}
