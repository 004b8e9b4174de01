#![allow(clippy::unwrap_used)]

use ndarray::{Array1, Array2, ArrayView2, s};

use super::*;
use crate::context::Context;

/// Whole numbers from 0 to 250 without a pattern.
fn noise(at: usize) -> f32 {
    ((at * 7919 + at * at % 104_729) % 251) as f32
}

#[test]
fn resampling_is_its_formula_for_any_factors() {
    let context = Context::cpu();
    for (n, taps, up, down) in
        [(1, 1, 1, 1), (7, 3, 1, 1), (10, 31, 3, 2), (10, 4, 1, 4), (9, 7, 4, 2), (5, 2, 7, 3), (40, 9, 5, 11)]
    {
        let (x, h) = (Array1::from_shape_fn(n, noise), Array1::from_shape_fn(taps, |t| noise(t + 5) / 64.0));
        let got = upfirdn(&context.upload(&h).unwrap(), &context.upload(&x).unwrap(), up, down).unwrap();
        let got = got.read_blocking().unwrap();
        assert_eq!(got.shape(), [((n - 1) * up + taps - 1) / down + 1], "{n} {taps} {up} {down}");
        for (t, got) in got.iter().enumerate() {
            let term = |s: usize| Some(x[s] * *h.get((t * down).checked_sub(s * up)?)?);
            let exact: f32 = (0..n).filter_map(term).sum();
            assert!((got - exact).abs() <= 1e-5 * exact.abs(), "{n} {taps} {up} {down}: {got} for {exact} at {t}");
        }
    }
    let batch = Array2::from_shape_fn((3, 8), |(b, t)| noise(8 * b + t));
    let h = context.upload(&Array1::from_elem(3, 0.5)).unwrap();
    let all = upfirdn(&h, &context.upload(&batch).unwrap(), 2, 3).unwrap().read_blocking().unwrap();
    for (b, row) in batch.outer_iter().enumerate() {
        let one = upfirdn(&h, &context.upload(&row).unwrap(), 2, 3).unwrap().read_blocking().unwrap();
        assert_eq!(all.slice(s![b, ..]), one.slice(s![..]));
    }
}

fn coefficient(window: ArrayView2<'_, f32>, template: ArrayView2<'_, f32>) -> f64 {
    let centred = |a: ArrayView2<'_, f32>| {
        let a = a.mapv(f64::from);
        let mean = a.sum() / a.len() as f64;
        a - mean
    };
    let (x, t) = (centred(window), centred(template));
    let variance = (&x * &x).sum() * (&t * &t).sum();
    if variance > 0.0 { (&x * &t).sum() / variance.sqrt() } else { 0.0 }
}

/// A faint pattern on bright ground, beside dark ground: sums of squares minus squared sums would keep nothing of it.
#[test]
fn matches_keep_what_is_faint_and_flat_ground_matches_nothing() {
    let context = Context::cpu();
    let faint = |y: usize, x: usize| if x < 30 { 0.0 } else { 1000.0 + noise(y * 60 + x) / 4096.0 };
    let image = Array2::from_shape_fn((40, 60), |(y, x)| faint(y, x));
    let template = image.slice(s![11..20, 41..52]);
    let map = match_template(&context.upload(&image).unwrap(), &context.upload(&template).unwrap()).unwrap();
    let (place, value) = best_match_blocking(&map).unwrap();
    assert_eq!((&place[..], (value - 1.0).abs() < 1e-2), (&[11, 41][..], true), "{value}");
    let map = map.read_blocking().unwrap();
    for ((y, x), window) in image.windows((9, 11)).into_iter().enumerate().map(|(i, w)| ((i / 50, i % 50), w)) {
        let exact = coefficient(window, template);
        assert!((f64::from(map[[y, x]]) - exact).abs() < 1e-2, "{} for {exact} at {y}, {x}", map[[y, x]]);
        assert!(x > 19 || map[[y, x]] == 0.0);
    }
    let flat =
        match_template(&context.upload(&image).unwrap(), &context.upload(&Array2::from_elem((3, 3), 0.1)).unwrap());
    assert!(flat.unwrap().read_blocking().unwrap().iter().all(|value| *value == 0.0));
}

#[test]
fn images_of_a_batch_are_worked_on_one_by_one() {
    let context = Context::cpu();
    let images = ndarray::Array3::from_shape_fn((2, 16, 18), |(c, y, x)| noise(c * 300 + y * 18 + x));
    let psf = context.upload(&Array2::from_elem((3, 2), 1.0 / 6.0)).unwrap();
    let batch = context.upload(&images).unwrap();
    type Method = fn(&Tensor, &Tensor) -> Result<Tensor>;
    let methods: [Method; 4] = [
        |x, psf| wiener(x, psf, 0.01, Edges::Faded),
        |x, psf| richardson_lucy(x, psf, 3),
        match_template,
        |x, _| gaussian_filter(x, &[1.0, 2.0], &FilterOptions::default()),
    ];
    for method in methods {
        let all = method(&batch, &psf).unwrap().read_blocking().unwrap();
        for c in 0..2 {
            let one = context.upload(&images.slice(s![c, .., ..])).unwrap();
            let one = method(&one, &psf).unwrap().read_blocking().unwrap();
            let scale = one.iter().fold(1e-3f32, |a, b| a.max(b.abs()));
            let apart = (&all.slice(s![c, .., ..]).into_dyn() - &one).iter().fold(0f32, |a, b| a.max(b.abs()));
            assert!(apart <= 1e-5 * scale, "{apart} of {scale}");
        }
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let context = Context::cpu();
    let x = context.upload(&Array2::<f32>::ones((4, 5))).unwrap();
    let wide = context.upload(&Array2::<f32>::ones((1, 6))).unwrap();
    let none = context.upload(&Array2::<f32>::ones((0, 2))).unwrap();
    for small in [&wide, &none] {
        assert!(wiener(&x, small, 0.1, Edges::Faded).is_err());
        assert!(richardson_lucy(&x, small, 1).is_err());
        assert!(match_template(&x, small).is_err());
    }
    assert!(wiener(&x, &x, 0.0, Edges::Periodic).is_err());
    assert!(wiener(&x, &x, f64::NAN, Edges::Periodic).is_err());
    assert!(phase_shift_blocking(&x, &wide).is_err());
    assert!(best_match_blocking(&none).is_err());
    assert!(autocorrelation(&none.transpose()).is_err());
    let options = FilterOptions::default();
    assert!(uniform_filter(&x, &[0], &options).is_err());
    assert!(uniform_filter(&x, &[3, 3, 3], &options).is_err());
    assert!(gaussian_filter(&x, &[f64::INFINITY], &options).is_err());
    assert!(gaussian_filter(&x, &[1e300], &options).is_err());
    assert!(uniform_filter(&x, &[3], &FilterOptions { origin: [2, 0, 0], ..options }).is_err());
    let line = context.upload(&Array1::<f32>::ones(3)).unwrap();
    assert!(upfirdn(&line, &x, 0, 1).is_err());
    assert!(upfirdn(&line, &x, 1, usize::MAX).is_err());
    assert!(upfirdn(&x, &line, 1, 1).is_err());
}
