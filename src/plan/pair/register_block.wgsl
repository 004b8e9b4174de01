struct Block {
    s0: State,
    s1: State,
    s2: State,
    s3: State,
    s4: State,
    s5: State,
    s6: State,
    s7: State,
    s8: State,
    s9: State,
    s10: State,
    s11: State,
    s12: State,
    s13: State,
    s14: State,
    s15: State,
}
fn accumulate_feature(block: ptr<function, Block>, x_at: u32, y_at: u32, lane: u32, feature: u32) {
    let w0 = feature_weight(feature + 0u);
    let y0_0 = y[y_at + 0u];
    let x0_0 = x[x_at + 0u + lane % 1u];
    {
        var s0 = (*block).s0;
        var s1 = (*block).s1;
        var s2 = (*block).s2;
        var s3 = (*block).s3;
        let r0 = subgroupBroadcast(x0_0.x, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        (*block).s0 = s0;
        (*block).s1 = s1;
        (*block).s2 = s2;
        (*block).s3 = s3;
    }
    {
        var s0 = (*block).s4;
        var s1 = (*block).s5;
        var s2 = (*block).s6;
        var s3 = (*block).s7;
        let r0 = subgroupBroadcast(x0_0.y, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        (*block).s4 = s0;
        (*block).s5 = s1;
        (*block).s6 = s2;
        (*block).s7 = s3;
    }
    {
        var s0 = (*block).s8;
        var s1 = (*block).s9;
        var s2 = (*block).s10;
        var s3 = (*block).s11;
        let r0 = subgroupBroadcast(x0_0.z, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        (*block).s8 = s0;
        (*block).s9 = s1;
        (*block).s10 = s2;
        (*block).s11 = s3;
    }
    {
        var s0 = (*block).s12;
        var s1 = (*block).s13;
        var s2 = (*block).s14;
        var s3 = (*block).s15;
        let r0 = subgroupBroadcast(x0_0.w, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        (*block).s12 = s0;
        (*block).s13 = s1;
        (*block).s14 = s2;
        (*block).s15 = s3;
    }
}
fn accumulate_features(block: ptr<function, Block>, x_at: u32, y_at: u32, lane: u32, feature: u32) {
    let w0 = feature_weight(feature + 0u);
    let y0_0 = y[y_at + 0u];
    let x0_0 = x[x_at + 0u + lane % 1u];
    let w1 = feature_weight(feature + 1u);
    let y1_0 = y[y_at + 8u];
    let x1_0 = x[x_at + 1u + lane % 1u];
    {
        var s0 = (*block).s0;
        var s1 = (*block).s1;
        var s2 = (*block).s2;
        var s3 = (*block).s3;
        let r0 = subgroupBroadcast(x0_0.x, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        let r1 = subgroupBroadcast(x1_0.x, 0u);
        pair_accumulate(&s0, r1, y1_0.x, w1);
        pair_accumulate(&s1, r1, y1_0.y, w1);
        pair_accumulate(&s2, r1, y1_0.z, w1);
        pair_accumulate(&s3, r1, y1_0.w, w1);
        (*block).s0 = s0;
        (*block).s1 = s1;
        (*block).s2 = s2;
        (*block).s3 = s3;
    }
    {
        var s0 = (*block).s4;
        var s1 = (*block).s5;
        var s2 = (*block).s6;
        var s3 = (*block).s7;
        let r0 = subgroupBroadcast(x0_0.y, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        let r1 = subgroupBroadcast(x1_0.y, 0u);
        pair_accumulate(&s0, r1, y1_0.x, w1);
        pair_accumulate(&s1, r1, y1_0.y, w1);
        pair_accumulate(&s2, r1, y1_0.z, w1);
        pair_accumulate(&s3, r1, y1_0.w, w1);
        (*block).s4 = s0;
        (*block).s5 = s1;
        (*block).s6 = s2;
        (*block).s7 = s3;
    }
    {
        var s0 = (*block).s8;
        var s1 = (*block).s9;
        var s2 = (*block).s10;
        var s3 = (*block).s11;
        let r0 = subgroupBroadcast(x0_0.z, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        let r1 = subgroupBroadcast(x1_0.z, 0u);
        pair_accumulate(&s0, r1, y1_0.x, w1);
        pair_accumulate(&s1, r1, y1_0.y, w1);
        pair_accumulate(&s2, r1, y1_0.z, w1);
        pair_accumulate(&s3, r1, y1_0.w, w1);
        (*block).s8 = s0;
        (*block).s9 = s1;
        (*block).s10 = s2;
        (*block).s11 = s3;
    }
    {
        var s0 = (*block).s12;
        var s1 = (*block).s13;
        var s2 = (*block).s14;
        var s3 = (*block).s15;
        let r0 = subgroupBroadcast(x0_0.w, 0u);
        pair_accumulate(&s0, r0, y0_0.x, w0);
        pair_accumulate(&s1, r0, y0_0.y, w0);
        pair_accumulate(&s2, r0, y0_0.z, w0);
        pair_accumulate(&s3, r0, y0_0.w, w0);
        let r1 = subgroupBroadcast(x1_0.w, 0u);
        pair_accumulate(&s0, r1, y1_0.x, w1);
        pair_accumulate(&s1, r1, y1_0.y, w1);
        pair_accumulate(&s2, r1, y1_0.z, w1);
        pair_accumulate(&s3, r1, y1_0.w, w1);
        (*block).s12 = s0;
        (*block).s13 = s1;
        (*block).s14 = s2;
        (*block).s15 = s3;
    }
}
fn merge_block(totals: ptr<function, Block>, block: Block) {
    (*totals).s0 = pair_merge((*totals).s0, block.s0);
    (*totals).s1 = pair_merge((*totals).s1, block.s1);
    (*totals).s2 = pair_merge((*totals).s2, block.s2);
    (*totals).s3 = pair_merge((*totals).s3, block.s3);
    (*totals).s4 = pair_merge((*totals).s4, block.s4);
    (*totals).s5 = pair_merge((*totals).s5, block.s5);
    (*totals).s6 = pair_merge((*totals).s6, block.s6);
    (*totals).s7 = pair_merge((*totals).s7, block.s7);
    (*totals).s8 = pair_merge((*totals).s8, block.s8);
    (*totals).s9 = pair_merge((*totals).s9, block.s9);
    (*totals).s10 = pair_merge((*totals).s10, block.s10);
    (*totals).s11 = pair_merge((*totals).s11, block.s11);
    (*totals).s12 = pair_merge((*totals).s12, block.s12);
    (*totals).s13 = pair_merge((*totals).s13, block.s13);
    (*totals).s14 = pair_merge((*totals).s14, block.s14);
    (*totals).s15 = pair_merge((*totals).s15, block.s15);
}
fn emit_first_row(block: Block, at: u32, batch: u32, row: u32, column: u32, end_column: u32) {
    if column + 0u < end_column {
        emit(at + 0u * parameters.out_column, block.s0, batch, row, column + 0u);
    }
    if column + 1u < end_column {
        emit(at + 1u * parameters.out_column, block.s1, batch, row, column + 1u);
    }
    if column + 2u < end_column {
        emit(at + 2u * parameters.out_column, block.s2, batch, row, column + 2u);
    }
    if column + 3u < end_column {
        emit(at + 3u * parameters.out_column, block.s3, batch, row, column + 3u);
    }
}
fn drop_first_row(block: ptr<function, Block>) {
    (*block).s0 = (*block).s4;
    (*block).s1 = (*block).s5;
    (*block).s2 = (*block).s6;
    (*block).s3 = (*block).s7;
    (*block).s4 = (*block).s8;
    (*block).s5 = (*block).s9;
    (*block).s6 = (*block).s10;
    (*block).s7 = (*block).s11;
    (*block).s8 = (*block).s12;
    (*block).s9 = (*block).s13;
    (*block).s10 = (*block).s14;
    (*block).s11 = (*block).s15;
}
