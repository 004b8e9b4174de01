//! Whoever can run work: the GPU engine or the host.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use super::{Input, Operand, Work};
use crate::error::Result;

/// `Send + Sync` where threads exist, nothing in the browser (WebGPU's objects stay on their thread).
#[cfg(not(target_arch = "wasm32"))]
pub trait MaybeSendSync: Send + Sync {}
#[cfg(not(target_arch = "wasm32"))]
impl<T: Send + Sync + ?Sized> MaybeSendSync for T {}
/// `Send + Sync` where threads exist, nothing in the browser (WebGPU's objects stay on their thread).
#[cfg(target_arch = "wasm32")]
pub trait MaybeSendSync {}
#[cfg(target_arch = "wasm32")]
impl<T: ?Sized> MaybeSendSync for T {}

/// What an executor keeps for a tensor.
pub trait StorageCell: Any + MaybeSendSync {
    /// For the executor that made it to recognise it.
    fn as_any(&self) -> &dyn Any;
}

/// Shared, untyped memory of one executor.
#[derive(Clone)]
pub struct Storage(pub Arc<dyn StorageCell>);

impl Storage {
    /// The cell as the executor's own type, if it is one of its.
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        self.0.as_any().downcast_ref()
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Storage")
    }
}

/// Takes bytes where they lie, once, while the executor holds them there.
#[cfg(not(target_arch = "wasm32"))]
pub type Take<'a> = Box<dyn FnOnce(&[u8]) -> Result<()> + Send + 'a>;
/// Takes bytes where they lie, once, while the executor holds them there.
#[cfg(target_arch = "wasm32")]
pub type Take<'a> = Box<dyn FnOnce(&[u8]) -> Result<()> + 'a>;

/// A result that may not be there yet.
#[cfg(not(target_arch = "wasm32"))]
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
/// A result that may not be there yet.
#[cfg(target_arch = "wasm32")]
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + 'a>>;

/// Runs work. `run` records and returns at once; only `read` waits.
pub trait Executor: MaybeSendSync + Any {
    /// The name that errors and reports give it.
    fn name(&self) -> &str;

    /// Copies bytes from the host.
    fn upload(&self, op: &'static str, bytes: &[u8]) -> Result<Storage>;

    /// Records work and returns the memory that will hold its result.
    fn run(&self, work: &Work, inputs: &[Operand]) -> Result<Storage>;

    /// Does what can be done before the first `run` of such work (compiling, planning).
    fn prepare(&self, work: &Work, inputs: &[Input<'_>]) -> Result<()>;

    /// Waits for `bytes` bytes from `offset` on, without blocking, and has them taken.
    fn read<'a>(&'a self, storage: &Storage, offset: u64, bytes: u64, take: Take<'a>) -> Pending<'a, ()>;

    /// Waits for `bytes` bytes from `offset` on, blocks the thread meanwhile, and has them taken.
    #[cfg(not(target_arch = "wasm32"))]
    fn read_blocking(&self, storage: &Storage, offset: u64, bytes: u64, take: Take<'_>) -> Result<()>;

    /// Hands recorded work to the device without waiting for it.
    fn flush(&self) -> Result<()>;

    /// For the modules that know the concrete executor.
    fn as_any(&self) -> &dyn Any;
}
