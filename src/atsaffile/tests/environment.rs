//! Variables of the environment that a task takes without being told, and inputs that may be left out.

use std::collections::BTreeMap;

use crate::atsaffile::{Overrides, load};
use crate::diagnostic::Diagnostic;
use crate::engine::spec::schema::{Catalog, Kind, Literal, ParamSchema, Port, Schema, Variable, VariableRole};
use crate::engine::spec::{Origin, Spec, Value};

static SEND: Schema = Schema {
    name: "send",
    summary: "sends a table",
    params: &[ParamSchema {
        name: "address",
        kind: Kind::Uri,
        default: Some(Literal::Text("sqlite:///sent.db")),
        doc: "where to",
    }],
    inputs: &[Port {
        name: "table",
        doc: "what is sent",
    }],
    optional: &[Port {
        name: "notes",
        doc: "what is sent with it",
    }],
    outputs: &[Port {
        name: "receipt",
        doc: "what came back",
    }],
    variables: &[
        Variable {
            name: "SEND_TO",
            role: VariableRole::Param("address"),
            doc: "where to",
        },
        Variable {
            name: "SEND_PASSWORD",
            role: VariableRole::Secret,
            doc: "password",
        },
    ],
    effect: true,
    ..Schema::EMPTY
};

const TARGET: &str = "[target.a]\nuses = \"send\"\ninputs = { table = \"t.csv\" }\noutputs = { receipt = \"r\" }\n";

fn loaded(text: &str, address: &str, sets: &[(&str, &str)]) -> (Spec, String) {
    let catalog = Catalog::from([("send", &SEND)]);
    let overrides = Overrides {
        sets: sets.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
        environment: BTreeMap::from([("SEND_TO".to_owned(), address.to_owned())]),
    };
    let (spec, diagnostics) = load("Atsaffile", text, &overrides, &catalog);
    (spec, diagnostics.iter().map(Diagnostic::render).collect())
}

fn address(text: &str, variable: &str, sets: &[(&str, &str)]) -> (Value, Origin) {
    let (spec, said) = loaded(text, variable, sets);
    assert_eq!(said, "");
    let param = spec.targets[0].params[0].clone();
    (param.value, param.origin)
}

#[test]
fn a_variable_gives_a_parameter_its_value_where_nothing_else_does() {
    let of = |text: &str| Value::Text(text.to_owned());
    let variable = "http://variable:5000";
    assert_eq!(address(TARGET, variable, &[]), (of(variable), Origin::Environment));
    assert_eq!(address(TARGET, "", &[]), (of("sqlite:///sent.db"), Origin::Default));
    let set = [("address", "http://set")];
    assert_eq!(
        address(TARGET, variable, &set),
        (of("http://set"), Origin::CommandLine(None))
    );
    let written = format!("[params]\naddress = \"http://written\"\n{TARGET}");
    let (value, origin) = address(&written, variable, &[]);
    assert_eq!(value, of("http://written"));
    assert!(matches!(origin, Origin::Atsaffile(_)));
}

#[test]
fn a_variable_that_does_not_fit_is_told_without_its_password() {
    let (_, said) = loaded(TARGET, "http://me:sesame@host", &[]);
    let expected = "error: `address` must be a URI such as http://localhost:5000 or sqlite:///mlflow/mlflow.db, without a password; \
        found one with a password
  note: the value is that of the environment variable `SEND_TO`
  note: the task `send` of the target `a` reads it
  help: correct it, or set `address` in the Atsaffile, which counts before it
";
    assert_eq!(said, expected);
}

#[test]
fn a_known_secret_need_not_be_declared() {
    let (spec, said) = loaded(TARGET, "", &[]);
    assert_eq!(said, "");
    assert_eq!(spec.targets[0].settings.secrets, ["SEND_PASSWORD"]);
    assert!(spec.secrets["SEND_PASSWORD"].optional);
    let declared = format!("[secrets]\nSEND_PASSWORD = {{}}\n{TARGET}secrets = [\"SEND_PASSWORD\"]\n");
    let (spec, said) = loaded(&declared, "", &[]);
    assert_eq!(said, "");
    assert_eq!(spec.targets[0].settings.secrets, ["SEND_PASSWORD"]);
    assert!(!spec.secrets["SEND_PASSWORD"].optional);
}

#[test]
fn an_optional_input_may_be_given_and_no_other() {
    let with = |role: &str| TARGET.replace("\"t.csv\"", &format!("\"t.csv\", {role} = \"n.txt\""));
    let (spec, said) = loaded(&with("notes"), "", &[]);
    assert_eq!(said, "");
    assert_eq!(spec.targets[0].inputs[1].role, "notes");
    let (_, said) = loaded(&with("note"), "", &[]);
    assert!(
        said.contains("the task reads: table; and, where it is given: notes"),
        "{said}"
    );
    assert!(said.contains("did you mean `notes`?"), "{said}");
}
