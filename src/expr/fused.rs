//! A formula as WGSL: what does not depend on j before the loop over j, the rest inside it.
//!
//! Vectors are never stored. A component is computed where it is needed; sums over components are loops, those of the
//! same length joined in one, or written out where they are short.

use std::collections::HashMap;
use std::fmt::Write;

use super::tape::literal;
use super::{Formula, Role, Step};

/// Sums up to this length are written out.
const SHORT: usize = 16;

/// The WGSL of a formula; see [`Formula::fused`].
#[derive(Debug, Clone, Default)]
pub(crate) struct Fused {
    /// Statements before the loop over j.
    pub(crate) before: String,
    /// Statements for each j.
    pub(crate) each: String,
    /// The text of each component that is asked for.
    pub(crate) components: Vec<String>,
    /// Iterations of all loops in `before` together.
    pub(crate) iterations_before: u64,
    /// Iterations of all loops in `each` together.
    pub(crate) iterations_each: u64,
}

/// Which component is meant.
#[derive(Debug, Clone)]
enum Index {
    Known(usize),
    /// A WGSL expression.
    Text(String),
}

impl Index {
    fn plus(&self, start: usize) -> Self {
        match self {
            Self::Known(k) => Self::Known(k + start),
            Self::Text(text) if start == 0 => Self::Text(text.clone()),
            Self::Text(text) => Self::Text(format!("({text} + {start}u)")),
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Known(k) => format!("{k}u"),
            Self::Text(text) => text.clone(),
        }
    }
}

/// The inside of a loop over components.
#[derive(Default)]
struct Inside {
    text: String,
    names: HashMap<(usize, String), String>,
}

struct Printer<'a> {
    formula: &'a Formula,
    /// Whether a step is the same for all j.
    fixed: Vec<bool>,
    /// What numbers are called.
    numbers: Vec<Option<String>>,
    names: HashMap<(usize, String), String>,
    next: usize,
    /// Components per iteration of a loop.
    unrolled: usize,
    out: Fused,
}

impl Formula {
    /// The WGSL that computes components `first .. first + count`, where `first` is a name in WGSL, or `None`: all from 0
    /// on. Component k of variable v is read as `load_v(at_v, k)`, of table t as `table_t(k)`, parameter s as `param(s)`.
    pub(crate) fn fused(&self, first: Option<&str>, count: usize, unrolled: usize) -> Fused {
        let steps = self.tape().steps();
        let (mut fixed, mut levels) = (Vec::with_capacity(steps.len()), Vec::with_capacity(steps.len()));
        for step in steps {
            let own = !matches!(step, Step::Vector(v) if matches!(v.role, Role::J | Role::Pair));
            fixed.push(own && step.operands().all(|a| fixed.get(a).copied().unwrap_or(true)));
            let below: usize = step.operands().filter_map(|a| levels.get(a).copied()).max().unwrap_or(0);
            levels.push(below + usize::from(matches!(step, Step::Sum(..))));
        }
        let mut printer = Printer {
            formula: self,
            fixed,
            numbers: vec![None; steps.len()],
            names: HashMap::new(),
            next: 0,
            unrolled,
            out: Fused::default(),
        };
        for level in 0..=levels.iter().copied().max().unwrap_or(0) {
            let here: Vec<usize> = (0..steps.len()).filter(|&at| levels[at] == level).collect();
            printer.sums(&here);
            for at in here {
                if self.dimensions()[at] == 1 && !matches!(steps[at], Step::Sum(..)) {
                    let text = printer.text(at, &Index::Known(0), &mut None);
                    let leaf = matches!(steps[at], Step::Constant(_) | Step::Parameter(_));
                    let name = if leaf { text } else { printer.named(printer.fixed[at], &text) };
                    printer.numbers[at] = Some(name);
                }
            }
        }
        let last = steps.len().saturating_sub(1);
        for k in 0..count {
            let index = match first {
                None => Index::Known(k),
                Some(first) => Index::Text(format!("({first} + {k}u)")),
            };
            let text = printer.component(last, &index, &mut None);
            printer.out.components.push(text);
        }
        printer.out
    }
}

impl Printer<'_> {
    /// Gives a value a name before the loop over j or inside it.
    fn named(&mut self, fixed: bool, text: &str) -> String {
        self.next += 1;
        let name = format!("e{}", self.next);
        let target = if fixed { &mut self.out.before } else { &mut self.out.each };
        let _ = writeln!(target, "    let {name} = {text};");
        name
    }

    /// A component of a step: a name, or a text without operations.
    fn component(&mut self, at: usize, index: &Index, inside: &mut Option<Inside>) -> String {
        if let Some(name) = self.numbers.get(at).and_then(Option::as_ref) {
            return name.clone();
        }
        let step = self.formula.tape().steps()[at];
        match (step, index) {
            (Step::Extract(a, start, _), _) => return self.component(a, &index.plus(start), inside),
            (Step::Concat([(a, first), _]), Index::Known(k)) if *k < first => return self.component(a, index, inside),
            (Step::Concat([(_, first), (b, _)]), Index::Known(k)) => {
                return self.component(b, &Index::Known(k - first), inside);
            }
            (Step::Concat([_, (b, _)]), _) if matches!(step, Step::Concat([(_, 0), _])) => {
                return self.component(b, index, inside);
            }
            (Step::Concat([(a, _), (_, 0)]), _) => return self.component(a, index, inside),
            _ => {}
        }
        let key = (at, index.text());
        let known = inside.as_ref().and_then(|inside| inside.names.get(&key)).or_else(|| self.names.get(&key));
        if let Some(name) = known {
            return name.clone();
        }
        let text = self.text(at, index, inside);
        match inside {
            None => {
                let name = self.named(self.fixed[at], &text);
                self.names.insert(key, name.clone());
                name
            }
            Some(inside) => {
                self.next += 1;
                let name = format!("e{}", self.next);
                let _ = writeln!(inside.text, "            let {name} = {text};");
                inside.names.insert(key, name.clone());
                name
            }
        }
    }

    /// The operation that gives a component.
    fn text(&mut self, at: usize, index: &Index, inside: &mut Option<Inside>) -> String {
        match self.formula.tape().steps()[at] {
            Step::Constant(bits) => literal(f64::from_bits(bits)),
            Step::Parameter(slot) => format!("param({slot}u)"),
            Step::Variable(_) | Step::Sum(..) => "0.0f".to_owned(),
            Step::Vector(variable) => {
                let number = self.formula.variables().iter().position(|v| *v == variable).unwrap_or(0);
                format!("load_{number}(at_{number}, {})", index.text())
            }
            Step::Table(number) => format!("table_{number}({})", index.text()),
            Step::Unary(function, a) => {
                let a = self.component(a, index, inside);
                function.wgsl(&a)
            }
            Step::Binary(function, a, b) => {
                let (a, b) = (self.component(a, index, inside), self.component(b, index, inside));
                function.wgsl(&a, &b)
            }
            Step::Powi(a, n) => {
                let a = self.component(a, index, inside);
                match n {
                    2 => format!("({a} * {a})"),
                    _ => format!("powi_({a}, {n}i)"),
                }
            }
            Step::Extract(a, start, _) => self.component(a, &index.plus(start), inside),
            Step::Concat([(a, first), (b, _)]) => {
                let at = index.text();
                let in_first = Index::Text(format!("min({at}, {}u)", first.saturating_sub(1)));
                let in_second = Index::Text(format!("(max({at}, {first}u) - {first}u)"));
                let (a, b) = (self.component(a, &in_first, inside), self.component(b, &in_second, inside));
                format!("select({b}, {a}, {at} < {first}u)")
            }
        }
    }

    /// The sums among these steps, those of the same length in one loop.
    fn sums(&mut self, steps: &[usize]) {
        let mut groups: Vec<((usize, bool), Vec<(usize, usize)>)> = Vec::new();
        for &at in steps {
            let Step::Sum(operand, length) = self.formula.tape().steps()[at] else { continue };
            if length <= SHORT {
                let terms: Vec<String> =
                    (0..length).map(|k| self.component(operand, &Index::Known(k), &mut None)).collect();
                let text = if terms.is_empty() { "0.0f".to_owned() } else { terms.join(" + ") };
                self.numbers[at] = Some(self.named(self.fixed[at], &text));
                continue;
            }
            let key = (length, self.fixed[at]);
            match groups.iter_mut().find(|(group, _)| *group == key) {
                Some((_, members)) => members.push((at, operand)),
                None => groups.push((key, vec![(at, operand)])),
            }
        }
        for ((length, fixed), members) in groups {
            self.one_loop(length, fixed, &members);
        }
    }

    /// Sums of `length` components in one loop: 64 terms to a block.
    fn one_loop(&mut self, length: usize, fixed: bool, members: &[(usize, usize)]) {
        let whole = length - length % self.unrolled;
        let mut inside = Some(Inside::default());
        let mut sums = String::new();
        for &(at, operand) in members {
            let terms: Vec<String> = (0..self.unrolled)
                .map(|k| self.component(operand, &Index::Text(format!("(f + {k}u)")), &mut inside))
                .collect();
            let _ = writeln!(sums, "            block_{at} += {};", terms.join(" + "));
        }
        let declared =
            |what: &str| members.iter().map(|(at, _)| format!("var {what}_{at} = 0.0f; ")).collect::<String>();
        let joined = members.iter().map(|(at, _)| format!("sum_{at} += block_{at}; ")).collect::<String>();
        let text = format!(
            "    {}\n    for (var start = 0u; start < {whole}u; start += 64u) {{\n        {}\n        \
             for (var f = start; f < min(start + 64u, {whole}u); f += {}u) {{\n{}{sums}        }}\n        \
             {joined}\n    }}\n",
            declared("sum"),
            declared("block"),
            self.unrolled,
            inside.map(|inside| inside.text).unwrap_or_default(),
        );
        let iterations = (whole.div_ceil(64) + whole / self.unrolled) as u64;
        let (target, count) = if fixed {
            (&mut self.out.before, &mut self.out.iterations_before)
        } else {
            (&mut self.out.each, &mut self.out.iterations_each)
        };
        target.push_str(&text);
        *count += iterations;
        for &(at, operand) in members {
            let terms: Vec<String> = std::iter::once(format!("sum_{at}"))
                .chain((whole..length).map(|k| self.component(operand, &Index::Known(k), &mut None)))
                .collect();
            let text = terms.join(" + ");
            self.numbers[at] = Some(self.named(fixed, &text));
        }
    }
}
