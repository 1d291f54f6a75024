//! The way to Parquet that most would write: serde_json::Value -> arrow-json -> parquet. What `convert` is measured against
//! in benches/bench.py: `arrow_json_peer IN.jsonl OUT.parquet`, on one thread.
//!
//! The schema is inferred from the first events. What the peer need not do: keep members that come later or vary in type
//! further down, check, sort, tell duplicates, make partitions.

#[path = "../benches/inferred.rs"]
mod inferred;

use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use arrow_json::ReaderBuilder;
use inferred::infer;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value};
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::process::ExitCode;
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events that the schema is inferred from.
const INFERRED: usize = 1000;
/// Rows of a batch: arrow's usual number.
const BATCH: usize = 8192;

fn main() -> ExitCode {
    let [_, from, to] = &std::env::args().collect::<Vec<_>>()[..] else {
        eprintln!("usage: arrow_json_peer IN.jsonl OUT.parquet");
        return ExitCode::from(2);
    };
    match convert(from, to) {
        Ok(rows) => {
            println!("{rows}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("arrow_json_peer: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Gives the number of rows written.
fn convert(from: &str, to: &str) -> Result<i64, Box<dyn Error>> {
    let mut lines = BufReader::with_capacity(1 << 20, File::open(from)?).lines();
    let mut events = parse(&mut lines, INFERRED)?;
    let (schema, varying) = schema(&events);
    // A member whose type differs later on is NULL there, where the whole would fail otherwise.
    let reader = ReaderBuilder::new(schema.clone()).with_coerce_primitive(true).with_ignore_type_conflicts(true);
    let mut decoder = reader.with_batch_size(BATCH).build_decoder()?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?)).build();
    let mut writer = ArrowWriter::try_new(File::create(to)?, schema, Some(properties))?;
    while !events.is_empty() {
        for event in &mut events {
            to_text(event, &varying);
        }
        decoder.serialize(&events)?;
        if let Some(batch) = decoder.flush()? {
            writer.write(&batch)?;
        }
        events = parse(&mut lines, BATCH)?;
    }
    Ok(writer.close()?.file_metadata().num_rows())
}

/// The next events.
fn parse(
    lines: &mut impl Iterator<Item = std::io::Result<String>>,
    count: usize,
) -> Result<Vec<Value>, Box<dyn Error>> {
    lines.take(count).map(|line| Ok(serde_json::from_str(&line?)?)).collect()
}

/// The schema of events, and the members of the record in them that become columns of JSON text, as their type varies.
fn schema(events: &[Value]) -> (Arc<Schema>, Vec<String>) {
    let envelopes = infer(events.iter().filter_map(Value::as_object));
    let record = infer(events.iter().filter_map(record));
    let texts = record.varying.iter().map(|name| FieldRef::from(Field::new(name, DataType::Utf8, true)));
    let record_fields = record.fields.iter().cloned().chain(texts).collect();
    let of_record = FieldRef::from(Field::new("detail", DataType::Struct(record_fields), true));
    let of_envelope = envelopes.fields.into_iter().filter(|field| field.name() != "detail");
    (Arc::new(Schema::new(of_envelope.chain([of_record]).collect::<Vec<_>>())), record.varying)
}

fn record(event: &Value) -> Option<&Map<String, Value>> {
    event.get("detail")?.as_object()
}

/// Makes text of members of the event's record.
fn to_text(event: &mut Value, members: &[String]) {
    for name in members {
        if let Some(value) = event.get_mut("detail").and_then(|detail| detail.get_mut(name))
            && !value.is_null()
        {
            *value = Value::String(value.to_string());
        }
    }
}
