//! A row back to the record it was made of.

use crate::columns::{COLUMNS, Column, Kind, Source, index_of};
use crate::error::Error;
use crate::json::{Reader, Tree, write_tree};
use crate::time;
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, StringArray, TimestampMillisecondArray, new_null_array};
use arrow::datatypes::TimestampMillisecondType;
use parquet::basic::ConvertedType;
use parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use parquet::data_type::{ByteArray, DataType};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use std::fs::File;
use std::sync::{Arc, LazyLock};

/// A member that columns stand for.
struct Member {
    name: &'static str,
    what: What,
}

enum What {
    /// The value of a column.
    Column(usize),
    /// An object of members.
    Object(Vec<Member>),
}

/// The record as far as columns stand for it, in the order of the table.
static RECORD: LazyLock<Vec<Member>> = LazyLock::new(|| {
    let mut record = Vec::new();
    for (index, column) in COLUMNS.iter().enumerate() {
        if let Some(path) = column.member() {
            insert(&mut record, path, index);
        }
    }
    record
});

fn insert(members: &mut Vec<Member>, path: &'static str, column: usize) {
    let Some((name, below)) = path.split_once('.') else {
        members.push(Member { name: path, what: What::Column(column) });
        return;
    };
    let known = members.iter().position(|member| member.name == name).unwrap_or_else(|| {
        members.push(Member { name, what: What::Object(Vec::new()) });
        members.len() - 1
    });
    if let What::Object(inside) = &mut members[known].what {
        insert(inside, below, column);
    }
}

const UNMAPPED: usize = index_of("unmapped");

/// Appends the record of a row as one line of JSON, without the line break.
///
/// # Errors
/// If the row has JSON columns that are no JSON, or times that no record has: then this program did not write it.
pub fn record(columns: &[ArrayRef], row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
    let unmapped = columns[UNMAPPED].as_string::<i32>();
    let overlay = if unmapped.is_valid(row) { unmapped.value(row) } else { "{}" };
    match Tree::parse(overlay) {
        Ok(overlay @ Tree::Object(_)) => {
            write_object(&RECORD, Some(&overlay), columns, row, out)?;
            Ok(())
        }
        _ => Err(Error::Read("a row".to_owned(), "its unmapped column is no JSON object".to_owned())),
    }
}

/// Writes an object of members with what is laid over it; gives whether there is anything in it.
///
/// # Errors
/// If a column holds what this program does not write.
fn write_object(
    members: &[Member],
    overlay: Option<&Tree<'_>>,
    columns: &[ArrayRef],
    row: usize,
    out: &mut Vec<u8>,
) -> Result<bool, Error> {
    let begin = out.len();
    out.push(b'{');
    for member in members {
        let over = overlay.and_then(|overlay| overlay.member(member.name));
        let before = out.len();
        write_name(member.name, out);
        let written = match (&member.what, over) {
            (_, Some(Tree::Null)) => false,
            (What::Object(inside), over @ (None | Some(Tree::Object(_)))) => {
                write_object(inside, over, columns, row, out)? || over.is_some()
            }
            (_, Some(value)) => {
                write_tree(value, out);
                true
            }
            (What::Column(column), None) => write_wire(*column, &columns[*column], row, out)?,
        };
        if written {
            out.push(b',');
        } else {
            out.truncate(before);
        }
    }
    if let Some(Tree::Object(over)) = overlay {
        let unknown = over.iter().filter(|(name, _)| !members.iter().any(|member| Tree::is_named(name, member.name)));
        for (name, value) in unknown {
            write_name(name, out);
            write_tree(value, out);
            out.push(b',');
        }
    }
    let any = out.last() == Some(&b',');
    if any {
        out.pop();
    }
    out.push(b'}');
    debug_assert!(out.len() > begin);
    Ok(any)
}

/// Gives the path of every member of a row's `unmapped` that no column stands for; one that is there because its value is of
/// an unexpected type or form is known all the same.
pub fn unknown_members(overlay: &Tree<'_>, each: &mut impl FnMut(String)) {
    fn walk(members: &[Member], overlay: &Tree<'_>, path: &str, each: &mut impl FnMut(String)) {
        let Tree::Object(over) = overlay else { return };
        for (name, value) in over {
            match members.iter().find(|member| Tree::is_named(name, member.name)) {
                Some(Member { what: What::Column(_), .. }) => {}
                Some(Member { what: What::Object(inside), name }) => {
                    walk(inside, value, &format!("{path}{name}."), each)
                }
                None => each(format!("{path}{}", String::from_utf8_lossy(&crate::json::decoded(name)))),
            }
        }
    }
    walk(&RECORD, overlay, "", each);
}

/// Writes the inside of a name, escapes as received, and the colon.
fn write_name(name: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":");
}

/// Writes a column's value in its wire form.
fn write_wire(index: usize, values: &ArrayRef, row: usize, out: &mut Vec<u8>) -> Result<bool, Error> {
    if values.is_null(row) {
        return Ok(false);
    }
    let column = &COLUMNS[index];
    let foreign = |what| Error::Read("a row".to_owned(), format!("its {} column is {what}", column.name));
    match column.kind {
        Kind::Json => {
            let json = values.as_string::<i32>().value(row);
            let mut reader = Reader::new(json, 0);
            if reader.skip(1).is_err() || reader.at != json.len() {
                return Err(foreign("no JSON"));
            }
            out.extend_from_slice(json.as_bytes());
        }
        Kind::Bool => {
            let word = if values.as_boolean().value(row) { "true" } else { "false" };
            let quote = if matches!(column.source, Source::MemberQuoted(_)) { "\"" } else { "" };
            out.extend_from_slice([quote, word, quote].concat().as_bytes());
        }
        Kind::Timestamp => {
            let ms = values.as_primitive::<TimestampMillisecondType>().value(row);
            write_text(&time::wire(ms).ok_or_else(|| foreign("no time of a record"))?, out);
        }
        _ => write_text(values.as_string::<i32>().value(row), out),
    }
    Ok(true)
}

fn write_text(text: &str, out: &mut Vec<u8>) {
    // Writing to a Vec cannot fail, and a str always serializes.
    let _ = serde_json::to_writer(out, text);
}

/// Rows that are read at a time: as many of the largest records (16 MB) as an array can hold (2 GB) and a half.
const READ_ROWS: usize = 64;

/// Reads a Parquet file of the lake, called `place` in errors, some rows at a time: columns of the table in its order. Those that no record
/// is restored from are not read, and are NULL, as those that the file does not have.
///
/// # Errors
/// If the file cannot be read or is not one of ours.
pub fn read_file(
    file: File,
    place: &str,
    mut each: impl FnMut(&[ArrayRef], usize) -> Result<(), Error>,
) -> Result<(), Error> {
    let unreadable = |error: &dyn std::fmt::Display| Error::Read(place.to_owned(), error.to_string());
    let parquet = |error: ParquetError| unreadable(&error);
    let reader = SerializedFileReader::new(file).map_err(parquet)?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let index = |name: &str| schema.columns().iter().position(|column| column.path().parts() == [name]);
    if index("event_time").is_none() || index("unmapped").is_none() {
        return Err(unreadable(&"no file of a trailsink lake: the columns event_time and unmapped are missing"));
    }
    for column in COLUMNS.iter().filter(|column| column.kind == Kind::Timestamp) {
        let descriptor = index(column.name).map(|index| schema.column(index));
        // An engine that rewrites files may count in other units.
        if descriptor.is_some_and(|descriptor| descriptor.converted_type() != ConvertedType::TIMESTAMP_MILLIS) {
            return Err(unreadable(&format!("column {} does not hold milliseconds in UTC", column.name)));
        }
    }
    for group in 0..reader.num_row_groups() {
        let group = reader.get_row_group(group).map_err(parquet)?;
        let wanted = COLUMNS.iter().map(|column| {
            let is_wanted = column.member().is_some() || column.source == Source::Unmapped;
            let index = if is_wanted { index(column.name) } else { None };
            index.map(|index| group.get_column_reader(index)).transpose()
        });
        let mut readers = wanted.collect::<Result<Vec<_>, _>>().map_err(parquet)?;
        let mut left = usize::try_from(group.metadata().num_rows()).map_err(|error| unreadable(&error))?;
        while left > 0 {
            let rows = left.min(READ_ROWS);
            let columns = readers.iter_mut().zip(COLUMNS).map(|(reader, column)| match reader {
                Some(reader) => read_column(reader, column, rows).map_err(parquet),
                None => Ok(new_null_array(crate::schema::field(column).data_type(), rows)),
            });
            each(&columns.collect::<Result<Vec<_>, _>>()?, rows)?;
            left -= rows;
        }
    }
    Ok(())
}

/// Reads the values of the next rows of a column.
fn read_column(reader: &mut ColumnReader, column: &Column, rows: usize) -> Result<ArrayRef, ParquetError> {
    Ok(match (reader, column.kind) {
        (ColumnReader::ByteArrayColumnReader(reader), Kind::Text | Kind::Json) => {
            let values = read_values(reader, rows)?;
            let texts = values.iter().map(|value| value.as_ref().map(ByteArray::as_utf8).transpose());
            Arc::new(texts.collect::<Result<StringArray, _>>()?)
        }
        (ColumnReader::BoolColumnReader(reader), Kind::Bool) => {
            Arc::new(BooleanArray::from(read_values(reader, rows)?))
        }
        (ColumnReader::Int64ColumnReader(reader), Kind::Timestamp) => {
            Arc::new(TimestampMillisecondArray::from(read_values(reader, rows)?))
        }
        _ => return Err(ParquetError::General(format!("column {} is of another type", column.name))),
    })
}

fn read_values<T: DataType>(reader: &mut ColumnReaderImpl<T>, rows: usize) -> Result<Vec<Option<T::T>>, ParquetError> {
    let (mut levels, mut values) = (Vec::new(), Vec::new());
    let (read, ..) = reader.read_records(rows, Some(&mut levels), None, &mut values)?;
    if read < rows {
        return Err(ParquetError::EOF(format!("a column ends {} rows too early", rows - read)));
    }
    // Where no value may be missing there are no levels.
    levels.resize(rows, 1);
    let mut values = values.into_iter();
    Ok(levels.into_iter().map(|level| if level > 0 { values.next() } else { None }).collect())
}
