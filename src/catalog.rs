//! The table of columns as text: Athena's DDL, Glue's columns, the data dictionary.

use crate::columns::{COLUMNS, Column, Kind, Service, Source};
use crate::partition::{CATEGORIES, Field, Layout};
use crate::time::{DAY, MIN_TIME, date};
use serde::Serialize;
use std::fmt::Write;

/// Athena's and Glue's name of a kind's type.
pub const fn athena_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "string",
        Kind::Bool => "boolean",
        Kind::BigInt => "bigint",
        Kind::Timestamp => "timestamp",
        Kind::List => "array<string>",
    }
}

/// The comment of a column: what it means, and for lists and JSON how to ask it.
pub fn comment(column: &Column) -> String {
    let name = column.name;
    match column.kind {
        Kind::List => format!("{} Ask: contains({name}, '{}')", column.doc, example(column)),
        Kind::Json if name == "unmapped" => format!("{} JSON: json_extract_scalar({name}, '$.newField')", column.doc),
        Kind::Json => format!("{} JSON: json_extract({name}, '$...')", column.doc),
        _ => column.doc.to_owned(),
    }
}

/// A value that a list may contain.
fn example(column: &Column) -> &'static str {
    match column.name {
        "resource_arns" | "any_arns" => "arn:aws:s3:::acme-raw",
        "resource_types" => "AWS::S3::Object",
        "resource_account_ids" | "ec2_shared_with" => "111122223333",
        "any_access_key_ids" => "AKIAEXAMPLEKEY000001",
        "ec2_image_ids" => "ami-0a1b2c3d",
        "ec2_volume_ids" => "vol-0a1b2c3d",
        "ec2_snapshot_ids" => "snap-0a1b2c3d",
        "ec2_network_interface_ids" => "eni-0a1b2c3d",
        "ec2_subnet_ids" => "subnet-0a1b2c3d",
        "ec2_vpc_ids" => "vpc-0a1b2c3d",
        "ec2_security_group_ids" => "sg-0a1b2c3d",
        "ec2_private_ip_addresses" => "10.0.0.9",
        "ec2_public_ip_addresses" => "203.0.113.9",
        "ec2_ip_rules" => "tcp 22-22 0.0.0.0/0",
        _ => "i-0a1b2c3d",
    }
}

/// Glue's columns as a JSON array.
pub fn glue_columns() -> String {
    #[derive(Serialize)]
    struct GlueColumn {
        name: &'static str,
        r#type: &'static str,
        comment: String,
    }
    let columns: Vec<GlueColumn> = COLUMNS
        .iter()
        .map(|column| GlueColumn { name: column.name, r#type: athena_type(column.kind), comment: comment(column) })
        .collect();
    // Strings always serialize.
    serde_json::to_string_pretty(&columns).unwrap_or_default() + "\n"
}

/// CREATE EXTERNAL TABLE with partition projection.
pub fn athena_ddl() -> String {
    let layout = Layout::default();
    let columns: Vec<String> = COLUMNS
        .iter()
        .map(|column| {
            let comment = comment(column).replace('\'', "''");
            format!("  {} {} COMMENT '{comment}'", column.name, athena_type(column.kind))
        })
        .collect();
    let partitions: Vec<String> = layout.fields().iter().map(|field| format!("  {} string", field.name())).collect();
    let mut ddl = String::new();
    // Writing to a String cannot fail.
    let _ = write!(
        ddl,
        "-- Replace BUCKET/PREFIX by the lake's address. Partition projection needs no crawler and no ALTER TABLE; days outside the\n\
         -- range are not found, so it begins with the oldest day that a record can have. Always ask for days of event_date.\n\
         CREATE EXTERNAL TABLE IF NOT EXISTS events (\n{}\n)\nPARTITIONED BY (\n{}\n)\nSTORED AS PARQUET\n\
         LOCATION 's3://BUCKET/PREFIX/events/'\nTBLPROPERTIES (\n{}\n);\n",
        columns.join(",\n"),
        partitions.join(",\n"),
        table_properties(&layout).join(",\n"),
    );
    ddl
}

fn table_properties(layout: &Layout) -> Vec<String> {
    let mut properties = vec![("projection.enabled".to_owned(), "true".to_owned())];
    for field in layout.fields() {
        let name = field.name();
        let mut set = |key: &str, value: &str| properties.push((format!("projection.{name}.{key}"), value.to_owned()));
        match field {
            Field::Category => {
                set("type", "enum");
                set("values", &CATEGORIES.join(","));
            }
            Field::EventDate => {
                set("type", "date");
                set("format", "yyyy-MM-dd");
                set("range", &format!("{},NOW+1DAYS", date((MIN_TIME / DAY) as i32)));
                set("interval", "1");
                set("interval.unit", "DAYS");
            }
            Field::AccountId | Field::Region => set("type", "injected"),
        }
    }
    let folders: Vec<String> = layout.fields().iter().map(|field| format!("{0}=${{{0}}}/", field.name())).collect();
    properties
        .push(("storage.location.template".to_owned(), format!("s3://BUCKET/PREFIX/events/{}", folders.concat())));
    properties.into_iter().map(|(key, value)| format!("  '{key}' = '{value}'")).collect()
}

/// The data dictionary as Markdown.
pub fn data_dictionary() -> String {
    let mut text = String::from(
        "# Data dictionary\n\nOne row is one CloudTrail record. What a column does not hold is NULL. \
         Partition columns: `category` (management, data, insight, network, other) and `event_date` (UTC day of event_time).\n\n\
         | id | column | type | from | meaning |\n|---|---|---|---|---|\n",
    );
    for column in COLUMNS {
        let cell = |text: String| text.replace('|', "\\|");
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} |",
            column.id,
            column.name,
            if column.kind == Kind::Json { "string (JSON)" } else { athena_type(column.kind) },
            cell(origin(column)),
            cell(comment(column)),
        );
    }
    text
}

/// Where a column's value comes from, in words.
fn origin(column: &Column) -> String {
    let code = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", else ");
    let from = match column.source {
        Source::Member(path) => code(&[path]),
        Source::MemberQuoted(path) => format!("{} (sent as \"true\" or \"false\")", code(&[path])),
        Source::First(paths) => code(paths),
        Source::Entries(names) => format!("of each entry of `resources`: {}", code(names)),
        Source::Everywhere(_) => "string values of that shape, each once".to_owned(),
        Source::Every(names, _) => {
            format!("every {} in request and response", code(names).replace("else", "and every"))
        }
        Source::Find(names) => {
            format!("the first {} in request and response", code(names).replace("else", "else the first"))
        }
        Source::FindIn(names, members) => {
            format!("the first {} in request and response: {}", code(names).replace("else", "or"), code(members))
        }
        Source::IpRules => "requestParameters of calls that change security group rules".to_owned(),
        Source::SharedWith => "`createVolumePermission.add`, `launchPermission.add`".to_owned(),
        Source::BucketOwner => "`resources`".to_owned(),
        Source::Outcome => "`errorCode`, `errorMessage`, `responseElements.ConsoleLogin`".to_owned(),
        Source::Bridge(member) => format!("`{member}` of the EventBridge envelope"),
        Source::LogFile => "the trail's log file".to_owned(),
        Source::Unmapped => "all members that are not in a column as they were sent".to_owned(),
    };
    match column.only {
        Some(Service::S3) => format!("{from} (S3 only)"),
        Some(Service::Ec2) => format!("{from} (EC2 only)"),
        None => from,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_longer_than_glue_takes() {
        for column in COLUMNS {
            assert!(comment(column).chars().count() <= 255, "{}", column.name);
        }
    }
}
