//! Random projects with a matrix beside the same targets written out one by one: both run the same and leave the same.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;

use crate::project::{Project, effort};

const REGIONS: [&str; 3] = ["A", "B", "C"];
const FUELS: [&str; 2] = ["x", "y"];

/// A target: on which axes it is, and which earlier targets it reads.
#[derive(Clone, Debug)]
struct Declared {
    by_region: bool,
    by_fuel: bool,
    reads: Vec<usize>,
    /// Whether it reads a source of its own for each region.
    reads_source: bool,
    value: u8,
}

#[derive(Clone, Debug)]
struct Matrix {
    regions: BTreeSet<usize>,
    fuels: usize,
    /// Whether `C` has no `y`.
    excludes: bool,
    targets: Vec<Declared>,
}

#[derive(Clone, Debug)]
enum Edit {
    Region(usize),
    Fuels(usize),
    Exclude(bool),
    Value(usize, u8),
    Source(usize, u8),
}

/// Region and fuel of an instance, as far as its target is on these axes.
type At = (Option<usize>, Option<usize>);

impl Matrix {
    fn instances(&self, target: &Declared) -> Vec<At> {
        let regions: Vec<Option<usize>> = match target.by_region {
            true => self.regions.iter().copied().map(Some).collect(),
            false => vec![None],
        };
        let fuels: Vec<Option<usize>> = match target.by_fuel {
            true => (0..self.fuels).map(Some).collect(),
            false => vec![None],
        };
        let all = regions
            .iter()
            .flat_map(|region| fuels.iter().map(move |fuel| (*region, *fuel)));
        all.filter(|at| !(self.excludes && *at == (Some(2), Some(1)))).collect()
    }

    /// The instances of a target that one of another reads: those that agree with it where both are on an axis.
    fn joined(&self, read: usize, at: At) -> Vec<At> {
        let agree = |own: Option<usize>, other: Option<usize>| own.is_none() || other.is_none() || own == other;
        let all = self.instances(&self.targets[read]).into_iter();
        all.filter(|other| agree(at.0, other.0) && agree(at.1, other.1))
            .collect()
    }

    /// Whether each axis has a value, and each instance something to read wherever its target says so.
    fn is_sound(&self) -> bool {
        let all = self.targets.iter();
        !self.regions.is_empty()
            && all
                .flat_map(|target| self.instances(target).into_iter().map(move |at| (target, at)))
                .all(|(target, at)| target.reads.iter().all(|read| !self.joined(*read, at).is_empty()))
            && self.targets.iter().all(|target| !self.instances(target).is_empty())
    }

    fn by_axes(&self) -> String {
        let quoted = |values: &[&str]| {
            values
                .iter()
                .map(|it| format!("\"{it}\""))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let regions: Vec<&str> = self.regions.iter().map(|at| REGIONS[*at]).collect();
        let mut text = format!(
            "[matrix]\nregion = [{}]\nfuel = [{}]\n",
            quoted(&regions),
            quoted(&FUELS[..self.fuels])
        );
        if self.excludes {
            text += "exclude = [{ region = \"C\", fuel = \"y\" }]\n";
        }
        for (at, target) in self.targets.iter().enumerate() {
            let axes = [(target.by_region, "region"), (target.by_fuel, "fuel")];
            let axes: Vec<&str> = axes.iter().filter(|(is, _)| *is).map(|(_, axis)| *axis).collect();
            let holes = axes.iter().fold(String::new(), |all, axis| all + "-{{" + axis + "}}");
            let inputs = target.reads.iter().map(|read| {
                let other = &self.targets[*read];
                let opens = (other.by_region && !target.by_region) || (other.by_fuel && !target.by_fuel);
                format!("\"t{read}{}\"", if opens { "@*" } else { "" })
            });
            let source = (target.reads_source && target.by_region).then(|| "\"source/{{region}}\"".to_owned());
            let inputs: Vec<String> = inputs.chain(source).chain(["\"./base\"".to_owned()]).collect();
            let _ = write!(
                text,
                "[target.t{at}]\n{}",
                if axes.is_empty() {
                    String::new()
                } else {
                    format!("each = [{}]\n", quoted(&axes))
                }
            );
            text += &rest(at, &holes, target.value, &inputs);
        }
        text
    }

    fn by_hand(&self) -> String {
        let mut text = String::new();
        for (number, target) in self.targets.iter().enumerate() {
            for at in self.instances(target) {
                let inputs = target.reads.iter().flat_map(|read| {
                    let joined = self.joined(*read, at).into_iter();
                    joined.map(move |other| format!("\"{}\"", name(*read, other)))
                });
                let source =
                    at.0.filter(|_| target.reads_source)
                        .map(|at| format!("\"source/{}\"", REGIONS[at]));
                let inputs: Vec<String> = inputs.chain(source).chain(["\"./base\"".to_owned()]).collect();
                let _ = writeln!(text, "[target.{}]", name(number, at));
                text += &rest(number, &values(at), target.value, &inputs);
            }
        }
        text
    }
}

/// What a table says below its name: the same for an instance and for the target written out.
fn rest(at: usize, values: &str, value: u8, inputs: &[String]) -> String {
    let run =
        format!("echo t{at}{values} >> ../ran; (echo t{at} {value}; cat {{{{inputs}}}} /dev/null) > {{{{output}}}}");
    format!(
        "run = \"{run}\"\ninputs = [{}]\noutput = \"out/t{at}{values}\"\n\n",
        inputs.join(", ")
    )
}

fn values((region, fuel): At) -> String {
    let region = region.map(|at| format!("-{}", REGIONS[at]));
    let fuel = fuel.map(|at| format!("-{}", FUELS[at]));
    region.into_iter().chain(fuel).collect()
}

fn name(target: usize, at: At) -> String {
    format!("t{target}{}", values(at))
}

fn declared(at: usize) -> impl Strategy<Value = Declared> {
    let reads = prop::collection::btree_set(0..at.max(1), 0..=at.min(2));
    (any::<bool>(), any::<bool>(), reads, any::<bool>()).prop_map(move |(by_region, by_fuel, reads, reads_source)| {
        Declared {
            by_region,
            by_fuel,
            reads: reads.into_iter().filter(|read| *read < at).collect(),
            reads_source,
            value: 0,
        }
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (0..3_usize).prop_map(Edit::Region),
        (1..3_usize).prop_map(Edit::Fuels),
        any::<bool>().prop_map(Edit::Exclude),
        (0..4_usize, 0..2_u8).prop_map(|(at, value)| Edit::Value(at, value)),
        (0..3_usize, 0..3_u8).prop_map(|(at, value)| Edit::Source(at, value)),
    ]
}

/// Builds both, and compares what ran and what is there; the axes may be such that there is nothing to compare.
fn build(matrix: &Matrix, by_axes: &Project, by_hand: &Project) -> Result<(), TestCaseError> {
    if !matrix.is_sound() {
        return Ok(());
    }
    by_axes.write("Atsaffile", matrix.by_axes());
    by_hand.write("Atsaffile", matrix.by_hand());
    for expected in [true, false] {
        let told = [by_axes, by_hand].map(|project| project.build(""));
        for told in &told {
            prop_assert_eq!(told.code, Some(0), "{}", told.text);
        }
        let [one, other] = [by_axes, by_hand].map(Project::ran_in_any_order);
        prop_assert_eq!(&one, &other, "{}", matrix.by_axes());
        prop_assert!(expected || one.is_empty(), "a second build ran {:?}", one);
        prop_assert!(by_axes.files() == by_hand.files(), "{}", matrix.by_axes());
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8 * effort(),
        failure_persistence: None,
        max_shrink_iters: 100,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_matrix_runs_and_leaves_what_its_targets_do_written_out(
        targets in (declared(0), declared(1), declared(2), declared(3)),
        edits in prop::collection::vec(edit(), 1..4),
    ) {
        let (a, b, c, d) = targets;
        let mut matrix = Matrix { regions: BTreeSet::from([0, 2]), fuels: 2, excludes: false, targets: vec![a, b, c, d] };
        let (by_axes, by_hand) = (Project::new(""), Project::new(""));
        for project in [&by_axes, &by_hand] {
            project.write("base", "base");
            for region in REGIONS {
                project.write(&format!("source/{region}"), region);
            }
        }
        build(&matrix, &by_axes, &by_hand)?;
        for edit in edits {
            match edit {
                Edit::Region(at) => {
                    if !matrix.regions.remove(&at) {
                        matrix.regions.insert(at);
                    }
                }
                Edit::Fuels(fuels) => matrix.fuels = fuels,
                Edit::Exclude(excludes) => matrix.excludes = excludes,
                Edit::Value(at, value) => matrix.targets[at].value = value,
                Edit::Source(at, value) => {
                    for project in [&by_axes, &by_hand] {
                        project.write(&format!("source/{}", REGIONS[at]), format!("{value}"));
                    }
                }
            }
            build(&matrix, &by_axes, &by_hand)?;
        }
    }
}
