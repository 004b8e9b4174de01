//! Tensors continued past their edges, cut, or moved around.

/// What lies beyond the edges of a signal; the names are those of `scipy.ndimage`.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum Boundary {
    /// Zeros: `0 0 0 | a b c d | 0 0 0`.
    #[default]
    Zero,
    /// One number: `v v v | a b c d | v v v`.
    Constant(f32),
    /// The signal backwards, its edge too: `c b a | a b c d | d c b`. NumPy's `symmetric`.
    Reflect,
    /// The signal backwards, without its edge: `d c b | a b c d | c b a`. NumPy's `reflect`.
    Mirror,
    /// The edge: `a a a | a b c d | d d d`.
    Nearest,
    /// The signal again: `b c d | a b c d | a b c`.
    Wrap,
}

impl Boundary {
    /// Which of `length` ≥ 1 entries stands at `at`, counted from the first; `None`: none of them.
    pub fn place(self, at: i64, length: usize) -> Option<usize> {
        let n = length as i64;
        let place = match self {
            Self::Zero | Self::Constant(_) => Some(at).filter(|at| (0..n).contains(at))?,
            Self::Reflect => {
                let turn = at.rem_euclid(2 * n);
                turn.min(2 * n - 1 - turn)
            }
            Self::Mirror => {
                let period = (2 * n - 2).max(1);
                let turn = at.rem_euclid(period);
                turn.min(period - turn)
            }
            Self::Nearest => at.clamp(0, n - 1),
            Self::Wrap => at.rem_euclid(n),
        };
        usize::try_from(place).ok()
    }

    /// The number where no entry stands.
    pub fn outside(self) -> f32 {
        if let Self::Constant(value) = self { value } else { 0.0 }
    }
}

/// `out[i…] = x[place(first + i)…]` along every axis, with the boundary's [place](Boundary::place); one input of
/// numbers, no axis of it empty unless the result is. The result is wide.
#[derive(Debug, Clone, PartialEq)]
pub struct ExtendWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// Per axis of the input, where the result starts in it (it may start before it), and how long it is.
    pub axes: Vec<(i64, usize)>,
    /// Numbers have an imaginary part.
    pub complex: bool,
    /// What lies beyond the edges.
    pub boundary: Boundary,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.ndimage`'s pictures of its modes, continued twice over.
    #[test]
    fn places_are_those_of_scipy() {
        let shown = |boundary: Boundary, n: usize| -> String {
            let letter = |at| boundary.place(at, n).map_or('0', |place| (b'a' + place as u8) as char);
            (-9..13).map(letter).collect()
        };
        assert_eq!(shown(Boundary::Zero, 4), "000000000abcd000000000");
        assert_eq!(shown(Boundary::Reflect, 4), "aabcddcbaabcddcbaabcdd");
        assert_eq!(shown(Boundary::Mirror, 4), "dcbabcdcbabcdcbabcdcba");
        assert_eq!(shown(Boundary::Nearest, 4), "aaaaaaaaaabcdddddddddd");
        assert_eq!(shown(Boundary::Wrap, 4), "dabcdabcdabcdabcdabcda");
        for boundary in [Boundary::Reflect, Boundary::Mirror, Boundary::Nearest, Boundary::Wrap] {
            assert_eq!(shown(boundary, 1), "a".repeat(22));
        }
    }
}
