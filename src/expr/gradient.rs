//! Gradients by the reverse sweep: from the value back to the leaves, every branch once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::derivative::{binary, unary};
use super::{Expr, Node};

impl Expr {
    /// The gradient of the sum of the components with respect to `of`, of the dimension of `of`: a variable, a
    /// parameter, or any other expression that occurs in this one (as the same object or a clone of it), taken as
    /// independent.
    ///
    /// Kinks are as in [`Expr::derivative`].
    ///
    /// # Examples
    /// ```
    /// # use gristmill::Expr;
    /// let (x, y) = (Expr::vi(0, 3), Expr::vj(0, 3));
    /// let kernel = (-x.sqdist(&y)).exp();
    /// assert_eq!(kernel.gradient(&x).dimension(), 3);
    /// ```
    pub fn gradient(&self, of: &Expr) -> Expr {
        self.gradients(std::slice::from_ref(of)).pop().unwrap_or_else(|| Expr::constant(0.0))
    }

    /// [`Expr::gradient`] with respect to several expressions, in one sweep.
    pub fn gradients(&self, of: &[Expr]) -> Vec<Expr> {
        let order = self.in_order();
        let dimensions = self.dimensions();
        let dimension = |expr: &Expr| dimensions.get(&Arc::as_ptr(&expr.0)).copied().unwrap_or(1);
        // Only branches that lead to one of `of` are walked.
        let mut leading: HashSet<*const Node> = HashSet::new();
        for node in &order {
            if of.iter().any(|of| node.is_same(of)) || operands(node).any(|a| leading.contains(&Arc::as_ptr(&a.0))) {
                leading.insert(Arc::as_ptr(&node.0));
            }
        }
        let mut slopes: HashMap<*const Node, Expr> = HashMap::from([(Arc::as_ptr(&self.0), Expr::constant(1.0))]);
        let mut found: Vec<Option<Expr>> = vec![None; of.len()];
        for node in order.into_iter().rev() {
            let Some(slope) = slopes.remove(&Arc::as_ptr(&node.0)) else { continue };
            let same: Vec<usize> = (0..of.len()).filter(|&at| node.is_same(&of[at])).collect();
            if !same.is_empty() {
                for at in same {
                    let whole = slope.broadcast(dimension(node));
                    found[at] = Some(match found[at].take() {
                        Some(sum) => sum + whole,
                        None => whole,
                    });
                }
                continue;
            }
            let mut add = |operand: &Expr, part: Expr| {
                let at = Arc::as_ptr(&operand.0);
                if !leading.contains(&at) {
                    return;
                }
                // A number that met every component gathers from all of them.
                let part = match (dimension(operand), dimension(node)) {
                    (1, length) if length > 1 && !matches!(*node.0, Node::Concat(_)) => part.sum_of(length),
                    _ => part,
                };
                let sum = match slopes.remove(&at) {
                    Some(sum) => sum + part,
                    None => part,
                };
                slopes.insert(at, sum);
            };
            match &*node.0 {
                Node::Unary(function, a) => {
                    if let Some(part) = unary(*function, node, a, slope) {
                        add(a, part);
                    }
                }
                Node::Binary(function, a, b) => {
                    if let Some(part) = binary(*function, node, (a, Some(slope.clone())), (b, None)) {
                        add(a, part);
                    }
                    if let Some(part) = binary(*function, node, (a, None), (b, Some(slope))) {
                        add(b, part);
                    }
                }
                Node::Powi(a, n) => add(a, slope * (f64::from(*n) * a.powi(n.saturating_sub(1)))),
                Node::Sum(a, _) => add(a, slope),
                Node::Concat([(a, first), (b, second)]) => {
                    for (operand, start, length) in [(a, 0, *first), (b, *first, *second)] {
                        let part = slope.extract(start, length);
                        add(operand, if dimension(operand) == 1 { part.sum_of(length) } else { part });
                    }
                }
                Node::Extract(a, start, length) => {
                    let zero = |length: usize| (Expr::constant(0.0), length);
                    let rest = dimension(a).saturating_sub(start + length);
                    let head = Expr::joined(zero(*start), (slope.broadcast(*length), *length));
                    add(a, Expr::joined((head, start + length), zero(rest)));
                }
                _ => {}
            }
        }
        let none = |of: &Expr| Expr::constant(0.0).broadcast(of.dimension());
        found.into_iter().zip(of).map(|(gradient, of)| gradient.unwrap_or_else(|| none(of))).collect()
    }

    /// A vector of `length` components that are all this, where this is a number.
    fn broadcast(&self, length: usize) -> Expr {
        if length == 1 || self.dimension() == length {
            return self.clone();
        }
        Expr::new(Node::Concat([(self.clone(), 1), (self.clone(), length - 1)]))
    }
}

fn operands(node: &Expr) -> impl Iterator<Item = &Expr> {
    let operands = match &*node.0 {
        Node::Unary(_, a) | Node::Powi(a, _) | Node::Sum(a, _) | Node::Extract(a, ..) => [Some(a), None],
        Node::Binary(_, a, b) | Node::Concat([(a, _), (b, _)]) => [Some(a), Some(b)],
        _ => [None, None],
    };
    operands.into_iter().flatten()
}
