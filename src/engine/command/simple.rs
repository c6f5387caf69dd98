//! Texts for which a shell has nothing to do but start a program: as make does, these are started without one.
//!
//! What is not plainly such a text is left to the shell: anything but letters, digits and a few signs, an assignment, and
//! the name of what a shell has built in.

/// What bash does itself, and words that are its syntax.
const BUILT_IN: &str = " . : alias bg bind break builtin caller case cd command compgen complete compopt continue coproc \
                        declare dirs disown do done echo elif else enable esac eval exec exit export false fc fg fi for \
                        function getopts hash help history if in jobs kill let local logout mapfile popd printf pushd pwd \
                        read readarray readonly return select set shift shopt source suspend test then time times trap \
                        true type typeset ulimit umask unalias unset until wait while ";

/// The words of a text that names a program and its arguments, each as it stands there; `None` if the shell may see more
/// in it.
pub(super) fn words(text: &str) -> Option<Vec<&str>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_-./,:+@= ".contains(c);
    let words: Vec<&str> = text.split(' ').filter(|word| !word.is_empty()).collect();
    let program = words.first()?;
    let is_built_in = BUILT_IN.contains(&format!(" {program} "));
    (text.chars().all(is_plain) && !program.contains('=') && !is_built_in).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_and_its_arguments_need_no_shell() {
        assert_eq!(
            words("cp  a.csv out/b-1.csv "),
            Some(vec!["cp", "a.csv", "out/b-1.csv"])
        );
        assert_eq!(
            words("./fit --horizon=24 data"),
            Some(vec!["./fit", "--horizon=24", "data"])
        );
    }

    #[test]
    fn everything_else_is_for_the_shell() {
        for text in [
            "",
            " ",
            "echo a",
            "cd a",
            "a=1 b",
            "cat a > b",
            "a | b",
            "a; b",
            "a\nb",
            "a 'b'",
            "a \"b\"",
            "a $b",
            "a ~/b",
            "a *.csv",
            "a [b]",
            "a {b,c}",
            "a `b`",
            "a \\b",
            "a # b",
            "! a",
            "time a",
            "a &",
            "(a)",
            "a\tb",
            "a é",
        ] {
            assert_eq!(words(text), None, "{text}");
        }
    }
}
