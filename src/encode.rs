//! Sorted rows -> one Parquet file: every setting of the writer, with its reason, and the hash that names the file.

use crate::columns::{COLUMNS, Column, Kind, SCHEMA_VERSION, SORT_COLUMNS, Source, index_of};
use crate::error::Error;
use crate::schema::SCHEMA;
use arrow::array::{Array, ArrayData, ArrayRef, AsArray};
use arrow::datatypes::TimestampMillisecondType;
use parquet::arrow::arrow_writer::{
    ArrowColumnWriter, ArrowRowGroupWriterFactory, ArrowWriter, ArrowWriterOptions, compute_leaves,
};
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;
use rayon::prelude::*;
use std::io::Write;

/// Rows of the blocks that files are written in. Every file is cut at these places only, so that its bytes depend on
/// nothing but its rows and the layout, which goes by how many its partition has. With 8,192 encoding took as long, and
/// `convert` of 100,000 events had 130 MB at the most instead of 108.
pub const BLOCK_ROWS: usize = 2048;
/// Bytes of packed rows after which a block ends all the same: records can have 16 MB, and one more may come.
pub const BLOCK_BYTES: usize = 16 << 20;
/// Blocks of a row group. Athena skips by row group; of a day's sorted events one call's name fills few.
const GROUP_BLOCKS: usize = 16;
/// Bytes that the writers of a group hold after which it ends all the same. A group of usual rows is 8 MB in the file.
const GROUP_BYTES: usize = 64 << 20;
/// Rows of a row group, where records are not long.
pub const GROUP_ROWS: usize = GROUP_BLOCKS * BLOCK_ROWS;
/// Rows from which on a file gets bloom filters and page statistics: smaller files are read whole anyway.
const LARGE_FILE: usize = 50_000;

/// Files of fewer rows are compressed by Snappy. Zstandard sets up a context for each page of each column, whatever is in
/// it: an invocation with one event took 2.6 ms, and takes 1.0. Of more rows Zstandard's files are smaller for all the
/// years that they are kept.
const SMALL_FILE: usize = 256;

/// How a file is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileLayout {
    /// Read whole, and made quickly.
    Small,
    /// Read whole.
    Middle,
    /// For skipping what is not asked for.
    Large,
}

impl FileLayout {
    fn of(rows: usize) -> FileLayout {
        match rows {
            ..SMALL_FILE => FileLayout::Small,
            LARGE_FILE.. => FileLayout::Large,
            _ => FileLayout::Middle,
        }
    }
}

/// Columns that people look needles up by and that sorting does not bring together.
const NEEDLES: [&str; 6] =
    ["event_id", "request_id", "user_access_key_id", "issued_access_key_id", "source_ip_address", "s3_object_key"];
/// Share of false answers of a bloom filter. 0.01 costs 10 bits a value.
const BLOOM_FPP: f64 = 0.01;

/// Columns whose values hardly repeat: a dictionary would only be built to be thrown away. With dictionaries files have 3.6 % more
/// bytes, and `convert` takes 4 % more instructions (100,000 generated events).
fn hardly_repeats(column: &Column) -> bool {
    const IDS: [&str; 6] =
        ["event_id", "request_id", "bridge_event_id", "shared_event_id", "issued_access_key_id", "s3_upload_id"];
    column.kind == Kind::Json || IDS.contains(&column.name)
}

fn properties(layout: FileLayout) -> Result<WriterProperties, Error> {
    let large = layout == FileLayout::Large;
    // Level 1: with a prototype level 3 was slower and no smaller on rows like these.
    let zstd = Compression::ZSTD(ZstdLevel::try_new(1)?);
    let mut builder = WriterProperties::builder()
        .set_compression(if layout == FileLayout::Small { Compression::SNAPPY } else { zstd })
        // What Athena engine v3, DuckDB, Spark and pyarrow all read without a second thought.
        .set_writer_version(WriterVersion::PARQUET_1_0)
        // A group is ended here and not in the writer.
        .set_max_row_group_row_count(None)
        // An open page of each column is in memory: with pages of 1 MB files have 1.0 % fewer bytes, and the peak was a fifth higher.
        .set_data_page_size_limit(256 << 10)
        .set_statistics_enabled(if large { EnabledStatistics::Page } else { EnabledStatistics::Chunk })
        .set_offset_index_disabled(!large)
        .set_created_by(concat!("trailsink version ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_sorting_columns(Some(
            SORT_COLUMNS
                .map(|name| SortingColumn { column_idx: index_of(name) as i32, descending: false, nulls_first: true })
                .to_vec(),
        ));
    for column in COLUMNS {
        let path = ColumnPath::from(match column.kind {
            Kind::List => vec![column.name.to_owned(), "list".to_owned(), "element".to_owned()],
            _ => vec![column.name.to_owned()],
        });
        if hardly_repeats(column) {
            builder = builder
                .set_column_dictionary_enabled(path.clone(), false)
                // The lengths first, then the bytes end to end: zstd sees one text. Plain they have 1.8 % more bytes, and take 1.9 %
                // more instructions.
                .set_column_encoding(path.clone(), Encoding::DELTA_LENGTH_BYTE_ARRAY);
        }
        if matches!(column.kind, Kind::Json | Kind::List) || column.source == Source::Unmapped {
            // No one asks for a range of JSON texts, or of elements of lists: statistics of lists took 735 instructions a row. Those
            // of ids cost 0.3 % of `convert` and nothing of the file, and say for readers that go by them where there is no bloom
            // filter.
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if large && NEEDLES.contains(&column.name) {
            builder = builder
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FPP)
                .set_column_bloom_filter_max_ndv(path, GROUP_ROWS as u64);
        }
    }
    Ok(builder.build())
}

/// A file being written.
pub struct Encoder<W: Write + Send> {
    writer: SerializedFileWriter<W>,
    factory: ArrowRowGroupWriterFactory,
    group: Vec<ArrowColumnWriter>,
    groups: usize,
    blocks: usize,
    hashes: Vec<blake3::Hasher>,
    rows: usize,
    layout: FileLayout,
    number: u32,
    first_time: i64,
    last_time: i64,
}

/// A file that is written: its name without folder, and the rows in it.
#[derive(Debug)]
pub struct Encoded<W> {
    /// Name: schema version and hash of all values.
    pub name: String,
    /// Rows in it.
    pub rows: usize,
    /// What was written to.
    pub inner: W,
}

impl<W: Write + Send> Encoder<W> {
    /// Begins a file; `partition_rows` is the number of rows that its partition has in all before duplicates are left
    /// out: large files are laid out for skipping, small ones for their size. `number` says which file of its partition it is.
    ///
    /// # Errors
    /// If nothing can be written.
    pub fn new(inner: W, partition_rows: usize, number: u32) -> Result<Self, Error> {
        let layout = FileLayout::of(partition_rows);
        let options = ArrowWriterOptions::new()
            .with_properties(properties(layout)?)
            // The types say all; a copy of the Arrow schema would add kilobytes to each file.
            .with_skip_arrow_metadata(true);
        let (writer, factory) =
            ArrowWriter::try_new_with_options(inner, SCHEMA.clone(), options)?.into_serialized_writer()?;
        Ok(Encoder {
            writer,
            factory,
            group: Vec::new(),
            groups: 0,
            blocks: 0,
            hashes: vec![blake3::Hasher::new(); COLUMNS.len()],
            rows: 0,
            layout,
            number,
            first_time: i64::MAX,
            last_time: i64::MIN,
        })
    }

    /// Writes a block of rows, given as columns in table order. With `parallel` the columns are spread over the threads of the
    /// pool.
    ///
    /// # Errors
    /// If a column cannot be written.
    pub fn write(&mut self, columns: &[ArrayRef], parallel: bool) -> Result<(), Error> {
        if self.group.is_empty() {
            self.group = self.factory.create_column_writers(self.groups)?;
        }
        let write = |(index, (writer, hash)): (usize, (&mut ArrowColumnWriter, &mut blake3::Hasher))| {
            let values = &columns[index];
            hash_column(hash, &values.to_data());
            for leaf in compute_leaves(SCHEMA.field(index), values)? {
                writer.write(&leaf)?;
            }
            Ok::<_, Error>(times(index, values))
        };
        let times: Option<(i64, i64)> = if parallel {
            // One by one: in halves one thread waited for the other, for 5 % of `convert` on two.
            let columns = self.group.par_iter_mut().zip(&mut self.hashes).enumerate().with_max_len(1);
            columns.map(write).try_reduce(|| None, |a, b| Ok(a.or(b)))?
        } else {
            let mut found = None;
            for columns in self.group.iter_mut().zip(&mut self.hashes).enumerate() {
                found = found.or(write(columns)?);
            }
            found
        };
        if let Some((first, last)) = times {
            self.first_time = self.first_time.min(first);
            self.last_time = self.last_time.max(last);
        }
        self.rows += columns.first().map_or(0, |column| column.len());
        self.blocks += 1;
        let held = || self.group.iter().map(ArrowColumnWriter::memory_size).sum::<usize>();
        if self.blocks == GROUP_BLOCKS || held() > GROUP_BYTES {
            self.end_group(parallel)?;
        }
        Ok(())
    }

    /// Rows so far.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Whether the rows so far end with a row group, so that the file can end here.
    pub fn is_between_groups(&self) -> bool {
        self.blocks == 0
    }

    fn end_group(&mut self, parallel: bool) -> Result<(), Error> {
        let group = std::mem::take(&mut self.group);
        // Closing compresses the last pages: most of the work of a small file.
        let chunks = if parallel {
            group.into_par_iter().with_max_len(1).map(ArrowColumnWriter::close).collect::<Result<Vec<_>, _>>()?
        } else {
            group.into_iter().map(ArrowColumnWriter::close).collect::<Result<Vec<_>, _>>()?
        };
        let mut row_group = self.writer.next_row_group()?;
        for chunk in chunks {
            chunk.append_to_row_group(&mut row_group)?;
        }
        row_group.close()?;
        self.groups += 1;
        self.blocks = 0;
        Ok(())
    }

    /// Ends the file; with `parallel` as [`Encoder::write`].
    ///
    /// # Errors
    /// If the rest cannot be written.
    pub fn finish(mut self, parallel: bool) -> Result<Encoded<W>, Error> {
        if self.blocks > 0 {
            self.end_group(parallel)?;
        }
        for (key, value) in [
            ("trailsink.schema_version", SCHEMA_VERSION.to_string()),
            ("trailsink.version", env!("CARGO_PKG_VERSION").to_owned()),
            ("trailsink.rows", self.rows.to_string()),
            ("trailsink.first_event_time", crate::time::with_millis(self.first_time)),
            ("trailsink.last_event_time", crate::time::with_millis(self.last_time)),
        ] {
            self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
        }
        let mut whole = blake3::Hasher::new();
        // The same rows laid out in another way are other bytes, and so want another name.
        whole.update(&[self.layout as u8]);
        // A million rows that are all the same fill two files of a partition, and neither may be taken for the other.
        if self.number > 0 {
            whole.update(&self.number.to_le_bytes());
        }
        for hash in &self.hashes {
            whole.update(hash.finalize().as_bytes());
        }
        Ok(Encoded { name: name(&whole), rows: self.rows, inner: self.writer.into_inner()? })
    }
}

/// A file's name of the hash of what is in it: 128 bits, so that two different files never meet in one name.
pub fn name(hash: &blake3::Hasher) -> String {
    let hex = hash.finalize().to_hex();
    format!("v{SCHEMA_VERSION}-{}", &hex[..32])
}

fn times(index: usize, values: &ArrayRef) -> Option<(i64, i64)> {
    const EVENT_TIME: usize = index_of("event_time");
    if index != EVENT_TIME {
        return None;
    }
    let values = values.as_primitive::<TimestampMillisecondType>().values();
    Some((values.iter().copied().min()?, values.iter().copied().max()?))
}

/// Feeds the values of a column to its hash: each of its buffers by a hash of its own, which begins where the buffer does and so
/// takes sixteen pieces of 1 KB at a time. One hash over lengths and bytes of all blocks took 590 ns a row, a seventh of the encoding;
/// this takes some 430. The arrays of a filling hold nothing but their values, and nothing but zeros for NULL.
fn hash_column(hash: &mut blake3::Hasher, values: &ArrayData) {
    hash.update(&(values.len() as u64).to_le_bytes());
    if values.null_count() == values.len() {
        hash.update(b"null");
        return;
    }
    hash.update(&[u8::from(values.nulls().is_some())]);
    let buffers = values.nulls().map(|nulls| nulls.validity()).into_iter();
    for buffer in buffers.chain(values.buffers().iter().map(|buffer| buffer.as_slice())) {
        hash.update(blake3::hash(buffer).as_bytes());
    }
    values.child_data().iter().for_each(|child| hash_column(hash, child));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::extract::{Envelope, Rows};

    #[test]
    fn files_of_a_partition_never_share_a_name() {
        let mut rows = Rows::default();
        let record = r#"{"eventTime":"2026-01-01T00:00:00Z","eventName":"x"}"#;
        rows.read(record, 0).unwrap();
        rows.commit(record, &Envelope::default()).unwrap();
        let columns = rows.take();
        let name = |number| {
            let mut encoder = Encoder::new(Vec::new(), 1, number).unwrap();
            encoder.write(&columns, false).unwrap();
            encoder.finish(false).unwrap().name
        };
        assert_eq!(name(0), name(0));
        assert!(name(0) != name(1) && name(1) != name(2));
    }
}
