//! The difference between two texts, line by line.

/// One line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// It stood there before.
    Taken(String),
    /// It stands there now.
    Added(String),
}

/// Pairs of lines that are compared at most, in search of the shortest edit.
const PAIRS: usize = 1 << 20;

/// The shortest edit between two lists, by their longest common subsequence; what is common is left out. Of lists that
/// differ in too much, all that differs is taken away and added.
pub(super) fn line_edits(before: &[String], after: &[String]) -> Vec<Edit> {
    let same = |pairs: &mut dyn Iterator<Item = (&String, &String)>| pairs.take_while(|(a, b)| a == b).count();
    let head = same(&mut before.iter().zip(after));
    let (before, after) = (&before[head..], &after[head..]);
    let tail = same(&mut before.iter().rev().zip(after.iter().rev()));
    let (before, after) = (&before[..before.len() - tail], &after[..after.len() - tail]);
    let (rows, columns) = (before.len(), after.len());
    if rows.saturating_mul(columns) > PAIRS {
        let taken = before.iter().cloned().map(Edit::Taken);
        return taken.chain(after.iter().cloned().map(Edit::Added)).collect();
    }
    let mut common = vec![vec![0_usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = match before[row] == after[column] {
                true => common[row + 1][column + 1] + 1,
                false => common[row + 1][column].max(common[row][column + 1]),
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut edits = Vec::new();
    while row < rows || column < columns {
        if row < rows && column < columns && before[row] == after[column] {
            (row, column) = (row + 1, column + 1);
        } else if column == columns || (row < rows && common[row + 1][column] >= common[row][column + 1]) {
            edits.push(Edit::Taken(before[row].clone()));
            row += 1;
        } else {
            edits.push(Edit::Added(after[column].clone()));
            column += 1;
        }
    }
    edits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_compared_by_what_differs_and_within_bounds() {
        let paths: Vec<String> = (0..20_000).map(|number| format!("d/{number:05}")).collect();
        let mut more = paths.clone();
        more.insert(7, "d/new".to_owned());
        assert_eq!(line_edits(&paths, &more), [Edit::Added("d/new".to_owned())]);
        assert_eq!(line_edits(&more, &paths), [Edit::Taken("d/new".to_owned())]);
        let reversed: Vec<String> = paths.iter().rev().cloned().collect();
        assert_eq!(line_edits(&paths, &reversed).len(), 40_000);
    }
}
