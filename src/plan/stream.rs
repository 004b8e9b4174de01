//! How streamed work is cut: tiles of the result under one memory budget.

/// Rows and columns of the result that are computed together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamTiles {
    /// Rows of a tile.
    pub rows: usize,
    /// Columns of a tile.
    pub columns: usize,
}

impl StreamTiles {
    /// Tiles of an n × m result over d features of f32, such that `in_flight` tiles with their rows stay under
    /// `budget_bytes`, and no tile needs a larger buffer than `max_buffer_bytes`. Each is counted six times: as a result,
    /// as a buffer that waits to be used again, in mappable memory, as the numbers read from it, and twice for what allocators
    /// and drivers keep.
    ///
    /// Whole rows are preferred: the result is then written in order and every row of y is uploaded once.
    pub fn new(n: usize, m: usize, d: usize, budget_bytes: u64, max_buffer_bytes: u64, in_flight: u64) -> Self {
        const COPIES: u64 = 6;
        let floats = (budget_bytes / 4).max(1) / (COPIES * in_flight.max(1));
        let floats = floats.min(max_buffer_bytes / 4).max(1);
        let per_feature = d.max(1) as u64;
        // y stays on the device where it takes no more than a quarter of the budget.
        let most_columns = (floats / (2 * per_feature)).max(1);
        let columns = (m as u64).clamp(1, most_columns);
        let rows = (floats / (columns + per_feature)).clamp(1, n.max(1) as u64);
        Self { rows: rows as usize, columns: columns as usize }
    }

    /// Tiles in the order in which they are computed: (first row, rows, first column, columns).
    pub fn iter(self, n: usize, m: usize) -> impl Iterator<Item = (usize, usize, usize, usize)> {
        (0..m).step_by(self.columns).flat_map(move |column| {
            (0..n)
                .step_by(self.rows)
                .map(move |row| (row, self.rows.min(n - row), column, self.columns.min(m - column)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_the_result_once_within_the_budget() {
        for (n, m, d, budget) in
            [(20_000, 20_000, 64, 256 << 20), (5, 1_000_000, 300, 1 << 20), (1, 1, 0, 1), (7, 0, 3, 100)]
        {
            let tiles = StreamTiles::new(n, m, d, budget, 256 << 20, 2);
            let mut covered = 0;
            for (row, rows, column, columns) in tiles.iter(n, m) {
                assert!(row + rows <= n && column + columns <= m && rows > 0 && columns > 0);
                covered += rows * columns;
            }
            assert_eq!(covered, n * m);
            if budget > 1000 {
                assert!((tiles.rows * (tiles.columns + d) * 4 * 12) as u64 <= budget, "{tiles:?}");
            }
        }
    }
}
