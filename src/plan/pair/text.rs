//! The generated part of the pair skeleton: the register block, unrolled, and how values leave it.

use std::fmt::Write;

use crate::plan::choices::{Sharing, Tile};

const PARTS: [&str; 4] = ["x", "y", "z", "w"];

/// The register block of a tile: `Block`, `accumulate_feature(s)`, `merge_block`, `emit_first_row` and `drop_first_row`.
///
/// `swapped`: the rows of the tile are rows of y.
pub(super) fn register_block(tile: &Tile, swapped: bool) -> String {
    let mut text = String::new();
    let entries = tile.block();
    text.push_str("struct Block {\n");
    for entry in 0..entries {
        let _ = writeln!(text, "    s{entry}: State,");
    }
    text.push_str("}\n");
    let order = if swapped { "y, x" } else { "x, y" };
    let _ = writeln!(text, "fn with_feature(state: State, x: f32, y: f32, w: f32) -> State {{\n    var next = state;");
    let _ = writeln!(text, "    pair_accumulate(&next, {order}, w);\n    return next;\n}}");
    match tile.sharing {
        Sharing::Workgroup => {
            text.push_str("fn accumulate_feature(block: ptr<function, Block>, x_at: u32, y_at: u32, feature: u32) {\n");
            one_feature(&mut text, tile, 0);
            text.push_str("}\n");
        }
        Sharing::Broadcast | Sharing::Direct => {
            let arguments = "(block: ptr<function, Block>, x_at: u32, y_at: u32, lane: u32, feature: u32)";
            let _ = writeln!(text, "fn accumulate_feature{arguments} {{");
            one_feature(&mut text, tile, 0);
            let _ = writeln!(text, "}}\nfn accumulate_features{arguments} {{");
            if tile.depth == 1 {
                text.push_str("    accumulate_feature(block, x_at, y_at, lane, feature);\n");
            } else {
                for step in 0..tile.depth {
                    text.push_str("    {\n");
                    one_feature(&mut text, tile, step);
                    text.push_str("    }\n");
                }
            }
            text.push_str("}\n");
        }
    }
    text.push_str("fn merge_block(totals: ptr<function, Block>, block: Block) {\n");
    for entry in 0..entries {
        let _ = writeln!(text, "    (*totals).s{entry} = pair_merge((*totals).s{entry}, block.s{entry});");
    }
    text.push_str("}\n");
    text.push_str("fn emit_first_row(block: Block, row: u32, column: u32, slice: u32, batch: u32) {\n");
    let lanes = tile.columns / tile.block_columns;
    for column in 0..tile.block_columns {
        let right = column / 4 * lanes * 4 + column % 4;
        let _ = writeln!(text, "    emit_entry(block.s{column}, row, column + {right}u, slice, batch);");
    }
    // Rows leave one at a time through the same few lines: unrolled stores would take drivers seconds to compile.
    text.push_str("}\nfn drop_first_row(block: ptr<function, Block>) {\n");
    for entry in tile.block_columns..entries {
        let _ = writeln!(text, "    (*block).s{} = (*block).s{entry};", entry - tile.block_columns);
    }
    text.push_str("}\n");
    text
}

/// Takes feature `feature + step` into every state of the block.
fn one_feature(text: &mut String, tile: &Tile, step: u32) {
    let lanes = tile.columns / tile.block_columns;
    let (x, y) = match tile.sharing {
        Sharing::Workgroup => ("x_tile", "y_tile"),
        Sharing::Broadcast | Sharing::Direct => ("x", "y"),
    };
    let _ = writeln!(text, "    let w = feature_weight(feature + {step}u);");
    for quad in 0..tile.block_columns / 4 {
        let at = quad * lanes + step * tile.columns / 4;
        let _ = writeln!(text, "    let y{quad} = {y}[y_at + {at}u];");
    }
    let row_quads = tile.block_rows / 4;
    match tile.sharing {
        Sharing::Broadcast => {
            for register in 0..row_quads.div_ceil(lanes) {
                let at = register * lanes + step * tile.rows / 4;
                let lane = if row_quads < lanes { format!("lane % {row_quads}u") } else { "lane".to_owned() };
                let _ = writeln!(text, "    let x{register} = {x}[x_at + {at}u + {lane}];");
            }
        }
        Sharing::Direct => {
            for quad in 0..row_quads {
                let _ = writeln!(text, "    let x{quad} = {x}[x_at + {}u];", quad + step * tile.rows / 4);
            }
        }
        Sharing::Workgroup => {
            for quad in 0..row_quads {
                let _ = writeln!(text, "    let x{quad} = {x}[x_at + {}u];", quad * (tile.rows / tile.block_rows));
            }
        }
    }
    for row in 0..tile.block_rows {
        let (quad, part) = (row / 4, PARTS[row as usize % 4]);
        let _ = match tile.sharing {
            Sharing::Broadcast => {
                writeln!(text, "    let r{row} = subgroupBroadcast(x{}.{part}, {}u);", quad / lanes, quad % lanes)
            }
            Sharing::Direct | Sharing::Workgroup => writeln!(text, "    let r{row} = x{quad}.{part};"),
        };
        for column in 0..tile.block_columns {
            let entry = row * tile.block_columns + column;
            let (quad, part) = (column / 4, PARTS[column as usize % 4]);
            let _ =
                writeln!(text, "    (*block).s{entry} = with_feature((*block).s{entry}, r{row}, y{quad}.{part}, w);");
        }
    }
}

/// `emit`: the value of a state.
pub(super) const EMIT_VALUE: &str = "fn emit(at: u32, state: State, batch: u32, row: u32, column: u32) {
    out[at] = entry_value(state, batch, row, column);
}
";
