//! Filters, deconvolution, matching and registration of images and signals, as their formulas are written.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn, Zip};
use num_complex::Complex;

use super::convolve::{Part, convolve, correlate};
use super::{Sums, dft_along};
use crate::error::Result;

/// `out[t] = Σₛ x[place(t + s − ⌊k/2⌋ − origin)] w[s]` over all axes, and the sums of magnitudes; `place` says which of n
/// entries stands at a place, and `outside` is there if none does.
pub fn weighted_neighbours(
    x: ArrayViewD<'_, f64>,
    w: ArrayViewD<'_, f64>,
    origin: [isize; 3],
    place: impl Fn(i64, usize) -> Option<usize>,
    outside: f64,
) -> Sums<ArrayD<f64>, ArrayD<f64>> {
    let mut sums = Sums { value: ArrayD::zeros(x.raw_dim()), magnitude: ArrayD::zeros(x.raw_dim()) };
    for (t, value) in sums.value.indexed_iter_mut() {
        for (s, weight) in w.indexed_iter() {
            let at = |axis: usize| {
                let middle = (w.len_of(Axis(axis)) / 2) as i64 + origin[axis] as i64;
                place(t[axis] as i64 + s[axis] as i64 - middle, x.len_of(Axis(axis)))
            };
            let seen: Option<Vec<usize>> = (0..x.ndim()).map(at).collect();
            let product = weight * seen.map_or(outside, |seen| x[IxDyn(&seen)]);
            *value += product;
            sums.magnitude[&t] += product.abs();
        }
    }
    sums
}

/// `out[t] = Σₛ x[s] h[t·down − s·up]`, and the sums of magnitudes.
pub fn upfirdn(h: &[f64], x: &[f64], up: usize, down: usize) -> Sums<Vec<f64>, Vec<f64>> {
    let length = (x.len().saturating_sub(1) * up + h.len().saturating_sub(1)) / down + 1;
    let terms = |t: usize| {
        let tap = move |s: usize| (t * down).checked_sub(s * up).and_then(|at| h.get(at));
        x.iter().enumerate().filter_map(move |(s, x)| Some(x * tap(s)?)).collect::<Vec<f64>>()
    };
    let all: Vec<_> = (0..length).map(terms).collect();
    Sums {
        value: all.iter().map(|terms| terms.iter().sum()).collect(),
        magnitude: all.iter().map(|terms| terms.iter().map(|term| term.abs()).sum()).collect(),
    }
}

/// What is left of numbers without their mean.
pub fn centred(x: ArrayViewD<'_, f64>) -> ArrayD<f64> {
    let mean = x.sum() / x.len().max(1) as f64;
    x.mapv(|value| value - mean)
}

/// The coefficients of a real array of all axes, zero-padded to `shape`.
pub fn spectrum(x: ArrayViewD<'_, f64>, shape: &[usize]) -> ArrayD<Complex<f64>> {
    along_all(x.mapv(|value| Complex::new(value, 0.0)), shape, false)
}

/// The real array whose coefficients these are.
pub fn from_spectrum(x: ArrayD<Complex<f64>>) -> ArrayD<f64> {
    let (shape, count) = (x.shape().to_vec(), x.len() as f64);
    along_all(x, &shape, true).mapv(|value| value.re / count)
}

fn along_all(x: ArrayD<Complex<f64>>, shape: &[usize], inverse: bool) -> ArrayD<Complex<f64>> {
    shape.iter().enumerate().fold(x, |x, (axis, &n)| dft_along(x.view(), axis, n, inverse, 1.0))
}

/// The spectrum of what Wiener's filter restores, `conj(H) Y / (|H|² + balance |Λ|²)`, of that of the image, of the
/// point-spread function that begins at the origin, and of the Laplacian.
pub fn wiener(
    image: &ArrayD<Complex<f64>>,
    psf: &ArrayD<Complex<f64>>,
    laplacian: &ArrayD<Complex<f64>>,
    balance: f64,
) -> ArrayD<Complex<f64>> {
    let restored =
        |y: &Complex<f64>, h: &Complex<f64>, l: &Complex<f64>| h.conj() * y / (h.norm_sqr() + balance * l.norm_sqr());
    Zip::from(image).and(psf).and(laplacian).map_collect(restored)
}

/// Values, and how far off what computes them in f32 may be.
pub type Bounded = (ArrayD<f64>, ArrayD<f64>);

/// One iteration of Richardson and Lucy in a scene that is black past the image's edges,
/// `u ((image / (u ∗ psf + 1e-12)) ⋆ psf)`: every convolution is off by `relative` of the sum of its magnitudes, every
/// other operation by 2⁻²⁴ of its result, and `u` by what came before.
///
/// # Errors
/// As [`convolve`].
pub fn richardson_lucy(image: &ArrayD<f64>, psf: &ArrayD<f64>, u: &Bounded, relative: f64) -> Result<Bounded> {
    const ROUNDING: f64 = 1.0 / (1 << 24) as f64;
    let complex = |x: &ArrayD<f64>| x.mapv(|value| Complex::new(value, 0.0));
    let psf = complex(psf);
    let blurred = convolve(complex(&u.0).view(), psf.view(), Part::Same)?;
    let spread = convolve(complex(&u.1).view(), psf.view(), Part::Same)?;
    let off = &blurred.magnitude * relative + spread.value.mapv(|value| value.re);
    let blurred = blurred.value.mapv(|value| value.re + 1e-12);
    let ratio = image / &blurred;
    let mut ratio_off = ratio.mapv(|ratio| 5.0 * ROUNDING * ratio.abs());
    Zip::from(&mut ratio_off).and(&ratio).and(&blurred).and(&off).for_each(|error, ratio, blurred, off| {
        *error += ratio.abs() * off / (blurred - off).max(0.0);
    });
    let correction = correlate(complex(&ratio).view(), psf.view(), Part::Same)?;
    let spread = correlate(complex(&ratio_off).view(), psf.view(), Part::Same)?;
    let off = &correction.magnitude * relative + spread.value.mapv(|value| value.re);
    let correction = correction.value.mapv(|value| value.re);
    let next = &u.0 * &correction;
    let error = next.mapv(|u| ROUNDING * u.abs()) + &u.0.mapv(f64::abs) * &off + &correction.mapv(f64::abs) * &u.1;
    Ok((next, error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use ndarray::array;

    #[test]
    fn formulas_give_what_scipy_gives() {
        let x = array![1.0, 4.0, 9.0].into_dyn();
        let w = array![-0.5, 0.0, 0.5].into_dyn();
        let nearest = |at: i64, n: usize| Some(at.clamp(0, n as i64 - 1) as usize);
        let slope = weighted_neighbours(x.view(), w.view(), [0; 3], nearest, 0.0);
        assert_eq!(slope.value, array![1.5, 4.0, 2.5].into_dyn());
        assert_eq!(slope.magnitude, array![2.5, 5.0, 6.5].into_dyn());
        let moved = weighted_neighbours(x.view(), w.view(), [1, 0, 0], nearest, 0.0);
        assert_eq!(moved.value, array![0.0, 1.5, 4.0].into_dyn());
        assert_eq!(upfirdn(&[0.5, 1.0, 0.5], &[1.0, 2.0, 3.0], 2, 1).value, [0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 1.5]);
        assert_eq!(centred(array![1.0, 4.0, 10.0].into_dyn().view()), array![-4.0, -1.0, 5.0].into_dyn());
    }

    #[test]
    fn spectra_lead_back() {
        let x = array![[1.0, 4.0, 9.0], [2.0, -1.0, 0.5]].into_dyn();
        let back = from_spectrum(spectrum(x.view(), &[2, 3]));
        assert!((&back - &x).iter().all(|error| error.abs() < 1e-12));
    }

    /// Light spread by the point-spread function goes back to where it was, and the bound grows from step to step.
    #[test]
    fn iterations_sharpen() {
        let (image, psf) = (array![0.0, 0.25, 0.5, 0.25, 0.0].into_dyn(), array![0.25, 0.5, 0.25].into_dyn());
        let mut u = (ArrayD::from_elem(vec![5], 0.5), ArrayD::zeros(vec![5]));
        let mut bounds = Vec::new();
        for _ in 0..30 {
            u = richardson_lucy(&image, &psf, &u, 1e-7).unwrap();
            bounds.push(u.1[[2]]);
        }
        assert!(u.0[[2]] > 0.8 && bounds[0] > 0.0 && bounds[2] > bounds[0] && bounds[2] < 1e-4, "{u:?}");
    }
}
