//! A program: what an op will do on a device, as plain data.
//!
//! Lowering an op gives a list of passes over numbered buffers; the engine only interprets the list. Nothing here
//! knows wgpu, so every plan can be tested without a GPU.

use std::sync::{Arc, LazyLock};

use crate::shader::Shader;

/// Which buffer a pass means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum BufferId {
    /// The op's n-th input.
    Input(usize),
    /// The op's result.
    Output,
    /// The n-th scratch buffer; its content is undefined before the first write.
    Temporary(usize),
    /// The n-th table computed on the host (twiddles, weights), kept on the device between calls.
    Constant(usize),
}

/// A byte range of a buffer, bound to one storage binding. `offset` keeps the device's alignment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// The buffer.
    pub buffer: BufferId,
    /// First byte.
    pub offset: u64,
    /// Length in bytes; never 0.
    pub bytes: u64,
}

/// One dispatch. Binding 0 of group 0 is the uniform block `parameters`; bindings 1… are `windows`, in order.
#[derive(Debug, Clone)]
pub struct Pass {
    /// The shader with its tail.
    pub shader: Arc<Shader>,
    /// What the storage bindings see.
    pub windows: Vec<Window>,
    /// The uniform block's bytes, padded to 16.
    pub parameters: Vec<u8>,
    /// Workgroups per dimension, each within the device's limit.
    pub grid: [u32; 3],
    /// Rough number of arithmetic operations, by which submissions are kept short.
    pub cost: f64,
}

/// Bytes that are computed when somebody first looks at them: a device that keeps the table never does.
pub type TableBytes = LazyLock<Vec<u8>, Box<dyn FnOnce() -> Vec<u8> + Send + Sync>>;

/// A host-computed table and the structured key under which the device keeps it.
#[derive(Debug, Clone)]
pub struct Constant {
    /// Tables with equal keys have equal bytes.
    pub key: String,
    /// The table's content.
    pub bytes: Arc<TableBytes>,
}

/// Everything that an op records.
#[derive(Debug, Clone)]
pub struct Program {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Size of the result in bytes; 0 for an empty result, in which case there are no passes.
    pub output_bytes: u64,
    /// Sizes of the scratch buffers in bytes.
    pub temporaries: Vec<u64>,
    /// Tables that the passes read.
    pub constants: Vec<Constant>,
    /// The dispatches, in order; each sees what the ones before it wrote.
    pub passes: Vec<Pass>,
    /// Scratch buffers that nobody needs between two transforms.
    pub(super) shared: Vec<BufferId>,
}

impl Program {
    /// `count` scratch buffers of at least this size, the same ones every time.
    pub(super) fn shared(&mut self, count: usize, bytes: u64) -> Vec<BufferId> {
        let mut kept = std::mem::take(&mut self.shared);
        let buffers = self.reserve(&mut kept, count, bytes);
        self.shared = kept;
        buffers
    }

    /// The first `count` scratch buffers of a list that grows as it must, of at least this size.
    pub(super) fn reserve(&mut self, kept: &mut Vec<BufferId>, count: usize, bytes: u64) -> Vec<BufferId> {
        while kept.len() < count {
            kept.push(self.temporary(bytes));
        }
        for buffer in &kept[..count] {
            if let BufferId::Temporary(at) = *buffer {
                self.temporaries[at] = self.temporaries[at].max(bytes);
            }
        }
        kept[..count].to_vec()
    }

    /// A program without passes, whose result has `output_bytes` bytes.
    pub fn new(op: &'static str, output_bytes: u64) -> Self {
        Self {
            op,
            output_bytes,
            temporaries: Vec::new(),
            constants: Vec::new(),
            passes: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Adds a scratch buffer.
    pub fn temporary(&mut self, bytes: u64) -> BufferId {
        self.temporaries.push(bytes);
        BufferId::Temporary(self.temporaries.len() - 1)
    }

    /// Adds a table, once per key.
    pub fn constant(
        &mut self,
        key: impl Into<String>,
        bytes: impl FnOnce() -> Vec<u8> + Send + Sync + 'static,
    ) -> BufferId {
        let key = key.into();
        if let Some(at) = self.constants.iter().position(|c| c.key == key) {
            return BufferId::Constant(at);
        }
        self.constants.push(Constant { key, bytes: Arc::new(LazyLock::new(Box::new(bytes))) });
        BufferId::Constant(self.constants.len() - 1)
    }

    /// Adds a table that is made from `content`, once per name and content.
    pub fn constant_of(
        &mut self,
        name: &str,
        content: &[u8],
        bytes: impl FnOnce() -> Vec<u8> + Send + Sync + 'static,
    ) -> BufferId {
        // FNV-1a in 128 bits: two tables of one process do not meet by chance.
        let hash = content.iter().fold(0x6c62272e07bb014262b821756295c58d_u128, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(0x0000000001000000000000000000013b)
        });
        self.constant(format!("{name} {hash:032x}"), bytes)
    }
}
