//! The generated part of the pair skeleton: the register block, unrolled, and how values leave it.

use std::fmt::Write;

use crate::plan::choices::{Sharing, Tile};

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
    match tile.sharing {
        Sharing::Workgroup => {
            text.push_str("fn accumulate_feature(block: ptr<function, Block>, x_at: u32, y_at: u32, feature: u32) {\n");
            features(&mut text, tile, 1, swapped);
        }
        Sharing::Broadcast | Sharing::Direct => {
            let arguments = "(block: ptr<function, Block>, x_at: u32, y_at: u32, lane: u32, feature: u32)";
            let _ = writeln!(text, "fn accumulate_feature{arguments} {{");
            features(&mut text, tile, 1, swapped);
            let _ = writeln!(text, "}}\nfn accumulate_features{arguments} {{");
            features(&mut text, tile, tile.depth, swapped);
        }
    }
    text.push_str("}\nfn merge_block(totals: ptr<function, Block>, block: Block) {\n");
    for entry in 0..entries {
        let _ = writeln!(text, "    (*totals).s{entry} = pair_merge((*totals).s{entry}, block.s{entry});");
    }
    text.push_str("}\n");
    let lanes = tile.columns / tile.block_columns;
    text.push_str("fn emit_first_row(block: Block, at: u32, batch: u32, row: u32, column: u32, end_column: u32) {\n");
    for column in 0..tile.block_columns {
        let right = column / 4 * lanes * 4 + column % 4;
        let at = format!("at + {right}u * parameters.out_column");
        let _ = writeln!(text, "    if column + {right}u < end_column {{");
        let _ = writeln!(text, "        emit({at}, block.s{column}, batch, row, column + {right}u);\n    }}");
    }
    text.push_str("}\nfn drop_first_row(block: ptr<function, Block>) {\n");
    for entry in tile.block_columns..entries {
        let _ = writeln!(text, "    (*block).s{} = (*block).s{entry};", entry - tile.block_columns);
    }
    text.push_str("}\n");
    text
}

/// Takes `steps` features from `feature` on into every state of the block.
///
/// Rows come one after another, and each takes in all features at once: drivers in software keep the block in memory,
/// so that every visit of a state is a load and a store.
fn features(text: &mut String, tile: &Tile, steps: u32, swapped: bool) {
    for step in 0..steps {
        loads(text, tile, step);
    }
    let lanes = tile.columns / tile.block_columns;
    for row in 0..tile.block_rows {
        let (quad, part) = (row / 4, part(row));
        text.push_str("    {\n");
        let first = row * tile.block_columns;
        for column in 0..tile.block_columns {
            let _ = writeln!(text, "        var s{column} = (*block).s{};", first + column);
        }
        for step in 0..steps {
            let _ = match tile.sharing {
                Sharing::Broadcast => {
                    let register = format!("x{step}_{}.{part}", quad / lanes);
                    writeln!(text, "        let r{step} = subgroupBroadcast({register}, {}u);", quad % lanes)
                }
                Sharing::Direct | Sharing::Workgroup => writeln!(text, "        let r{step} = x{step}_{quad}.{part};"),
            };
            for column in 0..tile.block_columns {
                let (x, y) = (format!("r{step}"), format!("y{step}_{}.{}", column / 4, self::part(column)));
                let (x, y) = if swapped { (y, x) } else { (x, y) };
                let _ = writeln!(text, "        pair_accumulate(&s{column}, {x}, {y}, w{step});");
            }
        }
        for column in 0..tile.block_columns {
            let _ = writeln!(text, "        (*block).s{} = s{column};", first + column);
        }
        text.push_str("    }\n");
    }
}

/// Reads what one feature needs: its weight, the quads of columns, and those of rows.
fn loads(text: &mut String, tile: &Tile, step: u32) {
    let lanes = tile.columns / tile.block_columns;
    let (x, y) = match tile.sharing {
        Sharing::Workgroup => ("x_tile", "y_tile"),
        Sharing::Broadcast | Sharing::Direct => ("x", "y"),
    };
    let _ = writeln!(text, "    let w{step} = feature_weight(feature + {step}u);");
    for quad in 0..tile.block_columns / 4 {
        let at = quad * lanes + step * tile.columns / 4;
        let _ = writeln!(text, "    let y{step}_{quad} = {y}[y_at + {at}u];");
    }
    let row_quads = tile.block_rows / 4;
    match tile.sharing {
        Sharing::Broadcast => {
            for register in 0..row_quads.div_ceil(lanes) {
                let at = register * lanes + step * tile.rows / 4;
                let lane = if row_quads < lanes { format!("lane % {row_quads}u") } else { "lane".to_owned() };
                let _ = writeln!(text, "    let x{step}_{register} = {x}[x_at + {at}u + {lane}];");
            }
        }
        Sharing::Direct => {
            for quad in 0..row_quads {
                let _ = writeln!(text, "    let x{step}_{quad} = {x}[x_at + {}u];", quad + step * tile.rows / 4);
            }
        }
        Sharing::Workgroup => {
            for quad in 0..row_quads {
                let at = quad * (tile.rows / tile.block_rows);
                let _ = writeln!(text, "    let x{step}_{quad} = {x}[x_at + {at}u];");
            }
        }
    }
}

/// Row or column `n` in its quad.
fn part(n: u32) -> &'static str {
    ["x", "y", "z", "w"][n as usize % 4]
}

/// `emit`: the value of a state.
pub(super) const EMIT_VALUE: &str = "fn emit(at: u32, state: State, batch: u32, row: u32, column: u32) {
    out[at] = entry_value(state, batch, row, column);
}
";
