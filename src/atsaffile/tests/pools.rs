//! `[pools]`, `pool`, `threads` and `memory`: what they say, and what is wrong with them.

use std::time::Duration;

use super::{mistakes, spec};
use crate::engine::spec::Rate;

#[test]
fn pools_and_weights_are_read() {
    let spec = spec(
        r#"
[pools]
eia = { slots = 2, rate = "100/min" }
disk = { slots = 1 }

[target.a]
run = "x {{threads}} > {{output}}"
output = "a"
pool = ["eia", "disk"]
threads = 4
memory = "4GiB"
"#,
    );
    let load = &spec.targets[0].settings.load;
    assert_eq!(
        (load.pools.join(" ").as_str(), load.threads, load.memory),
        ("disk eia", Some(4), 4 << 30)
    );
    let per = Duration::from_mins(1);
    assert_eq!(spec.pools["eia"].slots, Some(2));
    assert_eq!(spec.pools["eia"].rate, Some(Rate { count: 100, per }));
}

#[test]
fn what_is_wrong_with_pools_and_weights_is_told() {
    let said = mistakes(
        r#"
[pools]
eia = { slots = 0, rate = "4 a day" }
gpu = {}
disk = 2

[target.a]
run = "x > {{output}}"
output = "a"
pool = "eai"
threads = 0
memory = "much"
"#,
    );
    let expected = r#"error: `slots` must be a whole number from 1 to 1000, found the integer 0
  --> Atsaffile:3:17
 3 | eia = { slots = 0, rate = "4 a day" }
   |                 ^
error: `rate` must be a number from 1 to 1000 in a time, such as "4/s", "100/min", "1000/h" or "500/d", found the string "4 a day"
  --> Atsaffile:3:27
 3 | eia = { slots = 0, rate = "4 a day" }
   |                           ^^^^^^^^^
error: the pool `gpu` limits nothing
  --> Atsaffile:4:1
 4 | gpu = {}
   | ^^^
  help: say how many may use it at once, or how often: `{ slots = 2, rate = "4/s" }`
error: `disk` must be a table, found the integer 2
  --> Atsaffile:5:8
 5 | disk = 2
   |        ^
  help: say how many may use it at once, or how often: `{ slots = 2, rate = "4/s" }`
error: unknown pool `eai`
   --> Atsaffile:10:8
 10 | pool = "eai"
    |        ^^^^^
  help: did you mean `eia`?
error: `threads` must be a whole number from 1 to 4096, found the integer 0
   --> Atsaffile:11:11
 11 | threads = 0
    |           ^
error: `memory` must be a size such as "500MB" or "4GiB", found the string "much"
   --> Atsaffile:12:10
 12 | memory = "much"
    |          ^^^^^^
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_hole_for_threads_has_one_meaning() {
    let said = mistakes(
        r#"
[params]
threads = 8

[target.a]
run = "x {{threads}} > {{output}}"
output = "a"
threads = 4

[target.b]
run = "x {{threads}} > {{output}}"
output = "b"
"#,
    );
    let expected = r#"error: `{{threads}}` may be the parameter or the target's `threads`
  --> Atsaffile:6:12
 6 | run = "x {{threads}} > {{output}}"
   |            ^^^^^^^
  --> Atsaffile:8:1
 8 | threads = 4
   | ^^^^^^^ the target's
  help: give the parameter another name
"#;
    assert_eq!(said, expected);
}

#[test]
fn a_pool_in_which_no_target_is_is_a_warning() {
    let said = mistakes("[pools]\ndisk = { slots = 1 }\n\n[target.a]\nrun = \"x > {{output}}\"\noutput = \"a\"\n");
    assert!(said.contains("warning: no target is in the pool `disk`"), "{said}");
}
