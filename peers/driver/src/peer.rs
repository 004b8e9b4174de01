//! One side of the comparison: a process that the driver asks for one timing at a time.

use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, bail};

use crate::task::{Task, Work};

/// One implementation of a task, with its inputs in place.
pub struct Timed {
    /// The name in the record.
    pub name: &'static str,
    /// The work; returns when it is done.
    pub run: Box<dyn FnMut() -> Result<()>>,
    /// The work, with its flat result; indices are whole numbers.
    pub result: Box<dyn FnMut() -> Result<Vec<f32>>>,
}

/// A library, or several that share a process.
pub trait Peer {
    /// What it is, with its version and the device that it found.
    fn version(&self) -> String;

    /// Puts the inputs in place and says how the work can be done; nothing where it cannot.
    ///
    /// # Errors
    /// What went wrong in the library.
    fn prepare(&mut self, task: &Task) -> Result<Vec<Timed>>;

    /// Bytes of the device that are taken now, where the library counts them.
    fn device_bytes(&self) -> u64 {
        0
    }
}

/// A round calls short work again until this much time has passed, and takes the median of its calls.
const ROUND: Duration = Duration::from_millis(30);

/// A round's calls are at most these.
const CALLS: usize = 15;

/// Takes orders from the driver until it closes the pipe: `prepare WORK SHAPE`, `sample NAME`, `time NAME`,
/// `memory NAME`. Answers start with `peers: `, because libraries print too.
///
/// # Errors
/// Where the pipe breaks. What goes wrong in the library is an answer.
pub fn serve(peer: &mut dyn Peer) -> Result<()> {
    let mut task = None;
    let mut timed = Vec::new();
    answer(&format!("ready {}", peer.version()))?;
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (order, rest) = line.split_once(' ').unwrap_or((&line, ""));
        let reply = match order {
            "prepare" => {
                // The last task's memory goes first.
                timed.clear();
                rest.parse::<Task>().and_then(|next| {
                    timed = peer.prepare(task.insert(next))?;
                    Ok(timed.iter().fold("offers".to_owned(), |names, timed| format!("{names}|{}", timed.name)))
                })
            }
            "sample" => {
                task.as_ref().context("nothing is prepared").and_then(|task| sample(task, find(&mut timed, rest)?))
            }
            "time" => {
                let once = task.as_ref().is_some_and(|task| task.work == Work::FirstCall);
                find(&mut timed, rest)
                    .and_then(|timed| time(timed, if once { 1 } else { CALLS }))
                    .map(|time| format!("ms {}", time.as_secs_f64() * 1e3))
            }
            "memory" => find(&mut timed, rest)
                .and_then(|timed| host_bytes(&mut timed.run))
                .map(|host| format!("bytes {} {host}", peer.device_bytes())),
            _ => bail!("unknown order {line:?}"),
        };
        answer(&reply.unwrap_or_else(|error| failed(&error)))?;
    }
    Ok(())
}

/// Tells the driver why there is nobody to take its orders.
///
/// # Errors
/// Where the pipe breaks.
pub fn decline(reason: &Error) -> Result<()> {
    answer(&failed(reason))
}

/// One line, whatever the library said.
fn failed(error: &Error) -> String {
    format!("failed {}", format!("{error:#}").replace('\n', " "))
}

fn answer(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "peers: {text}")?;
    Ok(out.flush()?)
}

fn find<'a>(timed: &'a mut [Timed], name: &str) -> Result<&'a mut Timed> {
    timed.iter_mut().find(|timed| timed.name == name).with_context(|| format!("no implementation {name:?}"))
}

fn sample(task: &Task, timed: &mut Timed) -> Result<String> {
    let result = (timed.result)()?;
    let mut text = "values".to_owned();
    for probe in task.probes() {
        let value = result.get(probe).with_context(|| format!("the result has only {} entries", result.len()))?;
        text += &format!(" {value}");
    }
    Ok(text)
}

fn time(timed: &mut Timed, most: usize) -> Result<Duration> {
    let begin = Instant::now();
    let mut calls = Vec::new();
    while calls.is_empty() || (begin.elapsed() < ROUND && calls.len() < most) {
        let start = Instant::now();
        (timed.run)()?;
        calls.push(start.elapsed());
    }
    calls.sort();
    calls.get(calls.len() / 2).copied().context("no call was timed")
}

/// By how much the process grew at most while it worked: Linux counts the peak and can forget it.
fn host_bytes(run: &mut dyn FnMut() -> Result<()>) -> Result<u64> {
    let status = |field: &str| -> Result<u64> {
        let status = std::fs::read_to_string("/proc/self/status")?;
        let line = status.lines().find(|line| line.starts_with(field)).context("no such field")?;
        Ok(line.split_whitespace().nth(1).context("no value")?.parse::<u64>()? * 1024)
    };
    std::fs::write("/proc/self/clear_refs", "5").context("peak memory is known on Linux only")?;
    let before = status("VmRSS:")?;
    run()?;
    Ok(status("VmHWM:")?.saturating_sub(before))
}
