//! A Context: one device (or the host) with everything that it has built, and the way to get one.

mod open;
mod prepare;

use std::sync::Arc;

use ndarray::{ArrayRef, Dimension};

pub use open::ContextOptions;
pub use prepare::Operation;

use crate::device::AdapterInfo;
use crate::engine::{Engine, PoolStatistics};
use crate::error::{Error, Result};
use crate::plan::{self, Choices, FftRecipe, Limits};
use crate::tensor::{self, Element, HostElement, Tensor};
use crate::work::{ConvolveRecipe, ConvolveWork, Executor, Input, Layout};

/// A device, or the host's cores, ready to run ops.
///
/// Cloning gives another handle to the same device. Tensors keep their Context's device alive.
#[derive(Clone)]
pub struct Context {
    executor: Arc<dyn Executor>,
    engine: Option<Arc<Engine>>,
    info: AdapterInfo,
    features: Vec<String>,
    reason: String,
}

impl Context {
    /// The adapter that this Context runs on.
    pub fn info(&self) -> &AdapterInfo {
        &self.info
    }

    /// Why this adapter was taken, in words: what was asked for and what was found.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// Whether ops run on the host's cores, without any GPU driver.
    pub fn is_cpu(&self) -> bool {
        self.engine.is_none()
    }

    /// The device's limits as plans see them; `None` on the CPU.
    pub fn limits(&self) -> Option<&Limits> {
        self.engine.as_deref().map(Engine::limits)
    }

    /// The choices of tiles that were frozen when the Context was opened; `None` on the CPU.
    pub fn choices(&self) -> Option<&Choices> {
        self.engine.as_deref().map(Engine::choices)
    }

    /// How complex transforms of `lines` lines of `length` points are done here, in words: `1000 = (25·8·5)` names the radices
    /// of the stages of one pass, ` · ` stands between passes, and longer or odder lengths say by whose algorithm. Where there
    /// are so few points that the time to compile counts for more, radices are small and entries are loaded and stored
    /// ` in loops`. A real transform of even length is a complex one of half as many points.
    ///
    /// # Errors
    /// [`Error::InvalidArgument`] if the length is 0 or longer than passes over lines that a workgroup holds can do.
    ///
    /// # Examples
    /// ```
    /// let context = gristmill::Context::open_blocking()?;
    /// println!("{}", context.fft_recipe(1009, 256)?);
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn fft_recipe(&self, length: usize, lines: usize) -> Result<String> {
        let refused = |why: &str| Error::argument("fft_recipe", format!("length {length}"), why);
        if length == 0 {
            return Err(refused("must be at least 1"));
        }
        let (Some(limits), Some(choices)) = (self.limits(), self.choices()) else {
            return Ok(format!("{length} by rustfft"));
        };
        let recipe = FftRecipe::new(length, limits, &choices.fft.for_points(length.saturating_mul(lines.max(1))));
        recipe.map(|recipe| recipe.to_string()).ok_or_else(|| {
            refused("is more than passes over lines that a workgroup holds can do; transform parts of it")
        })
    }

    /// How this convolution of tensors without gaps is done here.
    pub(crate) fn convolve_recipe(
        &self,
        work: &ConvolveWork,
        x: &[usize],
        h: &[usize],
        element_bytes: usize,
    ) -> Result<ConvolveRecipe> {
        if let (Some(limits), Some(choices)) = (self.limits(), self.choices()) {
            let (x, h) = (Layout::contiguous(x), Layout::contiguous(h));
            let [x, h] = [&x, &h].map(|layout| Input { layout, element_bytes });
            return plan::convolve_recipe(work, [&x, &h], limits, &choices.fft);
        }
        #[cfg(feature = "cpu")]
        return crate::cpu::convolve_recipe(work, x, h);
        #[cfg(not(feature = "cpu"))]
        Err(Error::Unsupported { op: work.op, message: "the library was built without its feature `cpu`".to_owned() })
    }

    /// Names of the optional features in use; everything works without any of them.
    pub fn features(&self) -> &[String] {
        &self.features
    }

    /// Copies an array to the device. f64 becomes f32; f32, [`f16`](crate::f16), complex numbers, u32 and i32 stay what they
    /// are.
    ///
    /// # Errors
    /// [`Error::Overflow`] if a finite f64 does not fit f32, [`Error::BufferTooLarge`] and [`Error::OutOfMemory`] if the
    /// device cannot hold the array.
    ///
    /// # Examples
    /// ```
    /// # use ndarray::array;
    /// let context = gristmill::Context::cpu();
    /// let x = context.upload(&array![[1.0, 2.0], [3.0, 4.0]])?;
    /// assert_eq!(x.shape(), [2, 2]);
    /// # Ok::<(), gristmill::Error>(())
    /// ```
    pub fn upload<A: HostElement, D: Dimension>(&self, array: &ArrayRef<A, D>) -> Result<Tensor<A::Device>> {
        tensor::upload(&self.executor, array)
    }

    /// Copies row-major entries to the device.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if `shape` has another number of entries, and those of [`upload`](Context::upload).
    pub fn upload_slice<E: Element>(&self, entries: &[E], shape: &[usize]) -> Result<Tensor<E>> {
        tensor::upload_slice(&self.executor, entries, shape)
    }

    /// Copies a point cloud (`&[Vec2]`, `&[Vec3]`) to the device: one row per point.
    ///
    /// # Errors
    /// Those of [`upload`](Context::upload).
    pub fn upload_points<P: Point>(&self, points: &[P]) -> Result<Tensor> {
        tensor::upload_slice(&self.executor, bytemuck::cast_slice(points), &[points.len(), P::DIMENSIONS])
    }

    /// A tensor over a buffer of the host application's, created on the same wgpu device with the usages STORAGE and
    /// COPY_SRC. Halves lie two to a word, and the buffer must hold the last word whole. Nothing is copied; the application must not write the buffer while work on it is recorded.
    ///
    /// # Errors
    /// [`Error::ShapeMismatch`] if the buffer is too small, [`Error::InvalidArgument`] if its usages or the offset do not
    /// fit, [`Error::Unsupported`] on the CPU.
    pub fn from_buffer<E: Element>(
        &self,
        buffer: &wgpu::Buffer,
        shape: &[usize],
        offset_bytes: u64,
    ) -> Result<Tensor<E>> {
        let engine = self.engine.as_ref().ok_or_else(|| Error::Unsupported {
            op: "from_buffer",
            message: "the CPU has no device buffers; upload the data instead".to_owned(),
        })?;
        engine.adopt(buffer, shape, offset_bytes)
    }

    /// Hands recorded work to the device without waiting for it.
    ///
    /// # Errors
    /// Those of the device; the tensors that the work should have written return them too.
    pub fn flush(&self) -> Result<()> {
        self.executor.flush()
    }

    /// Tells the Context that the host application's device is lost. wgpu keeps only one loss callback per device, and it
    /// is the application's; a Context on a device of its own hears of the loss by itself.
    pub fn notify_lost(&self, message: &str) {
        if let Some(engine) = &self.engine {
            engine.guard().set_lost(message);
        }
    }

    /// The wgpu device that ops run on; `None` on the CPU. An application may create buffers on it for
    /// [`from_buffer`](Context::from_buffer).
    pub fn device(&self) -> Option<&wgpu::Device> {
        self.engine.as_deref().map(|engine| engine.guard().device())
    }

    /// The queue that work is submitted to; `None` on the CPU.
    pub fn queue(&self) -> Option<&wgpu::Queue> {
        self.engine.as_deref().map(Engine::queue)
    }

    /// How the device's memory has been used; all zeros on the CPU.
    pub fn pool_statistics(&self) -> PoolStatistics {
        self.engine.as_deref().map(Engine::pool_statistics).unwrap_or_default()
    }

    /// Pipelines built so far.
    pub fn pipeline_count(&self) -> usize {
        self.engine.as_deref().map_or(0, Engine::pipeline_count)
    }

    /// Gives idle device memory back to the driver.
    ///
    /// # Errors
    /// Those of the device.
    pub fn trim(&self) -> Result<()> {
        self.engine.as_deref().map_or(Ok(()), Engine::trim)
    }

    pub(crate) fn executor(&self) -> &Arc<dyn Executor> {
        &self.executor
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("adapter", &self.info).field("features", &self.features).finish_non_exhaustive()
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for glam::Vec2 {}
    impl Sealed for glam::Vec3 {}
}

/// A small vector that can be a row of a point cloud: [`glam::Vec2`] or [`glam::Vec3`].
pub trait Point: bytemuck::Pod + sealed::Sealed {
    /// Coordinates of one point.
    const DIMENSIONS: usize;
}

impl Point for glam::Vec2 {
    const DIMENSIONS: usize = 2;
}

impl Point for glam::Vec3 {
    const DIMENSIONS: usize = 3;
}
