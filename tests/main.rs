//! The program from outside: projects in directories of their own, built, changed, broken and built again.
//!
//! | module | what is shown |
//! |---|---|
//! | `staleness` | what runs, comes back or stays after one change |
//! | `targets` | the same for each key of a target |
//! | `temp` | artifacts that go once they are read |
//! | `resume` | what a failed attempt leaves to the next one |
//! | `failures` | what a failure leaves, and what it leaves alone |
//! | `attempts` | where an attempt writes, and what it says of what it found |
//! | `interruptions` | a build that is stopped while a command runs, and the next one |
//! | `mistakes` | wrong Atsaffiles are told whole, before anything runs |
//! | `cwd` | where and by what a command runs |
//! | `crash` | a kill at any moment, and a damaged store |
//! | `book` | the README and the book: their console blocks, links, pictures and contents |
//! | `coming_from` | the worked examples of those who come from other programs |
//! | `concurrency` | several builds in one project |
//! | `gc` | what `atsaf gc` gives up, and what never |
//! | `upgrade` | journals of earlier and later versions |
//! | `inputs` | what is read, taken out, absent or ignored; shared names; the shell |
//! | `elsewhere` | a store on another file system than the project |
//! | `model` | random projects and edits, also during builds, against a plain recursion |
//! | `time` | ages, probes, and what new data waits for |
//! | `accept` | what the user takes for fresh |
//! | `moving` | inputs that move while a build runs |
//! | `discovery`, `discovery_python`, `discovery_trace` | what commands use without declaring it |
//! | `discovery_model` | scripts that read further files depending on the first, against a plain model |
//! | `sealed` | builds with nothing to do that a seal answers, and all that breaks one |
//! | `side_effects` | targets that write the sources of others |
//! | `pools` | what only so many targets may use at once, threads, memory, and one that fails among many |
//! | `params_files` | parameters from files: which targets a key makes stale, and what is refused |
//! | `parts` | versions of the parts that a task's parameters name |
//! | `many_instances` | reports of targets with many instances |
//! | `matrix_model` | a random matrix beside its targets written out |
//! | `respondents` | the bundled pipeline for several respondents |
//! | `matrix` | targets with `each`: instances, joins, goals, and what of them runs |
//! | `links` | links in directories, and on the way to artifacts and outputs |
//! | `places` | permissions, what cannot be read, and what is said of directories |
//! | `paths` | artifacts, sources and pipes in each other's way |
//! | `secrets` | no secret is shown, logged or kept, in whatever form |
//! | `hostile_text` | no escape sequence of others reaches the terminal |
//! | `lineage` | events of OpenLineage, and retries that another program does |
//! | `layering` | who may import whom |
//! | `dependencies` | sources and licences of what the program is made of |
//! | `eia_api` | the ingest against a server that behaves like the EIA API, well and badly (`eia_server`) |
//! | `eia_record` | what of its answers stays: months that are not fetched again, and recordings |
//! | `network` | servers that drip, proxies, and little memory |
//! | `own_model` | a program of the user's among the models |
//! | `predict` | a packaged model fitted to newer history, without a project |
//! | `pipeline` | the bundled pipeline |
//! | `junit` | what a CI's list of tests is told of a build |
//! | `metrics` | numbers of declared metrics from run to run |
//! | `restore` | what an earlier run left, brought back by hand |
//! | `shell` | a target's command by hand |
//! | `history` | what `log` tells of past runs |
//! | `init` | from an empty directory to a first result, and the page of a build |
//! | `report` | the page of `atsaf report`: its numbers, what is missing, what it may not overwrite |
//! | `known_ahead` | weather and holidays that are known ahead: what they bring, and a file that ends too early |
//! | `live_lines` | what a build shows on a terminal while it runs |
//! | `pictures` | pictures on a terminal that says what it draws |
//! | `watch_screen` | what `watch` draws on a terminal, and how it gives it back |
//! | `visitors` | from a daily file to a forecast, in twenty lines |
//!
//! `project` runs the program, `terminal` does so on a terminal, `inside` the engine in this process. The environment variable `ATSAF_TEST_EFFORT=10`
//! lets the tests of chance go on ten times as long.

#![expect(
    clippy::needless_raw_string_hashes,
    reason = "snapbox writes snapshots so: `SNAPSHOTS=overwrite cargo test`"
)]

mod accept;
mod attempts;
#[cfg(feature = "forecasting")]
mod book;
mod coming_from;
mod completions;
mod concurrency;
mod crash;
mod cwd;
mod dependencies;
mod discovery;
mod discovery_model;
mod discovery_python;
mod discovery_trace;
#[cfg(feature = "forecasting")]
mod eia_api;
#[cfg(feature = "forecasting")]
mod eia_record;
#[cfg(feature = "forecasting")]
mod eia_server;
mod elsewhere;
mod failures;
mod gc;
mod history;
mod hostile_text;
mod init;
mod inputs;
mod inside;
mod interruptions;
mod junit;
#[cfg(feature = "forecasting")]
mod known_ahead;
mod layering;
mod lineage;
mod links;
mod live_lines;
mod many_instances;
mod matrix;
mod matrix_model;
mod metrics;
mod mistakes;
mod model;
mod moving;
#[cfg(feature = "forecasting")]
mod network;
#[cfg(feature = "forecasting")]
mod own_model;
mod params_files;
mod parts;
mod paths;
mod pictures;
#[cfg(feature = "forecasting")]
mod pipeline;
mod places;
mod pools;
#[cfg(feature = "forecasting")]
mod predict;
mod project;
mod report;
#[cfg(feature = "forecasting")]
mod respondents;
mod restore;
mod resume;
mod sealed;
mod secrets;
mod security;
mod shell;
mod side_effects;
mod staleness;
mod targets;
mod temp;
mod terminal;
mod time;
mod upgrade;
#[cfg(feature = "forecasting")]
mod visitors;
mod watch_screen;
