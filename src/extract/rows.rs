//! Accepted records become rows: staged values are appended to the builders of their columns.

use super::OwnWrites;
use super::ec2;
use super::filling::Filling;
use super::plan::{How, IP_RULES, PLAN, Plan, Slot};
use super::record::{Memory, read_record};
use super::staged::{Cell, EventTime, Span, Staged};
use super::{Code, Envelope, PartitionKey, Rejection};
use crate::columns::{COLUMNS, Service, index_of};
use crate::json;
use crate::schema;
use crate::time::{MAX_TIME, MIN_TIME, parse_time};
use arrow::array::{ArrayRef, new_null_array};
use std::collections::HashSet;
use std::sync::LazyLock;

/// Rows of a batch at the most, whatever their size; 1,000 to 2,000 keep builders in the caches.
pub const BATCH_ROWS: usize = 1024;
/// Bytes of values after which a batch is full.
pub const BATCH_BYTES: usize = 2 << 20;
/// Values of a list from which on repetitions are found by hashing.
const MANY_VALUES: usize = 16;

/// Reads records and gathers their rows until they are taken as a batch of columns.
pub struct Rows {
    plan: &'static Plan,
    staged: Staged,
    memory: Memory,
    columns: Vec<Filling>,
    rows: usize,
    bytes: usize,
    own_writes: Option<OwnWrites>,
}

/// Slots that decide more than their own column.
struct Decisive {
    event_name: Slot,
    event_type: Slot,
    event_category: Slot,
    aws_region: Slot,
    error_code: Slot,
    error_message: Slot,
    management_event: Slot,
    recipient_account_id: Slot,
    user_account_id: Slot,
    request_parameters: Slot,
}

static DECISIVE: LazyLock<Decisive> = LazyLock::new(|| Decisive {
    event_name: PLAN.wire_slot("event_name"),
    event_type: PLAN.wire_slot("event_type"),
    event_category: PLAN.wire_slot("event_category"),
    aws_region: PLAN.wire_slot("aws_region"),
    error_code: PLAN.wire_slot("error_code"),
    error_message: PLAN.wire_slot("error_message"),
    management_event: PLAN.wire_slot("management_event"),
    recipient_account_id: PLAN.wire_slot("recipient_account_id"),
    user_account_id: PLAN.wire_slot("user_account_id"),
    request_parameters: PLAN.wire_slot("request_parameters"),
});

impl Rows {
    /// No rows yet.
    pub fn new() -> Self {
        Rows::without(None)
    }

    /// No rows yet, and none of records of one's own writes.
    pub fn without(own_writes: Option<OwnWrites>) -> Self {
        let columns = COLUMNS.iter().map(|column| Filling::new(column.kind)).collect();
        Rows { plan: &PLAN, staged: Staged::new(), memory: Memory::new(), columns, rows: 0, bytes: 0, own_writes }
    }

    /// Rows since the last [`Rows::take`].
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether it is time to take them.
    pub fn is_full(&self) -> bool {
        self.rows >= BATCH_ROWS || self.bytes >= BATCH_BYTES
    }

    /// Reads the record that begins at byte `at` of `text`, an opening brace; gives the byte after it. It becomes a row
    /// only by [`Rows::commit`] with the same text.
    ///
    /// # Errors
    /// Where it is not JSON within the limits.
    pub fn read(&mut self, text: &str, at: usize) -> json::Result<usize> {
        read_record(text, at, &mut self.staged, &mut self.memory)
    }

    /// Whether the record just read has members that wrappings have.
    pub fn looks_wrapped(&self) -> bool {
        self.staged.looks_wrapped
    }

    /// Makes the record just read a row; gives where it belongs and how many bytes its values have, or None if it is
    /// of a write of one's own.
    ///
    /// # Errors
    /// If it is no CloudTrail record or has no time that is good for a row.
    pub fn commit(&mut self, text: &str, envelope: &Envelope<'_>) -> Result<Option<(PartitionKey, u32)>, Rejection> {
        let event_time = self.accept(text, envelope)?;
        if self.own_writes.as_ref().is_some_and(|own| own.made(&self.staged, text)) {
            return Ok(None);
        }
        let key = self.partition_key(text, event_time, envelope);
        let before = self.bytes;
        self.append_slots(text);
        self.append_event_time(event_time);
        self.append_assembled(text);
        let outcome = self.outcome(text);
        self.append_text(OUTCOME, outcome);
        for (column, value) in
            [(BRIDGE_ID, envelope.id), (BRIDGE_TYPE, envelope.detail_type), (LOG_FILE, envelope.log_file)]
        {
            if let Some(value) = value {
                self.append_text(column, value);
            }
        }
        self.append_unmapped();
        self.rows += 1;
        Ok(Some((key, u32::try_from(self.bytes - before).unwrap_or(u32::MAX))))
    }

    /// The rows so far as columns in table order; columns without any value share one array of NULLs.
    pub fn take(&mut self) -> Vec<ArrayRef> {
        let rows = std::mem::take(&mut self.rows);
        self.bytes = 0;
        let columns = self.columns.iter_mut().zip(NULLS.iter()).zip(COLUMNS);
        columns
            .map(|((filling, nulls), column)| match filling.is_empty() {
                true if rows <= nulls.len() => nulls.slice(0, rows),
                true => new_null_array(nulls.data_type(), rows),
                false => filling.take(column, rows),
            })
            .collect()
    }

    /// Whether the record is to become a row, and at what time it happened.
    fn accept(&self, text: &str, envelope: &Envelope<'_>) -> Result<i64, Rejection> {
        let of = |slot| self.staged.text(slot, text);
        if of(DECISIVE.event_category) == Some("Aggregated") || of(DECISIVE.event_type) == Some("AwsAggregatedEvent") {
            return Err(Rejection::new(Code::AggregatedEvent, "a summary of several events, not a record of one"));
        }
        if of(PLAN.event_source) == Some("aws:s3") {
            return Err(Rejection::new(
                Code::NotCloudtrail,
                "an S3 notification names objects; give the log files themselves",
            ));
        }
        if of(PLAN.event_source) == Some("aws:sqs") {
            return Err(Rejection::new(Code::NotCloudtrail, "an SQS message"));
        }
        if !self.staged.looks_like_cloudtrail {
            return Err(Rejection::new(Code::NotCloudtrail, "an object without any member of a CloudTrail record"));
        }
        let ms = match self.staged.event_time {
            EventTime::At(ms) => ms,
            EventTime::Unreadable => return Err(unreadable_time("eventTime")),
            EventTime::Absent => match envelope.time {
                None => {
                    return Err(Rejection::new(
                        Code::MissingEventTime,
                        "no eventTime, and no envelope with a time around it",
                    ));
                }
                Some(time) => parse_time(time).ok_or_else(|| unreadable_time("the envelope's time"))?.0,
            },
        };
        if !(MIN_TIME..MAX_TIME).contains(&ms) {
            return Err(Rejection::new(Code::TimeOutOfRange, "eventTime is not between 2006-01-01 and 2100-01-01"));
        }
        Ok(ms)
    }

    fn partition_key(&self, text: &str, event_time: i64, envelope: &Envelope<'_>) -> PartitionKey {
        let of = |slot| self.staged.text(slot, text);
        let there = |value: &&str| !value.is_empty();
        let account = of(DECISIVE.recipient_account_id)
            .filter(there)
            .or(envelope.account.filter(there))
            .or(of(DECISIVE.user_account_id));
        let data = self.staged.get(DECISIVE.management_event) == Some(Cell::Bool(false));
        PartitionKey::new(of(DECISIVE.event_category), data, event_time, account, of(DECISIVE.aws_region))
    }

    fn outcome(&self, text: &str) -> &'static str {
        const DENIED: [&str; 5] = ["AccessDenied", "Unauthorized", "Forbidden", "NotAuthorized", "AuthFailure"];
        let code = self.staged.text(DECISIVE.error_code, text).unwrap_or_default();
        let message = self.staged.text(DECISIVE.error_message, text).unwrap_or_default();
        if code == "Client.DryRunOperation" {
            "dry_run"
        } else if DENIED.iter().any(|word| code.contains(word)) {
            "denied"
        } else if !code.is_empty()
            || !message.is_empty()
            || self.staged.text(PLAN.console_login, text) == Some("Failure")
        {
            "failure"
        } else {
            "success"
        }
    }

    fn append_slots(&mut self, text: &str) {
        let mut set = self.staged.set() & self.plan.wires;
        while set != 0 {
            let slot = set.trailing_zeros() as Slot;
            set &= set - 1;
            if let Some(cell) = self.staged.get(slot) {
                self.append(self.plan.slots[usize::from(slot)].column, cell, text);
            }
        }
    }

    #[inline]
    fn append(&mut self, column: usize, cell: Cell, text: &str) {
        let filling = &mut self.columns[column];
        self.bytes += match cell {
            Cell::Text(span) => {
                let (text, start, end) = self.staged.place(span, text);
                filling.append_text(self.rows, text, start, end)
            }
            Cell::Bool(value) => filling.append_bool(self.rows, value),
            Cell::Int(value) => filling.append_int(self.rows, value),
            Cell::Unfit => 0,
        };
    }

    fn append_event_time(&mut self, event_time: i64) {
        self.bytes += self.columns[EVENT_TIME].append_int(self.rows, event_time);
    }

    fn append_text(&mut self, column: usize, value: &str) {
        self.bytes += self.columns[column].append_text(self.rows, value, 0, value.len());
    }

    fn append_unmapped(&mut self) {
        if self.staged.event_time == EventTime::Absent {
            // The time is the envelope's: restored, the record must not have it.
            self.staged.unmapped.member("eventTime", "null", false);
        }
        if let Some(unmapped) = self.staged.unmapped.finish() {
            self.bytes += self.columns[UNMAPPED].append_text(self.rows, unmapped, 0, unmapped.len());
        }
    }

    /// Columns made of copied values, for the services that have them.
    fn append_assembled(&mut self, text: &str) {
        let service = self.staged.text(PLAN.event_source, text).and_then(|source| {
            [Service::S3, Service::Ec2].into_iter().find(|service| service.event_sources().contains(&source))
        });
        if service == Some(Service::Ec2) {
            self.stage_ip_rules(text);
        }
        let (set, listed) = (self.staged.set(), self.staged.listed());
        let plan = self.plan;
        for assembly in &plan.assemblies {
            // Most columns have nothing to be made of: three words tell.
            if (set & assembly.slots == 0 && listed & assembly.lists == 0)
                || (assembly.only.is_some() && assembly.only != service)
            {
                continue;
            }
            match &assembly.how {
                How::First(column, slots) => {
                    let there = |slot: &&Slot| match self.staged.get(**slot) {
                        Some(Cell::Text(span)) => !self.staged.resolve(span, text).is_empty(),
                        other => other.is_some(),
                    };
                    let slot = slots.iter().find(there).or(slots.last());
                    if let Some(cell) = slot.and_then(|slot| self.staged.get(*slot)) {
                        self.append(*column, cell, text);
                    }
                }
                How::Values(column, list, prefix) => {
                    let resolve = |span: &Span| self.staged.resolve(*span, text);
                    // Asking for the empty prefix called memcmp for each value: a tenth of the time of extraction.
                    let wanted = |v: &&str| !v.is_empty() && (prefix.is_empty() || v.starts_with(prefix));
                    let values = self.staged.list(*list).iter().map(resolve).filter(wanted);
                    self.bytes += append_each_once(&mut self.columns[*column], self.rows, values);
                }
                How::FirstOf(column, lists) => {
                    let mut spans = lists.iter().flat_map(|list| self.staged.list(*list));
                    let first = spans.find(|span| !self.staged.resolve(**span, text).is_empty());
                    if let Some(span) = first {
                        self.append(*column, Cell::Text(*span), text);
                    }
                }
                How::Entries(column, place) => {
                    if let Some(entries) = &self.staged.entries {
                        let resolve = |span: Span| self.staged.resolve(span, text);
                        let values = entries.iter().map(|entry| entry[*place].map(resolve));
                        self.bytes += self.columns[*column].append_list(self.rows, values);
                    }
                }
            }
        }
        if service == Some(Service::S3) {
            self.append_bucket_owner(text);
        }
    }

    fn stage_ip_rules(&mut self, text: &str) {
        if !self.staged.text(DECISIVE.event_name, text).is_some_and(ec2::changes_rules) {
            return;
        }
        let parameters = self.staged.text(DECISIVE.request_parameters, text);
        for rule in parameters.map(ec2::ip_rules).unwrap_or_default() {
            let span = self.staged.keep(&rule);
            self.staged.push(IP_RULES, span);
        }
    }

    fn append_bucket_owner(&mut self, text: &str) {
        let [.., types, accounts] = [0, 1, 2];
        let entries = self.staged.entries.iter().flatten();
        let is_bucket = |span: Span| self.staged.resolve(span, text) == "AWS::S3::Bucket";
        let bucket = entries.into_iter().find(|entry| entry[types].is_some_and(is_bucket));
        if let Some(span) = bucket.and_then(|entry| entry[accounts]) {
            self.append(BUCKET_OWNER, Cell::Text(span), text);
        }
    }
}

impl Default for Rows {
    fn default() -> Self {
        Rows::new()
    }
}

const EVENT_TIME: usize = index_of("event_time");
const OUTCOME: usize = index_of("outcome");
const BRIDGE_ID: usize = index_of("bridge_event_id");
const BRIDGE_TYPE: usize = index_of("bridge_detail_type");
const LOG_FILE: usize = index_of("log_file");
const BUCKET_OWNER: usize = index_of("s3_bucket_owner_account_id");
const UNMAPPED: usize = index_of("unmapped");

/// One array of NULLs a column, as long as a batch can be.
static NULLS: LazyLock<Vec<ArrayRef>> = LazyLock::new(|| {
    schema::SCHEMA.fields().iter().map(|field| new_null_array(field.data_type(), BATCH_ROWS)).collect()
});

fn unreadable_time(what: &str) -> Rejection {
    Rejection::new(Code::InvalidEventTime, format!("{what} is not a time like 2026-10-04T09:01:05Z"))
}

/// Appends values, each once; nothing if there is none. Gives their size in bytes.
fn append_each_once<'a>(filling: &mut Filling, row: usize, values: impl Iterator<Item = &'a str>) -> usize {
    let mut kept: Vec<&str> = Vec::new();
    let mut many: HashSet<&str> = HashSet::new();
    for value in values {
        let new = if kept.len() < MANY_VALUES {
            !kept.contains(&value)
        } else {
            if many.is_empty() {
                many.extend(&kept);
            }
            many.insert(value)
        };
        if new {
            kept.push(value);
        }
    }
    if kept.is_empty() { 0 } else { filling.append_list(row, kept.into_iter().map(Some)) }
}
