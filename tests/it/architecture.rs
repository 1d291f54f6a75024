//! What the shape of the program promises: imports go down only, and each library is used where it belongs.

use crate::engine::repository;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// The modules from the top down: none imports one that stands before it.
const ORDER: [&str; 31] = [
    "cli",
    "lambda",
    "metrics",
    "config",
    "pipeline",
    "output",
    "gather",
    "deliveries",
    "input",
    "payload",
    "duplicates",
    "run",
    "sort",
    "encode",
    "unknown",
    "restore",
    "contained",
    "store",
    "log",
    "extract",
    "filling",
    "packed",
    "views",
    "catalog",
    "rejected",
    "partition",
    "time",
    "json",
    "schema",
    "columns",
    "error",
];

/// Libraries, and the modules that use them.
const LIBRARIES: [(&str, &[&str]); 6] = [
    ("aws_sdk_s3", &["store"]),
    ("aws_config", &["store"]),
    ("lambda_runtime", &["lambda", "main"]),
    ("clap", &["cli", "config", "log", "main"]),
    ("parquet", &["encode", "error", "restore", "schema"]),
    ("rayon", &["pipeline", "output", "encode"]),
];

/// The text of each module, without its tests.
fn modules() -> BTreeMap<String, String> {
    let source = repository("src");
    let mut modules: BTreeMap<String, String> = BTreeMap::new();
    for entry in walkdir::WalkDir::new(&source).into_iter().map(Result::unwrap) {
        if entry.path().extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(entry.path()).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            let first = entry.path().strip_prefix(&source).unwrap().iter().next().unwrap();
            let name = first.to_str().unwrap().trim_end_matches(".rs").to_owned();
            modules.entry(name).or_default().push_str(code);
        }
    }
    modules
}

fn words_after<'a>(text: &'a str, prefix: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(prefix)
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
}

#[test]
fn imports_go_down_only() {
    let place = |name: &str| ORDER.iter().position(|module| *module == name);
    for (module, text) in modules().iter().filter(|(module, _)| !["lib", "main"].contains(&module.as_str())) {
        let here = place(module).unwrap_or_else(|| panic!("{module} has no place in ORDER"));
        for import in words_after(text, "crate::").filter(|import| import.chars().all(|c| c.is_lowercase())) {
            let there =
                place(import).unwrap_or_else(|| panic!("{module} imports {import}, which has no place in ORDER"));
            assert!(there >= here, "{module} imports {import}, which stands above it");
        }
    }
}

#[test]
fn libraries_and_the_environment_are_used_where_they_belong() {
    for (module, text) in modules() {
        for (library, allowed) in LIBRARIES {
            let used = text.contains(&format!("{library}::"));
            assert!(!used || allowed.contains(&module.as_str()), "{module} uses {library}");
        }
        let reads = text.contains("env::var");
        assert!(!reads || module == "config", "{module} reads the environment");
    }
}

/// The versions of each package in a lock file.
fn locked(path: &str) -> BTreeMap<String, BTreeSet<String>> {
    let text = fs::read_to_string(repository(path)).unwrap();
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in text.split("[[package]]").skip(1) {
        let of = |key: &str| value_of(package, key).unwrap_or_else(|| panic!("no {key} in {package}"));
        versions.entry(of("name")).or_default().insert(of("version"));
    }
    versions
}

fn value_of(package: &str, key: &str) -> Option<String> {
    let line = package.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = "))?;
    Some(line.trim_matches('"').to_owned())
}

/// The targets are a crate of their own, built without the program: what they find must hold of it.
#[test]
fn fuzz_targets_have_the_versions_of_the_program() {
    let program = locked("Cargo.lock");
    let mut both = 0;
    for (package, versions) in locked("fuzz/Cargo.lock") {
        if let Some(ours) = program.get(&package) {
            both += 1;
            assert!(versions.is_subset(ours), "{package}: {versions:?} in fuzz/Cargo.lock, {ours:?} in Cargo.lock");
        }
    }
    assert!(both > 50, "only {both} packages in both");
}
