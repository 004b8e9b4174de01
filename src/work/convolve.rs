//! Convolution as an op: its modes and methods, which entries of the full result are kept, and how a line is cut into
//! blocks.

/// How much of a convolution is kept; SciPy's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Mode {
    /// All `n + k − 1` entries.
    #[default]
    Full,
    /// The central part, as long as the first input.
    Same,
    /// Only entries that do not see beyond the edges: `max(n, k) − min(n, k) + 1`.
    Valid,
    /// The first entries, as many as the first input has: none of them sees what comes after it.
    Causal,
}

/// How a convolution is computed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Method {
    /// Whichever costs less by the plan's model.
    #[default]
    Auto,
    /// Sum of products; every entry accurate by itself.
    Direct,
    /// By Fourier transforms; accurate relative to the largest entry.
    Fft,
}

/// See [`Work::Convolve`](super::Work::Convolve).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConvolveWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// How many trailing axes are convolved (1 to 3); the ones before them are batch and must agree.
    pub rank: usize,
    /// Correlate: the kernel is not flipped, and is conjugated where complex.
    pub correlate: bool,
    /// Wrap around at the first input's length instead of extending by zeros; `mode` is then ignored.
    pub circular: bool,
    /// How much is kept.
    pub mode: Mode,
    /// How it is computed.
    pub method: Method,
    /// Both inputs are complex.
    pub complex: bool,
}

impl ConvolveWork {
    /// What is kept along an axis of `n` entries under `k` taps.
    pub(crate) fn kept(&self, n: usize, k: usize) -> Kept {
        let (start, length) = match self.mode {
            _ if n == 0 || k == 0 => (0, 0),
            _ if self.circular => (if self.correlate { k - 1 } else { 0 }, n),
            Mode::Full => (0, full_length(n, k)),
            Mode::Same => ((k - 1) / 2, n),
            Mode::Valid => (n.min(k) - 1, n.abs_diff(k) + 1),
            Mode::Causal => (0, n),
        };
        Kept { signal: n, kernel: k, start, length }
    }
}

/// Length of the full convolution of `n` entries with `k` taps.
pub(crate) fn full_length(n: usize, k: usize) -> usize {
    n.saturating_add(k).saturating_sub(1)
}

/// Entries that are kept, along one axis, of a full convolution, whose kernel a correlation turns round first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) signal: usize,
    pub(crate) kernel: usize,
    /// The first of them.
    pub(crate) start: usize,
    pub(crate) length: usize,
}

impl Kept {
    /// Points that a transform of the whole signal needs: what wraps around may fall on entries that nobody keeps.
    pub(crate) fn least_points(&self) -> usize {
        let before_wrap = full_length(self.signal, self.kernel).saturating_sub(self.start);
        before_wrap.max(self.start + self.length).max(self.signal).max(self.kernel)
    }

    /// Where the entries of the signal begin that these see, and how many there are; some may lie outside it.
    pub(crate) fn seen(&self) -> (i64, usize) {
        (self.start as i64 + 1 - self.kernel as i64, full_length(self.length, self.kernel))
    }

    /// The whole signal as one block of so many points.
    pub(crate) fn whole(&self, points: usize) -> Cut {
        Cut { points, step: self.length, head: self.start, source_start: 0 }
    }

    /// Blocks of so many points, which begin with the entries that wrap around; `None` where these are more than half.
    pub(crate) fn blocks(&self, points: usize) -> Option<Cut> {
        let head = self.kernel.checked_sub(1)?;
        let (source_start, _) = self.seen();
        (points >= 2 * self.kernel).then(|| Cut { points, step: points - head, head, source_start })
    }

    /// Ways to cut a line: the whole as one block of so many points, and blocks of at most `longest`.
    pub(crate) fn cuts(self, whole: Option<usize>, longest: usize) -> impl Iterator<Item = Cut> {
        let lengths = (4..31).flat_map(|bits| [1usize << bits, 3 << (bits - 1)]);
        let blocks = lengths.filter(move |&points| points <= longest).filter_map(move |points| self.blocks(points));
        whole.map(|points| self.whole(points)).into_iter().chain(blocks)
    }
}

/// How a line is cut into blocks that are transformed each for itself (overlap-save: T. Stockham, 1966).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cut {
    /// Of a block's transform.
    pub(crate) points: usize,
    /// Results that a block gives, and where in it they begin.
    pub(crate) step: usize,
    pub(crate) head: usize,
    /// The entry of the signal that the first block begins with.
    pub(crate) source_start: i64,
}

impl Cut {
    /// A circular convolution of `n` entries: one block, in which everything wraps around as it should.
    pub(crate) fn around(n: usize) -> Self {
        Self { points: n, step: n, head: 0, source_start: 0 }
    }

    /// Blocks of a line of so many results.
    pub(crate) fn count(&self, results: usize) -> usize {
        results.div_ceil(self.step.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODES: [Mode; 4] = [Mode::Full, Mode::Same, Mode::Valid, Mode::Causal];

    fn work(mode: Mode, circular: bool, correlate: bool) -> ConvolveWork {
        ConvolveWork { op: "convolve", rank: 1, correlate, circular, mode, method: Method::Auto, complex: false }
    }

    /// SciPy's three modes, the causal one and what goes around: first entry within the full convolution, and length.
    #[test]
    fn modes_keep_what_scipy_keeps() {
        let kept = |n: usize, k: usize, mode| {
            let kept = work(mode, false, false).kept(n, k);
            (kept.start, kept.length)
        };
        assert_eq!(kept(10, 4, Mode::Full), (0, 13));
        assert_eq!(kept(10, 4, Mode::Same), (1, 10));
        assert_eq!(kept(10, 5, Mode::Same), (2, 10));
        assert_eq!(kept(10, 4, Mode::Valid), (3, 7));
        assert_eq!(kept(4, 10, Mode::Valid), (3, 7));
        assert_eq!(kept(4, 10, Mode::Causal), (0, 4));
        assert_eq!((kept(0, 4, Mode::Full), kept(4, 0, Mode::Same)), ((0, 0), (0, 0)));
        let around = [false, true].map(|correlate| work(Mode::Full, true, correlate).kept(10, 4));
        assert_eq!(around.map(|kept| (kept.start, kept.length)), [(0, 10), (3, 10)]);
    }

    /// What a circular convolution of each block gives is what is kept, for every way to cut a line.
    #[test]
    fn blocks_join_to_what_is_kept() {
        let numbers = |count: usize, by: i64| (1..).map(|i: i64| i * i * by % 101).take(count).collect::<Vec<_>>();
        for (n, k) in [(1, 1), (7, 1), (1, 5), (20, 4), (4, 20), (33, 33), (90, 7)] {
            let (x, h) = (numbers(n, 3), numbers(k, 7));
            let x_at = |at: i64| usize::try_from(at).ok().and_then(|at| x.get(at)).copied().unwrap_or(0);
            let full: Vec<i64> =
                (0..full_length(n, k)).map(|t| (0..k).map(|s| h[s] * x_at(t as i64 - s as i64)).sum()).collect();
            for mode in MODES {
                let kept = work(mode, false, false).kept(n, k);
                let whole = [kept.least_points(), full.len()].map(|points| Some(kept.whole(points)));
                let blocks = [2 * k, 2 * k + 1, 64, 96].map(|points| kept.blocks(points));
                for cut in whole.into_iter().chain(blocks).flatten() {
                    let result = |t: usize| {
                        let (block, place) = (t / cut.step, t % cut.step + cut.head);
                        let first = cut.source_start + (block * cut.step) as i64;
                        let turned = |s: usize| (place + cut.points - s) % cut.points;
                        (0..k).map(|s| h[s] * x_at(first + turned(s) as i64)).sum::<i64>()
                    };
                    let joined: Vec<i64> = (0..kept.length).map(result).collect();
                    assert_eq!(joined, full[kept.start..][..kept.length], "{mode:?} {n} ∗ {k}: {cut:?}");
                    assert!((cut.count(kept.length) - 1) * cut.step < kept.length, "no block is empty");
                }
            }
        }
    }

    #[test]
    fn blocks_have_room_for_two_kernels() {
        let kept = work(Mode::Full, false, false).kept(1000, 30);
        let points = |whole, longest| kept.cuts(whole, longest).map(|cut| cut.points).collect::<Vec<_>>();
        assert_eq!(points(Some(1029), 200), [1029, 64, 96, 128, 192]);
        assert!(points(None, 63).is_empty());
    }
}
