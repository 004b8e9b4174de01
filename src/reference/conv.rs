//! Neural convolution, its transpose and pooling, output by output.

use ndarray::{ArrayD, ArrayViewD, Axis, IxDyn};

use super::Sums;

/// How a window moves along one axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slide {
    /// Entries from one window to the next.
    pub stride: usize,
    /// Entries from one tap to the next.
    pub dilation: usize,
    /// Pads in front and behind.
    pub pads: (usize, usize),
    /// Windows.
    pub outputs: usize,
}

/// `y[n, o, p] = Σ_c Σ_t w[o, c, t] x[n, g + c, p · stride − pad + t · dilation]`, g being the first channel of o's group, and
/// beside it the sums of magnitudes.
pub fn conv(
    x: ArrayViewD<'_, f64>,
    w: ArrayViewD<'_, f64>,
    slides: &[Slide],
    groups: usize,
) -> Sums<ArrayD<f64>, ArrayD<f64>> {
    let (filters, inner) = (w.shape()[0], w.shape()[1]);
    let mut sums = zeros(x.shape()[0], filters, slides);
    let mut source = vec![0; x.ndim()];
    for (at, value) in sums.value.indexed_iter_mut() {
        let group = at[1] / (filters / groups);
        for (of, &factor) in w.index_axis(Axis(0), at[1]).indexed_iter() {
            (source[0], source[1]) = (at[0], group * inner + of[0]);
            if met(&mut source[2..], slides, |axis| (at[axis + 2], of[axis + 1])) {
                let term = factor * x.get(&source[..]).copied().unwrap_or(0.0);
                *value += term;
                sums.magnitude[&at] += term.abs();
            }
        }
    }
    sums
}

/// `y[n, o, q] = Σ w[g + c, o, t] x[n, g + c, p]` over all p and t with `p · stride − pad + t · dilation = q`, and beside it
/// the sums of magnitudes.
pub fn conv_transpose(
    x: ArrayViewD<'_, f64>,
    w: ArrayViewD<'_, f64>,
    slides: &[Slide],
    groups: usize,
) -> Sums<ArrayD<f64>, ArrayD<f64>> {
    let own = w.shape()[1];
    let mut sums = zeros(x.shape()[0], own * groups, slides);
    let mut target = vec![0; x.ndim()];
    for (at, &entry) in x.indexed_iter() {
        let group = at[1] / (x.shape()[1] / groups);
        for (of, &factor) in w.index_axis(Axis(0), at[1]).indexed_iter() {
            (target[0], target[1]) = (at[0], group * own + of[0]);
            if met(&mut target[2..], slides, |axis| (at[axis + 2], of[axis + 1])) {
                if let Some(value) = sums.value.get_mut(&target[..]) {
                    *value += factor * entry;
                    sums.magnitude[&target[..]] += (factor * entry).abs();
                }
            }
        }
    }
    sums
}

/// `place = p · stride − pad + t · dilation` along every axis, of each (p, t); whether none lies in front.
fn met(place: &mut [usize], slides: &[Slide], of: impl Fn(usize) -> (usize, usize)) -> bool {
    place.iter_mut().zip(slides).enumerate().all(|(axis, (place, slide))| {
        let (p, t) = of(axis);
        let from_pads = p * slide.stride + t * slide.dilation;
        *place = from_pads.saturating_sub(slide.pads.0);
        from_pads >= slide.pads.0
    })
}

/// What the windows of one output see: their entries that exist with their places in the channel, and how many lie in the
/// pads.
pub fn window(x: ArrayViewD<'_, f64>, taps: &[usize], slides: &[Slide], at: &[usize]) -> (Vec<(f64, usize)>, usize) {
    let lengths = &x.shape()[2..];
    let (mut seen, mut padding) = (Vec::new(), 0);
    for tap in ndarray::indices(IxDyn(taps)) {
        let place: Vec<i64> = slides
            .iter()
            .enumerate()
            .map(|(axis, slide)| {
                (at[axis + 2] * slide.stride + tap[axis] * slide.dilation) as i64 - slide.pads.0 as i64
            })
            .collect();
        let inside = place.iter().zip(lengths).all(|(place, length)| (0..*length as i64).contains(place));
        if inside {
            let flat = place.iter().zip(lengths).fold(0, |flat, (place, length)| flat * length + *place as usize);
            let source: Vec<usize> = at[..2].iter().copied().chain(place.iter().map(|place| *place as usize)).collect();
            seen.push((x[IxDyn(&source)], flat));
        } else if place
            .iter()
            .zip(lengths)
            .zip(slides)
            .all(|((place, length), slide)| *place < (length + slide.pads.1) as i64)
        {
            padding += 1;
        }
    }
    (seen, padding)
}

fn zeros(batch: usize, channels: usize, slides: &[Slide]) -> Sums<ArrayD<f64>, ArrayD<f64>> {
    let shape: Vec<usize> = [batch, channels].into_iter().chain(slides.iter().map(|slide| slide.outputs)).collect();
    Sums { value: ArrayD::zeros(IxDyn(&shape)), magnitude: ArrayD::zeros(IxDyn(&shape)) }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn a_convolution_and_its_transpose_are_adjoint() {
        let slide = |outputs| Slide { stride: 2, dilation: 2, pads: (1, 1), outputs };
        let x = ArrayD::from_shape_fn(IxDyn(&[1, 4, 9]), |at| (at[1] * 9 + at[2]) as f64 % 7.0 - 3.0);
        let w = ArrayD::from_shape_fn(IxDyn(&[6, 2, 3]), |at| (at[0] * 6 + at[1] * 3 + at[2]) as f64 % 5.0 - 2.0);
        let y = conv(x.view(), w.view(), &[slide(4)], 2).value;
        let g = ArrayD::from_shape_fn(y.raw_dim(), |at| (at[1] * 4 + at[2]) as f64 % 3.0 - 1.0);
        // Within each group, w as outputs × inputs is read as inputs × outputs of the transpose.
        let back = conv_transpose(g.view(), w.view(), &[slide(9)], 2).value;
        assert_eq!((&y * &g).sum(), (&x * &back).sum());
    }

    #[test]
    fn windows_know_their_pads() {
        let x = array![[[1.0, 2.0, 3.0]]].into_dyn();
        let slide = [Slide { stride: 2, dilation: 1, pads: (1, 0), outputs: 2 }];
        assert_eq!(window(x.view(), &[2], &slide, &[0, 0, 0]), (vec![(1.0, 0)], 1));
        assert_eq!(window(x.view(), &[3], &slide, &[0, 0, 1]), (vec![(2.0, 1), (3.0, 2)], 0));
    }
}
