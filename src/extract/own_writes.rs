//! This program's own writes: where data events of the lake bucket are logged, each put makes an event, which would be
//! put again, without end.

use super::plan::{PLAN, Slot};
use super::staged::Staged;
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

struct Decisive {
    event_source: Slot,
    event_name: Slot,
    bucket_name: Slot,
    object_key: Slot,
    user_arn: Slot,
    user_type: Slot,
    issuer_arn: Slot,
}

static DECISIVE: LazyLock<Decisive> = LazyLock::new(|| Decisive {
    event_source: PLAN.wire_slot("event_source"),
    event_name: PLAN.wire_slot("event_name"),
    bucket_name: PLAN.first_slot("s3_bucket_name"),
    object_key: PLAN.first_slot("s3_object_key"),
    user_arn: PLAN.wire_slot("user_arn"),
    user_type: PLAN.wire_slot("user_type"),
    issuer_arn: PLAN.wire_slot("session_issuer_arn"),
});

impl OwnWrites {
    /// Whether the staged record is of such a write, whatever came of it: a put that was denied is an event too.
    pub fn made(&self, staged: &Staged, text: &str) -> bool {
        let is = |slot, value: &str| staged.text(slot, text) == Some(value);
        is(DECISIVE.bucket_name, &self.bucket)
            && is(DECISIVE.event_name, "PutObject")
            && is(DECISIVE.event_source, "s3.amazonaws.com")
            && is(DECISIVE.user_type, "AssumedRole")
            && self.is_in_lake(staged.text(DECISIVE.object_key, text).unwrap_or_default())
            && match &self.writer {
                Writer::Role(arn) => is(DECISIVE.issuer_arn, arn),
                Writer::Function(account, name) => {
                    staged.text(DECISIVE.user_arn, text).is_some_and(|arn| is_session(arn, account, name))
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
