//! Tests of the kinds of values.

use super::*;

#[test]
fn a_date_may_be_written_as_text() {
    let date = Kind::Date.check(&Value::Text("2023-06-01".into()));
    assert_eq!(date, Ok(Value::Date("2023-06-01".into())));
    assert!(Kind::Date.check(&Value::Text("2023-06-31".into())).is_err());
}

#[test]
fn the_word_latest_may_stand_for_a_date_where_a_task_says_so() {
    let latest = Value::Text(LATEST.to_owned());
    assert_eq!(Kind::DateOrLatest.check(&latest), Ok(latest.clone()));
    assert!(Kind::Date.check(&latest).is_err());
    let date = Kind::DateOrLatest.check(&Value::Text("2023-06-01".into()));
    assert_eq!(date, Ok(Value::Date("2023-06-01".into())));
    let misfit = Kind::DateOrLatest
        .check(&Value::Text("lately".into()))
        .expect_err("neither");
    assert_eq!(
        misfit.to_string(),
        "expected a date such as 2023-06-01, or \"latest\", found string \"lately\""
    );
}

#[test]
fn a_range_is_told() {
    let level = Kind::Float {
        min: 0.0,
        max: 100.0,
        open: true,
    };
    assert_eq!(level.check(&Value::Int(95)), Ok(Value::Float(95.0)));
    let misfit = level.check(&Value::Int(100)).expect_err("the bound is excluded");
    assert_eq!(
        misfit.to_string(),
        "expected a number between 0 and 100, found float 100.0"
    );
}

#[test]
fn a_uri_needs_a_scheme_and_is_no_path() {
    for text in [
        "http://localhost:5000",
        "https://user@mlflow.example.org/path?x=1",
        "sqlite:///mlflow/mlflow.db",
        "file:///srv/mlruns",
        "databricks://profile",
    ] {
        let value = Value::Text(text.to_owned());
        assert_eq!(Kind::Uri.check(&value), Ok(value));
    }
    for text in [
        "",
        "mlruns",
        "./mlflow/mlflow.db",
        "C:/mlruns",
        "http://",
        "://host",
        "1a://host",
        "a b://host",
        "http://a host",
    ] {
        assert!(Kind::Uri.check(&Value::Text(text.to_owned())).is_err(), "{text}");
    }
    assert!(Kind::Uri.check(&Value::Path("sqlite:///a".to_owned())).is_err());
    let misfit = Kind::Uri.check(&Value::Text("mlruns".to_owned())).expect_err("a path");
    assert_eq!(
        misfit.to_string(),
        "expected a URI such as http://localhost:5000 or sqlite:///mlflow/mlflow.db, without a password, \
         found string \"mlruns\""
    );
}

#[test]
fn a_uri_with_a_password_is_refused_without_showing_it() {
    for text in [
        "http://me:sesame@host/path",
        "postgresql://:sesame@host",
        "http://a:b@c:sesame@host",
    ] {
        let misfit = Kind::Uri.check(&Value::Text(text.to_owned())).expect_err("a password");
        assert!(
            misfit.found.ends_with("a password") && !misfit.to_string().contains("sesame"),
            "{misfit}"
        );
    }
    let port = Value::Text("http://host:5000/a@b:c".to_owned());
    assert_eq!(
        Kind::Uri.check(&port),
        Ok(port),
        "what follows the authority is no password"
    );
}

#[test]
fn a_pair_in_reverse_order_is_found() {
    static SPAN: Schema = Schema {
        name: "span",
        ordered: &[("start", "end"), ("from", "to")],
        ..Schema::EMPTY
    };
    let reversed = |values: [(&str, Value); 3]| -> Vec<_> {
        let values = BTreeMap::from(values);
        SPAN.reversed(|name| values.get(name)).collect()
    };
    let date = |text: &str| Value::Date(text.to_owned());
    let (early, late) = (date("2023-06-01"), date("2023-12-01"));
    let with =
        |start: &Value, end: &Value| reversed([("start", start.clone()), ("end", end.clone()), ("from", late.clone())]);
    assert_eq!(with(&late, &early), [("start", "end")]);
    assert_eq!(with(&early, &late), []);
    assert_eq!(with(&early, &early), [], "one day is a span");
    assert_eq!(
        with(&late, &Value::Text("2023-01-01".to_owned())),
        [],
        "a text is no date"
    );
}

#[test]
fn a_text_of_a_form_is_one_that_its_function_accepts() {
    static STEP: TextForm = TextForm {
        what: "a step such as 15min",
        accepts: |text| text.ends_with("min"),
        nearest: |text| text.starts_with("hour").then_some("60min"),
    };
    const STEPS: Kind = Kind::Auto(&Kind::Form(&STEP));
    let value = Value::Text("5min".to_owned());
    assert_eq!(STEPS.check(&value), Ok(value));
    let misfit = STEPS
        .check(&Value::Text("hourly".to_owned()))
        .expect_err("another form");
    assert_eq!(
        (misfit.to_string().as_str(), misfit.nearest),
        (
            "expected \"auto\" or a step such as 15min, found string \"hourly\"",
            Some("60min")
        )
    );
    assert!(Kind::Form(&STEP).check(&Value::Int(5)).is_err());
}

#[test]
fn a_close_choice_is_suggested() {
    let models = Kind::List(&Kind::Choice(&["SeasonalNaive", "HoltWinters"]));
    let misfit = models
        .check(&Value::List(vec![Value::Text("HoltWinter".into())]))
        .expect_err("no such model");
    assert_eq!(misfit.nearest, Some("HoltWinters"));
}
