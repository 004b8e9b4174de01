//! What the pair skeleton computes: metrics side by side, and an expression over their values.

use std::fmt::Write;

use crate::error::{Error, Result};
use crate::expr::Expr;
use crate::metric::{self, Metric};

/// What the pair skeleton computes for two rows: some metrics, and an expression over their values.
///
/// # Examples
/// The inverse distance, which no kernel of ours is:
/// ```
/// # use gristmill::{Expr, Metric, PairFunction};
/// let function = PairFunction { terms: vec![Metric::EUCLIDEAN], finish: 1.0 / (Expr::variable(0) + 1.0) };
/// assert_eq!(function.evaluate(&[0.0, 0.0], &[0.0, 3.0]), 0.25);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PairFunction {
    /// The metrics that are accumulated side by side.
    pub terms: Vec<Metric>,
    /// The value; variable i is the value of term i.
    pub finish: Expr,
}

/// The WGSL of a [`PairFunction`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PairCode {
    /// The fields of `State`, and whether each is a `u32` (else an `f32`). They start at 0.
    pub fields: Vec<(String, bool)>,
    /// `State`, `Weight`, `param`, `pair_nan`, `pair_infinity`, `pair_accumulate`, `pair_merge` and `pair_finish`.
    ///
    /// The shader around it declares `parameters` with `values: array<vec4<f32>, N>`, `nan_bits: u32` and
    /// `infinity_bits: u32`, and appends `math.wgsl`.
    pub text: String,
}

/// Whatever gives a value for two rows: a [`Metric`], a [`Kernel`](super::Kernel), a [`PairFunction`].
pub trait PairSource {
    /// What the pair skeleton computes for rows of `d` features.
    ///
    /// # Errors
    /// Where it is not defined for such rows.
    fn pair_function(&self, d: usize) -> Result<PairFunction>;
}

impl PairSource for Metric {
    fn pair_function(&self, d: usize) -> Result<PairFunction> {
        self.check(d)?;
        Ok(self.into())
    }
}

impl PairSource for super::Kernel {
    fn pair_function(&self, d: usize) -> Result<PairFunction> {
        Self::pair_function(self, d)
    }
}

impl PairSource for PairFunction {
    fn pair_function(&self, d: usize) -> Result<PairFunction> {
        self.check(d)?;
        Ok(self.clone())
    }
}

impl From<Metric> for PairFunction {
    fn from(metric: Metric) -> Self {
        Self { terms: vec![metric], finish: Expr::variable(0) }
    }
}

impl From<&Metric> for PairFunction {
    fn from(metric: &Metric) -> Self {
        metric.clone().into()
    }
}

impl PairFunction {
    /// Whether rows of `d` features can be compared.
    ///
    /// # Errors
    /// As [`Metric::check`]; [`Error::InvalidArgument`] where a parameter does not fit f32, the expression asks for a
    /// term that is not there, or the terms have more than 64 different tables of weights.
    pub fn check(&self, d: usize) -> Result<()> {
        for term in &self.terms {
            term.check(d)?;
        }
        let tables = self.weight_tables().len();
        if tables > MOST_TABLES {
            let asked = format!("{tables} tables of weights (length scales, columns)");
            return Err(Error::argument("pair function", asked, format!("are more than {MOST_TABLES}")));
        }
        let tape = self.finish.tape();
        if tape.steps().iter().any(|step| step.is_of_vectors()) {
            let message = "is over vectors; a pair function's expression is over the values of its terms";
            return Err(Error::argument("pair function", "expression", message));
        }
        if tape.variables() > self.terms.len() {
            let asked = format!("variable {}", tape.variables() - 1);
            return Err(Error::argument(
                "pair function",
                asked,
                format!("is not there: it has {} terms", self.terms.len()),
            ));
        }
        match tape.parameters().iter().find(|value| !(**value as f32).is_finite()) {
            Some(value) => {
                Err(Error::argument("pair function", format!("parameter {value}"), "must fit single precision"))
            }
            None => Ok(()),
        }
    }

    /// What the uniform's `values` hold: the terms' parameters, then the expression's.
    pub fn values(&self) -> Vec<f32> {
        let terms = self.terms.iter().flat_map(|term| term.parameters.iter().map(|(_, value)| *value));
        terms.chain(self.device_finish().parameters()).collect()
    }

    /// The expression as devices compute it.
    fn device_finish(&self) -> Expr {
        self.finish.with_decays(&|number| self.terms.get(number).is_some_and(Metric::is_never_negative))
    }

    /// The different tables of weights that the terms have, one weight per feature in each. `pair_accumulate` gets a
    /// feature's weights as its `w`: the number itself where there is one table, else `w.w0`, `w.w1` and so on.
    pub fn weight_tables(&self) -> Vec<&[f32]> {
        let mut tables: Vec<&[f32]> = Vec::new();
        for weights in self.terms.iter().filter_map(|term| term.weights.as_deref()) {
            if !tables.contains(&weights) {
                tables.push(weights);
            }
        }
        tables
    }

    /// Whether features that are 0 on both sides change nothing.
    pub fn padding_neutral(&self) -> bool {
        self.terms.iter().all(|term| term.padding_neutral)
    }

    /// The value in f64.
    pub fn evaluate(&self, x: &[f64], y: &[f64]) -> f64 {
        let values: Vec<f64> = self.terms.iter().map(|term| term.evaluate(x, y)).collect();
        self.finish.evaluate(&values)
    }

    /// The value in f64, and how far a device's f32 value may be from it: the metrics' bounds carried through the
    /// expression. Infinite where nothing is promised; 0 beside a NaN or an infinity that must come out as such.
    pub fn evaluate_with_bound(&self, x: &[f64], y: &[f64]) -> (f64, f64) {
        let values: Vec<(f64, f64)> = self.terms.iter().map(|term| term.evaluate_with_bound(x, y)).collect();
        self.finish.evaluate_with_bound(&values)
    }

    /// The structural key: equal keys have equal shaders, whatever the parameters' values are.
    pub fn key(&self) -> String {
        self.code().text
    }

    /// The WGSL of the whole; see [`PairCode`].
    pub fn code(&self) -> PairCode {
        let alone = self.terms.len() == 1;
        let mut all_fields = Vec::new();
        let mut functions = String::new();
        let (mut accumulate, mut merge, mut finish) = (String::new(), String::new(), String::new());
        let mut joined = Vec::new();
        let mut slot = 0;
        let tables = self.weight_tables();
        for (number, term) in self.terms.iter().enumerate() {
            let code = TermCode {
                term,
                number,
                first_slot: slot,
                prefix: if alone { String::new() } else { format!("t{number}_") },
            };
            slot += term.parameters.len();
            let fields = metric::fields(&term.state);
            all_fields.extend(fields.iter().map(|(name, is_u32)| (format!("{}{name}", code.prefix), *is_u32)));
            functions.push_str(&code.functions(&fields));
            let weight =
                term.weights.as_deref().map(|weights| match tables.iter().position(|table| *table == weights) {
                    Some(table) if tables.len() > 1 => format!("w.w{table}"),
                    _ => "w".to_owned(),
                });
            match weight {
                None => _ = writeln!(accumulate, "    accumulate_{number}(state, x, y);"),
                // Not even a NaN gets through a weight of 0.
                Some(w) if term.leaves_features_out() => {
                    let _ = writeln!(accumulate, "    let out{number} = {w} == 0.0;");
                    let [x, y] = ["x", "y"].map(|row| format!("select({row}, 0.0, out{number})"));
                    let _ = writeln!(accumulate, "    accumulate_{number}(state, {x}, {y}, {w});");
                }
                Some(w) => _ = writeln!(accumulate, "    accumulate_{number}(state, x, y, {w});"),
            }
            if term.merge.is_empty() {
                joined.extend(fields.iter().map(|(name, _)| format!("a.{0}{name} + b.{0}{name}", code.prefix)));
            } else {
                let own = |state: &str| code.own_state(&fields, state);
                let _ = writeln!(merge, "    let m{number} = merge_{number}({}, {});", own("a"), own("b"));
                joined.extend(fields.iter().map(|(name, _)| format!("m{number}.{name}")));
            }
            let _ = writeln!(finish, "    let v{number} = finish_{number}({});", code.own_state(&fields, "state"));
        }
        if all_fields.is_empty() {
            // A structure needs a member.
            all_fields.push(("unused".to_owned(), false));
            joined.push("0.0".to_owned());
        }
        let declared: Vec<String> =
            all_fields.iter().map(|(name, is_u32)| format!("{name}: {}", kind(*is_u32))).collect();
        let mut text = format!("struct State {{ {} }}\n", declared.join(", "));
        text.push_str(&weight_type(tables.len()));
        text.push_str(PRELUDE);
        text.push_str(&functions);
        let _ = writeln!(
            text,
            "fn pair_accumulate(state: ptr<function, State>, x: f32, y: f32, w: Weight) {{\n{accumulate}}}"
        );
        let _ = writeln!(
            text,
            "fn pair_merge(a: State, b: State) -> State {{\n{merge}    return State({});\n}}",
            joined.join(", ")
        );
        let value = self.device_finish().wgsl(&|index| format!("v{index}"), slot);
        let _ = writeln!(text, "fn pair_finish(state: State) -> f32 {{\n{finish}{value}\n}}");
        PairCode { fields: all_fields, text }
    }
}

/// Tables of weights that one function may have.
const MOST_TABLES: usize = 64;

/// `Weight`: what `pair_accumulate` gets for a feature.
fn weight_type(tables: usize) -> String {
    if tables < 2 {
        return "alias Weight = f32;\n".to_owned();
    }
    let fields: Vec<String> = (0..tables).map(|table| format!("w{table}: f32")).collect();
    format!("struct Weight {{ {} }}\n", fields.join(", "))
}

/// What every pair function may call.
const PRELUDE: &str = "\
fn param(i: u32) -> f32 { return parameters.values[i / 4u][i % 4u]; }
fn pair_nan() -> f32 { return bitcast<f32>(parameters.nan_bits); }
fn pair_infinity() -> f32 { return bitcast<f32>(parameters.infinity_bits); }
";

fn kind(is_u32: bool) -> &'static str {
    if is_u32 { "u32" } else { "f32" }
}

/// One term on its way to WGSL. Where there are several, `State` holds the fields of all, each with its term's prefix;
/// `accumulate` works on those in place, `merge` and `finish` on a structure of the term's own.
struct TermCode<'a> {
    term: &'a Metric,
    number: usize,
    first_slot: usize,
    prefix: String,
}

impl TermCode<'_> {
    fn functions(&self, fields: &[(String, bool)]) -> String {
        let (term, number) = (self.term, self.number);
        let own = if self.prefix.is_empty() { "State".to_owned() } else { format!("State_{number}") };
        let mut text = String::new();
        if !self.prefix.is_empty() {
            let declared: Vec<String> =
                fields.iter().map(|(name, is_u32)| format!("{name}: {}", kind(*is_u32))).collect();
            let _ = writeln!(text, "struct {own} {{ {} }}", declared.join(", "));
        }
        let labelled =
            |part: &str, text: &str| metric::labelled(&format!("{part} of the metric \"{}\"", term.name), text);
        let body = |part: &str, text: &str| {
            let text = metric::rename_words(text, |word| (word == "State").then(|| own.clone()));
            format!("{}{}", self.parameters_in(&text), labelled(part, &text))
        };
        let (accumulate, w) = match term.weights {
            Some(_) => (&term.accumulate_weighted, ", w: f32"),
            None => (&term.accumulate, ""),
        };
        let in_place = metric::rename_fields(accumulate, fields, &self.prefix);
        let in_place = format!("{}{}", self.parameters_in(&in_place), labelled("accumulate", &in_place));
        let _ =
            writeln!(text, "fn accumulate_{number}(state: ptr<function, State>, x: f32, y: f32{w}) {{\n{in_place}}}");
        if !term.merge.is_empty() {
            let _ =
                writeln!(text, "fn merge_{number}(a: {own}, b: {own}) -> {own} {{\n{}}}", body("merge", &term.merge));
        }
        let _ = writeln!(text, "fn finish_{number}(state: {own}) -> f32 {{\n{}}}", body("finish", &term.finish));
        text
    }

    /// `let name = param(slot);` for every parameter that the body mentions.
    fn parameters_in(&self, body: &str) -> String {
        let mut text = String::new();
        for (index, (name, _)) in self.term.parameters.iter().enumerate() {
            if metric::mentions(body, name) {
                let _ = writeln!(text, "    let {name} = param({}u);", self.first_slot + index);
            }
        }
        text
    }

    /// This term's part of a `State`.
    fn own_state(&self, fields: &[(String, bool)], state: &str) -> String {
        if self.prefix.is_empty() {
            return state.to_owned();
        }
        let parts: Vec<String> = fields.iter().map(|(name, _)| format!("{state}.{}{name}", self.prefix)).collect();
        format!("State_{}({})", self.number, parts.join(", "))
    }
}
