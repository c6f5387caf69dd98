//! Files of many targets, which are resolved side by side.

use super::{mistakes, spec};

/// So many targets, each of which reads the one before it; the command of each by its number.
fn chain(command: impl Fn(usize) -> String) -> String {
    let target = |number: usize| {
        let inputs = match number {
            0 => String::new(),
            _ => format!("inputs = [\"t{}\"]\n", number - 1),
        };
        let run = command(number);
        format!("\n[target.t{number}]\nrun = \"{run} > {{{{output}}}}\"\n{inputs}output = \"out/t{number}\"\n")
    };
    format!("[params]\nword = 1\n{}", (0..1_500).map(target).collect::<String>())
}

/// A command that takes the parameter, and one that takes none.
fn last_takes_it(number: usize) -> String {
    match number {
        1_499 => "echo {{word}}".to_owned(),
        _ => "echo".to_owned(),
    }
}

#[test]
fn they_are_what_each_would_be_and_in_their_order() {
    let many = spec(&chain(last_takes_it));
    assert_eq!(many.targets.len(), 1_500);
    for (number, target) in many.targets.iter().enumerate() {
        assert_eq!(target.name, format!("t{number}"));
        assert_eq!(target.inputs.len(), usize::from(number > 0));
        assert_eq!(target.params.len(), usize::from(number == 1_499), "{number}");
    }
    assert_eq!(mistakes(&chain(last_takes_it)), "", "the parameter is read");
}

#[test]
fn what_is_wrong_is_told_once_and_in_the_order_of_the_text() {
    let told = mistakes(&chain(|number| match number {
        3 | 1_400 => "echo {{nowhere}}".to_owned(),
        _ => last_takes_it(number),
    }));
    let lines = told.lines().filter(|line| line.starts_with("error"));
    assert_eq!(lines.filter(|line| line.contains("nowhere")).count(), 2, "{told}");
    // Five lines a target, the first without inputs, after three others.
    let lines: Vec<usize> = told
        .lines()
        .filter_map(|line| line.split("Atsaffile:").nth(1)?.split(':').next()?.parse().ok())
        .collect();
    assert_eq!(lines, [19, 7_004], "{told}");
}
