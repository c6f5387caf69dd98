//! The settings of a model, each declared once: its name, the field that holds it, its default, what it may be, and what
//! it means.

use super::super::named_enum;
use crate::engine::spec::Value;
use crate::engine::spec::schema::{Literal, ParamSchema};

/// The type of a setting.
pub(crate) trait Setting: Sized {
    /// What a setting without a default is where it is not set; `None` for a type that needs a default.
    const UNSET: Option<Self> = None;

    /// Reads a value that the setting's kind has let through; `None` for one of another type.
    fn read(name: &str, value: &Value) -> Option<Self>;
}

impl Setting for bool {
    fn read(_: &str, value: &Value) -> Option<Self> {
        match value {
            Value::Bool(flag) => Some(*flag),
            _ => None,
        }
    }
}

impl Setting for usize {
    fn read(_: &str, value: &Value) -> Option<Self> {
        match value {
            Value::Int(number) => Self::try_from(*number).ok(),
            _ => None,
        }
    }
}

impl Setting for Vec<usize> {
    const UNSET: Option<Self> = Some(Vec::new());

    fn read(name: &str, value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(|item| usize::read(name, item)).collect(),
            _ => None,
        }
    }
}

impl<T: Setting> Setting for Option<T> {
    const UNSET: Option<Self> = Some(None);

    fn read(name: &str, value: &Value) -> Option<Self> {
        T::read(name, value).map(Some)
    }
}

/// Makes types with names settings.
macro_rules! named_settings {
    ($($name:ty),+) => {$(
        impl Setting for $name {
            fn read(name: &str, value: &Value) -> Option<Self> {
                Some(named_enum::of_value(name, value))
            }
        }
    )+};
}
named_settings!(
    super::arima::Criterion,
    super::arima::Method,
    super::classical::Composition,
    super::double_seasonal::GridUse,
    super::ets::FormPattern,
    super::hourly_panel::RecipeName,
    super::hourly_panel::Rounding,
    super::pooled_ar::LagPreset
);

/// Reads a setting.
///
/// # Panics
/// If the value is of another type than the field: then the declaration is wrong.
pub(crate) fn read<T: Setting>(name: &str, value: &Value) -> T {
    T::read(name, value).unwrap_or_else(|| panic!("internal error: the setting `{name}` is {value}"))
}

/// The value of a setting that is not set.
///
/// # Panics
/// If there is none: then the declaration is wrong.
pub(crate) fn default<T: Setting>(name: &str, default: Option<Literal>) -> T {
    match default {
        Some(literal) => read(name, &literal.value()),
        None => T::UNSET.unwrap_or_else(|| panic!("internal error: the setting `{name}` has no default")),
    }
}

/// Declares a model with its settings.
///
/// First come the fields that are no settings, each with its default; then the settings: name, field, type, default
/// (`None` where the model decides), kind and meaning. The model gets `SETTINGS`, `Default`, and `configured`.
macro_rules! model_settings {
    (
        $(#[$meta:meta])*
        pub(crate) struct $model:ident {
            $( $(#[$own_meta:meta])* $own:ident: $own_type:ty = $own_default:expr, )*
        }
        $( $name:literal => $field:ident: $type:ty = $default:expr, $kind:expr, $doc:literal; )+
    ) => {
        $(#[$meta])*
        pub(crate) struct $model {
            $( $(#[$own_meta])* pub(crate) $own: $own_type, )*
            $( #[doc = $doc] pub(crate) $field: $type, )+
        }

        impl $model {
            /// What can be set, with the defaults.
            pub(crate) const SETTINGS: &'static [$crate::engine::spec::schema::ParamSchema] = &[
                $( $crate::engine::spec::schema::ParamSchema {
                    name: $name,
                    kind: $kind,
                    default: $default,
                    doc: $doc,
                }, )+
            ];

            /// The model with these settings, by name.
            ///
            /// # Panics
            /// For a name or a type that is not declared.
            pub(crate) fn configured(
                mut self,
                settings: &std::collections::BTreeMap<String, $crate::engine::spec::Value>,
            ) -> Self {
                for (name, value) in settings {
                    match name.as_str() {
                        $( $name => self.$field = $crate::forecasting::models::settings::read(name, value), )+
                        _ => panic!("internal error: {} has no setting `{name}`", stringify!($model)),
                    }
                }
                self
            }
        }

        impl Default for $model {
            fn default() -> Self {
                Self {
                    $( $own: $own_default, )*
                    $( $field: $crate::forecasting::models::settings::default($name, $default), )+
                }
            }
        }
    };
}
pub(crate) use model_settings;

/// The same settings with other defaults for some of them.
///
/// # Panics
/// At compile time, for a name that none of them has.
pub(crate) const fn with_defaults<const N: usize>(
    settings: &[ParamSchema],
    others: &[(&str, Literal)],
) -> [ParamSchema; N] {
    let mut changed = [settings[0]; N];
    let mut at = 0;
    while at < N {
        changed[at] = settings[at];
        at += 1;
    }
    let mut other = 0;
    while other < others.len() {
        let (name, default) = others[other];
        let mut at = 0;
        while !is_same(changed[at].name, name) {
            at += 1;
        }
        changed[at].default = Some(default);
        other += 1;
    }
    changed
}

/// Whether two texts are the same, at compile time.
const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut at = 0;
    while at < a.len() && at < b.len() && a[at] == b[at] {
        at += 1;
    }
    at == a.len() && at == b.len()
}
