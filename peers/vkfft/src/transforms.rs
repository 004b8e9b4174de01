//! VkFFT on Vulkan, from one buffer of the device into another.

use std::rc::Rc;

use anyhow::Result;
use peers::{Peer, Task, Timed, Work};

use crate::library::{self, Engine, Plan};

pub struct VkFft(Rc<Engine>);

impl VkFft {
    pub fn open(asked: &str) -> Result<Self> {
        Ok(Self(Rc::new(Engine::open(asked)?)))
    }
}

impl Peer for VkFft {
    fn version(&self) -> String {
        format!("VkFFT {} on {}", library::version(), self.0.adapter)
    }

    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>> {
        if !matches!(task.work, Work::Fft | Work::Fft2 | Work::FirstCall) {
            return Ok(Vec::new());
        }
        let [rows, columns, _] = task.dimensions();
        let (engine, both, input) = (self.0.clone(), task.work == Work::Fft2, task.inputs().swap_remove(0));
        let plan = move || Plan::new(&engine, [rows, columns], both, &input);
        if task.work == Work::FirstCall {
            let again = plan.clone();
            // What was planned goes after the timing.
            let mut kept = Vec::new();
            return Ok(vec![Timed {
                name: "vkfft",
                run: Box::new(move || {
                    let plan = plan()?;
                    plan.run()?;
                    kept.push(plan);
                    Ok(())
                }),
                result: Box::new(move || {
                    let plan = again()?;
                    plan.run()?;
                    plan.read()
                }),
            }]);
        }
        let plan = Rc::new(plan()?);
        let again = plan.clone();
        Ok(vec![Timed {
            name: "vkfft",
            run: Box::new(move || plan.run()),
            result: Box::new(move || {
                again.run()?;
                again.read()
            }),
        }])
    }
}
