//! Read back: a copy into mappable memory, and the wait for it.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};

use crate::device::Guard;
#[cfg(not(target_arch = "wasm32"))]
use crate::device::in_turn;
use crate::error::{Error, Result};
use crate::work::Take;

/// Where the driver's callback leaves the outcome of a mapping.
#[derive(Clone, Default)]
pub(crate) struct Slot(Arc<Mutex<SlotState>>);

#[derive(Default)]
struct SlotState {
    outcome: Option<Result<()>>,
    waker: Option<Waker>,
}

impl Slot {
    pub(crate) fn set(&self, outcome: Result<()>) {
        let waker = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            state.outcome.get_or_insert(outcome);
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn is_set(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).outcome.is_some()
    }

    /// The outcome, once it is there.
    pub(crate) async fn wait(&self) -> Result<()> {
        std::future::poll_fn(|context| {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The outcome stays: a thread may still be looking whether it is there.
            match state.outcome.clone() {
                Some(outcome) => Poll::Ready(outcome),
                None => {
                    state.waker = Some(context.waker().clone());
                    Poll::Pending
                }
            }
        })
        .await
    }
}

/// The whole words around some bytes of a buffer: copies on the device move nothing less.
pub(crate) struct Words {
    pub(crate) offset: u64,
    pub(crate) bytes: u64,
    /// The bytes within the words.
    wanted: Range<usize>,
}

impl Words {
    /// Around `bytes` bytes from `offset` on.
    pub(crate) fn around(offset: u64, bytes: u64) -> Self {
        let before = offset % 4;
        let wanted = before as usize..(before + bytes) as usize;
        Self { offset: offset - before, bytes: (before + bytes).next_multiple_of(4), wanted }
    }
}

/// Asks for a mapping; the slot is set when the device has finished all that was submitted before.
pub(crate) fn map(guard: &Guard, buffer: &wgpu::Buffer) -> Result<Slot> {
    let slot = Slot::default();
    let told = slot.clone();
    guard.call("read", buffer.size(), |_| {
        buffer.map_async(wgpu::MapMode::Read, .., move |outcome| {
            told.set(outcome.map_err(|error| Error::DeviceLost { op: "read", message: error.to_string() }));
        });
    })?;
    Ok(slot)
}

/// Has the wanted bytes of a mapped buffer taken and unmaps it. They are looked at only inside the guard: a device that is
/// lost meanwhile frees what it has mapped.
pub(crate) fn take_out(guard: &Guard, buffer: &wgpu::Buffer, words: &Words, take: Take<'_>) -> Result<()> {
    guard.call("read", words.bytes, |_| {
        let mapped = buffer.slice(..words.bytes).get_mapped_range();
        let taken = match &mapped {
            Ok(view) => take(view.get(words.wanted.clone()).unwrap_or_default()),
            Err(error) => Err(Error::DeviceLost { op: "read", message: error.to_string() }),
        };
        drop(mapped);
        buffer.unmap();
        taken
    })?
}

/// Drives the device until the slot is set. Blocks; native only.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn drive(guard: &Guard, slot: &Slot) {
    while !slot.is_set() {
        if let Err(error) = guard.poll("read", true) {
            slot.set(Err(error));
        }
    }
}

/// Drives the device from a thread of its own, so that an `await` blocks nobody.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) fn drive_aside(guard: &Arc<Guard>, slot: &Slot) {
    let (guard, slot) = (guard.clone(), slot.clone());
    let told = slot.clone();
    let spawned = std::thread::Builder::new().name("gristmill read".to_owned()).spawn(move || {
        drive(&guard, &slot);
        // Whoever waited may have dropped the context by now, and this be the last to hold the device: it goes while no
        // other GL device is in the middle of its work.
        if guard.is_serial() {
            let _ = in_turn(|| drop(guard));
        }
    });
    if let Err(error) = spawned {
        told.set(Err(Error::Unsupported { op: "read", message: format!("no thread could be started ({error})") }));
    }
}
