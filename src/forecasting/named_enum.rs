//! Enumerations whose alternatives have names: in parameters, in settings of models, and in artifacts.

use std::fmt::Display;
use std::str::FromStr;

use crate::engine::spec::Value;
use crate::engine::task::Context;

/// A text that is none of an enumeration's names.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is none of {}", names.join(", "))]
pub(crate) struct UnknownName {
    pub(crate) text: String,
    pub(crate) names: &'static [&'static str],
}

/// Declares an enumeration with a name for each alternative: the only place where that name stands.
///
/// It gets `NAMES` (for a parameter's [`Kind::Choice`](crate::engine::spec::schema::Kind)), `name`, `Display` and
/// `FromStr`.
macro_rules! named_enum {
    (
        $(#[$meta:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $text:literal, )+
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $( $(#[$variant_meta])* $variant, )+
        }

        impl $name {
            /// The names of all alternatives, in order.
            $vis const NAMES: &'static [&'static str] = &[$( $text ),+];

            /// The name.
            $vis const fn name(self) -> &'static str {
                match self {
                    $( Self::$variant => $text, )+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::forecasting::named_enum::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $( $text => Ok(Self::$variant), )+
                    _ => Err($crate::forecasting::named_enum::UnknownName {
                        text: text.to_owned(),
                        names: Self::NAMES,
                    }),
                }
            }
        }
    };
}
pub(crate) use named_enum;

/// Reads a value that the parameter's or setting's kind has let through.
///
/// # Panics
/// If it is no text, or none of the names: then the schema is wrong.
pub(crate) fn of_value<T: FromStr<Err: Display>>(name: &str, value: &Value) -> T {
    let Value::Text(text) = value else {
        panic!("internal error: `{name}` is {value}, not a text");
    };
    text.parse()
        .unwrap_or_else(|error| panic!("internal error: `{name}`: {error}"))
}

/// Reads a parameter of a task.
pub(super) fn of_param<T: FromStr<Err: Display>>(context: &Context<'_>, name: &str) -> T {
    of_value(name, context.param(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    named_enum! {
        /// Two colours.
        enum Colour {
            /// Like blood.
            Red = "red",
            /// Like the sky.
            Blue = "sky blue",
        }
    }

    #[test]
    fn a_name_leads_to_its_alternative_and_back() {
        assert_eq!(Colour::NAMES, ["red", "sky blue"]);
        for (colour, name) in [Colour::Red, Colour::Blue].into_iter().zip(Colour::NAMES) {
            assert_eq!(colour.to_string(), *name);
            assert_eq!(name.parse(), Ok(colour));
            assert_eq!(of_value::<Colour>("colour", &Value::Text((*name).to_owned())), colour);
        }
        let error = "Red".parse::<Colour>().expect_err("another name");
        assert_eq!(error.to_string(), "`Red` is none of red, sky blue");
    }
}
