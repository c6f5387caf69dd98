//! What the program is made of: every package comes from crates.io, under a licence that both of the project's own allow.

use std::process::Command;

/// Licences that ask for no more than to be named.
const ACCEPTED: [&str; 15] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Whether an expression of licences leaves a choice that is accepted, in each of its parts.
fn is_accepted(expression: &str) -> bool {
    let expression = expression.replace('/', " OR ").replace(['(', ')'], "");
    let is_known = |licence: &str| ACCEPTED.contains(&licence.trim());
    expression.split(" AND ").all(|part| part.split(" OR ").any(is_known))
}

#[test]
fn every_package_comes_from_the_registry_under_an_accepted_licence() {
    assert!(is_accepted("(MIT OR GPL-3.0) AND Unicode-3.0") && is_accepted("Unlicense/MIT"));
    assert!(!is_accepted("GPL-3.0-only") && !is_accepted("MIT AND SSPL-1.0"));
    let version = Command::new("rustc").arg("-vV").output().expect("asked").stdout;
    let version = String::from_utf8(version).expect("text");
    let host = version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .expect("a host");
    let told = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            host,
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("asked");
    let metadata: serde_json::Value = serde_json::from_slice(&told.stdout).expect("metadata");
    let packages = metadata["packages"].as_array().expect("packages");
    assert!(packages.len() > 100, "{} packages", packages.len());
    for package in packages.iter().filter(|package| package["name"] != "atsaf") {
        let name = &package["name"];
        assert_eq!(package["source"], REGISTRY, "{name}");
        let licence = package["license"].as_str().unwrap_or_default();
        assert!(is_accepted(licence), "{name}: `{licence}`");
    }
}
