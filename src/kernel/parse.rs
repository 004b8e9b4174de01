//! Kernels from text, by recursive descent:
//!
//! ```text
//! sum      = product { "+" product }
//! product  = power { "*" power }
//! power    = part [ ("**" | "^") number ]
//! part     = atom { list }
//! atom     = number | name [ "(" [ argument { "," argument } ] ")" ] | "(" sum ")"
//! argument = [ name "=" ] ( number | "inf" | list | matrix )
//! list     = "[" number { "," number } "]"
//! matrix   = "[" list { "," list } "]"
//! ```
//! A list behind a kernel chooses columns, as its argument `columns` does.
//! Only numbers and the names of our own tables come out of it, so nothing that is typed reaches a shader as text.

use std::str::FromStr;

use super::entry::{Argument, KernelEntry, plain};
use super::{Kernel, Tree, entries, number};
use crate::error::{Error, Result};

/// Parentheses inside parentheses; each costs stack.
const DEEPEST: usize = 64;
/// Kernels in one text; more would not fit the uniform.
const MOST_KERNELS: usize = 256;

impl FromStr for Kernel {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let mut reader = Reader { text, characters: text.chars().collect(), at: 0, depth: 0, kernels: 0, wrapped: 0 };
        let kernel = reader.sum()?;
        if reader.peek().is_some() {
            return Err(reader.expected("the end, \"+\" or \"*\""));
        }
        kernel.0.check_values()?;
        Ok(kernel)
    }
}

struct Reader<'a> {
    text: &'a str,
    characters: Vec<char>,
    at: usize,
    depth: usize,
    kernels: usize,
    /// Choices of columns so far.
    wrapped: usize,
}

/// A number alone is a factor, or a constant kernel where it stands by itself.
enum Factor {
    Number(f64),
    Kernel(Kernel),
}

impl Reader<'_> {
    fn sum(&mut self) -> Result<Kernel> {
        let mut sum = self.product()?;
        while self.take('+') {
            sum = sum + self.product()?;
        }
        Ok(sum)
    }

    fn product(&mut self) -> Result<Kernel> {
        let (mut factor, mut product): (Option<f64>, Option<Kernel>) = (None, None);
        loop {
            match self.power()? {
                Factor::Number(value) => factor = Some(factor.map_or(value, |factor| factor * value)),
                Factor::Kernel(kernel) => {
                    product = Some(match product {
                        Some(product) => product * kernel,
                        None => kernel,
                    })
                }
            }
            if !self.take('*') {
                break;
            }
        }
        Ok(match (factor, product) {
            (Some(factor), Some(product)) => factor * product,
            (None, Some(product)) => product,
            (factor, None) => Kernel(Tree::Leaf(&entries::CONSTANT, vec![number(factor.unwrap_or(1.0))])),
        })
    }

    fn power(&mut self) -> Result<Factor> {
        let mut atom = self.atom()?;
        while self.peek() == Some('[') {
            let Factor::Kernel(kernel) = atom else {
                return Err(self.error("a number has no columns; only a kernel has"));
            };
            self.wrapped += 1;
            if self.wrapped > MOST_KERNELS {
                return Err(self.error(&format!("more than {MOST_KERNELS} choices of columns in one text")));
            }
            let value = self.value()?;
            atom = Factor::Kernel(kernel.on_columns(&self.columns(value)?));
        }
        let power = self.take('^')
            || (self.peek() == Some('*') && self.characters.get(self.at + 1) == Some(&'*') && {
                self.at += 2;
                true
            });
        match atom {
            atom if !power => Ok(atom),
            Factor::Number(_) => Err(self.error("a number cannot have a power; only a kernel can")),
            Factor::Kernel(kernel) => Ok(Factor::Kernel(kernel.power(self.number()?))),
        }
    }

    fn atom(&mut self) -> Result<Factor> {
        match self.peek() {
            Some('(') => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return Err(self.error(&format!("more than {DEEPEST} parentheses inside each other")));
                }
                self.at += 1;
                let sum = self.sum()?;
                self.require(')')?;
                self.depth -= 1;
                Ok(Factor::Kernel(sum))
            }
            Some(c) if c.is_ascii_digit() || c == '.' => Ok(Factor::Number(self.number()?)),
            Some(c) if c.is_alphabetic() => self.leaf(),
            _ => Err(self.expected("a kernel, a number or \"(\"")),
        }
    }

    fn leaf(&mut self) -> Result<Factor> {
        self.kernels += 1;
        if self.kernels > MOST_KERNELS {
            return Err(self.error(&format!("more than {MOST_KERNELS} kernels in one text")));
        }
        let name = self.name();
        let entry = entry_named(&name)?;
        let mut given: Vec<Option<Argument>> = vec![None; entry.parameters.len()];
        let mut columns = None;
        if self.take('(') && !self.take(')') {
            for position in 0.. {
                let at = match self.argument_name()? {
                    Some(name) if plain(&name) == "columns" => {
                        let value = self.value()?;
                        if columns.replace(self.columns(value)?).is_some() {
                            return Err(self.error("columns is given twice"));
                        }
                        if self.take(',') { continue } else { break }
                    }
                    Some(name) => entry.position(&name)?,
                    None => position,
                };
                let value = self.value()?;
                match given.get_mut(at) {
                    None => {
                        return Err(self.error(&format!("{} takes {} arguments", entry.name, entry.parameters.len())));
                    }
                    Some(Some(_)) => return Err(self.error(&format!("{} is given twice", entry.parameters[at].name))),
                    Some(slot) => *slot = Some(value),
                }
                if !self.take(',') {
                    break;
                }
            }
            self.require(')')?;
        }
        let kernel = Kernel(Tree::Leaf(entry, given));
        Ok(Factor::Kernel(match columns {
            Some(columns) => kernel.on_columns(&columns),
            None => kernel,
        }))
    }

    /// The name before a "=", if one stands here; infinity is a value and no name.
    fn argument_name(&mut self) -> Result<Option<String>> {
        if !self.peek().is_some_and(char::is_alphabetic) {
            return Ok(None);
        }
        let start = self.at;
        let name = self.name();
        if is_infinity(&name) && self.peek() != Some('=') {
            self.at = start;
            return Ok(None);
        }
        self.require('=')?;
        Ok(Some(name))
    }

    fn value(&mut self) -> Result<Argument> {
        if self.peek().is_some_and(char::is_alphabetic) {
            let start = self.at;
            if is_infinity(&self.name()) {
                return Ok(Argument::Number(f64::INFINITY));
            }
            self.at = start;
        }
        if !self.take('[') {
            return Ok(Argument::Number(self.number()?));
        }
        if self.peek() != Some('[') {
            return Ok(Argument::List(self.numbers()?));
        }
        let mut rows = Vec::new();
        loop {
            self.require('[')?;
            rows.push(self.numbers()?);
            if !self.take(',') {
                break;
            }
        }
        self.require(']')?;
        Ok(Argument::Matrix(rows))
    }

    /// The rest of a list whose bracket is open.
    fn numbers(&mut self) -> Result<Vec<f64>> {
        let mut values = vec![self.number()?];
        while self.take(',') {
            values.push(self.number()?);
        }
        self.require(']')?;
        Ok(values)
    }

    /// Numbers of columns.
    fn columns(&self, value: Argument) -> Result<Vec<usize>> {
        let values = match value {
            Argument::Number(value) => vec![value],
            Argument::List(values) => values,
            Argument::Matrix(_) => return Err(self.error("columns are a list of whole numbers, not a matrix")),
        };
        let column = |value: &f64| (value.fract() == 0.0 && (0.0..4e9).contains(value)).then_some(*value as usize);
        match values.iter().map(column).collect() {
            Some(columns) => Ok(columns),
            None => Err(self.error("columns are whole numbers, counted from 0")),
        }
    }

    fn number(&mut self) -> Result<f64> {
        self.peek();
        let start = self.at;
        let mut end = start;
        let is = |at: usize, set: &str| self.characters.get(at).is_some_and(|c| set.contains(*c));
        while is(end, "0123456789.") || is(end, "eE") || (is(end, "+-") && (end == start || is(end - 1, "eE"))) {
            end += 1;
        }
        let text: String = self.characters[start..end].iter().collect();
        match text.parse::<f64>() {
            Ok(value) if value.is_finite() => {
                self.at = end;
                Ok(value)
            }
            Ok(_) => Err(self.error("the number is too large")),
            Err(_) => Err(self.expected("a number")),
        }
    }

    fn name(&mut self) -> String {
        self.peek();
        let start = self.at;
        while self.characters.get(self.at).is_some_and(|c| c.is_alphanumeric() || *c == '_') {
            self.at += 1;
        }
        self.characters[start..self.at].iter().collect()
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        while self.characters.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.characters.get(self.at).copied()
    }

    /// Passes over `wanted` if it is next; a `*` of `**` is not.
    fn take(&mut self, wanted: char) -> bool {
        let next = self.peek();
        let doubled = wanted == '*' && self.characters.get(self.at + 1) == Some(&'*');
        let taken = next == Some(wanted) && !doubled;
        self.at += usize::from(taken);
        taken
    }

    fn require(&mut self, wanted: char) -> Result<()> {
        if self.take(wanted) { Ok(()) } else { Err(self.expected(&format!("\"{wanted}\""))) }
    }

    fn expected(&mut self, what: &str) -> Error {
        let found = self.peek().map_or("the end".to_owned(), |c| format!("{c:?}"));
        self.error(&format!("expected {what}, found {found}"))
    }

    fn error(&self, message: &str) -> Error {
        Error::Parse { text: self.text.to_owned(), position: self.at + 1, message: message.to_owned() }
    }
}

fn is_infinity(name: &str) -> bool {
    matches!(plain(name).as_str(), "inf" | "infinity")
}

/// The entry of this name or alias, whatever its case and underscores.
fn entry_named(name: &str) -> Result<&'static KernelEntry> {
    let wanted = plain(name);
    let names = |entry: &&'static KernelEntry| std::iter::once(entry.name).chain(entry.aliases.iter().copied());
    let found = entries::ALL.iter().find(|entry| names(entry).any(|name| plain(name) == wanted));
    found.copied().ok_or_else(|| Error::unknown("kernel", name, entries::ALL.iter().flat_map(names)))
}
