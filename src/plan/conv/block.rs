//! The block of outputs that one invocation owns: which one fits a convolution, and its text.

use std::fmt::Write;

use super::geometry::Axis;
use crate::plan::{DeviceKind, Limits};
use crate::work::ConvMethod;

/// Terms that are summed before the sum joins the others: the error bounds count on it.
const BLOCK_TERMS: u64 = 64;

/// Products up to which work counts as small.
const SMALL: u64 = 1 << 21;

/// What a load costs, in products: devices in software load lane by lane.
const SOFTWARE_LOAD: f64 = 20.0;
const LOAD: f64 = 6.0;

/// Operations of one line beside its loads and products: where it lies, and which comes next.
const LINE: f64 = 40.0;

/// A block of neighbouring outputs, and how its invocations share filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) channels: u64,
    pub(super) rows: u64,
    pub(super) columns: u64,
    /// Taps that are taken in at once.
    pub(super) unroll: u64,
    /// Invocations of a workgroup.
    pub(super) lanes: u64,
    /// Whether each filter is read by one of them and handed to the others by `subgroupBroadcast`.
    pub(super) broadcast: bool,
}

impl Block {
    /// The block of least cost, and its cost in operations.
    pub(super) fn choose(work: &Shape<'_>, method: ConvMethod, limits: &Limits) -> (Self, f64) {
        let [planes, rows, last] = work.axes;
        let outputs = planes.outputs * rows.outputs * last.outputs;
        let terms = work.inputs * planes.taps * rows.taps * last.taps;
        let sizes = [work.batch, work.groups, work.outputs, outputs, terms];
        let small = sizes.into_iter().fold(1, u64::saturating_mul) <= SMALL;
        let (most, most_text) = match limits.kind {
            // A block that a driver compiles at once takes less time than it saves.
            _ if limits.compiles_slowly || small => (16, 64),
            DeviceKind::Software => (128, 512),
            // A register holds an output and another one its total.
            _ => (32, 256),
        };
        let (lanes, broadcast) = match (limits.kind, limits.subgroup_size) {
            (DeviceKind::Software, Some(lanes)) => (u64::from(lanes), true),
            (DeviceKind::Software, None) => (8, false),
            _ => (64, false),
        };
        let mut best = (Self { channels: 1, rows: 1, columns: 1, unroll: 1, lanes, broadcast }, f64::INFINITY);
        for channels in [1, 2, 4, 8, 16, 32] {
            let allowed = match method {
                ConvMethod::Direct => channels <= 4,
                ConvMethod::ImplicitGemm => channels >= 8,
                _ => true,
            };
            for rows_owned in [1, 2, 4] {
                // Rows of outputs share rows of the input only where they lie as far apart as the taps.
                let shares = rows_owned == 1 || (rows.step == rows.spread && rows.taps > 2 * (rows_owned - 1));
                for columns in [1, 2, 4, 8] {
                    let owned = channels * rows_owned * columns;
                    if !allowed || !shares || owned > most {
                        continue;
                    }
                    let at_once = (most_text / owned).clamp(1, 8).min(last.taps.max(1));
                    let unroll = last.taps.max(1).div_ceil(last.taps.max(1).div_ceil(at_once));
                    let block = Self { channels, rows: rows_owned, columns, unroll, lanes, broadcast };
                    let cost = block.cost(work, limits);
                    if cost < best.1 {
                        best = (block, cost);
                    }
                }
            }
        }
        best
    }

    /// Rough operations of all invocations.
    fn cost(&self, work: &Shape<'_>, limits: &Limits) -> f64 {
        let [planes, rows, last] = work.axes;
        let blocks =
            work.batch * planes.outputs * rows.outputs.div_ceil(self.rows) * last.outputs.div_ceil(self.columns);
        let invocations = blocks.div_ceil(self.lanes) * self.lanes * work.groups * work.outputs.div_ceil(self.channels);
        invocations as f64 * self.lines(work) as f64 * self.line_cost(last, limits)
    }

    /// Lines that an invocation walks.
    pub(super) fn lines(&self, work: &Shape<'_>) -> u64 {
        let [planes, rows, _] = work.axes;
        if rows.taps * work.axes[2].taps == 0 {
            return 0;
        }
        work.inputs * planes.taps * (rows.taps + self.rows - 1)
    }

    /// Rough operations of one line.
    pub(super) fn line_cost(&self, last: &Axis, limits: &Limits) -> f64 {
        let load = if limits.kind == DeviceKind::Software { SOFTWARE_LOAD } else { LOAD };
        let chunks = last.taps.div_ceil(self.unroll);
        let places = self.places(last, self.unroll);
        let carried = places.iter().filter(|place| self.is_carried(last, &places, **place)).count();
        let x = if chunks > 1 { carried + chunks as usize * (places.len() - carried) } else { places.len() };
        let filters = self.unroll * self.channels;
        let w = if self.broadcast { filters.div_ceil(self.lanes) } else { filters } * chunks * self.rows;
        let products = last.taps * self.channels * self.columns * self.rows;
        // Rows that a line does not reach are computed and left out.
        let masked = if self.rows > 1 { 1.3 } else { 1.0 };
        (x as u64 + w) as f64 * load + products as f64 * masked + LINE
    }

    /// Taps of a segment: a multiple of what is taken in at once, 64 at most, and lines cut evenly.
    pub(super) fn segment(&self, last: &Axis) -> u64 {
        let most = BLOCK_TERMS / self.unroll * self.unroll;
        let even = last.taps.max(1).div_ceil(last.taps.max(1).div_ceil(most));
        even.next_multiple_of(self.unroll).min(most)
    }

    /// Segments whose sum is taken for itself.
    pub(super) fn per_block(&self, last: &Axis) -> u64 {
        (BLOCK_TERMS / self.segment(last).min(last.taps.max(1))).max(1)
    }

    /// Segments that a pass may take: with b terms per block and n blocks the error of a pass is that of b + n roundings,
    /// which the bound 64 + ⌈t/64⌉ + 2 of all its t terms must hold, one more rounding for the sum of passes included; and
    /// an invocation may run only so many iterations.
    pub(super) fn segments_per_pass(&self, work: &Shape<'_>, limits: &Limits) -> u64 {
        let [_, rows, last] = work.axes;
        let (segment, per_block) = (self.segment(last).min(last.taps.max(1)), self.per_block(last));
        let terms = per_block * segment;
        let seen = rows.taps as f64 / (rows.taps + self.rows - 1).max(1) as f64;
        let holds = |blocks: &u64| {
            (terms + blocks + 1) as f64 <= 66.0 + (seen * (terms * blocks) as f64 / BLOCK_TERMS as f64).floor()
        };
        let precise = (1..=64).take_while(holds).last().unwrap_or(1) * per_block;
        let own = self.channels * self.rows + 16;
        let per_segment = 2 + segment.div_ceil(self.unroll);
        let walked = u64::from(limits.max_iterations).saturating_sub(own) / (per_segment + 1);
        precise.min(walked / per_block * per_block).max(per_block)
    }

    /// Places along the last axis, counted from the first output's first tap, that `taps` taps see.
    fn places(&self, last: &Axis, taps: u64) -> Vec<u64> {
        let of_column = |column| (0..taps).map(move |tap| column * last.step + tap * last.spread);
        let mut places: Vec<u64> = (0..self.columns).flat_map(of_column).collect();
        places.sort_unstable();
        places.dedup();
        places
    }

    /// Whether the taps before have seen the same place.
    fn is_carried(&self, last: &Axis, places: &[u64], place: u64) -> bool {
        places.binary_search(&(place + self.unroll * last.spread)).is_ok()
    }

    /// `Block`, `take_segment`, `merge_block`, `store_first_row` and `drop_first_row`.
    pub(super) fn text(&self, last: &Axis) -> String {
        let mut text = String::from("struct Block {\n");
        let owned = self.channels * self.rows * self.columns;
        for output in 0..owned {
            let _ = writeln!(text, "    s{output}: f32,");
        }
        text.push_str("}\n");
        self.take_segment(&mut text, last);
        text.push_str("fn merge_block(totals: ptr<function, Block>, block: Block) {\n");
        for output in 0..owned {
            let _ = writeln!(text, "    (*totals).s{output} += block.s{output};");
        }
        text.push_str("}\nfn store_first_row(block: Block, at: u32, channel: u32, columns: u32) {\n");
        for column in 0..self.columns {
            let place = format!("at + {column}u * parameters.axes[2].output_stride");
            let _ = writeln!(text, "    if {column}u < columns {{ store({place}, block.s{column}, channel); }}");
        }
        text.push_str("}\nfn drop_first_row(block: ptr<function, Block>) {\n");
        for output in self.columns..owned {
            let _ = writeln!(text, "    (*block).s{} = (*block).s{output};", output - self.columns);
        }
        text.push_str("}\n");
        text
    }

    fn take_segment(&self, text: &mut String, last: &Axis) {
        text.push_str(
            "fn take_segment(\n    block: ptr<function, Block>, line_at: u32, inside: bool, first_place: u32, first_w: u32, line: u32, \
             rows: u32,\n    tap: u32, lane: u32, input: u32, stride: u32,\n) {\n    var place = first_place;\n    var w_at = first_w;\n",
        );
        if last.taps <= self.unroll {
            self.take_taps(text, last, last.taps, &[]);
            text.push_str("}\n");
            return;
        }
        let places = self.places(last, self.unroll);
        let carried: Vec<u64> = places.iter().copied().filter(|place| self.is_carried(last, &places, *place)).collect();
        for place in &carried {
            let _ = writeln!(text, "    var v{place} = load_inside(line_at, inside, place + {place}u, input, stride);");
        }
        let (unroll, spread) = (self.unroll, last.spread);
        let _ = writeln!(text, "    let taps = min(SEGMENT, TAPS - tap);");
        let _ = writeln!(text, "    for (var taken = {unroll}u; taken <= taps; taken += {unroll}u) {{");
        self.take_taps(text, last, unroll, &carried);
        for place in &carried {
            let _ = writeln!(text, "    v{place} = v{};", place + unroll * spread);
        }
        let _ = writeln!(text, "    place += {}u;\n    w_at += {}u;\n    }}", unroll * spread, unroll * self.channels);
        let rest = last.taps % unroll;
        if rest > 0 {
            // A loop of one turn or none: drivers in software run both sides of a branch.
            let _ = writeln!(text, "    for (var end = 0u; end < min(taps % {unroll}u, 1u); end++) {{");
            self.take_taps(text, last, rest, &carried);
            text.push_str("    }\n");
        }
        text.push_str("}\n");
    }

    /// Takes in so many taps; places that are carried lie in registers already.
    ///
    /// Rows come one after another, and each takes in all taps at once: drivers in software keep the block in memory, so that
    /// every visit of an output is a load and a store.
    fn take_taps(&self, text: &mut String, last: &Axis, taps: u64, carried: &[u64]) {
        for place in self.places(last, taps).into_iter().filter(|place| !carried.contains(place)) {
            let _ = writeln!(text, "    let v{place} = load_inside(line_at, inside, place + {place}u, input, stride);");
        }
        let filters = taps * self.channels;
        for row in 0..self.rows {
            let _ = match self.rows {
                1 => writeln!(text, "    {{"),
                _ => writeln!(text, "    if line - {row}u < rows {{"),
            };
            let _ = writeln!(text, "        let at = w_at - {row}u * TAPS * CHANNELS;");
            if self.broadcast {
                for register in 0..filters.div_ceil(self.lanes) {
                    let first = register * self.lanes;
                    let own = match filters - first < self.lanes {
                        true => format!("min({first}u + lane, {}u)", filters - 1),
                        false => format!("{first}u + lane"),
                    };
                    let _ = writeln!(text, "        let w{register} = w[at + {own}];");
                }
            }
            for channel in 0..self.channels {
                text.push_str("        {\n");
                for tap in 0..taps {
                    let filter = tap * self.channels + channel;
                    let _ = match self.broadcast {
                        true => writeln!(
                            text,
                            "            let k{tap} = subgroupBroadcast(w{}, {}u);",
                            filter / self.lanes,
                            filter % self.lanes
                        ),
                        false => writeln!(text, "            let k{tap} = w[at + {filter}u];"),
                    };
                }
                for column in 0..self.columns {
                    let output = (channel * self.rows + row) * self.columns + column;
                    let _ = writeln!(text, "            var s{column} = (*block).s{output};");
                    for tap in 0..taps {
                        let place = column * last.step + tap * last.spread;
                        let _ = writeln!(text, "            s{column} += k{tap} * v{place};");
                    }
                    let _ = writeln!(text, "            (*block).s{output} = s{column};");
                }
                text.push_str("        }\n");
            }
            text.push_str("    }\n");
        }
    }
}

/// What the choice of a block depends on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) batch: u64,
    pub(super) groups: u64,
    pub(super) inputs: u64,
    pub(super) outputs: u64,
    pub(super) axes: &'a [Axis; 3],
}
