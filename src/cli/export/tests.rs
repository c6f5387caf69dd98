//! Whole DAG files, and what is refused.
