//! Arguments in, exit code out.

use std::io::{self, Write as _};

use atsaf::cli::address_space::Shortage;
use atsaf::cli::{self, Exit};
use atsaf::engine::task::Tasks;

/// Plans of many targets and frames of many rows are made of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

ctor::declarative::ctor! {
    /// Ends a process that has no memory with a message. The runtime itself allocates before `main`.
    #[ctor(unsafe)]
    fn ask_for_memory() {
        if let Some(shortage) = Shortage::of(1) {
            // Where nothing can be allocated, there is neither a diagnostic nor a screen.
            let _ = writeln!(io::stderr(), "error: {shortage}\n  help: {}", Shortage::HELP);
            // Not even tidying up may allocate.
            signal_hook::low_level::exit(Exit::Usage as i32);
        }
    }
}

fn main() {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let exit = cli::main(std::env::args_os(), env, tasks);
    let _ = io::stdout().flush();
    // At once: to give back page by page what the system takes back as a whole would take milliseconds.
    signal_hook::low_level::exit(exit as i32)
}

#[cfg(feature = "forecasting")]
fn tasks() -> Tasks {
    atsaf::forecasting::tasks()
}

#[cfg(not(feature = "forecasting"))]
fn tasks() -> Tasks {
    Tasks::default()
}
