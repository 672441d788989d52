// SPDX-License-Identifier: Apache-2.0
//! SIGINT and SIGTERM: forwarded to the running program, and otherwise as usual.

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

struct State {
    /// No program is running: signals have their default effect.
    idle: Arc<AtomicBool>,
    /// How many programs are running.
    running: Mutex<usize>,
    received: Arc<AtomicUsize>,
}

fn state() -> std::io::Result<&'static State> {
    static STATE: OnceLock<State> = OnceLock::new();
    static FIRST: Mutex<()> = Mutex::new(());
    // Handlers that were registered twice would be in each other's way.
    let _first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(state) = STATE.get() {
        return Ok(state);
    }
    let state = State {
        idle: Arc::new(AtomicBool::new(true)),
        running: Mutex::new(0),
        received: Arc::new(AtomicUsize::new(0)),
    };
    for signal in [SIGINT, SIGTERM] {
        flag::register_conditional_default(signal, Arc::clone(&state.idle))?;
        flag::register_usize(signal, Arc::clone(&state.received), usize::try_from(signal).unwrap_or(0))?;
    }
    Ok(STATE.get_or_init(|| state))
}

/// While it lives, signals are noted instead of ending this process.
pub struct Watch(&'static State);

impl Watch {
    /// Starts to note signals.
    pub fn start() -> std::io::Result<Self> {
        let state = state()?;
        let mut running = state.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running += 1;
        state.idle.store(false, Ordering::SeqCst);
        Ok(Self(state))
    }

    /// The signal that arrived, if one did.
    pub fn received(&self) -> Option<i32> {
        i32::try_from(self.0.received.load(Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut running = self.0.running.lock().unwrap_or_else(PoisonError::into_inner);
        *running -= 1;
        // Both in one: another thread may start a program at the same time.
        if *running == 0 {
            self.0.idle.store(true, Ordering::SeqCst);
        }
    }
}

/// The name of a signal, as `kill -l` gives it.
pub fn name(signal: i32) -> String {
    signal_hook::low_level::signal_name(signal).map_or_else(|| format!("signal {signal}"), str::to_owned)
}
