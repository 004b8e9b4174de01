//! `gristmill conformance`: does it work on this GPU?

use anyhow::{Result, bail};

use crate::args::{Conformance, General};

pub(super) fn run(_general: &General, _args: &Conformance) -> Result<()> {
    bail!("the table of trials is not part of this build")
}
