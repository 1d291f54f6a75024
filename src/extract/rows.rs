//! Accepted records become rows: what is made of staged values is added to those that stand for members.

use super::OwnWrites;
use super::ec2;
use super::plan::{How, IP_RULES, PLAN, Plan, Slot};
use super::record::{Memory, Target, read_record};
use super::staged::{Cell, EventTime, Span, Staged};
use super::{Code, Envelope, PartitionKey, Rejection};
use crate::columns::{Service, index_of};
use crate::filling::Filling;
use crate::json;
use crate::packed::{self, Packer};
use crate::time::{MAX_TIME, MIN_TIME, parse_time};
use arrow::array::ArrayRef;

/// Rows of a batch at the most, whatever their size.
const BATCH_ROWS: usize = 1024;
/// Bytes of rows after which a batch is full.
const BATCH_BYTES: usize = 2 << 20;

/// Reads records and gathers their rows until they are taken as a batch.
pub struct Rows {
    plan: &'static Plan,
    staged: Staged,
    memory: Memory,
    packer: Packer,
    filling: Filling,
    own_writes: Option<OwnWrites>,
}

/// The record that was read, before it is accepted.
pub struct Candidate<'r> {
    row: &'r Packer,
    staged: &'r Staged,
    text: &'r str,
}

impl<'r> Candidate<'r> {
    /// Text of a column that stands for a member.
    pub fn text(&self, column: usize) -> Option<&'r [u8]> {
        self.row.value(column)
    }

    /// As [`Candidate::text`], checked again: where it is asked for seldom.
    pub fn str(&self, column: usize) -> Option<&'r str> {
        std::str::from_utf8(self.text(column)?).ok()
    }

    /// Text that a column copies.
    pub fn copied(&self, slot: Slot) -> Option<&'r str> {
        self.staged.text(slot, self.text)
    }
}

impl Rows {
    /// No rows yet.
    pub fn new() -> Self {
        Rows::without(None)
    }

    /// No rows yet, and none of records of one's own writes.
    pub fn without(own_writes: Option<OwnWrites>) -> Self {
        Rows {
            plan: &PLAN,
            staged: Staged::new(),
            memory: Memory::new(),
            packer: Packer::new(),
            filling: Filling::new(),
            own_writes,
        }
    }

    /// Rows since the last [`Rows::take`].
    pub fn len(&self) -> usize {
        self.packer.rows()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it is time to take them.
    pub fn is_full(&self) -> bool {
        self.len() >= BATCH_ROWS || self.packer.size() >= BATCH_BYTES
    }

    /// Reads the record that begins at byte `at` of `text`, an opening brace; gives the byte after it. It becomes a row
    /// only by [`Rows::commit`] with the same text.
    ///
    /// # Errors
    /// Where it is not JSON within the limits.
    pub fn read(&mut self, text: &str, at: usize) -> json::Result<usize> {
        let mut target = Target { row: &mut self.packer, staged: &mut self.staged };
        read_record(text, at, &mut target, &mut self.memory)
    }

    /// Whether the record just read has members that wrappings have.
    pub fn looks_wrapped(&self) -> bool {
        self.staged.looks_wrapped
    }

    /// Makes the record just read a row; gives where it belongs, or None if it is of a write of one's own.
    ///
    /// # Errors
    /// If it is no CloudTrail record or has no time that is good for a row.
    pub fn commit(&mut self, text: &str, envelope: &Envelope<'_>) -> Result<Option<PartitionKey>, Rejection> {
        let event_time = self.accept(text, envelope)?;
        if self.own_writes.as_ref().is_some_and(|own| own.made(&self.candidate(text))) {
            return Ok(None);
        }
        let key = self.partition_key(text, event_time, envelope);
        self.packer.int(EVENT_TIME, event_time);
        let outcome = self.outcome(text);
        self.packer.text(OUTCOME, outcome);
        self.append_assembled(text);
        for (column, value) in
            [(BRIDGE_ID, envelope.id), (BRIDGE_TYPE, envelope.detail_type), (LOG_FILE, envelope.log_file)]
        {
            if let Some(value) = value {
                self.packer.text(column, value);
            }
        }
        self.append_unmapped();
        self.packer.accept(event_time);
        Ok(Some(key))
    }

    /// Tells the partition of the latest row.
    pub fn set_partition(&mut self, partition: u32) {
        self.packer.set_partition(partition);
    }

    fn candidate<'r>(&'r self, text: &'r str) -> Candidate<'r> {
        Candidate { row: &self.packer, staged: &self.staged, text }
    }

    /// The rows so far as columns in table order.
    pub fn take(&mut self) -> Vec<ArrayRef> {
        for (_, row) in packed::rows(&self.take_packed()) {
            self.filling.add(row);
        }
        self.filling.take()
    }

    /// The rows so far, packed.
    pub fn take_packed(&mut self) -> Vec<u8> {
        self.packer.take()
    }

    /// Whether the record is to become a row, and at what time it happened.
    fn accept(&self, text: &str, envelope: &Envelope<'_>) -> Result<i64, Rejection> {
        let of = |column| self.candidate(text).text(column);
        if of(EVENT_CATEGORY) == Some(b"Aggregated".as_slice())
            || of(EVENT_TYPE) == Some(b"AwsAggregatedEvent".as_slice())
        {
            return Err(Rejection::new(Code::AggregatedEvent, "a summary of several events, not a record of one"));
        }
        match of(EVENT_SOURCE) {
            Some(b"aws:s3") => {
                let message = "an S3 notification names objects; give the log files themselves";
                return Err(Rejection::new(Code::NotCloudtrail, message));
            }
            Some(b"aws:sqs") => return Err(Rejection::new(Code::NotCloudtrail, "an SQS message")),
            _ => {}
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
        let of = |column| self.candidate(text).text(column);
        let there = |value: &&[u8]| !value.is_empty();
        let account = of(RECIPIENT_ACCOUNT_ID)
            .filter(there)
            .or(envelope.account.map(str::as_bytes).filter(there))
            .or_else(|| of(USER_ACCOUNT_ID));
        let data = self.packer.value(MANAGEMENT_EVENT) == Some(&[0]);
        PartitionKey::new(of(EVENT_CATEGORY), data, event_time, account, of(AWS_REGION))
    }

    fn outcome(&self, text: &str) -> &'static str {
        const DENIED: [&str; 5] = ["AccessDenied", "Unauthorized", "Forbidden", "NotAuthorized", "AuthFailure"];
        let of = |column| self.candidate(text).str(column).unwrap_or_default();
        let (code, message) = (of(ERROR_CODE), of(ERROR_MESSAGE));
        if code == "Client.DryRunOperation" {
            "dry_run"
        } else if DENIED.iter().any(|word| code.contains(word)) {
            "denied"
        } else if !code.is_empty()
            || !message.is_empty()
            || self.staged.text(self.plan.console_login, text) == Some("Failure")
        {
            "failure"
        } else {
            "success"
        }
    }

    fn append(&mut self, column: usize, cell: Cell, text: &str) {
        match cell {
            Cell::Text(span) => self.packer.text(column, self.staged.excerpt(span, text)),
            Cell::Int(value) => self.packer.int(column, value),
            Cell::Unfit => {}
        }
    }

    fn append_unmapped(&mut self) {
        if self.staged.event_time == EventTime::Absent {
            // The time is the envelope's: restored, the record must not have it.
            self.staged.unmapped.member("\"eventTime\":null", false);
        }
        if let Some(unmapped) = self.staged.unmapped.finish() {
            self.packer.text(UNMAPPED, unmapped);
        }
    }

    /// Columns made of copied values, for the services that have them.
    fn append_assembled(&mut self, text: &str) {
        let service = self
            .candidate(text)
            .text(EVENT_SOURCE)
            .and_then(|source| [Service::S3, Service::Ec2].into_iter().find(|service| service.is_of(source)));
        if service == Some(Service::Ec2) {
            self.stage_ip_rules(text);
        }
        let plan = self.plan;
        let mut asked = if self.staged.has_entries { plan.asked_of_entries } else { 0 };
        let mut set = self.staged.set();
        while set != 0 {
            asked |= plan.asked_of_slots[set.trailing_zeros() as usize];
            set &= set - 1;
        }
        let mut listed = self.staged.listed();
        while listed != 0 {
            asked |= plan.asked_of_lists[listed.trailing_zeros() as usize];
            listed &= listed - 1;
        }
        asked &= plan.assemblies_of[service.map_or(0, |service| if service == Service::S3 { 1 } else { 2 })];
        while asked != 0 {
            self.assemble(&plan.assemblies[asked.trailing_zeros() as usize], text);
            asked &= asked - 1;
        }
        if service == Some(Service::S3) {
            self.append_bucket_owner(text);
        }
    }

    fn assemble(&mut self, how: &How, text: &str) {
        match how {
            How::First(column, slots) => {
                let there = |slot: &&Slot| self.staged.get(**slot).is_some_and(Cell::is_there);
                let slot = slots.iter().find(there).or(slots.last());
                if let Some(cell) = slot.and_then(|slot| self.staged.get(*slot)) {
                    self.append(*column, cell, text);
                }
            }
            How::Values(column, list, prefix) => {
                // Asking for the empty prefix called memcmp for each value: a tenth of the time of extraction.
                let wanted = |span: &&Span| {
                    !span.is_empty() && (prefix.is_empty() || self.staged.resolve(**span, text).starts_with(prefix))
                };
                let wanted = self.staged.list(*list).iter().filter(wanted);
                let values = wanted.map(|span| self.staged.excerpt(*span, text));
                self.packer.list_each_once(*column, values);
            }
            How::FirstOf(column, lists) => {
                let mut spans = lists.iter().flat_map(|list| self.staged.list(*list));
                let first = spans.find(|span| !span.is_empty());
                if let Some(span) = first {
                    self.append(*column, Cell::Text(*span), text);
                }
            }
            How::Entries(column, place) => {
                let excerpt = |span: Span| self.staged.excerpt(span, text);
                let values = self.staged.entries.iter().map(|entry| entry[*place].map(excerpt));
                self.packer.list(*column, values);
            }
        }
    }

    fn stage_ip_rules(&mut self, text: &str) {
        let candidate = self.candidate(text);
        if !candidate.text(EVENT_NAME).is_some_and(ec2::changes_rules) {
            return;
        }
        let parameters = candidate.str(REQUEST_PARAMETERS);
        let repeated = self.memory.found_repeats();
        for rule in parameters.map(|parameters| ec2::ip_rules(parameters, repeated)).unwrap_or_default() {
            let span = self.staged.keep(&rule);
            self.staged.push(IP_RULES, span);
        }
    }

    fn append_bucket_owner(&mut self, text: &str) {
        let [.., types, accounts] = [0, 1, 2];
        let is_bucket = |span: Span| self.staged.resolve(span, text) == "AWS::S3::Bucket";
        let bucket = self.staged.entries.iter().find(|entry| entry[types].is_some_and(is_bucket));
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
const EVENT_NAME: usize = index_of("event_name");
const EVENT_SOURCE: usize = index_of("event_source");
const EVENT_TYPE: usize = index_of("event_type");
const EVENT_CATEGORY: usize = index_of("event_category");
const AWS_REGION: usize = index_of("aws_region");
const ERROR_CODE: usize = index_of("error_code");
const ERROR_MESSAGE: usize = index_of("error_message");
const MANAGEMENT_EVENT: usize = index_of("management_event");
const RECIPIENT_ACCOUNT_ID: usize = index_of("recipient_account_id");
const USER_ACCOUNT_ID: usize = index_of("user_account_id");
const REQUEST_PARAMETERS: usize = index_of("request_parameters");
const OUTCOME: usize = index_of("outcome");
const BRIDGE_ID: usize = index_of("bridge_event_id");
const BRIDGE_TYPE: usize = index_of("bridge_detail_type");
const LOG_FILE: usize = index_of("log_file");
const BUCKET_OWNER: usize = index_of("s3_bucket_owner_account_id");
const UNMAPPED: usize = index_of("unmapped");

fn unreadable_time(what: &str) -> Rejection {
    Rejection::new(Code::InvalidEventTime, format!("{what} is not a time like 2026-10-04T09:01:05Z"))
}
