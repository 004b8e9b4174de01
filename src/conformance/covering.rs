//! A fixed sample of a large table: few rows, and every pair of levels of any two factors in at least one of them.

/// Rows of levels for factors with `levels[f]` levels each, such that every pair (level of f, level of g) occurs.
///
/// Greedy and deterministic: each row starts from the first pair not yet covered; the other factors take the level
/// that covers most. Most faults need one setting or two to meet, so this finds nearly what the full product finds
/// (Kuhn, Wallace and Gallo, "Software fault interactions and implications for software testing", 2004).
pub(crate) fn pairwise(levels: &[usize]) -> Vec<Vec<usize>> {
    if levels.contains(&0) {
        return Vec::new();
    }
    if let [only] = levels {
        return (0..*only).map(|level| vec![level]).collect();
    }
    let mut open = Pairs::all(levels);
    let mut rows = Vec::new();
    while let Some(((f, a), (g, b))) = open.first() {
        let mut row: Vec<Option<usize>> = vec![None; levels.len()];
        set(&mut row, f, a);
        set(&mut row, g, b);
        for (factor, &count) in levels.iter().enumerate() {
            if row.get(factor).copied().flatten().is_some() {
                continue;
            }
            // Ties go to a level that moves on from row to row, so that the sample does not lean on level 0.
            let start = rows.len() % count;
            let best = (0..count)
                .map(|step| (start + step) % count)
                .map(|level| (open.gain(&row, factor, level), level))
                .reduce(|best, next| if next.0 > best.0 { next } else { best })
                .map_or(0, |(_, level)| level);
            set(&mut row, factor, best);
        }
        let row: Vec<usize> = row.into_iter().map(|level| level.unwrap_or(0)).collect();
        open.close(&row);
        rows.push(row);
    }
    rows
}

/// Every combination of levels, the last factor fastest.
pub(crate) fn product(levels: &[usize]) -> Vec<Vec<usize>> {
    levels.iter().fold(vec![Vec::new()], |rows, &count| {
        rows.iter().flat_map(|row| (0..count).map(move |level| [row.as_slice(), &[level]].concat())).collect()
    })
}

fn set(row: &mut [Option<usize>], factor: usize, level: usize) {
    if let Some(slot) = row.get_mut(factor) {
        *slot = Some(level);
    }
}

type Setting = (usize, usize);

/// Which pairs of settings are still uncovered, as a bit table over all settings of all factors.
struct Pairs {
    starts: Vec<usize>,
    settings: Vec<Setting>,
    open: Vec<bool>,
}

impl Pairs {
    fn all(levels: &[usize]) -> Self {
        let mut starts = Vec::new();
        let mut settings = Vec::new();
        for (factor, &count) in levels.iter().enumerate() {
            starts.push(settings.len());
            settings.extend((0..count).map(|level| (factor, level)));
        }
        let open = settings.iter().flat_map(|a| settings.iter().map(move |b| a.0 < b.0)).collect();
        Self { starts, settings, open }
    }

    fn first(&self) -> Option<(Setting, Setting)> {
        let at = self.open.iter().position(|&open| open)?;
        let count = self.settings.len();
        Some((*self.settings.get(at / count)?, *self.settings.get(at % count)?))
    }

    fn at(&self, a: Setting, b: Setting) -> usize {
        let (a, b) = if a.0 < b.0 { (a, b) } else { (b, a) };
        let number = |s: Setting| self.starts.get(s.0).copied().unwrap_or(0) + s.1;
        number(a) * self.settings.len() + number(b)
    }

    fn gain(&self, row: &[Option<usize>], factor: usize, level: usize) -> usize {
        row.iter()
            .enumerate()
            .filter_map(|(f, chosen)| chosen.map(|chosen| (f, chosen)))
            .filter(|&other| self.open.get(self.at(other, (factor, level))).copied().unwrap_or(false))
            .count()
    }

    fn close(&mut self, row: &[usize]) {
        for (f, &a) in row.iter().enumerate() {
            for (g, &b) in row.iter().enumerate().skip(f + 1) {
                let at = self.at((f, a), (g, b));
                if let Some(open) = self.open.get_mut(at) {
                    *open = false;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_of_levels_meets() {
        let levels = [6, 8, 4, 4, 3, 2];
        let rows = pairwise(&levels);
        for f in 0..levels.len() {
            for g in f + 1..levels.len() {
                for a in 0..levels[f] {
                    for b in 0..levels[g] {
                        assert!(rows.iter().any(|row| row[f] == a && row[g] == b), "{f}={a}, {g}={b}");
                    }
                }
            }
        }
        // 48 is the least that the two largest factors need; the product has 4,608 rows.
        assert!(rows.len() <= 60, "{} rows", rows.len());
    }

    #[test]
    fn products_hold_every_combination() {
        assert_eq!(product(&[2, 2]), [[0, 0], [0, 1], [1, 0], [1, 1]]);
        assert_eq!(pairwise(&[3]), [[0], [1], [2]]);
        assert!(pairwise(&[3, 0]).is_empty());
    }
}
