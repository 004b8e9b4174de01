//! Kernels as text that reads back as the same kernel.

use std::fmt;

use super::entry::{Argument, KernelEntry};
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
            Self::Leaf(entry, given) => leaf(f, entry, given, None),
            Self::Sum(parts) => joined(f, parts, " + "),
            Self::Product(parts) => joined(f, parts, " * "),
            Self::Scale(factor, of) => {
                write!(f, "{factor:?} * ")?;
                if matches!(**of, Self::Product(_)) { write!(f, "{of}") } else { of.fmt_as_factor(f) }
            }
            Self::Power(of, exponent) => match **of {
                Self::Leaf(..) | Self::Columns(..) => write!(f, "{of}**{exponent:?}"),
                _ => write!(f, "({of})**{exponent:?}"),
            },
            Self::Columns(of, columns) => match &**of {
                Self::Leaf(entry, given) => leaf(f, entry, given, Some(columns)),
                _ => write!(f, "({of}){columns:?}"),
            },
        }
    }
}

impl Tree {
    /// In parentheses where a product would take it apart.
    fn fmt_as_factor(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Leaf(..) | Self::Power(..) | Self::Columns(..) => write!(f, "{self}"),
            Self::Sum(_) | Self::Product(_) | Self::Scale(..) => write!(f, "({self})"),
        }
    }
}

fn leaf(
    f: &mut fmt::Formatter<'_>,
    entry: &KernelEntry,
    given: &[Option<Argument>],
    columns: Option<&Vec<usize>>,
) -> fmt::Result {
    f.write_str(entry.name)?;
    let named = entry.parameters.iter().zip(given).filter_map(|(p, a)| a.as_ref().map(|a| (p.name, a)));
    let mut arguments: Vec<String> = named
        .map(|(name, argument)| match argument {
            Argument::Number(value) => format!("{name}={value:?}"),
            Argument::List(values) => format!("{name}={values:?}"),
            Argument::Matrix(rows) => format!("{name}={rows:?}"),
        })
        .collect();
    arguments.extend(columns.map(|columns| format!("columns={columns:?}")));
    if arguments.is_empty() { Ok(()) } else { write!(f, "({})", arguments.join(", ")) }
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
