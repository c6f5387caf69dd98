//! Arguments in, exit code out.

use std::process::ExitCode;

use atsaf::cli;
use atsaf::engine::task::Tasks;

/// Plans of many targets and frames of many rows are made of small allocations.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let env = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let exit = cli::main(std::env::args_os(), env, tasks);
    ExitCode::from(exit as u8)
}

#[cfg(feature = "forecasting")]
fn tasks() -> Tasks {
    atsaf::forecasting::tasks()
}

#[cfg(not(feature = "forecasting"))]
fn tasks() -> Tasks {
    Tasks::default()
}
