//! The WGSL of one pair function, and what goes around it.

use std::fmt::Write;
use std::ops::Range;

use crate::plan::parameters::Words;
use crate::plan::pieces::window;
use crate::plan::{BufferId, Limits, Program, Window};
use crate::shader::Tail;

/// A pair function as the skeleton needs it.
#[derive(Debug, Clone)]
pub(crate) struct PairCode {
    /// Declares `State`, `pair_accumulate`, `pair_merge` and `pair_finish`; reads `parameters`.
    pub(crate) text: String,
    /// Whether all of the text is this library's own. Of any other nobody has proven that its indices stay in range and
    /// its loops end, so it runs with the driver's checks.
    pub(crate) trusted: bool,
    /// Whether the text calls the accurate functions.
    pub(crate) math: bool,
    /// Parameters, in the order of the text's numbers.
    pub(crate) values: Vec<f32>,
    /// The tables of weights side by side: all weights of feature 0, of feature 1, and so on.
    pub(crate) weights: Option<Vec<f32>>,
    /// How many tables there are.
    pub(crate) weight_tables: u64,
    /// Rough number of operations for one feature of one pair.
    pub(crate) cost: f64,
    /// Fields of `State` in order, and whether each is an `f32` (else a `u32`).
    pub(crate) state: Vec<(String, bool)>,
}

impl PairCode {
    /// Rough number of operations at the end of a pair, from the functions that its text calls.
    pub(in crate::plan) fn finish_cost(&self) -> f64 {
        let Some(finish) = self.text.find("fn finish_0").map(|at| &self.text[at..]) else { return 4.0 };
        let calls = [("exp_(", 40.0), ("log_(", 40.0), ("pow_(", 90.0), ("sqrt_(", 20.0), ("_(", 20.0), (" / ", 4.0)];
        calls.iter().map(|(call, cost)| finish.matches(call).count() as f64 * cost).sum::<f64>() + 4.0
    }

    /// Rough number of operations for one pair over this many features, or merged states, its end among them.
    pub(in crate::plan) fn pair_cost(&self, features: u64) -> f64 {
        features as f64 * self.cost + self.finish_cost()
    }

    fn value_quads(&self) -> usize {
        self.values.len().div_ceil(4).max(1)
    }

    /// Adds the function to a tail.
    pub(in crate::plan) fn tail(&self, tail: Tail) -> Tail {
        tail.constant("PAIR_VALUES", self.value_quads() as u32).code(&self.text)
    }

    /// Adds the parameters, after the words before them have been filled up to four.
    pub(in crate::plan) fn value_words(&self, words: &mut Words) {
        for at in 0..4 * self.value_quads() {
            words.f32(self.values.get(at).copied().unwrap_or(0.0));
        }
    }

    /// The table of weights, named after its content.
    pub(in crate::plan) fn weights_constant(&self, program: &mut Program) -> Option<BufferId> {
        let weights = self.weights.as_ref().filter(|weights| !weights.is_empty())?;
        let content = bytemuck::cast_slice(weights);
        let bytes = content.to_vec();
        Some(program.constant_of(&format!("weights {}", weights.len()), content, move || bytes))
    }

    /// The window on the weights of these features, and the place of the first in it: `parameters.first_feature`.
    pub(in crate::plan) fn weights_window(
        &self,
        table: BufferId,
        features: &Range<u64>,
        limits: &Limits,
    ) -> (Window, u32) {
        let first = features.start * self.weight_tables;
        window(table, 4, first, (features.end - features.start) * self.weight_tables, limits)
    }

    /// `feature_weight(feature)`: from the tables at `binding`, or 1.
    pub(in crate::plan) fn feature_weight(&self, binding: u32) -> String {
        if self.weights.is_none() {
            return "fn feature_weight(feature: u32) -> f32 {\n    return 1.0;\n}\n".to_owned();
        }
        let declared = format!("@group(0) @binding({binding}) var<storage, read> weights: array<f32>;\n");
        if self.weight_tables < 2 {
            return format!(
                "{declared}fn feature_weight(feature: u32) -> f32 {{\n    \
                 return weights[parameters.first_feature + feature];\n}}\n"
            );
        }
        let all: Vec<String> = (0..self.weight_tables).map(|table| format!("weights[at + {table}u]")).collect();
        format!(
            "{declared}fn feature_weight(feature: u32) -> Weight {{\n    \
             let at = parameters.first_feature + feature * {}u;\n    return Weight({});\n}}\n",
            self.weight_tables,
            all.join(", ")
        )
    }

    /// `entry_value(state, batch, row, column)`; with an addend, `pair_epilogue(value, addend)` joins the two.
    pub(super) fn entry_value(&self, addend: bool, binding: u32) -> String {
        let head = "fn entry_value(state: State, batch: u32, row: u32, column: u32) -> f32 {\n";
        if !addend {
            return format!("{head}    return pair_finish(state);\n}}\n");
        }
        format!(
            "@group(0) @binding({binding}) var<storage, read> addend: array<f32>;\n{head}    \
             let at = parameters.addend_offset + batch * parameters.addend_batch + row * parameters.addend_row\n        \
             + column * parameters.addend_column;\n    return pair_epilogue(pair_finish(state), addend[at]);\n}}\n"
        )
    }

    /// `emit`: the words of a state.
    pub(super) fn emit_state(&self) -> String {
        let mut text = "fn emit(at: u32, state: State, batch: u32, row: u32, column: u32) {\n".to_owned();
        for (word, (name, float)) in self.state.iter().enumerate() {
            let value = if *float { format!("bitcast<u32>(state.{name})") } else { format!("state.{name}") };
            let _ = writeln!(text, "    out[at + {word}u] = {value};");
        }
        text.push_str("}\n");
        text
    }

    /// `state_from(at)`: the state whose words start there.
    pub(super) fn state_from(&self) -> String {
        let mut text = "fn state_from(at: u32) -> State {\n    var state: State;\n".to_owned();
        for (word, (name, float)) in self.state.iter().enumerate() {
            let value = format!("partials[at + {word}u]");
            let value = if *float { format!("bitcast<f32>({value})") } else { value };
            let _ = writeln!(text, "    state.{name} = {value};");
        }
        text.push_str("    return state;\n}\n");
        text
    }
}
