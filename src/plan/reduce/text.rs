//! The generated part of the reducing shader: what one invocation does with a panel of rows of y.

use std::fmt::Write;

use super::fold::Fold;
use crate::plan::choices::{Sharing, Tile};
use crate::work::{Bias, PairMask};

/// What the text depends on, beside the pair function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'a> {
    /// Rows of the tile are rows of y, its columns rows of x.
    pub(super) tile: Tile,
    /// Number of features where those of the own rows stay in registers.
    pub(super) resident: Option<u32>,
    /// Whether features have weights.
    pub(super) weighted: bool,
    /// Which pairs of the panel meet; `None`: all of them.
    pub(super) mask: Option<&'a PairMask>,
    /// What the values become.
    pub(super) fold: Fold,
    /// Whether the end of a pair is so dear that its text stands there once, in a loop, and not once for each pair.
    pub(super) ends_in_loop: bool,
}

impl Panel<'_> {
    /// Rows of x that an invocation owns.
    fn own(&self) -> u32 {
        self.tile.block_columns
    }

    fn lanes(&self) -> u32 {
        self.tile.columns / self.tile.block_columns
    }

    /// The own row `o`, counted from the first row of the invocation's first group of four.
    fn row_of(&self, o: u32) -> u32 {
        o / 4 * self.lanes() * 4 + o % 4
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.carries(&mut text);
        match self.resident {
            Some(features) => self.resident_rows(&mut text, features),
            None => self.streamed_rows(&mut text),
        }
        self.take_panel(&mut text);
        text.push_str(&columns_of_tile(self.mask));
        if let Some(mask) = self.mask {
            text.push_str(&pair_bits(mask));
        }
        text
    }

    fn carries(&self, text: &mut String) {
        text.push_str("struct Carries {");
        for o in 0..self.own() {
            let _ = write!(text, " c{o}: Carry,");
        }
        text.push_str(" }\nfn start_carries() -> Carries {\n    var carries: Carries;\n");
        for o in 0..self.own() {
            let _ = writeln!(text, "    carries.c{o} = carry_start();");
        }
        text.push_str("    return carries;\n}\nfn close_carries(carries: ptr<function, Carries>) {\n");
        for o in 0..self.own() {
            let _ = writeln!(text, "    var c{o} = (*carries).c{o};\n    carry_close(&c{o});");
            let _ = writeln!(text, "    (*carries).c{o} = c{o};");
        }
        text.push_str("}\nfn load_carry(at: u32) -> Carry {\n    var carry = carry_start();\n");
        for (word, (name, float)) in self.fold.words().iter().enumerate() {
            let value = format!("partials[at + {word}u * parameters.partial_word]");
            let value = if *float { format!("bitcast<f32>({value})") } else { value };
            let _ = writeln!(text, "    carry.{name} = {value};");
        }
        text.push_str("    return carry;\n}\nfn store_carry(at: u32, carry: Carry) {\n");
        for (word, (name, float)) in self.fold.words().iter().enumerate() {
            let value = if *float { format!("bitcast<u32>(carry.{name})") } else { format!("carry.{name}") };
            let _ = writeln!(text, "    partials[at + {word}u * parameters.partial_word] = {value};");
        }
        text.push_str("}\nfn load_carries(at: u32) -> Carries {\n    var carries: Carries;\n");
        for o in 0..self.own() {
            let _ = writeln!(text, "    carries.c{o} = load_carry(at + {}u);", self.row_of(o));
        }
        text.push_str("    return carries;\n}\nfn store_carries(at: u32, carries: Carries) {\n");
        for o in 0..self.own() {
            let _ = writeln!(text, "    store_carry(at + {}u, carries.c{o});", self.row_of(o));
        }
        text.push_str("}\n");
    }

    /// `Own`: the features of the own rows, `x{o}_{f}`, and the weights.
    fn resident_rows(&self, text: &mut String, features: u32) {
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
        for o in (0..self.own()).filter(|_| self.fold.has_floor()) {
            let _ = write!(text, " floor{o}: vec2<u32>,");
        }
    }

    fn load_floors(&self, text: &mut String) {
        for o in (0..self.own()).filter(|_| self.fold.has_floor()) {
            let _ = writeln!(text, "    own.floor{o} = floor_of(batch, row + {}u);", self.row_of(o));
        }
        text.push_str("    return own;\n}\n");
    }

    /// `Own`: where the features of the own rows are; `Block`, the states of all pairs of the panel, and how they take
    /// features in.
    ///
    /// Rows of y come one after another, and each takes in all features at once: drivers in software keep the block in
    /// memory, so that every visit of a state is a load and a store.
    fn streamed_rows(&self, text: &mut String) {
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
    fn load_rows(&self, text: &mut String, buffer: &str, at: &str, name: &str, step: u32) {
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
    fn row_value(&self, name: &str, r: u32) -> String {
        let (quad, part) = (r / 4, part(r));
        match self.tile.sharing {
            Sharing::Broadcast => {
                let lanes = self.lanes();
                format!("subgroupBroadcast({name}_{}.{part}, {}u)", quad / lanes, quad % lanes)
            }
            Sharing::Direct | Sharing::Workgroup => format!("{name}_{quad}.{part}"),
        }
    }

    fn take_panel(&self, text: &mut String) {
        text.push_str(
            "fn take_panel(carries: ptr<function, Carries>, own: Own, column_at: u32, value_at: u32, lane: u32, batch: u32,\n    \
             row: u32, column: u32) {\n",
        );
        for c in 0..self.fold.columns {
            self.load_rows(text, "values", "value_at", &format!("u{c}"), c);
        }
        if let Some(features) = self.resident {
            for f in 0..features {
                self.load_rows(text, "columns", "column_at", &format!("y{f}"), f);
            }
        } else {
            text.push_str(&self.walk_features());
        }
        // Broadcasts stand outside of every condition.
        for r in 0..self.tile.rows {
            for c in 0..self.fold.columns {
                let _ = writeln!(text, "    let v{r}_{c} = {};", self.row_value(&format!("u{c}"), r));
            }
            for f in 0..self.resident.unwrap_or(0) {
                let _ = writeln!(text, "    let y{r}of{f} = {};", self.row_value(&format!("y{f}"), r));
            }
        }
        if self.ends_in_loop {
            self.end_in_loop(text);
        }
        for o in 0..self.own() {
            let _ = writeln!(text, "    {{\n        var c = (*carries).c{o};");
            for r in 0..self.tile.rows {
                let value = match self.ends_in_loop {
                    true => format!("values_of_pairs[{}]", r * self.own() + o),
                    false => format!("pair_finish({})", self.state(text, o, r)),
                };
                let bind = if self.additive() { "var" } else { "let" };
                let _ = writeln!(text, "        {bind} f{r} = {value};");
            }
            if let Some(mask) = self.mask {
                let _ = writeln!(text, "        let own_row = row + {}u;", self.row_of(o));
                let bind = if mask.bias.is_some() { "var" } else { "let" };
                let _ = writeln!(text, "        {bind} bits = pair_bits(own_row, column);");
                if mask.bias.is_some() {
                    for r in 0..self.tile.rows {
                        let _ = writeln!(text, "        let b{r} = bias_entry(batch, own_row, column + {r}u);");
                        let apart = if self.additive() { "0xff800000u" } else { "0u" };
                        let bit = !(1_u32 << r);
                        let _ = writeln!(text, "        bits &= select(0xffffffffu, {bit}u, b{r} == {apart});");
                        if self.additive() {
                            let _ = writeln!(text, "        f{r} += bitcast<f32>(b{r});");
                        }
                    }
                }
            }
            text.push_str(&self.fold.take(self.tile.rows, o, self.mask.is_some()));
            let _ = writeln!(text, "        (*carries).c{o} = c;\n    }}");
        }
        text.push_str("}\n");
    }

    /// Makes the state of own row `o` and row `r` of the panel; its name.
    fn state(&self, text: &mut String, o: u32, r: u32) -> String {
        let Some(features) = self.resident else { return format!("totals.s{}", r * self.own() + o) };
        let _ = writeln!(text, "        var s{r} = State();");
        for f in 0..features {
            let weight = if self.weighted { format!("own.w{f}") } else { "1.0".to_owned() };
            let _ = writeln!(text, "        pair_accumulate(&s{r}, own.x{o}_{f}, y{r}of{f}, {weight});");
        }
        format!("s{r}")
    }

    /// The values of all pairs of the panel, one after another.
    fn end_in_loop(&self, text: &mut String) {
        let pairs = self.tile.rows * self.own();
        let _ = writeln!(text, "    var states: array<State, {pairs}>;\n    var values_of_pairs: array<f32, {pairs}>;");
        for o in 0..self.own() {
            text.push_str("    {\n");
            for r in 0..self.tile.rows {
                let state = self.state(text, o, r);
                let _ = writeln!(text, "        states[{}] = {state};", r * self.own() + o);
            }
            text.push_str("    }\n");
        }
        let _ = writeln!(
            text,
            "    for (var p = 0u; p < {pairs}u; p++) {{\n        values_of_pairs[p] = pair_finish(states[p]);\n    }}"
        );
    }

    fn additive(&self) -> bool {
        self.mask.is_some_and(|mask| mask.bias == Some(Bias::Additive))
    }

    /// The states of the panel, `totals`.
    fn walk_features(&self) -> String {
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

const OWN_ROWS: &str = " }\nfn own_rows(at: u32, batch: u32, row: u32) -> Own {\n    var own: Own;\n";

/// Row or column `n` in its quad.
fn part(n: u32) -> &'static str {
    ["x", "y", "z", "w"][n as usize % 4]
}

/// `columns_of_tile`: the rows of y, from the first to one past the last, that any of these rows of x may meet.
fn columns_of_tile(mask: Option<&PairMask>) -> String {
    let mut text = String::from(
        "fn columns_of_tile(first_row: u32, last_row: u32) -> vec2<u32> {\n    var first = parameters.begin_column;\n    \
         var end = parameters.end_column;\n",
    );
    text.push_str(&diagonal(mask, "first_row", "last_row"));
    text.push_str("    return vec2<u32>(first, end);\n}\n");
    text
}

/// Narrows `first` and `end` to what rows `low` to `high` see beside the diagonal.
fn diagonal(mask: Option<&PairMask>, low: &str, high: &str) -> String {
    let mut text = String::new();
    if mask.is_some_and(|mask| mask.causal) {
        let _ = writeln!(text, "    end = u32(clamp(i32({high}) + parameters.shift + 1, i32(first), i32(end)));");
    }
    if mask.is_some_and(|mask| mask.window.is_some()) {
        let _ = writeln!(
            text,
            "    let seen = i32({low}) + parameters.shift + 1 - i32(parameters.window);\n    \
             first = u32(clamp(seen, i32(first), i32(end)));"
        );
    }
    text
}

/// `pair_bits`: one bit for each of the rows of y from `column` on that meets the row; and `bias_entry`.
fn pair_bits(mask: &PairMask) -> String {
    let mut text = String::from(
        "fn pair_bits(row: u32, column: u32) -> u32 {\n    var first = parameters.begin_column;\n    \
         var end = parameters.end_column;\n",
    );
    text.push_str(&diagonal(Some(mask), "row", "row"));
    text.push_str(
        "    let low = clamp(first, column, column + PANEL) - column;\n    \
         let high = clamp(end, column, column + PANEL) - column;\n    \
         var bits = select((1u << high) - 1u, 0xffffffffu, high > 31u);\n    \
         bits = select(0u, bits & ~((1u << low) - 1u), high > low);\n",
    );
    if mask.exclude_self {
        text.push_str("    bits &= select(0xffffffffu, ~(1u << ((row - column) & 31u)), row - column < PANEL);\n");
    }
    text.push_str("    return bits;\n}\n");
    if mask.bias.is_some() {
        text.push_str(
            "fn bias_entry(batch: u32, row: u32, column: u32) -> u32 {\n    \
             return bias[parameters.bias_offset + batch * parameters.bias_batch\n        \
             + min(row, parameters.last_row) * parameters.bias_row\n        \
             + clamp(column, parameters.begin_column, parameters.end_column - 1u) * parameters.bias_column];\n}\n",
        );
    }
    text
}
