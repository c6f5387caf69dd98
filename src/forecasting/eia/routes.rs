//! The routes of the hourly and daily electric grid monitor, as data: what each one's rows are, and by what they are found.
//!
//! Form EIA-930, below `electricity/rto/`. A route is one line here: parameters, requests, pages, columns and messages
//! follow from it.

/// How far apart the rows of a series are, and how a `period` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// `2024-01-01T00`, the end of an hour in UTC.
    Hourly,
    /// `2024-01-01`, a day of the time zone that the facet `timezone` names.
    Daily,
}

impl Step {
    /// The API's word, for `frequency`.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
        }
    }

    /// An example of a period.
    pub(crate) const fn example(self) -> &'static str {
        match self {
            Self::Hourly => "hour in UTC, such as 2024-01-01T00",
            Self::Daily => "day, such as 2024-01-01",
        }
    }
}

/// One route.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Route {
    /// Its name below `electricity/rto/`.
    pub(crate) name: &'static str,
    /// What its values are.
    pub(crate) what: &'static str,
    /// How far apart its rows are.
    pub(crate) step: Step,
    /// The fields by which, with the period, a row is found; those of the requests, of the rows and of the table.
    pub(crate) facets: &'static [&'static str],
}

/// The most facets that a route has.
pub(crate) const MOST_FACETS: usize = 3;

/// The facet of the daily routes.
pub(crate) const TIME_ZONE: &str = "timezone";
/// The time zones in which the API has days.
pub(crate) const TIME_ZONES: &[&str] = &["Arizona", "Central", "Eastern", "Mountain", "Pacific"];

/// All routes.
pub(crate) static ROUTES: [Route; 8] = [
    Route {
        name: "fuel-type-data",
        what: "net generation by energy source",
        step: Step::Hourly,
        facets: &["respondent", "fueltype"],
    },
    Route {
        name: "region-data",
        what: "demand (D), its day-ahead forecast (DF), net generation (NG) and interchange (TI)",
        step: Step::Hourly,
        facets: &["respondent", "type"],
    },
    Route {
        name: "interchange-data",
        what: "interchange with each neighbour",
        step: Step::Hourly,
        facets: &["fromba", "toba"],
    },
    Route {
        name: "region-sub-ba-data",
        what: "demand by part of a balancing authority",
        step: Step::Hourly,
        facets: &["subba", "parent"],
    },
    Route {
        name: "daily-fuel-type-data",
        what: "net generation of a day by energy source",
        step: Step::Daily,
        facets: &["respondent", "fueltype", TIME_ZONE],
    },
    Route {
        name: "daily-region-data",
        what: "demand, day-ahead forecast, net generation and interchange of a day",
        step: Step::Daily,
        facets: &["respondent", "type", TIME_ZONE],
    },
    Route {
        name: "daily-interchange-data",
        what: "interchange of a day with each neighbour",
        step: Step::Daily,
        facets: &["fromba", "toba", TIME_ZONE],
    },
    Route {
        name: "daily-region-sub-ba-data",
        what: "demand of a day by part of a balancing authority",
        step: Step::Daily,
        facets: &["subba", "parent", TIME_ZONE],
    },
];

/// The names of all routes.
pub(crate) static ROUTE_NAMES: [&str; ROUTES.len()] = {
    let mut names = [""; ROUTES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = ROUTES[at].name;
        at += 1;
    }
    names
};

impl Route {
    /// The route of a name.
    pub(crate) fn of_name(name: &str) -> Option<&'static Self> {
        ROUTES.iter().find(|route| route.name == name)
    }

    /// The route of a row: `has` says which fields it has.
    pub(crate) fn of_row(step: Step, has: impl Fn(&str) -> bool) -> Option<&'static Self> {
        let fits = |route: &&Self| route.step == step && route.facets.iter().all(|facet| has(facet));
        ROUTES.iter().find(fits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_known_by_its_name_and_by_the_fields_of_its_rows() {
        for route in &ROUTES {
            assert_eq!(Route::of_name(route.name), Some(route));
            let found = Route::of_row(route.step, |field| route.facets.contains(&field));
            assert_eq!(found, Some(route));
            assert!(route.facets.len() <= MOST_FACETS);
            assert_eq!(route.name.starts_with("daily-"), route.step == Step::Daily);
            assert_eq!(route.facets.contains(&TIME_ZONE), route.step == Step::Daily);
        }
        assert_eq!(Route::of_row(Step::Hourly, |field| field == "respondent"), None);
    }
}
