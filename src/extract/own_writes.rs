//! This program's own writes: where data events of the lake bucket are logged, each put makes an event, which would be
//! put again, without end.

use super::plan::{PLAN, Slot};
use super::staged::Staged;
use std::fmt;
use std::str::FromStr;
use std::sync::LazyLock;

/// Whose puts into which bucket are this program's own. People's access to the bucket is none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnWrites {
    /// Bucket of the lake.
    pub bucket: String,
    /// Who writes there for this program.
    pub writer: Writer,
}

/// Who writes for this program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Writer {
    /// A role, by its ARN. Nobody else can pass for it.
    Role(RoleArn),
    /// A function by its account and name: Lambda names the sessions of a function's role after the function. So can whoever
    /// may assume a role of that account, so the role is better where it is known.
    Function(String, String),
}

/// ARN of an IAM role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleArn(String);

impl FromStr for RoleArn {
    type Err = String;

    fn from_str(arn: &str) -> Result<Self, String> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        match parts[..] {
            ["arn", _, "iam", "", account, role] if account.len() == 12 && role.starts_with("role/") => {
                Ok(RoleArn(arn.to_owned()))
            }
            _ => Err("not the ARN of a role, arn:aws:iam::111122223333:role/NAME".to_owned()),
        }
    }
}

impl fmt::Display for RoleArn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

struct Decisive {
    event_source: Slot,
    event_name: Slot,
    bucket_name: Slot,
    user_arn: Slot,
    user_type: Slot,
    issuer_arn: Slot,
}

static DECISIVE: LazyLock<Decisive> = LazyLock::new(|| Decisive {
    event_source: PLAN.wire_slot("event_source"),
    event_name: PLAN.wire_slot("event_name"),
    bucket_name: PLAN.first_slot("s3_bucket_name"),
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
            && match &self.writer {
                Writer::Role(RoleArn(arn)) => is(DECISIVE.issuer_arn, arn),
                Writer::Function(account, name) => {
                    staged.text(DECISIVE.user_arn, text).is_some_and(|arn| is_session(arn, account, name))
                }
            }
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
        assert!("arn:aws-cn:iam::111122223333:role/path/sink".parse::<RoleArn>().is_ok());
        for bad in ["sink", "arn:aws:iam::1:role/sink", "arn:aws:sts::111122223333:assumed-role/a/b", ""] {
            assert!(bad.parse::<RoleArn>().is_err(), "{bad}");
        }
    }
}
