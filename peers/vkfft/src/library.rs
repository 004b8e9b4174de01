//! `vkfft.cpp` with its pointers owned.

use std::ffi::{CStr, c_char, c_int};
use std::ptr::null_mut;
use std::rc::Rc;

use anyhow::{Result, bail, ensure};

/// Of a C++ type that is not looked into.
#[repr(C)]
struct Opaque {
    nothing: [u8; 0],
}

#[repr(C)]
struct Names {
    name: [u8; 256],
    driver: [u8; 256],
    driver_info: [u8; 256],
}

unsafe extern "C" {
    fn vkfft_version() -> c_int;
    fn vkfft_open(made: *mut *mut Opaque) -> *const c_char;
    fn vkfft_adapter(engine: *const Opaque, index: usize, names: *mut Names) -> bool;
    fn vkfft_choose(engine: *mut Opaque, index: usize) -> *const c_char;
    fn vkfft_plan(
        engine: *mut Opaque,
        rows: u64,
        columns: u64,
        both_axes: bool,
        values: *const f32,
        made: *mut *mut Opaque,
    ) -> *const c_char;
    fn vkfft_run(plan: *mut Opaque) -> *const c_char;
    fn vkfft_read(plan: *mut Opaque, values: *mut f32) -> *const c_char;
    fn vkfft_drop(plan: *mut Opaque);
    fn vkfft_close(engine: *mut Opaque);
}

/// A device of Vulkan's.
pub struct Engine {
    pointer: *mut Opaque,
    /// The adapter's name and its driver's.
    pub adapter: String,
}

impl Engine {
    /// The first adapter that goes by the name asked for.
    ///
    /// # Errors
    /// If there is none, or if Vulkan does not open it.
    pub fn open(asked: &str) -> Result<Self> {
        let mut engine = Self { pointer: null_mut(), adapter: String::new() };
        // SAFETY: What is made is owned from here on, whether it failed or not.
        checked(unsafe { vkfft_open(&raw mut engine.pointer) })?;
        for index in 0.. {
            let mut names = Names { name: [0; 256], driver: [0; 256], driver_info: [0; 256] };
            // SAFETY: The engine is open, and the names have the size of Vulkan's.
            ensure!(
                unsafe { vkfft_adapter(engine.pointer, index, &raw mut names) },
                "no adapter of Vulkan's is called {asked}"
            );
            let [name, driver, info] = [names.name, names.driver, names.driver_info].map(|bytes| text(&bytes));
            if peers::is_named(asked, "vulkan", &name, &driver) {
                // SAFETY: There is an adapter at this index.
                checked(unsafe { vkfft_choose(engine.pointer, index) })?;
                engine.adapter = format!("{name} · vulkan {info}");
                break;
            }
        }
        Ok(engine)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: It goes once, after its plans, each of which holds it.
        unsafe { vkfft_close(self.pointer) }
    }
}

/// Forward transforms of numbers that are on the device, into memory there.
pub struct Plan {
    pointer: *mut Opaque,
    floats: usize,
    _engine: Rc<Engine>,
}

impl Plan {
    /// Of every row of the `rows` × `columns` interleaved complex values, or along both axes.
    ///
    /// # Errors
    /// What VkFFT or Vulkan says.
    pub fn new(engine: &Rc<Engine>, [rows, columns]: [usize; 2], both_axes: bool, values: &[f32]) -> Result<Self> {
        let floats = rows * columns * 2;
        ensure!(values.len() == floats, "{} values are not {rows} × {columns} complex numbers", values.len());
        let mut plan = Self { pointer: null_mut(), floats, _engine: engine.clone() };
        // SAFETY: There are as many values as the shape says; what is made is owned from here on, whether it failed or not.
        checked(unsafe {
            let made = &raw mut plan.pointer;
            vkfft_plan(engine.pointer, rows as u64, columns as u64, both_axes, values.as_ptr(), made)
        })?;
        Ok(plan)
    }

    /// Transforms; returns when the device is done.
    ///
    /// # Errors
    /// What Vulkan says.
    pub fn run(&self) -> Result<()> {
        // SAFETY: The plan is whole, since `new` returned it.
        checked(unsafe { vkfft_run(self.pointer) })
    }

    /// What the last run left.
    ///
    /// # Errors
    /// What VkFFT or Vulkan says.
    pub fn read(&self) -> Result<Vec<f32>> {
        let mut values = vec![0.0; self.floats];
        // SAFETY: The plan is whole, and there is room for as many values as it has.
        checked(unsafe { vkfft_read(self.pointer, values.as_mut_ptr()) })?;
        Ok(values)
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        // SAFETY: It goes once, and every run has waited for the device.
        unsafe { vkfft_drop(self.pointer) }
    }
}

/// VkFFT's version, as 1.3.4.
pub fn version() -> String {
    // SAFETY: It returns a constant of the headers, X.XX.XX as decimal digits.
    let version = unsafe { vkfft_version() };
    format!("{}.{}.{}", version / 10_000, version / 100 % 100, version % 100)
}

/// An error where a message came back.
fn checked(message: *const c_char) -> Result<()> {
    if !message.is_null() {
        // SAFETY: Messages are literals.
        bail!("{}", unsafe { CStr::from_ptr(message) }.to_string_lossy());
    }
    Ok(())
}

/// What stands before the first zero.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.split(|&byte| byte == 0).next().unwrap_or_default()).into_owned()
}
