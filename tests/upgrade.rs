//! Journals of earlier versions: read, upgraded as they are read, or refused; nothing is lost from its place.

use std::fs;

use crate::project::{Project, write};

const JOURNAL: &str = ".atsaf/v1/journal";

/// A journal as version 0.1.0 before the frames had versions wrote it: three runs that turned `horizon` from 24 to 48
/// and back, with a restore and an effect, and a run that failed.
pub(crate) const FORMER: &[u8] = include_bytes!("golden/journal-2");

const ATSAFFILE: &str = r#"
[params]
horizon = 24

[target.clean]
run = ["cp", "raw.csv", "{{output}}"]
inputs = ["raw.csv"]
output = "clean.csv"

[target.fit]
run = "cat {{input.clean}} > {{output.model}}; echo {{horizon}} >> {{output.model}}; mkdir -p {{output.plots}}; echo plot > {{output.plots}}/a"
inputs = ["clean"]
env = ["REGION"]
outputs = { model = "model.txt", plots = "plots/" }

[target.send]
run = "cat {{input.model}} > {{output}}"
inputs = ["model"]
output = "sent.txt"
effect = true

[target.broken]
run = "false {{output}}"
output = "broken.txt"
"#;

/// The project as that version left it.
fn former() -> Project {
    let project = Project::new(ATSAFFILE);
    project.write("raw.csv", "1\n");
    project.write("clean.csv", "1\n");
    project.write("model.txt", "1\n24\n");
    fs::create_dir_all(project.at("plots")).expect("made");
    project.write("plots/a", "plot\n");
    project.write("sent.txt", "1\n24\n");
    fs::create_dir_all(project.at(".atsaf/v1")).expect("made");
    write(&project.at(JOURNAL), FORMER);
    project
}

#[test]
fn a_former_journal_is_read_as_it_is_and_upgraded_by_a_build() {
    let project = former();
    project.atsaf("log").has("1 failed");
    project.atsaf("why clean").has("fresh");
    assert_eq!(
        fs::read(project.at(JOURNAL)).expect("read"),
        FORMER,
        "a look changes nothing"
    );
    // What means something else by now says so; nothing of the user's is displaced.
    project.atsaf("why fit").has("shell");
    project.build("send").ok();
    assert_ne!(fs::read(project.at(JOURNAL)).expect("read")[..16], FORMER[..16]);
    assert!(
        !project.at(".atsaf/displaced").exists(),
        "every file was known as atsaf's own"
    );
    project.atsaf("log").has("1 failed");
    project.atsaf("log fit").has("horizon");
    project.build("send").has("nothing to do");
}

#[test]
fn a_former_journal_whose_head_is_damaged_is_read_as_one_of_its_version() {
    for at in [0, 15, 20] {
        let project = former();
        let mut journal = FORMER.to_vec();
        journal[at] ^= 0x41;
        write(&project.at(JOURNAL), &journal);
        project.atsaf("log").has("1 failed");
        project.build("send").ok();
        project.atsaf("log fit").has("horizon");
        assert!(!project.at(".atsaf/displaced").exists(), "byte {at}");
    }
}

#[test]
fn a_journal_of_a_newer_version_is_refused_and_nothing_is_lost() {
    let project = Project::new(ATSAFFILE);
    project.write("raw.csv", "1\n");
    project.build("clean").ok();
    let mut journal = fs::read(project.at(JOURNAL)).expect("read");
    // A whole frame of the version after this one.
    let payload = [u16::MAX.to_le_bytes().as_slice(), b"later"].concat();
    let length = u32::try_from(payload.len()).expect("short");
    let mut hasher = blake3::Hasher::new();
    hasher.update(&u64::from(length).to_le_bytes()).update(&payload);
    journal.extend([0xa7, b't', b's', 0xf1]);
    journal.extend(length.to_le_bytes());
    journal.extend(&hasher.finalize().as_bytes()[..8]);
    journal.extend(&payload);
    write(&project.at(JOURNAL), &journal);
    for command in ["build clean", "status", "why clean", "gc", "clean"] {
        let said = project.atsaf(command);
        said.exits(4);
        said.has("newer version of atsaf");
    }
    assert_eq!(fs::read(project.at(JOURNAL)).expect("read"), journal);
    assert_eq!(project.read("clean.csv"), "1\n");
}
