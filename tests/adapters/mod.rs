//! The adapters that the tests run on: the host, every software rasterizer, any hardware.
//!
//! | environment variable | effect |
//! |---|---|
//! | `GRISTMILL_ADAPTER` | only adapters that this text fits, `vulkan:llvmpipe` |
//! | `GRISTMILL_REQUIRE_ADAPTERS=1` | a missing software adapter is a failure |
//! | `GRISTMILL_DEFAULT_LIMITS=1` | contexts open at WebGPU's default limits |
//! | `GRISTMILL_RUNTIME_CHECKS=1` | shaders keep their bounds checks |

#![allow(dead_code)] // every test uses its part

use std::collections::HashSet;
use std::env;
use std::rc::Rc;

use gristmill::{Context, ContextOptions, wgpu};
use libtest_mimic::{Arguments, Completion, Trial};

/// An adapter that tests run on.
#[derive(Debug, Clone)]
pub struct Adapter {
    /// `vulkan:llvmpipe`: how it is asked for, and what the names of its trials start with.
    pub name: String,
    /// Work on it goes through one thread, one context at a time.
    pub serial: bool,
}

/// The software adapters that a complete run needs: what their name holds, and how to get them.
const SOFTWARE: [(&str, &str); 3] = [
    ("vulkan:llvmpipe", "install mesa-vulkan-drivers"),
    ("vulkan:swiftshader", "install chromium and name its vk_swiftshader_icd.json in VK_DRIVER_FILES"),
    ("gl:llvmpipe", "install libegl1 and mesa's libgl1-mesa-dri, and set XDG_RUNTIME_DIR"),
];

/// The adapters found, and those that are missing with what to do about it.
fn find() -> (Vec<Adapter>, Vec<(String, String)>) {
    let mut chosen: Vec<Adapter> = Vec::new();
    let mut present = HashSet::new();
    for info in Context::adapters_blocking() {
        let name = info.selector();
        if present.insert(name.clone()) && wanted(|asked| info.is_selected_by(asked)) {
            chosen.push(Adapter { serial: info.backend == "gl", name });
        }
    }
    chosen.sort_by_key(|adapter| adapter.name != "cpu");
    let missing = SOFTWARE.iter().filter(|(name, _)| !present.contains(*name) && wanted(|asked| name.contains(asked)));
    let missing = missing.map(|(name, remedy)| ((*name).to_owned(), format!("not found; {remedy}"))).collect();
    (chosen, missing)
}

/// Whether the environment asks for an adapter, by what is known of it.
fn wanted(is_selected_by: impl Fn(&str) -> bool) -> bool {
    match env::var("GRISTMILL_ADAPTER") {
        Ok(asked) if !asked.is_empty() && asked != "all" && asked != "auto" => is_selected_by(&asked),
        _ => true,
    }
}

/// Whether an environment variable is set to something but 0.
pub fn flag(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !value.is_empty() && value != "0")
}

/// A number from an environment variable.
pub fn number(name: &str, default: usize) -> usize {
    env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// How the environment asks for an adapter to be opened.
pub fn options(adapter: &Adapter) -> ContextOptions {
    ContextOptions {
        adapter: adapter.name.clone(),
        default_limits: flag("GRISTMILL_DEFAULT_LIMITS"),
        runtime_checks: flag("GRISTMILL_RUNTIME_CHECKS"),
        ..ContextOptions::default()
    }
}

/// Opens an adapter as the environment asks.
pub fn open(adapter: &Adapter) -> gristmill::Result<Context> {
    Context::with_options_blocking(options(adapter))
}

/// The context of the adapter that is being tested. Opening one is slow and GL allows one at a time, so the last one
/// is kept until another adapter is asked for; everything runs on one thread.
#[derive(Default)]
pub struct Current {
    open: Option<(String, Rc<Context>)>,
}

impl Current {
    /// The context of this adapter.
    pub fn context(&mut self, adapter: &Adapter) -> gristmill::Result<Rc<Context>> {
        if let Some((name, context)) = &self.open {
            if *name == adapter.name {
                return Ok(Rc::clone(context));
            }
        }
        self.open = None;
        let context = Rc::new(open(adapter)?);
        self.open = Some((adapter.name.clone(), Rc::clone(&context)));
        Ok(context)
    }
}

/// A context that replaces the one of this thread: GL has one at a time.
pub fn opened(options: ContextOptions) -> gristmill::Result<Context> {
    CURRENT.with(|current| current.borrow_mut().open = None);
    Context::with_options_blocking(options)
}

thread_local! {
    static CURRENT: std::cell::RefCell<Current> = std::cell::RefCell::default();
}

/// [`Current::context`] of this thread.
pub fn context(adapter: &Adapter) -> gristmill::Result<Rc<Context>> {
    CURRENT.with(|current| current.borrow_mut().context(adapter))
}

/// A device of the application's own on an adapter that is not OpenGL, which allows a process one instance.
pub fn device(name: &str, limits: wgpu::Limits) -> Result<(wgpu::Device, wgpu::Queue), String> {
    let (backend, part) = name.split_once(':').ok_or("no backend in the adapter's name")?;
    let backends = match backend {
        "vulkan" => wgpu::Backends::VULKAN,
        "metal" => wgpu::Backends::METAL,
        "dx12" => wgpu::Backends::DX12,
        _ => wgpu::Backends::all(),
    };
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = backends;
    let adapters = pollster::block_on(wgpu::Instance::new(descriptor).enumerate_adapters(backends));
    let adapter = adapters
        .into_iter()
        .find(|adapter| adapter.get_info().name.to_lowercase().contains(part))
        .ok_or_else(|| format!("{name} is gone"))?;
    let descriptor = wgpu::DeviceDescriptor { required_limits: limits, ..Default::default() };
    pollster::block_on(adapter.request_device(&descriptor)).map_err(|error| error.to_string())
}

/// Runs the trials of every adapter found, one after another, and ends the process: GL work may not change threads, and
/// software rasterizers use every core by themselves.
pub fn run(trials_of: impl Fn(&Adapter) -> Vec<Trial>) -> ! {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let (found, missing) = find();
    let mut trials: Vec<Trial> = found.iter().flat_map(trials_of).collect();
    trials.extend(stand_ins(missing));
    let conclusion = libtest_mimic::run(&arguments, trials);
    // The thread's context goes first: wgpu's objects may not outlive the thread-local state of wgpu itself.
    CURRENT.with(|current| current.take());
    conclusion.exit()
}

/// A trial that needs the adapter's context.
pub fn trial(
    adapter: &Adapter,
    name: &str,
    check: impl FnOnce(&Context) -> Result<(), String> + Send + 'static,
) -> Trial {
    let adapter = adapter.clone();
    Trial::test(format!("{}::{name}", adapter.name), move || {
        let context = context(&adapter).map_err(|error| error.to_string())?;
        check(&context).map_err(Into::into)
    })
}

/// Trials that stand for the missing adapters: ignored with the reason, or failing where all are required.
fn stand_ins(missing: Vec<(String, String)>) -> Vec<Trial> {
    let required = flag("GRISTMILL_REQUIRE_ADAPTERS");
    let stand_in = |(name, reason): (String, String)| {
        Trial::ignorable_test(format!("{name}::every trial"), move || {
            if required { Err(reason.into()) } else { Ok(Completion::ignored_with(reason)) }
        })
    };
    missing.into_iter().map(stand_in).collect()
}
