//! Random arguments for sliding windows, short-time and cosine transforms, and the methods for images and signals.

use gristmill::conformance::Generator;
use gristmill::methods::signal::{
    Edges, FilterOptions, RichardsonLucy, autocorrelation, correlate_filter, gaussian_filter, match_template,
    phase_correlation, uniform_filter, upfirdn, wiener,
};
use gristmill::{
    Boundary, Context, ConvMethod, ConvOptions, DctOptions, Norm, PoolOptions, StftOptions, TransformType, Window,
    conv, conv_transpose, dct, dst, idct, istft, pool_max_indices, pool_mean, spectrogram, stft,
};

use super::{complex, number, partner, real, shape};

/// Numbers that are taken now and then, and some that never are.
fn count(generator: &mut Generator) -> usize {
    *generator.pick(&[0, 1, 1, 2, 2, 3, 4, 5, 7, 16, 1 << 40, usize::MAX]).unwrap()
}

/// Strides or dilations, and pads, for some spatial axes.
fn slides(generator: &mut Generator) -> (Vec<usize>, Vec<(usize, usize)>) {
    let some = |generator: &mut Generator| [0, 0, 1, 2, 3][generator.below(5)];
    let numbers =
        (0..some(generator)).map(|_| *generator.pick(&[0, 1, 1, 1, 2, 3, 3, 5, usize::MAX]).unwrap()).collect();
    let axes = some(generator);
    let mut pad = || *generator.pick(&[0, 0, 1, 1, 2, 4, usize::MAX]).unwrap();
    (numbers, (0..axes).map(|_| (pad(), pad())).collect())
}

/// A random window over a random batch of channels.
pub(super) fn window(context: &Context, generator: &mut Generator) -> gristmill::Result<()> {
    let rank = generator.below(5);
    let mut lengths = |of: &[usize]| -> Vec<usize> { (0..rank).map(|_| *generator.pick(of).unwrap()).collect() };
    let (extents, taps) = (lengths(&[0, 1, 2, 5, 7, 9]), lengths(&[0, 1, 1, 2, 3, 3, 4]));
    let [groups, inner, own] = [(); 3].map(|()| *generator.pick(&[0, 1, 1, 2, 3]).unwrap());
    let x = real(context, &[vec![generator.below(3), groups * inner], extents].concat(), generator)?;
    let (strides, pads) = slides(generator);
    let (dilations, _) = slides(generator);
    if generator.below(3) == 0 {
        let [ceil_mode, count_include_pad] = [(); 2].map(|()| generator.below(2) == 0);
        let options = PoolOptions { strides, pads, dilations, ceil_mode, count_include_pad };
        drop(pool_mean(&x, &taps, &options)?.read_blocking()?);
        drop(pool_max_indices(&x, &taps, &options)?.indices.read_blocking()?);
        return Ok(());
    }
    let transposed = generator.below(2) == 0;
    let front = if transposed { vec![groups * inner, own] } else { vec![groups * own, inner] };
    let w = real(context, &[front, taps].concat(), generator)?;
    let methods = [ConvMethod::Auto, ConvMethod::Direct, ConvMethod::ImplicitGemm, ConvMethod::Fft];
    let (output_padding, _) = if generator.below(4) == 0 { slides(generator) } else { Default::default() };
    let method = methods[generator.below(4)];
    let options = ConvOptions { strides, pads, dilations, groups, output_padding, activation: None, method };
    let result = if transposed { conv_transpose(&x, &w, None, &options) } else { conv(&x, &w, None, &options) };
    drop(result?.read_blocking()?);
    Ok(())
}

/// Frames of every length, and back.
pub(super) fn frames(context: &Context, generator: &mut Generator) -> gristmill::Result<()> {
    let window =
        *generator.pick(&[Window::Hann, Window::Boxcar, Window::Kaiser(8.0), Window::Kaiser(f64::NAN)]).unwrap();
    let boundaries = [None, Some(Boundary::Zero), Some(Boundary::Mirror), Some(Boundary::Wrap)];
    let options = StftOptions {
        window: window.periodic(generator.below(9))?,
        hop: count(generator),
        points: (generator.below(3) == 0).then(|| count(generator)),
        centre: *generator.pick(&boundaries).unwrap(),
    };
    let shape = shape(generator);
    match generator.below(3) {
        0 => drop(stft(&real(context, &shape, generator)?, &options)?.read_blocking()?),
        1 => drop(spectrogram(&real(context, &shape, generator)?, &options)?.read_blocking()?),
        _ => drop(istft(&complex(context, &shape, generator)?, &options)?.read_blocking()?),
    }
    Ok(())
}

/// Cosine and sine transforms of every type.
pub(super) fn cosines(context: &Context, generator: &mut Generator) -> gristmill::Result<()> {
    let kinds = [TransformType::I, TransformType::II, TransformType::III, TransformType::IV];
    let axes = generator.below(4);
    let options = DctOptions {
        kind: *generator.pick(&kinds).unwrap(),
        axes: (generator.below(2) == 0).then(|| (0..axes).map(|_| generator.below(4)).collect()),
        lengths: (generator.below(3) == 0).then(|| (0..axes).map(|_| count(generator)).collect()),
        norm: *generator.pick(&[Norm::Backward, Norm::Ortho, Norm::Forward]).unwrap(),
        orthogonalize: *generator.pick(&[None, Some(true), Some(false)]).unwrap(),
    };
    let transform = *generator.pick(&[dct, idct, dst]).unwrap();
    let shape = shape(generator);
    drop(transform(&real(context, &shape, generator)?, &options)?.read_blocking()?);
    Ok(())
}

/// Filters, deconvolution, matching and resampling.
pub(super) fn methods(context: &Context, generator: &mut Generator) -> gristmill::Result<()> {
    let first = shape(generator);
    let second = partner(&first, generator);
    let (x, small) = (real(context, &first, generator)?, real(context, &second, generator)?);
    let boundaries = [Boundary::Zero, Boundary::Reflect, Boundary::Nearest, Boundary::Constant(f32::NAN)];
    let options = FilterOptions {
        boundary: *generator.pick(&boundaries).unwrap(),
        origin: std::array::from_fn(|_| if generator.below(3) == 0 { generator.below(5) as isize - 2 } else { 0 }),
        truncate: f64::from(number(generator)),
    };
    let axes = generator.below(4);
    let result = match generator.below(9) {
        0 => gaussian_filter(&x, &(0..axes).map(|_| f64::from(number(generator))).collect::<Vec<_>>(), &options)?,
        1 => uniform_filter(&x, &(0..axes).map(|_| count(generator)).collect::<Vec<_>>(), &options)?,
        2 => correlate_filter(&x, &small, &options)?,
        3 => {
            let edges = *generator.pick(&[Edges::Periodic, Edges::Faded]).unwrap();
            wiener(&x, &small, f64::from(number(generator)), edges)?
        }
        4 => {
            let open = generator.below(2) == 0;
            let start = if open { RichardsonLucy::with_open_edges } else { RichardsonLucy::new };
            let mut method = start(&x, &small)?.with_floor(number(generator));
            (0..generator.below(3)).try_for_each(|_| method.step())?;
            method.estimate().clone()
        }
        5 => match_template(&x, &small)?,
        6 => phase_correlation(&x, &small)?,
        7 => upfirdn(&small, &x, count(generator), count(generator))?,
        _ => autocorrelation(&x)?,
    };
    drop(result.read_blocking()?);
    Ok(())
}
