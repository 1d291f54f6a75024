//! One event: who called what where and when, and the JSON around it.

use super::kinds::{
    ANONYMOUS, CONSOLE_USER, Caller, FROM_INSTANCE, FROM_SOURCE, KINDS, Kind, ODD_AGENT, OTHER_ACCOUNT, ROOT, SESSION,
    USER, total_weight,
};
use super::{BUCKETS, FIRST_SECOND, GOLDEN, Options, PRINCIPALS, mix, pick, skewed};
use std::fmt::Write;

const AGENTS: &[&str] = &[
    "aws-sdk-java/2.34.2 md/io#sync ua/2.1 os/Linux#6.12.40 lang/java#21.0.8",
    "Boto3/1.43.11 md/Botocore#1.43.11 os/linux#6.12.40 lang/python#3.13.7 Botocore/1.43.11",
    "aws-sdk-rust/1.13 os/linux lang/rust/1.95",
    "aws-cli/2.36.28 md/awscrt#0.31.2 os/linux#6.12 lang/python#3.13.11",
    "aws-sdk-go-v2/1.39.0 os/linux lang/go#1.25.1 m/E,e",
    "S3Console/0.4, aws-internal/3 aws-sdk-java/1.12.792 Linux/5.10.240",
    "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101",
];

/// One event while it is written.
pub(super) struct Event<'a> {
    pub(super) out: &'a mut String,
    pub(super) options: &'a Options,
    pub(super) kind: &'static Kind,
    pub(super) hash: u64,
    /// Seconds since 1970.
    pub(super) time: u64,
    pub(super) account: u64,
    pub(super) region: u64,
    pub(super) principal: u64,
    pub(super) bucket: u64,
    /// Which element of a list is being written; part of every draw.
    pub(super) round: u64,
}

impl<'a> Event<'a> {
    pub(super) fn new(out: &'a mut String, hash: u64, options: &'a Options) -> Self {
        let mut left = mix(hash) % total_weight();
        let mut kind = &KINDS[0];
        for candidate in KINDS {
            kind = candidate;
            if left < kind.weight {
                break;
            }
            left -= kind.weight;
        }
        let accounts = u64::from(options.accounts.max(1));
        let regions = u64::from(options.regions.max(1));
        let draw = |slot: u64| mix(hash ^ slot.wrapping_mul(GOLDEN));
        let buckets = (BUCKETS / accounts).max(regions).max(8);
        let bucket = skewed(draw(1), buckets);
        let day = draw(2) % u64::from(options.days.max(1));
        // Half of the work is done in working hours.
        let second = match draw(3) % 2 {
            0 => (draw(3) >> 1) % 86_400,
            _ => 8 * 3600 + (draw(3) >> 1) % (10 * 3600),
        };
        Event {
            out,
            options,
            kind,
            hash,
            time: FIRST_SECOND + day * 86_400 + second,
            account: draw(4) % accounts,
            region: match kind.service {
                "s3" => bucket % regions,
                "iam" | "signin" => 0,
                _ => draw(5) % regions,
            },
            principal: skewed(draw(6), (PRINCIPALS / accounts).max(8)),
            bucket,
            round: 0,
        }
    }

    /// A hash of this event and a place in it.
    pub(super) fn draw(&self, slot: u8) -> u64 {
        mix(self.hash ^ (u64::from(slot) + 256 * (self.round + 1)).wrapping_mul(GOLDEN))
    }

    pub(super) fn chance(&self, slot: u8, per_mille: u64) -> bool {
        self.draw(slot) % 1000 < per_mille
    }

    /// A hash of something that lives longer than an event: the same in all events that meet it.
    pub(super) fn lasting(&self, slot: u8, number: u64) -> u64 {
        let owner = mix(self.options.seed ^ u64::from(slot)) ^ (self.account << 32) ^ number;
        mix(owner.wrapping_mul(GOLDEN))
    }

    pub(super) fn of_principal(&self, slot: u8) -> u64 {
        self.lasting(slot, self.principal)
    }

    /// The hash of one of `n` resources of this region, some of them in use far more than others.
    pub(super) fn of_pool(&self, slot: u8, n: u64) -> u64 {
        self.lasting(slot, skewed(self.draw(slot), n) * 1000 + self.region)
    }

    pub(super) fn write(mut self) {
        let kind = self.kind;
        if self.options.envelope {
            let (detail, service) = match (kind.service, kind.caller) {
                ("signin", _) => ("AWS Console Sign In", "signin"),
                (service, Caller::OtherAccount) => ("AWS Service Event", service),
                (service, _) => ("AWS API Call", service),
            };
            self.put(r#"{"version":"0","id":"@E","detail-type":""#);
            self.text(&[detail, r#" via CloudTrail","source":"aws."#, service]);
            self.put(r#"","account":"@a","time":"@t","region":"@r","resources":[],"detail":"#);
        }
        self.text(&[r#"{"eventVersion":""#, self.version(), r#"","userIdentity":"#]);
        self.identity();
        self.put(r#","eventTime":"@t","eventSource":""#);
        self.text(&[kind.service, r#".amazonaws.com","eventName":""#, kind.name]);
        self.put(r#"","awsRegion":"@r","sourceIPAddress":""#);
        self.source();
        self.put(r#"","userAgent":""#);
        self.agent();
        self.text(&["\""]);
        self.outcome();
        if kind.extra.is_empty() || kind.service != "s3" {
            self.put(r#","requestID":"@q""#);
        } else {
            self.put(r#","requestID":"@Q""#);
        }
        let read_only = if kind.read_only { "true" } else { "false" };
        self.put(r#","eventID":"@e""#);
        self.text(&[r#","readOnly":"#, read_only]);
        if !kind.resources.is_empty() {
            self.text(&[r#","resources":"#]);
            self.put(kind.resources);
        }
        self.ending();
        if self.options.envelope {
            self.text(&["}"]);
        }
    }

    fn version(&self) -> &'static str {
        match self.draw(b'!') % 100 {
            0..7 => "1.08",
            7..16 => "1.10",
            _ => "1.11",
        }
    }

    /// errorCode, errorMessage and the parameters of the call.
    fn outcome(&mut self) {
        let kind = self.kind;
        let members = [
            (r#","errorCode":""#, kind.error.0, "\""),
            (r#","errorMessage":""#, kind.error.1, "\""),
            (r#","requestParameters":"#, kind.request, ""),
            (r#","responseElements":"#, kind.response, ""),
            (r#","additionalEventData":"#, kind.extra, ""),
        ];
        for (name, template, close) in members {
            if !template.is_empty() {
                self.text(&[name]);
                self.put(template);
                self.text(&[close]);
            }
        }
    }

    /// What follows the resources.
    fn ending(&mut self) {
        let kind = self.kind;
        let (event_type, management, category) = match (kind.caller, kind.data) {
            (Caller::Person, _) => ("AwsConsoleSignIn", "true", "Management"),
            (Caller::OtherAccount, _) => ("AwsServiceEvent", "true", "Management"),
            (_, true) => ("AwsApiCall", "false", "Data"),
            (_, false) => ("AwsApiCall", "true", "Management"),
        };
        self.text(&[r#","eventType":""#, event_type]);
        self.text(&[r#"","managementEvent":"#, management]);
        self.put(r#","recipientAccountId":"@a""#);
        if kind.data && self.chance(b'"', 10) {
            self.put(r#","sharedEventID":"@W""#);
        }
        if self.has_endpoint() {
            self.put(r#","vpcEndpointId":"vpce-0@d","vpcEndpointAccountId":"@a""#);
        }
        self.text(&[r#","eventCategory":""#, category, "\""]);
        if kind.caller == Caller::OtherAccount {
            self.put(r#","serviceEventDetails":{"snapshotId":"@s"}"#);
        } else if kind.caller != Caller::Service && self.version() != "1.08" {
            self.put(r#","tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"@c","#);
            self.text(&[r#""clientProvidedHostHeader":""#]);
            self.put(if kind.service == "s3" { "@b." } else { "" });
            self.text(&[kind.service]);
            self.put(r#".@r.amazonaws.com""#);
            self.unknown(2, r#","keyExchange":"X25519MLKEM768""#);
            self.text(&["}"]);
            if matches!(self.principal % 10, 8) && kind.caller == Caller::Principal {
                self.text(&[r#","sessionCredentialFromConsole":"true""#]);
            }
        }
        self.unknown(0, r#","origin":{"plane":"control","hops":[1,2.50,null]}"#);
        self.text(&["}"]);
    }

    /// In half a percent of the events a member that nobody knows yet, in one of three places.
    fn unknown(&mut self, place: u64, member: &str) {
        let draw = self.draw(b'\'');
        if draw.is_multiple_of(200) && (draw >> 8) % 3 == place {
            self.text(&[member]);
        }
    }

    /// In a percent of the events text that needs JSON's escapes.
    pub(super) fn is_odd(&self) -> bool {
        self.chance(b'?', 10)
    }

    fn has_endpoint(&self) -> bool {
        self.kind.service == "s3" && self.is_principal() && self.of_principal(b'd').is_multiple_of(5)
    }

    pub(super) fn is_anonymous(&self) -> bool {
        self.kind.caller == Caller::Public && self.chance(b'~', 12)
    }

    fn is_principal(&self) -> bool {
        matches!(self.kind.caller, Caller::Principal | Caller::Public) && !self.is_anonymous()
    }

    fn identity(&mut self) {
        let kind = self.kind;
        match kind.caller {
            Caller::Service => {
                self.text(&[r#"{"type":"AWSService","invokedBy":""#, self.invoker(), "\""]);
            }
            Caller::OtherAccount => {
                self.put(OTHER_ACCOUNT);
            }
            Caller::Person if self.chance(b'R', 150) => {
                self.put(ROOT);
            }
            Caller::Person => {
                self.put(CONSOLE_USER);
            }
            _ if self.is_anonymous() => {
                self.put(ANONYMOUS);
            }
            _ if matches!(self.principal % 10, 3 | 7) => {
                self.put(USER);
            }
            _ => {
                self.put(SESSION);
                self.put(match self.principal % 10 {
                    5 => FROM_INSTANCE,
                    6 => FROM_SOURCE,
                    _ => "}",
                });
                if kind.service == "kms" {
                    self.text(&[r#","invokedBy":"AWS Internal""#]);
                }
            }
        }
        self.unknown(1, r#","assurance":"AAL2""#);
        self.text(&["}"]);
    }

    fn invoker(&self) -> &'static str {
        match self.kind.service {
            "s3" if self.kind.data => {
                pick(self.draw(b'/'), &["cloudtrail.amazonaws.com", "delivery.logs.amazonaws.com"])
            }
            "sts" => pick(self.draw(b'/'), &["ec2.amazonaws.com", "lambda.amazonaws.com"]),
            _ => "config.amazonaws.com",
        }
    }

    fn source(&mut self) {
        match self.kind.caller {
            Caller::Service => self.text(&[self.invoker()]),
            Caller::OtherAccount => self.text(&["ec2.amazonaws.com"]),
            _ if self.kind.service == "kms" => self.text(&["AWS Internal"]),
            _ if self.has_endpoint() => self.put("@p"),
            _ => {
                // A few addresses for each principal.
                let from = mix(self.of_principal(b'.') ^ (self.draw(b'.') % 4));
                let _ = match from % 16 {
                    0 => write!(self.out, "2001:db8:{:x}::{:x}", from >> 48, (from >> 8) % 4096),
                    1..9 => write!(self.out, "198.51.100.{}", (from >> 8) % 256),
                    _ => write!(self.out, "203.0.113.{}", (from >> 8) % 256),
                };
            }
        }
    }

    fn agent(&mut self) {
        match self.kind.caller {
            Caller::Service => self.text(&[self.invoker()]),
            Caller::OtherAccount => self.text(&["ec2.amazonaws.com"]),
            _ if self.kind.service == "kms" => self.text(&["AWS Internal"]),
            _ => {
                let (open, close) = if self.kind.service == "s3" { ("[", "]") } else { ("", "") };
                let agent = match self.is_odd() {
                    true => ODD_AGENT,
                    false => pick(self.of_principal(b'g'), AGENTS),
                };
                self.text(&[open, agent, close]);
            }
        }
    }

    pub(super) fn text(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.push_str(part);
        }
    }

    /// Appends a template: its text, with each `@x` replaced.
    pub(super) fn put(&mut self, template: &str) {
        let mut pieces = template.split('@');
        self.out.push_str(pieces.next().unwrap_or_default());
        for piece in pieces {
            let (code, text) = piece.split_at(1);
            self.value(code.as_bytes()[0]);
            self.out.push_str(text);
        }
    }
}
