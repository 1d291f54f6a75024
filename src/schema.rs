//! The Arrow schema of a row, made from the table of columns.

use crate::columns::{COLUMNS, Column, Kind};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// Field ids of list elements are that of their column plus this.
const ELEMENT_ID_OFFSET: i32 = 1000;

/// The schema of the rows, with a fixed `PARQUET:field_id` on every field and list element.
pub static SCHEMA: LazyLock<SchemaRef> =
    LazyLock::new(|| Arc::new(Schema::new(COLUMNS.iter().map(field).collect::<Vec<_>>())));

/// The Arrow field of a column.
pub fn field(column: &Column) -> Field {
    let data_type = match column.kind {
        Kind::Text | Kind::Json => DataType::Utf8,
        Kind::Bool => DataType::Boolean,
        Kind::BigInt => DataType::Int64,
        Kind::Timestamp => DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into())),
        Kind::List => DataType::List(element(column)),
    };
    Field::new(column.name, data_type, true).with_metadata(id(column.id))
}

/// The Arrow field of a list column's elements.
pub fn element(column: &Column) -> Arc<Field> {
    Arc::new(Field::new("element", DataType::Utf8, true).with_metadata(id(column.id + ELEMENT_ID_OFFSET)))
}

fn id(id: i32) -> HashMap<String, String> {
    HashMap::from([(parquet::arrow::PARQUET_FIELD_ID_META_KEY.to_owned(), id.to_string())])
}
