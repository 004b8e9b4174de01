//! The processes that do the work, one per library and adapter.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, bail};

/// A place at the table: a library on an adapter, started when it is first asked and again after it died.
pub struct Seat {
    pub name: String,
    pub adapter: String,
    /// What it says about itself.
    pub version: String,
    /// Why it does not take part.
    pub absent: Option<String>,
    command: Vec<String>,
    /// Its driver keeps no compiled shaders between processes.
    cold: bool,
    process: Option<Process>,
}

/// What makes drivers forget: Mesa's, and NVIDIA's.
const COLD: [(&str, &str); 2] = [("MESA_SHADER_CACHE_DISABLE", "true"), ("__GL_SHADER_DISK_CACHE", "0")];

struct Process {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Seat {
    /// A peer whose program lies beside this one.
    pub fn beside(name: &str, adapter: &str) -> Result<Self> {
        let program = std::env::current_exe()?.with_file_name(format!("peer-{name}{}", std::env::consts::EXE_SUFFIX));
        Ok(Self::new(name, adapter, vec![program.display().to_string(), adapter.to_owned()]))
    }

    /// The Python libraries.
    pub fn python(interpreter: &str) -> Self {
        let script = "peers/python/peers.py";
        Self::new("python", "cpu", vec![interpreter.to_owned(), script.to_owned()])
    }

    fn new(name: &str, adapter: &str, command: Vec<String>) -> Self {
        let (name, adapter) = (name.to_owned(), adapter.to_owned());
        Self { name, adapter, version: String::new(), absent: None, command, cold: false, process: None }
    }

    /// Sends an order and waits for its answer, without the word that says of which kind it is.
    ///
    /// # Errors
    /// What failed in the library; or that the process has ended, which leaves the seat empty until the next order.
    pub fn ask(&mut self, order: &str, kind: &str) -> Result<String> {
        if self.process.is_none() {
            self.start().inspect_err(|error| self.absent = Some(format!("{error:#}")))?;
        }
        let process = self.process.as_mut().context("it does not run")?;
        let answer = match writeln!(process.orders, "{order}") {
            Ok(()) => process.answer(),
            Err(error) => Err(error.into()),
        };
        let answer = answer.inspect_err(|_| self.stop())?;
        let (found, rest) = answer.split_once([' ', '|']).unwrap_or((&answer, ""));
        if found != kind {
            bail!("{}", answer.trim_start_matches("failed "));
        }
        Ok(rest.to_owned())
    }

    /// Ends the process; the next order goes to one that finds no compiled shaders.
    pub fn forget(&mut self) {
        self.stop();
        self.cold = true;
    }

    fn start(&mut self) -> Result<()> {
        let cold = std::mem::take(&mut self.cold);
        let [program, arguments @ ..] = self.command.as_slice() else { bail!("no command") };
        let mut child = Command::new(program)
            .args(arguments)
            .envs(COLD.into_iter().filter(|_| cold))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("cannot start {program}"))?;
        let orders = child.stdin.take().context("no pipe")?;
        let answers = BufReader::new(child.stdout.take().context("no pipe")?);
        let mut process = Process { child, orders, answers };
        let ready = process.answer();
        self.process = Some(process);
        let ready = ready.inspect_err(|_| self.stop())?;
        self.version =
            ready.strip_prefix("ready ").with_context(|| ready.trim_start_matches("failed ").to_owned())?.to_owned();
        if !cold {
            println!("{} on {}: {}", self.name, self.adapter, self.version);
        }
        Ok(())
    }

    fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It has ended already, or has closed its pipe and is about to.
            let _ = process.child.kill();
            let _ = process.child.wait();
        }
    }
}

impl Process {
    /// The next line that is an answer; libraries print too.
    fn answer(&mut self) -> Result<String> {
        let mut line = String::new();
        loop {
            line.clear();
            if self.answers.read_line(&mut line)? == 0 {
                bail!("the process ended");
            }
            if let Some(answer) = line.trim_end().strip_prefix("peers: ") {
                return Ok(answer.to_owned());
            }
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.stop();
    }
}
