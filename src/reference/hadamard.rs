//! The Walsh–Hadamard transform by its rows.

/// `y[k] = Σⱼ (−1)^(bits that j and k share) x[j]` of a line of 2ᵐ numbers; with `sequency`, the rows in the order of their
/// sign changes. Long lines are taken apart by Kronecker's product, H₂ₙ = H₂ ⊗ Hₙ.
pub fn walsh_hadamard(x: &[f64], sequency: bool) -> Vec<f64> {
    let natural = natural(x);
    if !sequency {
        return natural;
    }
    let n = x.len();
    let mut ordered = vec![0.0; n];
    for (k, value) in natural.into_iter().enumerate() {
        let sign = |j: usize| (j & k).count_ones() % 2;
        // Signs change most where the lowest bit does: counting them along the row is the definition.
        let changes = if n <= 1 << 12 {
            (1..n).filter(|j| sign(*j) != sign(j - 1)).count()
        } else {
            // Between j − 1 and j the bits up to j's lowest one flip, and 2ᵐ⁻¹⁻ᵗ of the j have that at t.
            let bits = n.ilog2();
            (0..bits).filter(|t| (k & ((2 << t) - 1)).count_ones() % 2 == 1).map(|t| n >> (t + 1)).sum()
        };
        ordered[changes] = value;
    }
    ordered
}

fn natural(x: &[f64]) -> Vec<f64> {
    if x.len() < 2 {
        return x.to_vec();
    }
    let (low, high) = x.split_at(x.len() / 2);
    let (low, high) = (natural(low), natural(high));
    let sums = low.iter().zip(&high).map(|(a, b)| a + b);
    let differences = low.iter().zip(&high).map(|(a, b)| a - b);
    sums.chain(differences).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_walsh_functions() {
        let unit = |j: usize| (0..8).map(|i| f64::from(u8::from(i == j))).collect::<Vec<_>>();
        for k in 0..8usize {
            let row: Vec<f64> = (0..8).map(|j| walsh_hadamard(&unit(j), false)[k]).collect();
            let sign = |j: usize| if (j & k).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            assert_eq!(row, (0..8).map(sign).collect::<Vec<_>>());
            let row: Vec<f64> = (0..8).map(|j| walsh_hadamard(&unit(j), true)[k]).collect();
            assert_eq!(row.windows(2).filter(|pair| pair[0] != pair[1]).count(), k);
        }
    }
}
