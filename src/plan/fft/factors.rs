//! Which lengths have butterflies, and how they are divided into them.

use std::iter;

/// Primes that have a butterfly of their own, and the largest of them.
const PRIMES: [usize; 6] = [2, 3, 5, 7, 11, LARGEST_PRIME];
pub(super) const LARGEST_PRIME: usize = 13;

/// Whether all prime factors are at most [`LARGEST_PRIME`].
pub(crate) fn is_smooth(length: usize) -> bool {
    rest_after(length, &PRIMES) == 1
}

pub(super) fn is_prime(n: usize) -> bool {
    n > 1 && (2..).take_while(|p| p * p <= n).all(|p| !n.is_multiple_of(p))
}

/// What is left of `n` when these primes are divided out.
fn rest_after(mut n: usize, primes: &[usize]) -> usize {
    for &p in primes {
        while n > 1 && n.is_multiple_of(p) {
            n /= p;
        }
    }
    n
}

/// The shortest length ≥ `least` whose only prime factors are 2, 3, 5 and 7, and which is even where `even`.
pub(crate) fn good_length(least: usize, even: bool) -> Option<usize> {
    least_product(if even { 2 } else { 1 }, &[7, 5, 3, 2], least)
}

/// The least product ≥ `least` of `factor` ≥ 1 and powers of these primes.
pub(super) fn least_product(factor: usize, primes: &[usize], least: usize) -> Option<usize> {
    let Some((&prime, others)) = primes.split_first() else { return (factor >= least).then_some(factor) };
    let powers =
        iter::successors(Some(factor), |&product| if product < least { product.checked_mul(prime) } else { None });
    powers.filter_map(|product| least_product(product, others, least)).min()
}

/// The fewest factors, at most `most` of at most `largest` each and all equal but the first and the last, whose product is
/// `least` or more; of so many, those with the least product.
pub(super) fn equal_factors(least: usize, largest: usize, most: usize) -> Option<Vec<usize>> {
    let radices = || (2..=largest).filter(|&r| rest_after(r, &[2, 3, 5]) == 1);
    (3..=most).find_map(|count| {
        let product = |(first, middle, last): (usize, usize, usize)| {
            middle.checked_pow(count as u32 - 2)?.checked_mul(first)?.checked_mul(last)
        };
        let two = radices().flat_map(|middle| radices().map(move |first| (first, middle)));
        let three = two.flat_map(|(first, middle)| radices().map(move |last| (first, middle, last)));
        let enough = three.filter_map(|factors| Some((product(factors)?, factors))).filter(|(n, _)| *n >= least);
        let (_, (first, middle, last)) = enough.min_by_key(|&(n, (first, middle, last))| (n, first + middle + last))?;
        Some(iter::once(first).chain(iter::repeat_n(middle, count - 2)).chain([last]).collect())
    })
}

/// Divisors of a smooth number up to `most`, ascending.
pub(super) fn divisors(length: usize, most: usize) -> Vec<usize> {
    let mut found = vec![1];
    let mut rest = length;
    for p in PRIMES {
        let smaller = found.clone();
        let mut power = 1;
        while rest.is_multiple_of(p) {
            rest /= p;
            power *= p;
            found.extend(smaller.iter().map(|d| d * power).filter(|&d| d <= most));
        }
    }
    found.sort_unstable();
    found
}

/// The fewest radices ≤ `largest`, or the largest prime factor, whose product is `length`, as equal as they can be, the
/// largest first.
pub(super) fn radices(length: usize, largest: usize) -> Vec<usize> {
    if length == 1 {
        return vec![1];
    }
    let prime = PRIMES.into_iter().rev().find(|p| length.is_multiple_of(*p)).unwrap_or(LARGEST_PRIME);
    let candidates = divisors(length, largest.max(prime));
    for stages in 1..64 {
        let mut best: Option<Vec<usize>> = None;
        search(length, stages, &candidates, &mut Vec::new(), &mut best);
        if let Some(found) = best {
            return found;
        }
    }
    vec![length]
}

/// Looks for `stages` descending candidates with product `rest`; keeps the list whose sum is least.
fn search(rest: usize, stages: usize, candidates: &[usize], taken: &mut Vec<usize>, best: &mut Option<Vec<usize>>) {
    if stages == 0 {
        let better = best.as_ref().is_none_or(|b| taken.iter().sum::<usize>() < b.iter().sum());
        if rest == 1 && better {
            *best = Some(taken.clone());
        }
        return;
    }
    let ceiling = taken.last().copied().unwrap_or(usize::MAX);
    for &r in candidates.iter().rev().filter(|&&r| r > 1 && r <= ceiling) {
        let reach = (r as f64).powi(stages as i32);
        if reach < rest as f64 * 0.999 {
            break;
        }
        if rest.is_multiple_of(r) {
            taken.push(r);
            search(rest / r, stages - 1, candidates, taken, best);
            taken.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_lengths_are_the_next_ones() {
        for least in 0..3000 {
            for even in [false, true] {
                let good = |n: &usize| rest_after(*n, &[2, 3, 5, 7]) == 1 && !(even && n % 2 == 1);
                assert_eq!(good_length(least, even), (least.max(1)..).find(good), "{least}");
            }
        }
        assert_eq!(equal_factors(100, 10, 6), Some(vec![5, 4, 5]));
        assert_eq!(equal_factors(10_000, 10, 6), Some(vec![10, 10, 10, 10]));
        assert_eq!(equal_factors(1_000_001, 10, 6), None);
        assert_eq!(least_product(1, &[3, 2], 20_013), Some(20_736));
        assert_eq!(good_length(1 << 62, false), Some(1 << 62));
        assert_eq!(good_length(usize::MAX, false), None);
    }
}
