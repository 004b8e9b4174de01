//! The metrics that have names, family by family. An entry is all that there is to write about a metric.

mod angles;
mod differences;
mod distributions;
mod forms;
mod sets;

use std::borrow::Cow;

use super::prepare::Prepare;
use super::{Domain, Metric, Table};

/// A metric as it is written down; the fields are those of [`Metric`].
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) name: &'static str,
    /// The value in words of mathematics, for lists.
    pub(super) formula: &'static str,
    /// Other names by which it is found.
    pub(super) aliases: &'static [&'static str],
    pub(super) state: &'static str,
    pub(super) accumulate: &'static str,
    pub(super) accumulate_weighted: &'static str,
    pub(super) merge: &'static str,
    pub(super) finish: &'static str,
    /// Names, SciPy's defaults, and what they must be above.
    pub(super) parameters: &'static [(&'static str, f32, f32)],
    pub(super) table: Table,
    pub(super) features: Option<usize>,
    pub(super) domain: Domain,
    pub(super) prepare: Option<Prepare>,
    pub(super) definition: fn(&[f64], &[f64], &[f64], &[f64]) -> f64,
    pub(super) error_bound: fn(&[f64], &[f64], &[f64], &[f64]) -> f64,
    pub(super) zero_on_self: bool,
    pub(super) symmetric: bool,
    pub(super) is_metric: bool,
    pub(super) padding_neutral: bool,
}

/// What most entries leave out: states are merged by adding, distances are symmetric.
const PLAIN: Entry = Entry {
    name: "",
    formula: "",
    aliases: &[],
    state: "sum: f32",
    accumulate: "",
    accumulate_weighted: "",
    merge: "",
    finish: "return state.sum;",
    parameters: &[],
    table: Table::Weights,
    features: None,
    domain: Domain::Real,
    prepare: None,
    definition: |_, _, _, _| f64::NAN,
    error_bound: |_, _, _, _| f64::INFINITY,
    zero_on_self: true,
    symmetric: true,
    is_metric: true,
    padding_neutral: true,
};

/// A family: its entries in a table, and a constant of [`Metric`] for each that is `pub`. An entry with parameters is
/// only `const`: [`Metric::named`](crate::Metric::named) finds it, and a constructor may stand beside it.
macro_rules! metrics {
    ($($(#[$doc:meta])* $visibility:ident $constant:ident { $($field:tt)* })*) => {
        $(const $constant: super::Entry = super::Entry { $($field)* ..super::PLAIN };)*
        pub(super) const ENTRIES: &[super::Entry] = &[$($constant),*];
        $(metrics! { @constant [$($doc),*] $visibility $constant })*
    };
    (@constant [$($doc:meta),*] pub $constant:ident) => {
        impl crate::metric::Metric {
            $(#[$doc])*
            pub const $constant: Self = $constant.fixed();
        }
    };
    (@constant [$($doc:meta),*] const $constant:ident) => {};
}
use metrics;

/// Every entry, in the order of the lists.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    let families = [differences::ENTRIES, forms::ENTRIES, angles::ENTRIES, distributions::ENTRIES, sets::ENTRIES];
    families.into_iter().flatten()
}

/// The entry whose WGSL the metric has, whatever the values of parameters and weights are; of several the one of its name.
pub(super) fn of(metric: &Metric) -> Option<&'static Entry> {
    let alike = || all().filter(|entry| entry.is_text_of(metric));
    alike().find(|entry| entry.name == metric.name).or_else(|| alike().next())
}

impl Entry {
    /// The metric, for entries without parameters.
    const fn fixed(&self) -> Metric {
        Metric {
            name: Cow::Borrowed(self.name),
            state: Cow::Borrowed(self.state),
            accumulate: Cow::Borrowed(self.accumulate),
            accumulate_weighted: Cow::Borrowed(self.accumulate_weighted),
            merge: Cow::Borrowed(self.merge),
            finish: Cow::Borrowed(self.finish),
            parameters: Vec::new(),
            weights: None,
            table: self.table,
            features: self.features,
            domain: self.domain,
            prepare: self.prepare,
            definition: self.definition,
            error_bound: self.error_bound,
            zero_on_self: self.zero_on_self,
            symmetric: self.symmetric,
            is_metric: self.is_metric,
            padding_neutral: self.padding_neutral,
        }
    }

    /// The metric with its parameters at their defaults.
    pub(super) fn metric(&self) -> Metric {
        let parameters = self.parameters.iter().map(|(name, value, _)| (Cow::Borrowed(*name), *value)).collect();
        Metric { parameters, ..self.fixed() }
    }

    /// Whether the metric's WGSL is this entry's, whatever the values of parameters and weights are.
    fn is_text_of(&self, metric: &Metric) -> bool {
        self.accumulate == metric.accumulate
            && self.accumulate_weighted == metric.accumulate_weighted
            && self.finish == metric.finish
            && self.merge == metric.merge
            && self.state == metric.state
            && self.parameters.iter().map(|(name, ..)| *name).eq(metric.parameters.iter().map(|(name, _)| &**name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What CONTRIBUTING promises: a metric is one entry of at most 25 lines.
    #[test]
    fn an_entry_is_short_and_has_a_name_of_its_own() {
        let families = [
            include_str!("angles.rs"),
            include_str!("differences.rs"),
            include_str!("distributions.rs"),
            include_str!("forms.rs"),
            include_str!("sets.rs"),
        ];
        let mut entries = 0;
        for family in families {
            let lines: Vec<&str> = family.lines().collect();
            let starts = lines.iter().enumerate().filter(|(_, line)| line.starts_with("    ") && line.ends_with(" {"));
            for (start, line) in starts {
                let name = line.trim().trim_start_matches("pub ").trim_start_matches("const ").trim_end_matches(" {");
                if !name.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                    continue;
                }
                let length = lines[start..].iter().position(|line| *line == "    }").unwrap_or(usize::MAX);
                assert!(length < 25, "{name} takes {length} lines");
                entries += 1;
            }
        }
        assert_eq!(entries, all().count());
        let mut names: Vec<&str> = all().flat_map(|e| e.aliases.iter().copied().chain([e.name])).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]) && names.iter().all(|name| !name.is_empty()));
        assert!(all().all(|entry| !entry.formula.is_empty()));
    }

    #[test]
    fn the_readme_names_every_metric_and_contributing_shows_one() {
        let readme = include_str!("../../../README.md");
        let form =
            |name: &str| name.split_once("uclidean_").map_or(name.to_owned(), |(start, _)| format!("{start}uclidean"));
        for entry in all() {
            assert!(readme.contains(&form(entry.name)), "{}", entry.name);
        }
        let (family, contributing) = (include_str!("differences.rs"), include_str!("../../../CONTRIBUTING.md"));
        let from = family.find("    /// The city-block distance").unwrap_or_default();
        let until = family[from..].find("\n    }\n").unwrap_or_default();
        assert!(until > 0 && contributing.contains(&family[from..from + until]));
    }
}
