//! Ctrl-C and the like: what is half written is taken away before the program ends.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files that are not yet what they should become.
static UNFINISHED: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Takes the file away if the program is stopped. One that has been renamed or removed by then is no longer there.
pub(crate) fn remove_when_stopped(path: &Path) {
    UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).push(path.to_owned());
}

/// Waits for the signals that stop a program, in a thread of its own.
#[cfg(unix)]
pub(crate) fn listen() {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    // Without the listener the program still stops; a file that it was writing then stays.
    let Ok(mut signals) = Signals::new([SIGHUP, SIGINT, SIGTERM]) else { return };
    let wait = move || {
        let Some(signal) = signals.forever().next() else { return };
        for path in UNFINISHED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let _ = std::fs::remove_file(path);
        }
        crate::say("stopped; what was not finished has been removed");
        std::process::exit(128 + signal);
    };
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(wait);
}

/// Elsewhere the system ends the program by itself.
#[cfg(not(unix))]
pub(crate) fn listen() {}
