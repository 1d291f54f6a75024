//! This program's own writes: where data events of the lake bucket are logged, each put makes an event, which would be
//! put again, without end.

use super::plan::{PLAN, Slot};
use super::rows::Candidate;
use crate::columns::index_of;
use std::sync::LazyLock;

/// Which puts are this program's own. People's access to the lake is none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnWrites {
    /// Bucket of the lake.
    pub bucket: String,
    /// What its keys in the bucket begin with.
    pub prefixes: Vec<String>,
    /// Who writes there for this program.
    pub writer: Writer,
}

/// Who writes for this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// A role, by its ARN. Nobody else can pass for it.
    Role(String),
    /// A function by its account and name: Lambda names the sessions of a function's role after the function. So can whoever
    /// may assume a role of that account, so the role is better where it is known.
    Function(String, String),
}

/// Checks the ARN of an IAM role; empty is none.
///
/// # Errors
/// If it is no such ARN.
pub fn role_arn(arn: &str) -> Result<String, String> {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    match parts[..] {
        ["arn", _, "iam", "", account, role] if account.len() == 12 && role.starts_with("role/") => Ok(arn.to_owned()),
        [""] => Ok(String::new()),
        _ => Err("not the ARN of a role, arn:aws:iam::111122223333:role/NAME".to_owned()),
    }
}

const EVENT_SOURCE: usize = index_of("event_source");
const EVENT_NAME: usize = index_of("event_name");
const USER_ARN: usize = index_of("user_arn");
const USER_TYPE: usize = index_of("user_type");
const ISSUER_ARN: usize = index_of("session_issuer_arn");

/// Where the bucket's name and the object's key are copied to.
static BUCKET_AND_KEY: LazyLock<[Slot; 2]> =
    LazyLock::new(|| ["s3_bucket_name", "s3_object_key"].map(|column| PLAN.first_slot(column)));

impl OwnWrites {
    /// Whether the record is of such a write, whatever came of it: a put that was denied is an event too.
    pub fn made(&self, record: &Candidate<'_>) -> bool {
        let is = |column, value: &str| record.text(column) == Some(value.as_bytes());
        let [bucket, key] = *BUCKET_AND_KEY;
        record.copied(bucket) == Some(&self.bucket)
            && is(EVENT_NAME, "PutObject")
            && is(EVENT_SOURCE, "s3.amazonaws.com")
            && is(USER_TYPE, "AssumedRole")
            && self.is_in_lake(record.copied(key).unwrap_or_default())
            && match &self.writer {
                Writer::Role(arn) => is(ISSUER_ARN, arn),
                Writer::Function(account, name) => {
                    record.str(USER_ARN).is_some_and(|arn| is_session(arn, account, name))
                }
            }
    }
}

impl OwnWrites {
    fn is_in_lake(&self, key: &str) -> bool {
        self.prefixes.iter().any(|prefix| key.starts_with(prefix))
    }
}

/// Whether an ARN is `arn:<partition>:sts::<account>:assumed-role/<role>/<name>`.
fn is_session(arn: &str, account: &str, name: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", _, "sts", "", of, resource] = parts[..] else { return false };
    let mut path = resource.split('/');
    of == account
        && path.next() == Some("assumed-role")
        && path.next().is_some()
        && path.next() == Some(name)
        && path.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions() {
        let arn = "arn:aws:sts::111122223333:assumed-role/sink-role/trailsink";
        assert!(is_session(arn, "111122223333", "trailsink"));
        for (arn, account, name) in [
            (arn, "444455556666", "trailsink"),
            (arn, "111122223333", "sink-role"),
            ("arn:aws:sts::111122223333:assumed-role/trailsink", "111122223333", "trailsink"),
            ("arn:aws:iam::111122223333:user/a/trailsink", "111122223333", "trailsink"),
            ("arn:aws:sts::111122223333:assumed-role/sink-role/x/trailsink", "111122223333", "trailsink"),
            ("", "", ""),
        ] {
            assert!(!is_session(arn, account, name), "{arn}");
        }
    }

    #[test]
    fn roles() {
        assert!(role_arn("arn:aws-cn:iam::111122223333:role/path/sink").is_ok());
        assert_eq!(role_arn(""), Ok(String::new()));
        for bad in ["sink", "arn:aws:iam::1:role/sink", "arn:aws:sts::111122223333:assumed-role/a/b"] {
            assert!(role_arn(bad).is_err(), "{bad}");
        }
    }
}
