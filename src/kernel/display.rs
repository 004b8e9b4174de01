//! Kernels as text that reads back as the same kernel.

use std::fmt;

use super::entry::Argument;
use super::{Kernel, Tree};

impl fmt::Display for Kernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

// `{:?}` of an f64 is the shortest text that reads back as the same number.
impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(entry, given) => {
                f.write_str(entry.name)?;
                let named = entry.parameters.iter().zip(given).filter_map(|(p, a)| a.as_ref().map(|a| (p.name, a)));
                for (number, (name, argument)) in named.clone().enumerate() {
                    let before = if number == 0 { "(" } else { ", " };
                    match argument {
                        Argument::Number(value) => write!(f, "{before}{name}={value:?}")?,
                        Argument::List(values) => write!(f, "{before}{name}={values:?}")?,
                    }
                }
                if named.count() > 0 { f.write_str(")") } else { Ok(()) }
            }
            Self::Sum(parts) => joined(f, parts, " + "),
            Self::Product(parts) => joined(f, parts, " * "),
            Self::Scale(factor, of) => {
                write!(f, "{factor:?} * ")?;
                if matches!(**of, Self::Product(_)) { write!(f, "{of}") } else { of.fmt_as_factor(f) }
            }
            Self::Power(of, exponent) => match **of {
                Self::Leaf(..) => write!(f, "{of}**{exponent:?}"),
                _ => write!(f, "({of})**{exponent:?}"),
            },
        }
    }
}

impl Tree {
    /// In parentheses where a product would take it apart.
    fn fmt_as_factor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(..) | Self::Power(..) => write!(f, "{self}"),
            Self::Sum(_) | Self::Product(_) | Self::Scale(..) => write!(f, "({self})"),
        }
    }
}

fn joined(f: &mut fmt::Formatter<'_>, parts: &[Tree], separator: &str) -> fmt::Result {
    for (number, part) in parts.iter().enumerate() {
        if number > 0 {
            f.write_str(separator)?;
        }
        if separator == " + " { write!(f, "{part}")? } else { part.fmt_as_factor(f)? }
    }
    Ok(())
}
