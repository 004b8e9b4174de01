//! VkFFT on Vulkan, where it was built with it.

#[cfg(vkfft)]
mod library;
#[cfg(vkfft)]
mod transforms;

use anyhow::Result;

#[cfg(vkfft)]
fn main() -> Result<()> {
    use anyhow::Context;
    let asked = std::env::args().nth(1).context("which adapter?")?;
    match transforms::VkFft::open(&asked) {
        Ok(mut vkfft) => peers::serve(&mut vkfft),
        Err(error) => peers::decline(&error),
    }
}

#[cfg(not(vkfft))]
fn main() -> Result<()> {
    peers::decline(&anyhow::anyhow!(
        "it was built without VkFFT, whose headers VKFFT_INCLUDE names (scripts/peers gets them)"
    ))
}
