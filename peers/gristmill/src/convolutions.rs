//! Convolutions by the methods that Gristmill would have to choose from.

use std::rc::Rc;

use anyhow::Result;
use gristmill::{
    Context, ConvMethod, ConvOptions, ConvolveOptions, Expr, FftOptions, Formula, Method, Mode, Tensor, conv, convolve,
    formula_sum, gemm, irfft, rfft,
};
use peers::{Task, Timed};

use crate::on_device;

/// Circular convolutions of rows with rows by transforms, with the product between them in the same pass.
pub fn circular(inputs: &[Tensor]) -> gristmill::Result<Tensor> {
    let options = ConvolveOptions { circular: true, method: Method::Fft, rank: Some(1), ..ConvolveOptions::default() };
    convolve(&inputs[0], &inputs[1], &options)
}

/// The same three transforms and the product, one after another.
pub fn unfused(context: &Context, inputs: &[Tensor]) -> Result<Timed> {
    let [x, h] = [inputs[0].clone(), inputs[1].clone()];
    let one = context.upload_slice(&[1.0_f32], &[1])?;
    let (a, b) = (Expr::vi(0, 2), Expr::vi(1, 2));
    let part = |z: &Expr, part: usize| z.component(part);
    let re = part(&a, 0) * part(&b, 0) - part(&a, 1) * part(&b, 1);
    let im = part(&a, 0) * part(&b, 1) + part(&a, 1) * part(&b, 0);
    let product = Formula::new(re.concat(&im) * Expr::vj(0, 1))?;
    let options = FftOptions::default();
    Ok(on_device("gristmill unfused", move || {
        let [x, h] = [rfft(&x, &options)?, rfft(&h, &options)?];
        let (shape, entries) = ([x.shape()[0], x.shape()[1], 2], x.len());
        let [x, h] = [x, h].map(|z| z.view_as_real().reshape(&[entries, 2]));
        let spectra = formula_sum(&product, &[&x?, &h?], &[&one], &[])?;
        irfft(&spectra.reshape(&shape)?.view_as_complex()?, &options)
    }))
}

/// Full convolutions of rows with one kernel.
pub fn full(inputs: &[Tensor]) -> gristmill::Result<Tensor> {
    convolve(&inputs[0], &inputs[1], &ConvolveOptions { rank: Some(1), ..ConvolveOptions::mode(Mode::Full) })
}

/// Every channel with its window, zeros around it.
pub fn depthwise(inputs: &[Tensor], method: ConvMethod) -> gristmill::Result<Tensor> {
    let (groups, window) = (inputs[1].shape()[0], inputs[1].shape()[3]);
    let options = ConvOptions { pads: vec![(window / 2, window / 2); 2], groups, method, ..ConvOptions::default() };
    conv(&inputs[0], &inputs[1], None, &options)
}

/// Bytes of unfolded channels that are one tensor: what one binding holds everywhere.
const UNFOLDED_BYTES: usize = 96 << 20;

/// The same as a product of the windows with every entry's surroundings, which are in memory already.
pub fn unfolded(context: &Context, task: &Task) -> Result<Timed> {
    let [channels, side, window] = task.dimensions();
    let (taps, entries) = (window * window, side * side);
    let inputs = task.inputs();
    let entry = |channel: usize, tap: usize, at: usize| -> f32 {
        let row = (at / side + tap / window).wrapping_sub(window / 2);
        let column = (at % side + tap % window).wrapping_sub(window / 2);
        if row < side && column < side { inputs[0][(channel * side + row) * side + column] } else { 0.0 }
    };
    let at_once = (UNFOLDED_BYTES / (4 * taps * entries)).clamp(1, channels);
    let factors = |start: usize| -> Result<[Tensor; 2]> {
        let count = at_once.min(channels - start);
        let windows = &inputs[1][start * taps..(start + count) * taps];
        let lines = (0..count * taps).map(|line| (start + line / taps, line % taps));
        let columns: Vec<f32> =
            lines.flat_map(|(channel, tap)| (0..entries).map(move |at| entry(channel, tap, at))).collect();
        Ok([
            context.upload_slice(windows, &[count, 1, taps])?,
            context.upload_slice(&columns, &[count, taps, entries])?,
        ])
    };
    let factors = (0..channels).step_by(at_once).map(factors).collect::<Result<Vec<_>>>()?;
    let products = Rc::new(move || -> gristmill::Result<Vec<Tensor>> {
        factors.iter().map(|[windows, columns]| gemm(1.0, windows, columns, 0.0, None)).collect()
    });
    let again = products.clone();
    Ok(Timed {
        name: "gristmill gemm",
        run: Box::new(move || products()?.into_iter().try_for_each(crate::wait)),
        result: Box::new(move || {
            let read = |part: Tensor| Ok(part.read_blocking()?.into_iter());
            Ok(again()?.into_iter().map(read).collect::<Result<Vec<_>>>()?.into_iter().flatten().collect())
        }),
    })
}
