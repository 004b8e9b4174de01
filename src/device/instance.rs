//! One wgpu instance per process: OpenGL allows no second.

use std::sync::OnceLock;

/// The process's instance.
pub(crate) fn wgpu_instance() -> &'static wgpu::Instance {
    #[cfg(not(target_arch = "wasm32"))]
    static INSTANCE: OnceLock<wgpu::Instance> = OnceLock::new();
    #[cfg(target_arch = "wasm32")]
    static INSTANCE: OnceLock<Shared> = OnceLock::new();
    let create = || {
        let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
        descriptor.backends = wgpu::Backends::PRIMARY | wgpu::Backends::GL;
        // Our own validation and limit guard run everywhere; the drivers' debug layers are for their authors.
        descriptor.flags = wgpu::InstanceFlags::empty();
        wgpu::Instance::new(descriptor)
    };
    #[cfg(not(target_arch = "wasm32"))]
    return INSTANCE.get_or_init(create);
    #[cfg(target_arch = "wasm32")]
    return &INSTANCE.get_or_init(|| Shared(create())).0;
}

/// The browser gives a module one thread, so the instance is never shared across threads.
#[cfg(target_arch = "wasm32")]
struct Shared(wgpu::Instance);
// SAFETY: without the `atomics` target feature a wasm module runs on one thread only, so nothing can be sent.
#[cfg(target_arch = "wasm32")]
unsafe impl Send for Shared {}
// SAFETY: as above.
#[cfg(target_arch = "wasm32")]
unsafe impl Sync for Shared {}

/// Every adapter of the system, in wgpu's order.
#[cfg(not(target_arch = "wasm32"))]
pub(crate) async fn enumerate() -> Vec<wgpu::Adapter> {
    let found = super::guard::in_turn(|| pollster::block_on(wgpu_instance().enumerate_adapters(wgpu::Backends::all())));
    // A driver that fails while it is looked for is a driver that is not there.
    found.unwrap_or_default()
}

/// The browser's adapter.
#[cfg(target_arch = "wasm32")]
pub(crate) async fn enumerate() -> Vec<wgpu::Adapter> {
    wgpu_instance().enumerate_adapters(wgpu::Backends::all()).await
}
