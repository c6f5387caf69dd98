//! Parts of a task with a version of their own: who names a part that changed is stale, and nobody else.

use std::collections::BTreeMap;

use atsaf::engine::fingerprint::{Field, FieldValue};
use atsaf::engine::reason::{Difference, Reason};
use atsaf::report::reasons;

use crate::inside::{Ask, Inside, What};
use crate::project::write;

/// Targets that name the one part, the other, both and neither, and one that reads an artifact of the first.
const PROJECT: &str = r#"
[target.naive]
uses = "make_0_1"
inputs = { in0 = "source.txt" }
outputs = { hi_0 = "out/0.hi", lo_0 = "out/0.lo" }
with = { value = 0, parts = ["Naive"] }

[target.winters]
uses = "make_1_1"
inputs = { in0 = "source.txt" }
outputs = { hi_1 = "out/1.hi", lo_1 = "out/1.lo" }
with = { value = 0, parts = ["HoltWinters"] }

[target.both]
uses = "make_2_1"
inputs = { in0 = "source.txt" }
outputs = { hi_2 = "out/2.hi", lo_2 = "out/2.lo" }
with = { value = 0, parts = ["HoltWinters", "Naive"] }

[target.plain]
uses = "make_3_1"
inputs = { in0 = "source.txt" }
outputs = { hi_3 = "out/3.hi", lo_3 = "out/3.lo" }
with = { value = 0 }

[target.reader]
uses = "make_4_1"
inputs = { in0 = "hi_1" }
outputs = { hi_4 = "out/4.hi", lo_4 = "out/4.lo" }
with = { value = 0 }
"#;

const ASK: Ask<'_> = Ask {
    goals: &[],
    force: false,
    jobs: 1,
};

/// A project that was built with version 2 of `HoltWinters`.
fn built() -> Inside {
    let inside = Inside::new();
    write(&inside.path("source.txt"), b"source");
    set_version(&inside, 2);
    assert_eq!(inside.build(PROJECT, ASK).built, 5);
    inside
}

fn set_version(inside: &Inside, version: u32) {
    let mut versions = inside.control.part_versions.lock().expect("sound");
    versions.insert("HoltWinters".to_owned(), version);
}

/// How the five targets ended, in the order of the project; those that the plan calls fresh have no turn.
fn ended(inside: &Inside) -> Vec<What> {
    let ended = inside.control.ended.lock().expect("sound");
    (0..5).map(|at| ended.get(&at).copied().unwrap_or(What::Kept)).collect()
}

#[test]
fn a_part_of_another_version_makes_stale_those_that_name_it_and_no_others() {
    let inside = built();
    assert_eq!(inside.reasons(PROJECT), BTreeMap::new());
    set_version(&inside, 3);
    let version = |number| Some(FieldValue::Version(number));
    let raised = vec![Reason::Changed(Difference {
        field: Field::Part("HoltWinters".to_owned()),
        before: version(2),
        after: version(3),
    })];
    assert_eq!(reasons::brief(&raised), "HoltWinters version 2 -> 3");
    let expected = [
        ("both", raised.clone()),
        // What it reads comes from a target that must run.
        ("reader", Vec::new()),
        ("winters", raised),
    ]
    .map(|(name, reasons)| (name.to_owned(), reasons));
    assert_eq!(inside.reasons(PROJECT), BTreeMap::from(expected));
    inside.build(PROJECT, ASK);
    // The part made no other artifact, so its reader is kept.
    assert_eq!(
        ended(&inside),
        [What::Kept, What::Built, What::Built, What::Kept, What::Kept]
    );
    assert_eq!(inside.reasons(PROJECT), BTreeMap::new());
}

#[test]
fn a_part_whose_former_version_returns_brings_its_results_back() {
    let inside = built();
    set_version(&inside, 3);
    inside.build(PROJECT, ASK);
    set_version(&inside, 2);
    inside.build(PROJECT, ASK);
    assert_eq!(ended(&inside)[..3], [What::Kept, What::Restored, What::Restored]);
    assert_eq!(inside.reasons(PROJECT), BTreeMap::new());
}

#[test]
fn a_part_that_a_parameter_comes_to_name_is_a_reason_beside_the_parameter() {
    let inside = built();
    let named = PROJECT.replacen("[\"Naive\"]", "[\"Naive\", \"HoltWinters\"]", 1);
    let reasons = inside.reasons(&named);
    assert_eq!(reasons.keys().collect::<Vec<_>>(), ["naive"]);
    let said = reasons::brief(&reasons["naive"]);
    assert!(said.starts_with("HoltWinters version"), "{said}");
    assert!(said.contains("; parts "), "{said}");
}
