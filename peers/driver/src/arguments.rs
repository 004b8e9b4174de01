//! The command line.

use anyhow::{Context, Result, bail, ensure};
use peers::Work;

pub const USAGE: &str = "\
Times the same work done by Gristmill and by its peers, in turns.

  --only WORK       only this work; may be repeated, and leaves the record of other work as it is
  --adapter NAME    where Gristmill and the portable peers run, as gristmill's --adapter has it; may be repeated
                    (default: vulkan:llvmpipe and cpu). The first one is what the chart compares with
  --rounds N        rounds in turn, of which medians are taken (default: 7); slow implementations get at most 3
  --python PATH     the interpreter of the Python libraries
  --record FOLDER   where the record goes (default: peers/record)

Works:";

pub struct Arguments {
    pub works: Vec<String>,
    pub adapters: Vec<String>,
    pub rounds: usize,
    pub python: Option<String>,
    pub record: String,
}

impl Arguments {
    /// What the command line says; nothing if it asks for help.
    pub fn read(mut words: impl Iterator<Item = String>) -> Result<Option<Self>> {
        let mut arguments = Self {
            works: Vec::new(),
            adapters: Vec::new(),
            rounds: 7,
            python: None,
            record: "peers/record".to_owned(),
        };
        while let Some(word) = words.next() {
            if word == "--help" || word == "-h" {
                return Ok(None);
            }
            let value = words.next().with_context(|| format!("{word} needs a value; see --help"))?;
            match word.as_str() {
                "--only" => {
                    let known: Vec<&str> = Work::names().collect();
                    ensure!(
                        known.contains(&value.as_str()),
                        "no work is called {value:?}; there are {}",
                        known.join(", ")
                    );
                    arguments.works.push(value);
                }
                "--adapter" => arguments.adapters.push(value),
                "--rounds" => arguments.rounds = value.parse().context("--rounds is a whole number")?,
                "--python" => arguments.python = Some(value),
                "--record" => arguments.record = value,
                _ => bail!("no option is called {word}; see --help"),
            }
        }
        ensure!(arguments.rounds > 0, "--rounds is at least 1");
        if arguments.adapters.is_empty() {
            arguments.adapters = vec!["vulkan:llvmpipe".to_owned(), "cpu".to_owned()];
        }
        Ok(Some(arguments))
    }
}
