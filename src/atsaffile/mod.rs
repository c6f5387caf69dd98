//! From the text of an Atsaffile to a [`Spec`](crate::engine::spec::Spec), with every mistake at once.
