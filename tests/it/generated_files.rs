//! What is generated from the table of columns and checked in is what the program generates.

use crate::engine::{repository, trailsink};
use trailsink::views;

#[test]
fn schemas_are_up_to_date() {
    for (format, file) in [
        ("athena", "schemas/athena.sql"),
        ("glue", "schemas/glue_columns.json"),
        ("markdown", "schemas/data_dictionary.md"),
    ] {
        let output = trailsink(&["schema", "--format", format]);
        assert!(output.status.success());
        let generated = String::from_utf8(output.stdout).unwrap();
        assert_checked_in(file, &generated, &format!("trailsink schema --format {format} > {file}"));
    }
}

#[test]
fn the_views_are_up_to_date() {
    let how = "TRAILSINK_BLESS=1 cargo test the_views_are_up_to_date";
    for (file, generated) in [
        ("events_distinct.sql", views::distinct_view()),
        ("events_distinct.json", views::distinct_view_columns()),
        ("cloudtrail_logs.sql", views::cloudtrail_view()),
        ("cloudtrail_logs.json", views::cloudtrail_view_columns()),
    ] {
        assert_checked_in(&format!("schemas/views/{file}"), &generated, how);
    }
}

/// `how` is the command that brings the file up to date.
fn assert_checked_in(file: &str, generated: &str, how: &str) {
    let path = repository(file);
    if std::env::var_os("TRAILSINK_BLESS").is_some() {
        std::fs::write(&path, generated).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(generated == checked_in, "{file} is out of date: {how}");
}

#[test]
fn ddl_and_glue_columns_are_the_same_columns() {
    let glue: serde_json::Value = serde_json::from_slice(&trailsink(&["schema", "--format", "glue"]).stdout).unwrap();
    let ddl = String::from_utf8(trailsink(&["schema", "--format", "athena"]).stdout).unwrap();
    let columns = glue.as_array().unwrap();
    assert_eq!(columns.len(), trailsink::columns::COLUMNS.len());
    for column in columns {
        let line = format!("  {} {} COMMENT '", column["name"].as_str().unwrap(), column["type"].as_str().unwrap());
        assert!(ddl.contains(&line), "{line}");
        if column["type"] == "array<string>" {
            assert!(column["comment"].as_str().unwrap().contains("contains("), "{column}");
        }
    }
}
