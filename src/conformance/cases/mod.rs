//! Outside cases: inputs and parameters written by other libraries, results judged by somebody else's program.
//!
//! A directory of cases holds `<family>/<case>/case.json` and the inputs as `.npy`. For every case whose `op` is in the
//! [registry](known_ops), the outputs are written to `<results>/<family>/<case>/<output file>`; expected files are never
//! read. Cases of other ops are counted by name.

mod attention;
mod case;
mod convolve;
mod fft;
mod gemm;
mod gradient;
mod methods;
mod neural;
mod npy;
mod onnx;
mod pair;
mod reduce;
mod signal;
mod stft;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;
use web_time::Instant;

pub use case::{Case, Outputs};
pub use npy::HostArray;

use crate::context::Context;
use crate::error::{Error, Result};

/// Computes the outputs of one case.
pub type Runner = fn(&Case, &Context) -> Result<Outputs>;

/// Every op that outside cases may name, with the function that computes it. An op that is not here is unsupported.
const REGISTRY: &[(&str, Runner)] = &[
    ("Attention", onnx::attention),
    ("AveragePool", neural::average),
    ("Conv", neural::conv),
    ("ConvTranspose", neural::conv_transpose),
    ("DFT", stft::dft),
    ("GlobalAveragePool", neural::global_average),
    ("GlobalMaxPool", neural::global_max),
    ("MaxPool", neural::max),
    ("STFT", stft::onnx_stft),
    ("attention", attention::attention),
    ("autocorrelation", signal::autocorrelation),
    ("cdist", pair::distances),
    ("circular_convolve", convolve::circular),
    ("conv", neural::conv),
    ("convolve", convolve::convolve),
    ("convolve2d", convolve::convolve),
    ("convolve_direct", convolve::convolve),
    ("convtranspose", neural::conv_transpose),
    ("correlate", convolve::correlate),
    ("dct", fft::cosine),
    ("fft", fft::forward),
    ("gemm", gemm::gemm),
    ("gram", pair::gram),
    ("haversine", pair::distances),
    ("ifft", fft::inverse),
    ("irfft", fft::real_inverse),
    ("kde_density_1d", methods::density_1d),
    ("kde_gaussian_cov", methods::gaussian_density),
    ("kde_log_density", methods::log_density),
    ("kernel_sum", reduce::kernel_sum),
    ("kernel_sum_grad", gradient::kernel_sum),
    ("kmin_argkmin", reduce::smallest),
    ("knn_predict_proba", methods::class_probabilities),
    ("knn_search", methods::neighbors),
    ("linear_attention", attention::linear_attention),
    ("logsumexp", reduce::log_sum_exp),
    ("max_argmax", reduce::largest),
    ("min_argmin", reduce::smallest),
    ("mmd2", methods::discrepancy),
    ("nan_euclidean", pair::distances),
    ("ndimage_correlate", convolve::correlate_image),
    ("ndimage_gaussian", signal::gaussian),
    ("ndimage_uniform", signal::uniform),
    ("normalized_cross_correlation", signal::matching),
    ("paired_distances", pair::paired),
    ("pairwise_distances", pair::distances),
    ("phase_correlation_shift", signal::shift),
    ("power_spectrum", stft::power_spectrum),
    ("random_features", methods::random_features),
    ("rfft", fft::real_forward),
    ("rfft2", fft::real_forward),
    ("richardson_lucy", signal::richardson_lucy),
    ("stft", stft::stft),
    ("sum_softmax_weight", reduce::softmax_sum),
    ("upfirdn", signal::upfirdn),
    ("wiener_deconvolution", signal::wiener),
];

/// The ops that can be run.
pub fn known_ops() -> impl Iterator<Item = &'static str> {
    REGISTRY.iter().map(|(name, _)| *name)
}

/// What became of the cases of a directory.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CaseSummary {
    /// Cases whose outputs were written.
    pub written: usize,
    /// Cases that the library refused or failed, with its message.
    pub failed: Vec<(String, String)>,
    /// Cases not run, by what is not supported: an op, or `op: what`.
    pub unsupported: BTreeMap<String, usize>,
    /// Wall time in seconds.
    pub seconds: f64,
}

impl CaseSummary {
    /// Cases seen.
    pub fn total(&self) -> usize {
        self.written + self.failed.len() + self.unsupported.values().sum::<usize>()
    }
}

/// Runs the cases under `directory` (of one family, or all) and writes their outputs under `results`.
///
/// # Errors
/// Where the directory or a `case.json` cannot be read or a result cannot be written. A case that fails is told in
/// the summary instead.
pub fn run(directory: &Path, results: &Path, family: Option<&str>, context: &Context) -> Result<CaseSummary> {
    let start = Instant::now();
    let mut summary = CaseSummary::default();
    let families = case::subdirectories(directory)?;
    if let Some(asked) = family {
        let names: Vec<String> = families.iter().filter_map(|path| case::name_of(path)).collect();
        if !names.iter().any(|name| name == asked) {
            return Err(Error::unknown("family of cases", asked, names.iter().map(String::as_str)));
        }
    }
    for path in families {
        let Some(name) = case::name_of(&path) else { continue };
        if family.is_some_and(|asked| asked != name) {
            continue;
        }
        for directory in case::subdirectories(&path)? {
            if directory.join("case.json").is_file() {
                run_one(&directory, &results.join(&name), context, &mut summary)?;
            }
        }
    }
    summary.seconds = start.elapsed().as_secs_f64();
    Ok(summary)
}

fn run_one(directory: &Path, results: &Path, context: &Context, summary: &mut CaseSummary) -> Result<()> {
    let case = Case::open(directory)?;
    let Some((_, runner)) = REGISTRY.iter().find(|(name, _)| *name == case.op) else {
        *summary.unsupported.entry(case.op.clone()).or_default() += 1;
        return Ok(());
    };
    match runner(&case, context) {
        Ok(outputs) => {
            let target = results.join(case::name_of(directory).unwrap_or_default());
            case.write(&outputs, &target)?;
            summary.written += 1;
        }
        // What no metric or kernel is called is missing, not broken.
        Err(Error::UnknownName { kind, name, .. }) => {
            *summary.unsupported.entry(format!("{}: {kind} {name}", case.op)).or_default() += 1;
        }
        Err(Error::Unsupported { op, message }) => {
            *summary.unsupported.entry(format!("{}: {op}: {message}", case.op)).or_default() += 1;
        }
        Err(error) => summary.failed.push((case.id.clone(), error.to_string())),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registry_is_sorted_and_has_no_doubles() {
        let names: Vec<&str> = known_ops().collect();
        assert!(names.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
