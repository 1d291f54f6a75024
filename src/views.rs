//! Views over the table, as text: each event once, and the table that published CloudTrail queries expect.

use crate::catalog::athena_type;
use crate::columns::{COLUMNS, Column, Kind, Source};
use crate::partition::Layout;
use serde::Serialize;

/// CREATE VIEW events_distinct: the table with each event once. What that means exactly stands in its header.
pub fn distinct_view() -> String {
    let partitions: Vec<&str> = Layout::default().fields().iter().map(|field| field.name()).collect();
    let columns: Vec<&str> = COLUMNS.iter().map(|column| column.name).chain(partitions.iter().copied()).collect();
    let (columns, partitions) = (columns.join(",\n  "), partitions.join(", "));
    format!(
        "\
-- The table events with each event once. In the table a row can lie in two files: SQS may deliver a message again in
-- another batch, and a convert of a folder that has grown writes the records that were there before once more.
-- Always filter by event_date, and by category where you can: only filters by columns of the window's PARTITION BY are
-- applied before the window, so without event_date the files of all days are read, whatever else is asked for.
-- Exact: of each day and category every pair of event_id and recipient_account_id is there, and it is there once (a
--   missing recipient_account_id is a value like others); of the rows without event_id all are there.
-- Not exact: records that share both ids but differ are all in the table, but one of them here; a row without event_id
--   that came twice is here twice. Of several rows the first by log_file, bridge_event_id and unmapped is shown (one
--   from a trail before others); where these are equal it may be any of them.
CREATE OR REPLACE VIEW events_distinct AS
SELECT
  {columns}
FROM (
  SELECT
    *,
    row_number() OVER (
      -- The partition columns do not tell events apart (an event has one day and one category): they are here so that
      -- filters by them choose the files. The last term spreads the rows without event_id, one group otherwise that a
      -- single worker would have to sort.
      PARTITION BY {partitions}, event_id, recipient_account_id, CASE WHEN event_id IS NULL THEN event_time END
      ORDER BY log_file, bridge_event_id, unmapped
    ) AS copy_number
  FROM events
)
WHERE copy_number = 1 OR event_id IS NULL;
"
    )
}

/// A member of a record as the table in AWS's documentation shapes it; its name there is this one in small letters.
enum Shape {
    /// Text, whatever the record has.
    Text(&'static str),
    /// An object whose members nobody can list.
    Map(&'static str),
    /// An object of these members.
    Object(&'static str, &'static [Shape]),
    /// A list of objects of these members, all text.
    Entries(&'static str, &'static [&'static str]),
}

use Shape::{Entries, Map, Object, Text};

/// The columns of the CloudTrail table in the Athena user guide, in the order of its table with partition projection.
#[rustfmt::skip]
const CLOUDTRAIL_TABLE: &[Shape] = &[
    Text("eventVersion"),
    Object("userIdentity", &[
        Text("type"), Text("principalId"), Text("arn"), Text("accountId"), Text("invokedBy"), Text("accessKeyId"),
        Text("userName"),
        Object("onBehalfOf", &[Text("userId"), Text("identityStoreArn")]),
        Object("sessionContext", &[
            Object("attributes", &[Text("mfaAuthenticated"), Text("creationDate")]),
            Object("sessionIssuer", &[
                Text("type"), Text("principalId"), Text("arn"), Text("accountId"), Text("userName"),
            ]),
            Text("ec2RoleDelivery"),
            Object("webIdFederationData", &[Text("federatedProvider"), Map("attributes")]),
        ]),
    ]),
    Text("eventTime"), Text("eventSource"), Text("eventName"), Text("awsRegion"), Text("sourceIPAddress"),
    Text("userAgent"), Text("errorCode"), Text("errorMessage"), Text("requestParameters"), Text("responseElements"),
    Text("additionalEventData"), Text("requestID"), Text("eventID"), Text("readOnly"),
    Entries("resources", &["arn", "accountId", "type"]),
    Text("eventType"), Text("apiVersion"), Text("recipientAccountId"), Text("serviceEventDetails"),
    Text("sharedEventID"), Text("vpcEndpointId"), Text("vpcEndpointAccountId"), Text("eventCategory"),
    Object("addendum", &[
        Text("reason"), Text("updatedFields"), Text("originalRequestID"), Text("originalEventID"),
    ]),
    Text("sessionCredentialFromConsole"), Text("edgeDeviceDetails"),
    Object("tlsDetails", &[Text("tlsVersion"), Text("cipherSuite"), Text("clientProvidedHostHeader")]),
];

/// The partition columns of AWS's tables, made of ours.
const CLOUDTRAIL_PARTITIONS: [(&str, &str); 5] = [
    ("region", "aws_region"),
    ("year", "substr(event_date, 1, 4)"),
    ("month", "substr(event_date, 6, 2)"),
    ("day", "substr(event_date, 9, 2)"),
    ("timestamp", "replace(event_date, '-', '/')"),
];

impl Shape {
    fn member(&self) -> &'static str {
        match self {
            Text(name) | Map(name) | Object(name, _) | Entries(name, _) => name,
        }
    }

    fn data_type(&self) -> Type {
        let member = |shape: &Shape| (shape.member().to_ascii_lowercase(), shape.data_type());
        match self {
            Text(_) => Type::Of(Kind::Text),
            Map(_) => Type::TextByText,
            Object(_, members) => Type::Row(members.iter().map(member).collect()),
            Entries(_, members) => Type::Array(Box::new(Type::Row(members.iter().map(|n| member(&Text(n))).collect()))),
        }
    }

    /// The SQL for its value; `path` is that of the member in the record, `indent` that of the line it begins on.
    fn value(&self, path: &str, indent: usize) -> String {
        match self {
            Text(_) => text_at(path),
            Map(_) => format!("TRY_CAST({} AS {})", json_at("json_extract", path), self.data_type().in_queries()),
            Object(_, members) => {
                let (outer, inner) = (" ".repeat(indent), " ".repeat(indent + 4));
                let values = members.iter().map(|m| m.value(&format!("{path}.{}", m.member()), indent + 4));
                let values = values.collect::<Vec<_>>().join(&format!(",\n{inner}"));
                let there = self.is_there(path);
                format!("IF(\n{outer}  {there},\n{outer}  ROW(\n{inner}{values}\n{outer}  )\n{outer})")
            }
            Entries(_, members) => {
                let lists: Vec<&str> = members.iter().filter_map(|member| list_of(member)).collect();
                format!("IF({} IS NOT NULL, zip({}))", lists[0], lists.join(", "))
            }
        }
    }

    /// The SQL for whether the record has any member of an object: where it has none the view has no object either, so
    /// that IS NULL says the same as of AWS's table.
    fn is_there(&self, path: &str) -> String {
        let (mut texts, mut terms) = (Vec::new(), Vec::new());
        self.leaves(path, &mut |leaf, path| match leaf {
            Map(_) => terms.push(format!("{} IS NOT NULL", json_at("json_extract", path))),
            _ => texts.push(text_at(path)),
        });
        // coalesce takes two values at least.
        terms.insert(
            0,
            match texts.as_slice() {
                [text] => format!("{text} IS NOT NULL"),
                texts => format!("coalesce({}) IS NOT NULL", texts.join(", ")),
            },
        );
        terms.join(" OR ")
    }

    /// Gives every member that is no object, with its path.
    fn leaves(&self, path: &str, each: &mut impl FnMut(&Shape, &str)) {
        match self {
            Object(_, members) => members.iter().for_each(|m| m.leaves(&format!("{path}.{}", m.member()), each)),
            leaf => each(leaf, path),
        }
    }
}

/// The SQL for a member of the record as text.
fn text_at(path: &str) -> String {
    let Some(column) = COLUMNS.iter().find(|column| column.member() == Some(path)) else {
        return json_at("json_extract_scalar", path);
    };
    match column.kind {
        Kind::Bool => format!("CAST({} AS varchar)", column.name),
        Kind::Timestamp => format!("date_format({}, '%Y-%m-%dT%H:%i:%sZ')", column.name),
        _ => column.name.to_owned(),
    }
}

/// The SQL for a member that has no column: it lies in the column of an object around it, else in `unmapped`.
fn json_at(function: &str, path: &str) -> String {
    let around = COLUMNS.iter().filter(|column| column.kind == Kind::Json).find_map(|column| {
        let below = path.strip_prefix(column.member()?)?.strip_prefix('.')?;
        Some((column.name, below))
    });
    let (column, below) = around.unwrap_or(("unmapped", path));
    format!("{function}({column}, '$.{below}')")
}

/// The column that has this member of each entry of `resources`.
fn list_of(member: &str) -> Option<&'static str> {
    let holds = |column: &&Column| matches!(column.source, Source::Entries(names) if names.contains(&member));
    COLUMNS.iter().find(holds).map(|column| column.name)
}

/// The text with no line longer than 120 that has a space to break it at.
fn filled(text: &str) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        let mut width = indent;
        out += &" ".repeat(indent);
        for word in line.split_whitespace() {
            if width > indent && width + 1 + word.len() > 120 {
                out += &format!("\n{}", " ".repeat(indent + 4));
                width = indent + 4;
            } else if width > indent {
                out.push(' ');
                width += 1;
            }
            out += word;
            width += word.len();
        }
        out.push('\n');
    }
    out
}

/// CREATE VIEW cloudtrail_logs: the table in the names and shapes of AWS's CloudTrail table. What that means exactly
/// stands in its header.
pub fn cloudtrail_view() -> String {
    let mut columns: Vec<String> = Vec::new();
    for shape in CLOUDTRAIL_TABLE {
        let (member, of) = (shape.member(), shape.data_type());
        let value = match of {
            Type::Of(_) => shape.value(member, 2),
            _ => format!("CAST({} AS {})", shape.value(member, 2), of.in_queries()),
        };
        columns.push(format!("{value} AS {}", member.to_ascii_lowercase()));
    }
    columns.extend(Layout::default().fields().iter().map(|field| field.name().to_owned()));
    columns.extend(CLOUDTRAIL_PARTITIONS.iter().map(|(name, value)| format!("{value} AS \"{name}\"")));
    let select = filled(&format!("SELECT\n  {}\nFROM events;", columns.join(",\n  ")));
    format!(
        "\
-- The table events with the column names and shapes of the CloudTrail table in AWS's Athena documentation, so that
-- queries that are published for that table run unchanged.
-- Always filter by event_date ('YYYY-MM-DD'), and by category where you can: they choose the files that are read. A
-- filter by eventtime chooses none, for it is text made of event_time here: write one by event_date beside it.
-- Queries that filter by the partition columns of AWS's tables need no change: year, month, day and \"timestamp\"
-- ('YYYY/MM/DD') are made of event_date alone, so an engine that tries a filter on each partition's values reads only
-- those days. They are days of the event, where AWS's are those of the log file. region is awsregion, no partition.
-- Other than in AWS's table: eventtime and creationdate are whole seconds in UTC, whatever form they came in; an entry
--   of resources with a prefix of ARNs in place of an ARN has it as arn; an object without members is NULL; a member
--   of an unexpected type is text or NULL. What else a record has is in the table events and its column unmapped.
-- An event can be there twice, as in events. With events_distinct behind FROM each is there once, but then only filters
--   by the partition columns and event_id are applied before the window, and more is read.
-- Confirmed: names, shapes and order up to addendum, against copies of AWS's documentation (Athena user guide, tables
--   for CloudTrail logs with manual partitioning and with partition projection); the rest agrees with tables that
--   others made from it. On DuckDB, translated, queries give the right rows and read only the files of their days.
-- Not confirmed: that Athena runs it as it stands; that Athena with partition projection chooses days by year, month,
--   day and \"timestamp\" as it does by event_date (Trino, of which it is made, does for partitions in a catalog: see
--   \"data scanned\" of your first query); where AWS's reader of log files gives NULL for a null member and where text.
CREATE OR REPLACE VIEW cloudtrail_logs AS
{select}"
    )
}

/// Type of a view's column.
enum Type {
    /// That of a column of the table.
    Of(Kind),
    /// Map of text to text.
    TextByText,
    /// An object's members.
    Row(Vec<(String, Type)>),
    /// A list.
    Array(Box<Type>),
}

impl Type {
    /// As in Glue's columns and Athena's DDL.
    fn in_glue(&self) -> String {
        match self {
            Type::Of(kind) => athena_type(*kind).to_owned(),
            Type::TextByText => "map<string,string>".to_owned(),
            Type::Row(members) => {
                let members: Vec<String> =
                    members.iter().map(|(name, of)| format!("{name}:{}", of.in_glue())).collect();
                format!("struct<{}>", members.join(","))
            }
            Type::Array(of) => format!("array<{}>", of.in_glue()),
        }
    }

    /// As in queries, and in what Athena saves of a view.
    fn in_queries(&self) -> String {
        match self {
            Type::Of(Kind::Text | Kind::Json) => "varchar".to_owned(),
            Type::Of(Kind::Bool) => "boolean".to_owned(),
            Type::Of(Kind::BigInt) => "bigint".to_owned(),
            Type::Of(Kind::Timestamp) => "timestamp(3)".to_owned(),
            Type::Of(Kind::List) => "array(varchar)".to_owned(),
            Type::TextByText => "map(varchar, varchar)".to_owned(),
            Type::Row(members) => {
                let members = members.iter().map(|(name, of)| format!("{name} {}", of.in_queries()));
                format!("row({})", members.collect::<Vec<_>>().join(", "))
            }
            Type::Array(of) => format!("array({})", of.in_queries()),
        }
    }
}

/// Columns of the view events_distinct as a JSON array: name, type as Glue's columns have it, type as Presto has it.
pub fn distinct_view_columns() -> String {
    let columns = COLUMNS.iter().map(|column| (column.name.to_owned(), Type::Of(column.kind)));
    view_columns(columns.chain(partition_columns()))
}

/// Columns of the view cloudtrail_logs, likewise.
pub fn cloudtrail_view_columns() -> String {
    let columns = CLOUDTRAIL_TABLE.iter().map(|shape| (shape.member().to_ascii_lowercase(), shape.data_type()));
    let partitions = CLOUDTRAIL_PARTITIONS.iter().map(|(name, _)| ((*name).to_owned(), Type::Of(Kind::Text)));
    view_columns(columns.chain(partition_columns()).chain(partitions))
}

fn partition_columns() -> Vec<(String, Type)> {
    Layout::default().fields().iter().map(|field| (field.name().to_owned(), Type::Of(Kind::Text))).collect()
}

/// SQL does not say the types of a view's columns, but a catalog wants both spellings of them.
fn view_columns(columns: impl Iterator<Item = (String, Type)>) -> String {
    #[derive(Serialize)]
    struct ViewColumn {
        name: String,
        r#type: String,
        presto_type: String,
    }
    let columns: Vec<ViewColumn> =
        columns.map(|(name, of)| ViewColumn { name, r#type: of.in_glue(), presto_type: of.in_queries() }).collect();
    // Strings always serialize.
    serde_json::to_string_pretty(&columns).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Filters by columns that the window is not partitioned by cannot choose files.
    #[test]
    fn the_window_of_the_view_is_partitioned_by_the_partition_columns_first() {
        let partitions = Layout::default().to_string().replace(',', ", ");
        let begin = format!("PARTITION BY {partitions}, event_id, recipient_account_id, ");
        assert!(distinct_view().contains(&begin), "{begin}");
    }

    #[test]
    fn the_view_asks_for_columns_that_exist_and_hides_none_by_its_own() {
        let exists = |name: &str| COLUMNS.iter().any(|column| column.name == name);
        for name in ["event_id", "recipient_account_id", "event_time", "log_file", "bridge_event_id", "unmapped"] {
            assert!(exists(name), "{name}");
        }
        assert!(!exists("copy_number"));
    }

    /// What is neither a column nor inside one of a JSON object is looked up in unmapped, where only surprises belong.
    #[test]
    fn members_of_the_cloudtrail_table_are_columns() {
        let mut elsewhere = Vec::new();
        for shape in CLOUDTRAIL_TABLE {
            shape.leaves(shape.member(), &mut |leaf, path| match leaf {
                Entries(_, members) => members.iter().for_each(|member| assert!(list_of(member).is_some(), "{member}")),
                _ if text_at(path).contains("unmapped") => elsewhere.push(path.to_owned()),
                _ => {}
            });
        }
        assert_eq!(elsewhere, ["userIdentity.sessionContext.webIdFederationData.attributes"]);
    }

    #[test]
    fn names_of_the_cloudtrail_table_are_unique() {
        let columns: Vec<serde_json::Value> = serde_json::from_str(&cloudtrail_view_columns()).unwrap();
        let mut names: Vec<String> = columns.iter().map(|column| column["name"].to_string()).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), columns.len());
    }
}
