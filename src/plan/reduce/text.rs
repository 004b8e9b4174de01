//! The generated part of the reducing shader: what one invocation does with a panel of rows of y.

use std::fmt::Write;

use super::fold::Fold;
use super::mask::{columns_of_tile, pair_bits};
use super::rows::Walk;
use crate::plan::choices::Tile;
use crate::work::{Bias, PairMask};

/// What the text depends on, beside the pair function.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<'a> {
    /// Rows of the tile are rows of y, its columns rows of x.
    pub(super) tile: Tile,
    /// How the panel meets the own rows.
    pub(super) walk: Walk,
    /// Whether features have weights.
    pub(super) weighted: bool,
    /// Which pairs of the panel meet; `None`: all of them.
    pub(super) mask: Option<&'a PairMask>,
    /// What the values become.
    pub(super) fold: Fold,
    /// Whether the text that ends a pair and takes its value in stands there once, in loops, and not once for each pair of
    /// the panel: that is slower, but drivers take minutes to compile much of it.
    pub(super) rolled: bool,
}

impl Panel<'_> {
    /// Rows of x that an invocation owns.
    pub(super) fn own(&self) -> u32 {
        self.tile.block_columns
    }

    pub(super) fn lanes(&self) -> u32 {
        self.tile.columns / self.tile.block_columns
    }

    /// The own row `o`, counted from the first row of the invocation's first group of four.
    pub(super) fn row_of(&self, o: u32) -> u32 {
        o / 4 * self.lanes() * 4 + o % 4
    }

    /// All of it.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        self.carries(&mut text);
        match self.walk {
            Walk::Resident(features) => self.resident_rows(&mut text, features),
            Walk::Streamed => self.streamed_rows(&mut text),
            Walk::PairByPair => self.rows_in_place(&mut text),
        }
        self.take_panel(&mut text);
        text.push_str(&columns_of_tile(self.mask));
        if let Some(mask) = self.mask {
            text.push_str(&pair_bits(mask));
        }
        text
    }

    /// A statement for each own row, with the names of its carry and of its distance from the first own row; if rolled,
    /// one in a loop.
    fn for_own_rows(&self, text: &mut String, statement: impl Fn(&str, &str) -> String) {
        if self.rolled {
            let _ = writeln!(text, "    for (var o = 0u; o < {}u; o++) {{", self.own());
            let _ = writeln!(text, "        {}\n    }}", statement("c[o]", &self.rolled_row()));
            return;
        }
        for o in 0..self.own() {
            let _ = writeln!(text, "    {}", statement(&format!("c{o}"), &format!("{}u", self.row_of(o))));
        }
    }

    /// `row_of` in WGSL for the own row `o` of a loop.
    fn rolled_row(&self) -> String {
        format!("(o / 4u * {}u + o % 4u)", 4 * self.lanes())
    }

    fn carries(&self, text: &mut String) {
        text.push_str("struct Carries {");
        if self.rolled {
            let _ = write!(text, " c: array<Carry, {}>,", self.own());
        } else {
            (0..self.own()).for_each(|o| {
                let _ = write!(text, " c{o}: Carry,");
            });
        }
        text.push_str(" }\nfn start_carries() -> Carries {\n    var carries: Carries;\n");
        self.for_own_rows(text, |carry, _| format!("carries.{carry} = carry_start();"));
        text.push_str("    return carries;\n}\nfn close_carries(carries: ptr<function, Carries>) {\n");
        self.for_own_rows(text, |carry, _| {
            format!("{{ var c = (*carries).{carry}; carry_close(&c); (*carries).{carry} = c; }}")
        });
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
        self.for_own_rows(text, |carry, row| format!("carries.{carry} = load_carry(at + {row});"));
        text.push_str("    return carries;\n}\nfn store_carries(at: u32, all: Carries) {\n    var carries = all;\n");
        self.for_own_rows(text, |carry, row| format!("store_carry(at + {row}, carries.{carry});"));
        text.push_str("}\n");
    }

    fn take_panel(&self, text: &mut String) {
        text.push_str(
            "fn take_panel(carries: ptr<function, Carries>, own: Own, column_at: u32, value_at: u32, lane: u32, batch: u32,\n    \
             row: u32, column: u32) {\n",
        );
        for c in (0..self.fold.columns).filter(|_| !self.rolled) {
            self.load_rows(text, "values", "value_at", &format!("u{c}"), c);
        }
        match self.walk {
            Walk::Resident(features) => {
                (0..features).for_each(|f| self.load_rows(text, "columns", "column_at", &format!("y{f}"), f));
            }
            Walk::Streamed => text.push_str(&self.walk_features()),
            Walk::PairByPair => {}
        }
        // Broadcasts stand outside of every condition.
        for r in 0..self.tile.rows {
            for c in (0..self.fold.columns).filter(|_| !self.rolled) {
                let _ = writeln!(text, "    let v{r}_{c} = {};", self.row_value(&format!("u{c}"), r));
            }
            for f in 0..self.walk.resident_features() {
                let _ = writeln!(text, "    let y{r}of{f} = {};", self.row_value(&format!("y{f}"), r));
            }
        }
        if self.rolled {
            self.take_rolled(text);
        } else {
            self.take_unrolled(text);
        }
        text.push_str("}\n");
    }

    fn take_unrolled(&self, text: &mut String) {
        for o in 0..self.own() {
            let _ = writeln!(text, "    {{\n        let own_row = row + {}u;", self.row_of(o));
            let _ = writeln!(text, "        var c = (*carries).c{o};");
            for r in 0..self.tile.rows {
                let state = self.state(text, o, r);
                let _ = writeln!(text, "        var f{r} = pair_finish({state});");
            }
            self.take_values(text, self.tile.rows, &format!("own.floor{o}"));
            let _ = writeln!(text, "        (*carries).c{o} = c;\n    }}");
        }
    }

    /// The values of all pairs of the panel, one after another.
    fn take_rolled(&self, text: &mut String) {
        let (rows, own) = (self.tile.rows, self.own());
        let in_place = self.walk == Walk::PairByPair;
        if !in_place {
            let _ = writeln!(text, "    var states: array<State, {}>;", rows * own);
            for o in 0..own {
                text.push_str("    {\n");
                for r in 0..rows {
                    let state = self.state(text, o, r);
                    let _ = writeln!(text, "        states[{}] = {state};", r * own + o);
                }
                text.push_str("    }\n");
            }
        }
        let state =
            if in_place { "state_of(own, column_at, o, r)".to_owned() } else { format!("states[r * {own}u + o]") };
        let _ = writeln!(
            text,
            "    for (var o = 0u; o < {own}u; o++) {{\n        let own_row = row + {};\n        \
             var c = (*carries).c[o];\n        for (var r = 0u; r < {rows}u; r++) {{\n        \
             let column = column + r;\n        var f0 = pair_finish({state});",
            self.rolled_row()
        );
        for c in 0..self.fold.columns {
            let quads = rows / 4;
            let _ = writeln!(text, "        let v0_{c} = values[value_at + {}u + r / 4u][r % 4u];", c * quads);
        }
        self.take_values(text, 1, "floor_of(batch, own_row)");
        text.push_str("        }\n        (*carries).c[o] = c;\n    }\n");
    }

    /// Takes the values `f0` … of `rows` rows of y from `column` on into the carry `c`.
    fn take_values(&self, text: &mut String, rows: u32, floor: &str) {
        if let Some(mask) = self.mask {
            text.push_str("        var bits = pair_bits(own_row, column);\n");
            for r in (0..rows).filter(|_| mask.bias.is_some()) {
                let additive = mask.bias == Some(Bias::Additive);
                let (apart, bit) = (if additive { "0xff800000u" } else { "0u" }, !(1_u32 << r));
                let _ = writeln!(text, "        let b{r} = bias_entry(batch, own_row, column + {r}u);");
                let _ = writeln!(text, "        bits &= select(0xffffffffu, {bit}u, b{r} == {apart});");
                if additive {
                    let _ = writeln!(text, "        f{r} += bitcast<f32>(b{r});");
                }
            }
        }
        text.push_str(&self.fold.take(rows, floor, self.mask.is_some()));
    }

    /// Makes the state of own row `o` and row `r` of the panel; its name.
    fn state(&self, text: &mut String, o: u32, r: u32) -> String {
        let Walk::Resident(features) = self.walk else { return format!("totals.s{}", r * self.own() + o) };
        let _ = writeln!(text, "        var s{r} = State();");
        for f in 0..features {
            let weight = if self.weighted { format!("own.w{f}") } else { "1.0".to_owned() };
            let _ = writeln!(text, "        pair_accumulate(&s{r}, own.x{o}_{f}, y{r}of{f}, {weight});");
        }
        format!("s{r}")
    }
}
