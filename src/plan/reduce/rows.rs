//! How a panel of rows of y meets the own rows of an invocation, feature after feature, in WGSL.

use std::fmt::Write;

use super::text::Panel;
use crate::plan::choices::Sharing;

const OWN_ROWS: &str = " }\nfn own_rows(at: u32, batch: u32, row: u32) -> Own {\n    var own: Own;\n";

/// Row or column `n` in its quad.
fn part(n: u32) -> &'static str {
    ["x", "y", "z", "w"][n as usize % 4]
}

/// How a panel of rows of y meets the own rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Walk {
    /// The features of the own rows, so many, stay in registers.
    Resident(u32),
    /// All pairs take in one feature after another.
    Streamed,
    /// One pair after another takes in all of its features, in a loop: short to compile.
    PairByPair,
}

impl Walk {
    pub(super) fn resident_features(self) -> u32 {
        if let Self::Resident(features) = self { features } else { 0 }
    }
}

impl Panel<'_> {
    /// `Own`: where the features of the own rows are; `state_of`, the state of one pair.
    pub(super) fn rows_in_place(&self, text: &mut String) {
        text.push_str("struct Own { at: u32,");
        text.push_str(OWN_ROWS);
        text.push_str("    own.at = at;\n    return own;\n}\n");
        let (tile, panel, lanes) = (self.tile.columns / 4, self.tile.rows / 4, self.lanes());
        let _ = writeln!(
            text,
            "fn state_of(own: Own, column_at: u32, o: u32, r: u32) -> State {{
    var state = State();
    var feature = 0u;
    while feature < parameters.features {{
        var block = State();
        let block_end = min(feature + 64u, parameters.features);
        for (; feature < block_end; feature++) {{
            let x = rows[own.at + feature * {tile}u + o / 4u * {lanes}u][o % 4u];
            let y = columns[column_at + feature * {panel}u + r / 4u][r % 4u];
            pair_accumulate(&block, x, y, feature_weight(feature));
        }}
        state = pair_merge(state, block);
    }}
    return state;
}}"
        );
    }

    /// `Own`: the features of the own rows, `x{o}_{f}`, and the weights.
    pub(super) fn resident_rows(&self, text: &mut String, features: u32) {
        text.push_str("struct Own {");
        if features == 0 {
            text.push_str(" at: u32,");
        }
        for f in 0..features {
            for o in 0..self.own() {
                let _ = write!(text, " x{o}_{f}: f32,");
            }
            if self.weighted {
                let _ = write!(text, " w{f}: Weight,");
            }
        }
        self.floors(text);
        text.push_str(OWN_ROWS);
        if features == 0 {
            text.push_str("    own.at = at;\n");
        }
        for f in 0..features {
            for quad in 0..self.own() / 4 {
                let at = f * self.tile.columns / 4 + quad * self.lanes();
                let _ = writeln!(text, "    let q{f}_{quad} = rows[at + {at}u];");
            }
            for o in 0..self.own() {
                let _ = writeln!(text, "    own.x{o}_{f} = q{f}_{}.{};", o / 4, part(o));
            }
            if self.weighted {
                let _ = writeln!(text, "    own.w{f} = feature_weight({f}u);");
            }
        }
        self.load_floors(text);
    }

    fn floors(&self, text: &mut String) {
        for o in (0..self.own()).filter(|_| self.fold.has_floor() && !self.rolled) {
            let _ = write!(text, " floor{o}: vec2<u32>,");
        }
    }

    fn load_floors(&self, text: &mut String) {
        for o in (0..self.own()).filter(|_| self.fold.has_floor() && !self.rolled) {
            let _ = writeln!(text, "    own.floor{o} = floor_of(batch, row + {}u);", self.row_of(o));
        }
        text.push_str("    return own;\n}\n");
    }

    /// `Own`: where the features of the own rows are; `Block`, the states of all pairs of the panel, and how they take
    /// features in.
    ///
    /// Rows of y come one after another, and each takes in all features at once: drivers in software keep the block in
    /// memory, so that every visit of a state is a load and a store.
    pub(super) fn streamed_rows(&self, text: &mut String) {
        text.push_str("struct Own { at: u32,");
        self.floors(text);
        text.push_str(OWN_ROWS);
        text.push_str("    own.at = at;\n");
        self.load_floors(text);
        text.push_str("struct Block {");
        let entries = self.tile.rows * self.own();
        for entry in 0..entries {
            let _ = write!(text, " s{entry}: State,");
        }
        text.push_str(" }\nfn merge_block(totals: ptr<function, Block>, block: Block) {\n");
        for entry in 0..entries {
            let _ = writeln!(text, "    (*totals).s{entry} = pair_merge((*totals).s{entry}, block.s{entry});");
        }
        text.push_str("}\n");
        for (name, steps) in [("accumulate_feature", 1), ("accumulate_features", self.tile.depth)] {
            if name == "accumulate_features" && steps == 1 {
                continue;
            }
            let arguments = "(block: ptr<function, Block>, own_at: u32, column_at: u32, lane: u32, feature: u32)";
            let _ = writeln!(text, "fn {name}{arguments} {{");
            self.features(text, steps);
            text.push_str("}\n");
        }
    }

    fn features(&self, text: &mut String, steps: u32) {
        for step in 0..steps {
            let _ = writeln!(text, "    let w{step} = feature_weight(feature + {step}u);");
            for quad in 0..self.own() / 4 {
                let at = step * self.tile.columns / 4 + quad * self.lanes();
                let _ = writeln!(text, "    let x{step}_{quad} = rows[own_at + {at}u];");
            }
            self.load_rows(text, "columns", "column_at", &format!("y{step}"), step);
        }
        for r in 0..self.tile.rows {
            text.push_str("    {\n");
            for o in 0..self.own() {
                let _ = writeln!(text, "        var s{o} = (*block).s{};", r * self.own() + o);
            }
            for step in 0..steps {
                let _ = writeln!(text, "        let r{step} = {};", self.row_value(&format!("y{step}"), r));
                for o in 0..self.own() {
                    let x = format!("x{step}_{}.{}", o / 4, part(o));
                    let _ = writeln!(text, "        pair_accumulate(&s{o}, {x}, r{step}, w{step});");
                }
            }
            for o in 0..self.own() {
                let _ = writeln!(text, "        (*block).s{} = s{o};", r * self.own() + o);
            }
            text.push_str("    }\n");
        }
    }

    /// Reads the panel's entries of one feature or column of values, number `step` from `at` on, into `{name}_{register}`.
    pub(super) fn load_rows(&self, text: &mut String, buffer: &str, at: &str, name: &str, step: u32) {
        let (quads, lanes) = (self.tile.rows / 4, self.lanes());
        match self.tile.sharing {
            Sharing::Broadcast => {
                for register in 0..quads.div_ceil(lanes) {
                    let lane = if quads < lanes { format!("lane % {quads}u") } else { "lane".to_owned() };
                    let first = step * quads + register * lanes;
                    let _ = writeln!(text, "    let {name}_{register} = {buffer}[{at} + {first}u + {lane}];");
                }
            }
            Sharing::Direct | Sharing::Workgroup => {
                for quad in 0..quads {
                    let _ = writeln!(text, "    let {name}_{quad} = {buffer}[{at} + {}u];", step * quads + quad);
                }
            }
        }
    }

    /// The entry of row `r` of the panel among the registers `name`.
    pub(super) fn row_value(&self, name: &str, r: u32) -> String {
        let (quad, part) = (r / 4, part(r));
        match self.tile.sharing {
            Sharing::Broadcast => {
                let lanes = self.lanes();
                format!("subgroupBroadcast({name}_{}.{part}, {}u)", quad / lanes, quad % lanes)
            }
            Sharing::Direct | Sharing::Workgroup => format!("{name}_{quad}.{part}"),
        }
    }

    /// The states of the panel, `totals`.
    pub(super) fn walk_features(&self) -> String {
        let (depth, own, shared) = (self.tile.depth, self.tile.columns / 4, self.tile.rows / 4);
        let mut text = String::from(
            "    var totals = Block();
    var feature = 0u;
    var own_at = own.at;
    var feature_at = column_at;
    while feature < parameters.features {
        var block = Block();
        let block_end = min(feature + 64u, parameters.features);
",
        );
        if depth > 1 {
            let _ = writeln!(
                text,
                "        for (; feature + {depth}u <= block_end; feature += {depth}u) {{
            accumulate_features(&block, own_at, feature_at, lane, feature);
            own_at += {}u;
            feature_at += {}u;
        }}",
                depth * own,
                depth * shared
            );
        }
        let _ = writeln!(
            text,
            "        for (; feature < block_end; feature++) {{
            accumulate_feature(&block, own_at, feature_at, lane, feature);
            own_at += {own}u;
            feature_at += {shared}u;
        }}
        merge_block(&totals, block);
    }}"
        );
        text
    }
}
