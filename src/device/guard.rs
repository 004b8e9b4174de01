//! The one door to wgpu: every call that can fail goes through [`Guard::call`].
//!
//! wgpu reports errors by scopes, by callbacks and, at worst, by panics. The guard turns all three into
//! [`Error`]: it holds the three error scopes around the call, remembers a lost device, and catches the panic that
//! `poll` raises when the driver itself fails. Scopes are thread-local and are popped before anything is awaited.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context as TaskContext, Poll, Waker};

use crate::error::{Error, Result};

/// OpenGL contexts belong to one thread at a time and wgpu waits only so long for them: all work of all GL devices
/// of this process takes turns on this lock.
static GL_TURN: Mutex<()> = Mutex::new(());

#[cfg(not(target_arch = "wasm32"))]
type Unresolved = Pin<Box<dyn Future<Output = Option<wgpu::Error>> + Send>>;
#[cfg(target_arch = "wasm32")]
type Unresolved = Pin<Box<dyn Future<Output = Option<wgpu::Error>>>>;

/// A device with its error handling.
pub(crate) struct Guard {
    device: wgpu::Device,
    adapter: String,
    takes_turns: bool,
    lost: Arc<OnceLock<String>>,
    /// Error scopes whose outcome the browser has not told yet; read back awaits them.
    unresolved: Mutex<Vec<(&'static str, Unresolved)>>,
}

impl Guard {
    /// Takes charge of a device of our own: its loss is heard through wgpu's callback.
    pub(crate) fn owning(device: wgpu::Device, adapter: String, backend: wgpu::Backend) -> Self {
        let guard = Self::borrowing(device, adapter, backend);
        let lost = guard.lost.clone();
        guard.device.set_device_lost_callback(move |reason, message| {
            let _ = lost.set(format!("{reason:?}: {message}"));
        });
        guard
    }

    /// Uses a host application's device: its callbacks are the host's and are left alone.
    pub(crate) fn borrowing(device: wgpu::Device, adapter: String, backend: wgpu::Backend) -> Self {
        Self {
            device,
            adapter,
            takes_turns: backend == wgpu::Backend::Gl,
            lost: Arc::new(OnceLock::new()),
            unresolved: Mutex::new(Vec::new()),
        }
    }

    /// The device, for calls that cannot fail.
    pub(crate) fn device(&self) -> &wgpu::Device {
        &self.device
    }

    /// Whether work runs inside `submit` and must take turns (OpenGL).
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn is_serial(&self) -> bool {
        self.takes_turns
    }

    /// Remembers that the device is gone; the first message stays.
    pub(crate) fn set_lost(&self, message: &str) {
        let _ = self.lost.set(message.to_owned());
    }

    /// The error of every later call, once the device is gone.
    pub(crate) fn check_lost(&self, op: &'static str) -> Result<()> {
        match self.lost.get() {
            None => Ok(()),
            Some(message) => Err(Error::DeviceLost { op, message: message.clone() }),
        }
    }

    fn turn(&self) -> Option<MutexGuard<'static, ()>> {
        self.takes_turns.then(|| GL_TURN.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Runs `work` with the device, under all three error scopes. `requested` bytes are named if memory runs out.
    pub(crate) fn call<T>(&self, op: &'static str, requested: u64, work: impl FnOnce(&wgpu::Device) -> T) -> Result<T> {
        self.check_lost(op)?;
        let turn = self.turn();
        let scopes = [wgpu::ErrorFilter::Validation, wgpu::ErrorFilter::OutOfMemory, wgpu::ErrorFilter::Internal]
            .map(|filter| self.device.push_error_scope(filter));
        let value = catch(|| work(&self.device));
        let mut first = None;
        for scope in scopes.into_iter().rev() {
            let mut outcome: Unresolved = Box::pin(scope.pop());
            match outcome.as_mut().poll(&mut TaskContext::from_waker(Waker::noop())) {
                Poll::Ready(None) => {}
                Poll::Ready(Some(error)) => first = first.or(Some(error)),
                Poll::Pending => self.lock_unresolved().push((op, outcome)),
            }
        }
        drop(turn);
        let value = value.map_err(|message| {
            self.set_lost(&message);
            Error::DeviceLost { op, message }
        })?;
        if let Some(error) = first {
            return Err(self.translate(op, requested, &error));
        }
        self.check_lost(op)?;
        Ok(value)
    }

    /// Lets wgpu finish what is done and fire callbacks; with `wait`, until the device is idle or a time slice is
    /// over. `Ok(true)` means that the queue is empty.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn poll(&self, op: &'static str, wait: bool) -> Result<bool> {
        // A bounded slice: GL caps its waits anyway, and callers loop.
        let slice = std::time::Duration::from_millis(500);
        let kind = if wait {
            wgpu::PollType::Wait { submission_index: None, timeout: Some(slice) }
        } else {
            wgpu::PollType::Poll
        };
        match self.call(op, 0, |device| device.poll(kind))? {
            Ok(status) => Ok(status.is_queue_empty()),
            Err(wgpu::PollError::Timeout) => Ok(false),
            Err(error) => Err(Error::Driver { op, adapter: self.adapter.clone(), message: error.to_string() }),
        }
    }

    /// The first error that the browser reported since the last time.
    pub(crate) async fn resolve(&self) -> Result<()> {
        loop {
            let Some((op, outcome)) = self.lock_unresolved().pop() else { return self.check_lost("read") };
            if let Some(error) = outcome.await {
                return Err(self.translate(op, 0, &error));
            }
        }
    }

    fn lock_unresolved(&self) -> MutexGuard<'_, Vec<(&'static str, Unresolved)>> {
        self.unresolved.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn translate(&self, op: &'static str, requested: u64, error: &wgpu::Error) -> Error {
        let message = error.to_string();
        match error {
            wgpu::Error::OutOfMemory { .. } => Error::OutOfMemory { op, requested },
            _ if says_lost(&message) => {
                self.set_lost(&message);
                Error::DeviceLost { op, message }
            }
            _ => Error::Driver { op, adapter: self.adapter.clone(), message },
        }
    }
}

/// Runs what concerns all backends at once (finding adapters, opening devices) while no OpenGL device works, and turns a
/// panic of wgpu into its message. Native only: there the futures inside are ready at once.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn in_turn<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    let _turn = GL_TURN.lock().unwrap_or_else(PoisonError::into_inner);
    catch(work)
}

/// wgpu names a lost or destroyed device in the text of a validation error and nowhere else. A device that is gone also
/// hands out invalid objects without an error; all of ours were made under error scopes, so that one which turns out
/// invalid later tells of the loss.
fn says_lost(message: &str) -> bool {
    let message = message.to_lowercase();
    if message.contains("label is invalid") {
        return true;
    }
    message.contains("device is lost")
        || message.contains("device was lost")
        || message.contains("device lost")
        || message.contains("device has been destroyed")
        || (message.contains("device") && message.contains("is destroyed"))
}

/// Runs `work` and turns a panic of wgpu (a driver that fails in `poll` or `submit`) into its message.
#[cfg(not(target_arch = "wasm32"))]
fn catch<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).map_err(|payload| {
        let text = payload.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
        format!("the driver failed: {}", text.unwrap_or("no message"))
    })
}

/// The browser has no such panics, and no unwinding to catch them with.
#[cfg(target_arch = "wasm32")]
fn catch<T>(work: impl FnOnce() -> T) -> std::result::Result<T, String> {
    Ok(work())
}
