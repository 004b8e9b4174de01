//! Formulas summed over j.

use crate::error::{Error, Result};
use crate::expr::{Formula, Role, Variable};

/// `out[i, c] = Σⱼ formula(i, j)[c]`, of shape n × the formula's dimension; 0 over no j.
///
/// Inputs: those of [`Formula::variables`], in their order: n × dimension for those of i, m × dimension of j, n × m of
/// pairs, dimension for parameters.
#[derive(Debug, Clone)]
pub struct FormulaWork {
    /// The op's name, for errors.
    pub op: &'static str,
    /// What is summed.
    pub formula: Formula,
    /// How many i there are.
    pub n: usize,
    /// How many j there are.
    pub m: usize,
}

impl FormulaWork {
    /// The shape that a variable must have.
    pub fn shape_of(&self, variable: Variable) -> Vec<usize> {
        match variable.role {
            Role::I => vec![self.n, variable.dimension],
            Role::J => vec![self.m, variable.dimension],
            Role::Pair => vec![self.n, self.m],
            Role::Parameter => vec![variable.dimension],
        }
    }

    /// Whether inputs of these shapes are the variables'.
    pub(crate) fn check(&self, shapes: &[&[usize]]) -> Result<()> {
        let variables = self.formula.variables();
        if shapes.len() != variables.len() {
            let message = format!("are {}; the formula has {} variables", shapes.len(), variables.len());
            return Err(Error::argument(self.op, "inputs", message));
        }
        for (variable, shape) in variables.iter().zip(shapes) {
            let needed = self.shape_of(*variable);
            if *shape != needed {
                let Variable { role, number, .. } = variable;
                let message = format!("variable {number} of {role:?} has shape {shape:?}; it must be {needed:?}");
                return Err(Error::shape(self.op, message));
            }
        }
        Ok(())
    }
}
