//! What a plan may choose freely: shapes of tiles. Any choice gives the same results within the bounds; only time differs.

use super::{DeviceKind, FftChoices, Limits};

/// How the invocations of a workgroup share what they read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Sharing {
    /// Each row is read by one invocation and handed to the others by `subgroupBroadcast`. The number of invocations is
    /// the subgroup's size.
    Broadcast,
    /// Through workgroup memory.
    Workgroup,
    /// Not at all: every invocation reads all rows, from addresses that are equal across the workgroup.
    Direct,
}

/// The tile of the result that one workgroup of the pair skeleton owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Tile {
    /// How rows are shared.
    pub sharing: Sharing,
    /// Rows of the tile, a multiple of 4.
    pub rows: u32,
    /// Columns of the tile, a multiple of 4.
    pub columns: u32,
    /// Rows that one invocation owns; all of them unless the sharing is through workgroup memory.
    pub block_rows: u32,
    /// Columns that one invocation owns, a multiple of 4.
    pub block_columns: u32,
    /// Features that are read per step: 1, 2, 4, 8, 16, 32 or 64.
    pub depth: u32,
}

/// Rough number of operations that a tile may unroll.
const UNROLLED_COST: f64 = 1600.0;

impl Tile {
    /// A tile whose rows are broadcast over a subgroup of `lanes`.
    pub const fn broadcast(lanes: u32, rows: u32, block_columns: u32, depth: u32) -> Self {
        let columns = lanes * block_columns;
        Self { sharing: Sharing::Broadcast, rows, columns, block_rows: rows, block_columns, depth }
    }

    /// A tile of `lanes` invocations that share nothing.
    pub const fn direct(lanes: u32, rows: u32, block_columns: u32, depth: u32) -> Self {
        let columns = lanes * block_columns;
        Self { sharing: Sharing::Direct, rows, columns, block_rows: rows, block_columns, depth }
    }

    /// A tile of `across` × `across` invocations that own `block` × `block` entries each and share through workgroup memory.
    pub const fn workgroup(across: u32, block: u32, depth: u32) -> Self {
        let side = across * block;
        Self { sharing: Sharing::Workgroup, rows: side, columns: side, block_rows: block, block_columns: block, depth }
    }

    /// Invocations of a workgroup.
    pub const fn invocations(&self) -> u32 {
        (self.rows / self.block_rows) * (self.columns / self.block_columns)
    }

    /// Entries that one invocation owns.
    pub const fn block(&self) -> u32 {
        self.block_rows * self.block_columns
    }

    /// Bytes of workgroup memory.
    pub const fn workgroup_bytes(&self) -> u32 {
        match self.sharing {
            Sharing::Workgroup => self.depth * (self.rows + self.columns) * 4,
            Sharing::Broadcast | Sharing::Direct => 0,
        }
    }

    /// Whether the tile is well formed and a device with these limits can run it.
    pub fn fits(&self, limits: &Limits) -> bool {
        let quads = [self.rows, self.columns, self.block_rows, self.block_columns].iter().all(|n| *n > 0 && n % 4 == 0);
        let shaped = quads
            && self.rows.is_multiple_of(self.block_rows)
            && self.columns.is_multiple_of(self.block_columns)
            && self.depth.is_power_of_two()
            && self.depth <= 64;
        let shared = match self.sharing {
            Sharing::Broadcast => {
                limits.subgroup_size == Some(self.columns / self.block_columns) && self.block_rows == self.rows
            }
            Sharing::Direct => self.block_rows == self.rows,
            Sharing::Workgroup => self.workgroup_bytes() <= limits.workgroup_bytes,
        };
        shaped && shared && self.invocations() <= limits.max_invocations
    }

    /// A tile with no more rows than there are, give or take a power of two.
    pub(super) fn fitted(self, rows: u64, limits: &Limits) -> Self {
        let tile = self;
        let few = (rows.min(1 << 20) as u32).next_power_of_two().max(4);
        match tile.sharing {
            Sharing::Broadcast | Sharing::Direct if few < tile.rows => Tile { rows: few, block_rows: few, ..tile },
            Sharing::Workgroup if few <= 8 && limits.max_invocations >= 64 => Tile::direct(64, few, 4, 1),
            _ => tile,
        }
    }

    /// A tile whose unrolled text stays short enough for drivers to compile it at once.
    pub(super) fn lighter(self, cost: f64) -> Self {
        let mut tile = self;
        let weight = |tile: &Tile, depth: u32| f64::from(tile.block() * depth) * cost;
        if tile.sharing == Sharing::Workgroup {
            return tile;
        }
        while tile.depth > 1 && weight(&tile, tile.depth) > UNROLLED_COST {
            tile.depth /= 2;
        }
        while tile.rows > 4 && tile.rows.is_multiple_of(8) && weight(&tile, tile.depth) > UNROLLED_COST {
            tile.rows /= 2;
            tile.block_rows = tile.rows;
        }
        tile
    }

    /// Whether reductions can use it: one bit of a word for each of its rows, which divide the 64 of a block, and no workgroup memory.
    pub fn reduces(&self) -> bool {
        matches!(self.rows, 4 | 8 | 16 | 32) && self.sharing != Sharing::Workgroup
    }

    /// Tiles of reductions for short and for long rows.
    fn reducing(limits: &Limits) -> [Self; 2] {
        if limits.compiles_slowly {
            return [Self::direct(4, 4, 4, 1); 2];
        }
        match (limits.kind, limits.subgroup_size) {
            (DeviceKind::Software, Some(lanes)) => [Self::broadcast(lanes, 8, 8, 1), Self::broadcast(lanes, 32, 4, 4)],
            (DeviceKind::Software, None) => [Self::direct(8, 8, 4, 1), Self::direct(8, 8, 8, 1)],
            // Rows at equal addresses come from a cache at once; the workgroup only has to be wide.
            _ => [Self::direct(64, 8, 4, 1), Self::direct(64, 8, 4, 2)],
        }
    }

    /// Tiles worth measuring on a device with these limits; the first is the default.
    pub fn candidates(limits: &Limits) -> Vec<Self> {
        let lanes = limits.subgroup_size.unwrap_or(8);
        // Subgroups of 4 are SwiftShader's, whose compiler keeps nothing in registers across a long straight text.
        let (depth, other) = if lanes >= 8 { (4, 1) } else { (1, 4) };
        let software = [
            Self::broadcast(lanes, 32, 4, depth),
            Self::broadcast(lanes, 16, 4, depth),
            Self::broadcast(lanes, 32, 4, other),
            Self::broadcast(lanes, 16, 8, depth),
            Self::direct(8, 8, 8, 2),
            Self::direct(8, 16, 4, 4),
            Self::direct(8, 8, 8, 4),
            Self::direct(8, 16, 4, 1),
            Self::direct(16, 8, 4, 1),
        ];
        let hardware = [
            Self::workgroup(16, 4, 16),
            Self::workgroup(16, 8, 8),
            Self::workgroup(8, 8, 16),
            Self::workgroup(8, 4, 16),
        ];
        let tiles: Vec<Self> = match limits.kind {
            DeviceKind::Software => software.into_iter().chain(hardware).collect(),
            _ => hardware.into_iter().chain(software).collect(),
        };
        tiles.into_iter().filter(|tile| tile.fits(limits)).collect()
    }
}

/// Everything that plans choose by measurement. A Context keeps one for its whole life.
#[derive(Debug, Clone, PartialEq)]
pub struct Choices {
    /// Tile of pair functions.
    pub pair: Tile,
    /// Tile of matrix products.
    pub gemm: Tile,
    /// Tile of reductions over rows of a few features, which stay in registers: its rows are reduced, its columns owned.
    pub reduce_short: Tile,
    /// Tile of reductions over longer rows.
    pub reduce_long: Tile,
    /// Columns of values that one pass of a reduction takes, 1 to 8; of extremes it keeps twice as many.
    pub reduce_columns: u32,
    /// Whether reductions take the pairs of a panel in one after another, in loops, which is short to compile.
    pub reduce_rolled: bool,
    /// Shapes of Fourier transforms.
    pub fft: FftChoices,
    /// Workgroups that keep the device busy; with fewer, long sums are spread over workgroups too.
    pub workgroups: u64,
}

impl Choices {
    /// Whether a device with these limits can run them.
    pub fn fit(&self, limits: &Limits) -> bool {
        let fft = &self.fft;
        self.pair.fits(limits)
            && self.gemm.fits(limits)
            && [self.reduce_short, self.reduce_long].iter().all(|tile| tile.reduces() && tile.fits(limits))
            && (1..=8).contains(&self.reduce_columns)
            && self.workgroups > 0
            && (2..=64).contains(&fft.largest_radix)
            // It would be minutes until other shaders of transforms are compiled.
            && (fft.rolled || !limits.compiles_slowly)
            && (!fft.words || limits.int64)
            && fft.threads > 0
            && (1..=limits.max_invocations as usize).contains(&fft.invocations)
            && fft.longest_line > 0
    }

    /// Defaults by the kind of device: broadcasts over packed panels in software, workgroup memory on GPUs.
    pub fn for_limits(limits: &Limits) -> Self {
        // 4 × 4 tiles without sharing run everywhere.
        let tile = Tile::candidates(limits).first().copied().unwrap_or(Tile::direct(8, 4, 4, 1));
        let workgroups = if limits.kind == DeviceKind::Software { 4 } else { 256 };
        let [reduce_short, reduce_long] = Tile::reducing(limits);
        Self {
            pair: tile,
            gemm: tile,
            reduce_short,
            reduce_long,
            reduce_columns: 8,
            reduce_rolled: limits.compiles_slowly,
            workgroups,
            fft: FftChoices::for_limits(limits),
        }
    }
}
