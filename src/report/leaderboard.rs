//! Leaderboards in words: who is first, by how much, and what another one said before.

use std::fmt::Write as _;

use super::human;

/// One model's line.
#[derive(Clone, Debug, PartialEq)]
pub struct Standing {
    /// The model.
    pub model: String,
    /// Its error; none if it failed everywhere.
    pub score: Option<f64>,
    /// Its place among the others; none for one that failed, and for a combination of models.
    pub rank: Option<usize>,
}

/// The lines over all series of a leaderboard.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Leaderboard {
    /// The error by which it ranks, such as `rmse`.
    pub metric: String,
    /// In the order of the table.
    pub lines: Vec<Standing>,
}

/// A leaderboard that was made anew.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuiltLeaderboard {
    /// The artifact's name.
    pub name: String,
    /// What it said before, if there was one.
    pub before: Option<Leaderboard>,
    /// What it says now.
    pub after: Leaderboard,
}

impl Leaderboard {
    /// Finds it in a table, by the names of the columns; `None` if that is no leaderboard ranked by `metric`.
    #[must_use]
    pub fn of_table(columns: &[String], rows: &[Vec<String>], metric: &str) -> Option<Self> {
        let column = |name: &str| columns.iter().position(|column| column == name);
        let (model, rank) = (column("model")?, column("rank")?);
        let score = column(&format!("{metric}_mean"))?;
        let series = column("unique_id");
        let cell = |row: &'_ Vec<String>, at: usize| row.get(at).cloned().unwrap_or_default();
        // Lines over all series come first; of one series its own are all.
        let first = rows
            .first()
            .map(|row| series.map_or(String::new(), |at| cell(row, at)))?;
        let is_overall = |row: &&Vec<String>| series.is_none_or(|at| cell(row, at) == first);
        let standing = |row: &Vec<String>| Standing {
            model: cell(row, model),
            score: cell(row, score).parse().ok().filter(|score: &f64| score.is_finite()),
            rank: cell(row, rank).parse().ok(),
        };
        Some(Self {
            metric: metric.to_owned(),
            lines: rows.iter().filter(is_overall).map(standing).collect(),
        })
    }

    /// The best model.
    #[must_use]
    pub fn champion(&self) -> Option<&Standing> {
        self.lines.iter().find(|line| line.rank == Some(1))
    }

    /// How many models were ranked.
    #[must_use]
    pub fn ranked(&self) -> usize {
        self.lines.iter().filter(|line| line.rank.is_some()).count()
    }

    fn of_model(&self, model: &str) -> Option<&Standing> {
        self.lines.iter().find(|line| line.model == model)
    }
}

/// What became of the best model and of the one that was it before, a sentence each.
#[must_use]
pub fn changes(rebuilt: &RebuiltLeaderboard) -> Vec<String> {
    let RebuiltLeaderboard { before, after, .. } = rebuilt;
    let Some(champion) = after.champion() else {
        return vec!["no model could be ranked".to_owned()];
    };
    let Some(before) = before else {
        let score = champion
            .score
            .map_or_else(String::new, |score| format!(" {}", human::number(score)));
        return vec![format!("{}{score}, 1st of {}", champion.model, after.ranked())];
    };
    let mut told = vec![change(&champion.model, before, after)];
    let former = before.champion().filter(|former| former.model != champion.model);
    told.extend(former.map(|former| change(&former.model, before, after)));
    told
}

/// `MSTL_ARIMA 10,808 -> 10,611 (-1.8 %), was 2nd, now 1st`.
fn change(model: &str, before: &Leaderboard, after: &Leaderboard) -> String {
    let (then, now) = (before.of_model(model), after.of_model(model));
    let score = |of: Option<&Standing>| of.and_then(|line| line.score);
    let mut text = model.to_owned();
    match (score(then), score(now)) {
        (Some(then), Some(now)) if human::number(then) == human::number(now) => {
            let _ = write!(text, " {}", human::number(now));
        }
        (Some(then), Some(now)) => {
            let _ = write!(text, " {} -> {}", human::number(then), human::number(now));
            if let Some(by) = human::relative(then, now) {
                let _ = write!(text, " ({by})");
            }
        }
        (None, Some(now)) => {
            let _ = write!(text, " {}", human::number(now));
        }
        (_, None) => text += " is not ranked any more",
    }
    let rank = |of: Option<&Standing>| of.and_then(|line| line.rank);
    match (rank(then), rank(now)) {
        (Some(then), Some(now)) if then == now => {
            let _ = write!(text, ", {} as before", human::ordinal(now));
        }
        (Some(then), Some(now)) => {
            let _ = write!(text, ", was {}, now {}", human::ordinal(then), human::ordinal(now));
        }
        (None, Some(now)) => {
            let _ = write!(text, ", new, now {}", human::ordinal(now));
        }
        (Some(then), None) => {
            let _ = write!(text, ", was {}", human::ordinal(then));
        }
        (None, None) => {}
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn board(lines: &[(&str, f64)]) -> Leaderboard {
        let columns = ["unique_id", "model", "rmse_mean", "rank"].map(str::to_owned);
        let mut rows: Vec<Vec<String>> = vec![vec!["US".into(), "Ensemble(a, b)".into(), "1.0".into(), String::new()]];
        rows.extend(lines.iter().enumerate().map(|(at, (model, score))| {
            vec![
                "US".into(),
                (*model).to_owned(),
                score.to_string(),
                (at + 1).to_string(),
            ]
        }));
        rows.push(vec!["US".into(), "Broken".into(), String::new(), String::new()]);
        rows.push(vec!["other".into(), "a".into(), "7".into(), "1".into()]);
        Leaderboard::of_table(&columns, &rows, "rmse").expect("a leaderboard")
    }

    fn told(before: Option<&[(&str, f64)]>, after: &[(&str, f64)]) -> Vec<String> {
        changes(&RebuiltLeaderboard {
            name: "leaderboard".to_owned(),
            before: before.map(board),
            after: board(after),
        })
    }

    #[test]
    fn the_champion_is_told_with_what_it_was() {
        assert_eq!(told(None, &[("A", 10611.4), ("B", 2.0)]), ["A 10,611, 1st of 2"]);
        assert_eq!(
            told(
                Some(&[("B", 10700.0), ("A", 10808.0)]),
                &[("A", 10611.4), ("B", 10900.0)]
            ),
            [
                "A 10,808 -> 10,611 (-1.8 %), was 2nd, now 1st",
                "B 10,700 -> 10,900 (+1.9 %), was 1st, now 2nd"
            ]
        );
        assert_eq!(
            told(Some(&[("A", 10611.4)]), &[("A", 10611.4)]),
            ["A 10,611, 1st as before"]
        );
        assert_eq!(
            told(Some(&[("B", 2.0)]), &[("A", 1.0)]),
            ["A 1, new, now 1st", "B is not ranked any more, was 1st"]
        );
        assert_eq!(told(None, &[]), ["no model could be ranked"]);
    }

    #[test]
    fn another_table_is_no_leaderboard() {
        let columns = ["model", "rank"].map(str::to_owned);
        assert_eq!(
            Leaderboard::of_table(&columns, &[vec!["a".into(), "1".into()]], "rmse"),
            None
        );
    }
}
