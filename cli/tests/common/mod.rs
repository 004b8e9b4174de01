//! A folder of one test's own, and the program run in it.
#![allow(dead_code)] // each test file uses its part

use std::path::PathBuf;

use assert_cmd::Command;
use assert_cmd::assert::Assert;

pub(crate) struct Folder(tempfile::TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn text(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn npy(&self, name: &str, shape: &[usize], values: &[f32]) {
        let numbers: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.npy_bytes(name, "<f4", shape, &numbers);
    }

    pub(crate) fn npy_bytes(&self, name: &str, descr: &str, shape: &[usize], numbers: &[u8]) {
        let shape: String = shape.iter().map(|n| format!("{n}, ")).collect();
        let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend_from_slice(&(header.len() as u16).to_le_bytes());
        bytes.extend_from_slice(header.as_bytes());
        bytes.extend_from_slice(numbers);
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Shape and numbers of a float32 file.
    pub(crate) fn real(&self, name: &str) -> (Vec<usize>, Vec<f32>) {
        let bytes = self.read(name);
        let file = npyz::NpyFile::new(&bytes[..]).unwrap();
        let shape = file.shape().iter().map(|&n| n as usize).collect();
        (shape, file.into_vec().unwrap())
    }

    /// Runs the program here, on the CPU.
    pub(crate) fn run(&self, arguments: &[&str]) -> Assert {
        self.command(arguments).env("GRISTMILL_ADAPTER", "cpu").assert()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gristmill"));
        command.current_dir(self.0.path()).env_remove("GRISTMILL_ADAPTER").args(arguments);
        command
    }

    /// Names of the files that are here.
    pub(crate) fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}
