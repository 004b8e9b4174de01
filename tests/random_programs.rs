//! Random programs of ops: chains that are recorded as a whole before anything is read, on every adapter.
//!
//! Every link of a chain is compared with the CPU's result for the same inputs (those that the adapter itself computed),
//! within the two bounds together. Then the chain runs again while the tensors between are dropped as soon as the next
//! op is recorded, so that their buffers are used again: the last result must be the same, bit for bit.
//!
//! `GRISTMILL_RANDOM_PROGRAMS` sets the number per adapter (default 100).

#![allow(clippy::neg_cmp_op_on_partial_ord, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adapters;
mod links;

use gristmill::Context;
use gristmill::conformance::Generator;
use links::{Failure, Held, apply, bits, compare, draw, matrix, name, values};

fn main() {
    const BUNDLE: usize = 25;
    let count = adapters::number("GRISTMILL_RANDOM_PROGRAMS", 100);
    adapters::run(|adapter| {
        let bundle = |first: usize| {
            let last = (first + BUNDLE).min(count);
            adapters::trial(adapter, &format!("programs {first} to {}", last - 1), move |context| {
                (first..last).try_for_each(|number| {
                    program(context, number as u64).map_err(|error| format!("program {number}: {error}"))
                })
            })
        };
        (0..count).step_by(BUNDLE).map(bundle).collect()
    })
}

fn program(context: &Context, number: u64) -> Result<(), Failure> {
    let mut generator = Generator::new(0x6772_6973_746d_696c ^ number);
    let (n, d) = (1 + generator.below(40), 1 + generator.below(40));
    let start = matrix(n, d, &mut generator);
    let mut shape = (n, d, false);
    let length = 2 + generator.below(5);
    let mut links = Vec::new();
    for _ in 0..length {
        let (link, next) = draw(shape, &mut generator);
        links.push(link);
        shape = next;
    }
    let host = Context::cpu();
    let text = |error: gristmill::Error| error.to_string();

    // All links recorded, every tensor kept, then read.
    let mut kept = vec![Held::Real(context.upload(&start).map_err(text)?)];
    for link in &links {
        let next = apply(context, kept.last().expect("the chain has a start"), link).map_err(text)?;
        kept.push(next);
    }
    for (at, link) in links.iter().enumerate() {
        let (before, after) = (values(&kept[at])?, values(&kept[at + 1])?);
        compare(&host, &before, &after, link).map_err(|error| format!("link {at}, {}: {error}", name(link)))?;
    }

    // The same again, nothing kept.
    let mut held = Held::Real(context.upload(&start).map_err(text)?);
    for link in &links {
        held = apply(context, &held, link).map_err(text)?;
    }
    let (again, first) = (values(&held)?, values(kept.last().expect("the chain has an end"))?);
    if bits(&again) != bits(&first) {
        return Err(format!("the second run differs; links {:?}", links.iter().map(name).collect::<Vec<_>>()));
    }
    Ok(())
}
