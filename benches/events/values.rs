//! What stands behind the `@x` of the templates.

use super::event::Event;
use super::kinds::{Caller, INSTANCE, KMS_KEY, ODD_NAME, PRESIGNED};
use super::{GOLDEN, mix, pick, skewed};
use std::fmt::Write;

const REGIONS: &[&str] = &[
    "eu-west-1",
    "us-east-1",
    "eu-central-1",
    "us-west-2",
    "ap-southeast-2",
    "eu-north-1",
    "us-east-2",
    "ap-northeast-1",
    "sa-east-1",
    "ca-central-1",
    "eu-west-2",
    "eu-west-3",
    "ap-south-1",
    "ap-southeast-1",
    "us-west-1",
    "af-south-1",
];
const TEAMS: &[&str] =
    &["orders", "billing", "search", "media", "fraud", "reports", "mobile", "ledger", "web", "ml", "audit", "stock"];
const USES: &[&str] = &["raw", "curated", "logs", "backup", "assets", "exports"];
const ROLES: &[&str] = &["etl-writer", "api", "worker", "reader", "deploy", "crawler"];
const PEOPLE: &[&str] = &["dana", "omar", "li.wei", "sofia", "jonas", "amara", "ivo"];
const TYPES: &[&str] = &["m7g.large", "c7g.xlarge", "t4g.small", "r7g.2xlarge", "m7i.4xlarge"];
const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const VERSION: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._";
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const HEX: &[u8; 16] = b"0123456789abcdef";

impl Event<'_> {
    /// What stands behind `@x` in the templates: the same value throughout one event (and one element of a list).
    ///
    /// - who: `a` account, `9` a foreign one, `D` ARN of the caller, `o` role, `N` session or user name, `R` `I` ids of
    ///   principals, `K` `U` `5` access keys, `B` team, `C` begin of the session
    /// - when: `t` event time, `T` in seconds, `m` `M` start and end in milliseconds, `1` what lies between, `F` an hour later
    /// - ids of calls: `e` event, `E` envelope, `q` `Q` request, `O` client token, `x` x-amz-id-2, `X` a long token, `h` `^` hex
    /// - S3: `b` bucket, `f` prefix, `k` key, `V` version, `8` upload, `L` parts, `0` `2` `3` bytes, `6` storage class,
    ///   `G` `H` encryption, `W` `S` KMS key, `A` `P` presigned or not
    /// - EC2: `i` instance, `j` image, `n` interface, `v` volume, `s` snapshot, `g` `l` groups, `u` subnet, `w` VPC, `p` `-`
    ///   address, `:` MAC, `y` key pair, `Y` type, `z` zone, `4` size, `7` how many, `J` all of them, `#` which, `d` endpoint
    /// - `r` region, `c` cipher suite
    pub(super) fn value(&mut self, code: u8) {
        match code {
            b'A' | b'G' | b'H' | b'P' | b'V' | b'b' | b'f' | b'k' | b'6' | b'L' => self.s3_value(code),
            b'D' | b'K' | b'N' | b'R' | b'U' | b'o' | b'C' => self.principal_value(code),
            b'J' | b'Y' | b'y' | b'g' | b'i' | b'j' | b'l' | b'n' | b's' | b'u' | b'v' | b'w' | b'z' | b'p' | b'-'
            | b':' | b'4' | b'7' => self.ec2_value(code),
            b'a' => self.account(self.account),
            b'9' => self.account(1000 + self.draw(code) % 5),
            b'r' => self.region(),
            b't' => self.time(self.time),
            b'F' => self.time(self.time + 3600),
            b'T' => self.number(self.time),
            b'm' => self.number(self.time * 1000 + self.draw(b'm') % 1000),
            b'M' => self.number(self.time * 1000 + self.draw(b'm') % 1000 + self.wait() + 4),
            b'1' => self.number(self.wait()),
            b'0' => self.number(self.size()),
            b'2' => self.number(512 + self.size() % 65_536),
            b'3' => self.number(243 + self.draw(code) % 32),
            b'#' => self.number(self.round),
            b'e' | b'E' | b'q' | b'O' => self.uuid(self.draw(code)),
            b'W' => self.uuid(self.of_pool(code, 40)),
            b'Q' => self.letters(self.draw(code), BASE32, 16),
            b'5' => self.letters(self.draw(code), BASE32, 16),
            b'I' => self.letters(self.of_pool(code, 60), BASE32, 17),
            b'h' => {
                self.text(&["0"]);
                self.letters(self.draw(code), HEX, 16);
            }
            b'd' => self.letters(self.of_pool(code, 6), HEX, 16),
            b'S' => self.letters(self.of_pool(code, 40), HEX, 64),
            b'x' => {
                self.letters(self.draw(code), BASE64, 75);
                self.text(&["="]);
            }
            b'X' => self.letters(self.draw(code), BASE64, 360),
            b'8' => self.letters(self.draw(code), VERSION, 96),
            b'^' => self.letters(self.draw(code), HEX, 32),
            b'B' => self.text(&[pick(self.of_principal(code), TEAMS)]),
            b'c' => self.text(&[pick(
                self.of_principal(code),
                &["TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256", "ECDHE-RSA-AES128-GCM-SHA256"],
            )]),
            other => unreachable!("no value for @{}", other as char),
        }
    }

    fn principal_value(&mut self, code: u8) {
        let kind = self.principal % 10;
        match code {
            b'D' if matches!(kind, 3 | 7) || self.kind.caller == Caller::Person => {
                self.put("arn:aws:iam::@a:user/@N");
            }
            b'D' if self.is_anonymous() => self.text(&["anonymous"]),
            b'D' => self.put("arn:aws:sts::@a:assumed-role/@o/@N"),
            // The name of the user, of the instance, of the person or of the session.
            b'N' if matches!(kind, 3 | 7) || self.kind.caller == Caller::Person => {
                self.text(&[pick(self.of_principal(code), PEOPLE)]);
                self.number(self.principal);
            }
            b'N' if kind == 5 => {
                self.text(&["i-0"]);
                self.letters(self.of_principal(code), HEX, 16);
            }
            b'N' if kind == 8 => self.text(&[pick(self.of_principal(code), PEOPLE), "@example.com"]),
            b'N' => {
                self.text(&[pick(self.of_principal(b'B'), TEAMS), "-"]);
                self.number(self.session());
            }
            b'o' if kind == 8 => {
                self.text(&["AWSReservedSSO_Admin_"]);
                self.letters(self.lasting(code, 0), HEX, 16);
            }
            b'o' => {
                let role = pick(self.of_principal(code), ROLES);
                self.text(&[pick(self.of_principal(b'B'), TEAMS), "-", role, "-"]);
                self.number(self.principal);
            }
            b'R' => self.letters(self.of_principal(code), BASE32, 17),
            b'U' => self.letters(self.of_principal(code), BASE32, 16),
            b'K' => {
                self.text(&["ASIA"]);
                self.letters(mix(self.of_principal(code) ^ self.session()), BASE32, 16);
            }
            _ => self.time(self.session()),
        }
    }

    fn s3_value(&mut self, code: u8) {
        let bucket = self.lasting(b'b', self.bucket);
        let encrypted = bucket.is_multiple_of(5);
        match code {
            b'b' => {
                self.text(&[pick(bucket, TEAMS), "-", pick(bucket >> 8, USES), "-"]);
                self.number(1000 * (self.account + 1) + self.bucket);
            }
            b'f' => {
                self.text(&[pick(bucket >> 16, USES), "/dt="]);
                let start = self.out.len();
                self.time(self.time);
                self.out.truncate(start + 10);
                self.text(&["/"]);
            }
            b'k' if self.is_odd() => {
                self.put("@f");
                self.text(&[ODD_NAME]);
                self.number(self.draw(code) % 10_000);
                self.text(&[".pdf"]);
            }
            b'k' => {
                let draw = self.draw(code);
                self.put("@f");
                let _ = write!(self.out, "part-{:05}-", draw % 64);
                let part = skewed(draw >> 8, 20_000) ^ (self.bucket << 20);
                self.letters(self.lasting(code, part), HEX, 12);
                self.text(&[pick(bucket >> 24, &[".snappy.parquet", ".json.gz", ".csv"])]);
            }
            b'A' if self.presigned() => self.text(&["QueryString"]),
            b'A' => self.text(&["AuthHeader"]),
            b'P' if self.presigned() => {
                self.put(PRESIGNED);
            }
            b'P' => {}
            b'G' if encrypted => self.put(KMS_KEY),
            b'G' => self.text(&[r#""AES256""#]),
            b'H' if encrypted => self.text(&["SSE_KMS"]),
            b'H' => self.text(&["Default_SSE_S3"]),
            b'6' => self.text(&[pick(bucket >> 32, &["STANDARD", "INTELLIGENT_TIERING", "STANDARD_IA"])]),
            b'V' => {
                self.letters(self.draw(code), VERSION, 32);
            }
            _ => self.parts(),
        }
    }

    fn presigned(&self) -> bool {
        self.kind.caller == Caller::Public && self.chance(b'A', 40)
    }

    /// The parts of an upload: several in an array, but a single one stands there bare.
    fn parts(&mut self) {
        let parts = 1 + self.draw(b'L') % 4;
        self.text(&[if parts > 1 { "[" } else { "" }]);
        for part in 1..=parts {
            self.round = part;
            self.text(&[if part > 1 { "," } else { "" }, r#"{"PartNumber":"#]);
            self.number(part);
            self.put(r#","ETag":"\"@^\""}"#);
        }
        self.text(&[if parts > 1 { "]" } else { "" }]);
        self.round = 0;
    }

    fn ec2_value(&mut self, code: u8) {
        let prefix = match code {
            b'g' | b'l' => "sg-0",
            b'i' => "i-0",
            b'j' => "ami-0",
            b'n' => "eni-0",
            b's' => "snap-0",
            b'u' => "subnet-0",
            b'v' => "vol-0",
            b'w' => "vpc-0",
            _ => return self.ec2_setting(code),
        };
        // What RunInstances and CreateVolume make is new; everything else is met again and again.
        let made = match code {
            b'i' => self.kind.name == "RunInstances",
            b'v' => self.kind.name == "CreateVolume",
            other => other == b'n',
        };
        let hash = match code {
            _ if made => self.draw(code),
            b'i' | b'v' => self.of_pool(code, 800),
            b'w' => self.of_pool(code, 3),
            _ => self.of_pool(code, 40),
        };
        self.text(&[prefix]);
        self.letters(hash, HEX, 16);
    }

    fn ec2_setting(&mut self, code: u8) {
        let draw = self.draw(code);
        match code {
            b'J' => {
                for round in 0..self.launched() {
                    self.round = round;
                    self.text(&[if round > 0 { "," } else { "" }]);
                    self.put(INSTANCE);
                }
                self.round = 0;
            }
            b'7' => self.number(self.launched()),
            b'Y' => self.text(&[pick(self.of_pool(code, 20), TYPES)]),
            b'y' => self.text(&[pick(self.lasting(code, 0), TEAMS), "-2026"]),
            b'z' => {
                self.region();
                self.text(&[pick(draw, &["a", "b", "c"])]);
            }
            b'4' => self.number(8 << (draw % 6)),
            b'p' | b'-' => {
                let (draw, dot) = (self.of_pool(b'p', 2000), if code == b'p' { '.' } else { '-' });
                let (second, third, fourth) = (draw % 4, draw >> 8 & 255, draw >> 16 & 255);
                let _ = write!(self.out, "10{dot}{second}{dot}{third}{dot}{fourth}");
            }
            _ => {
                let _ = write!(
                    self.out,
                    "0a:{:02x}:{:02x}:{:02x}:{:02x}:01",
                    draw & 255,
                    draw >> 8 & 255,
                    draw >> 16 & 255,
                    draw >> 24 & 255
                );
            }
        }
    }

    /// How many instances a RunInstances starts: mostly one.
    fn launched(&self) -> u64 {
        1 + skewed(mix(self.hash ^ GOLDEN), 3)
    }

    /// Milliseconds until the answer.
    fn wait(&self) -> u64 {
        8 + skewed(self.draw(b'1'), 400)
    }

    /// Bytes of the object.
    fn size(&self) -> u64 {
        let draw = self.draw(b'0');
        (draw >> 8) % (1 << (6 + draw % 22))
    }

    /// When the caller's session began: a session lasts an hour.
    fn session(&self) -> u64 {
        let offset = self.of_principal(b's') % 3600;
        (self.time - offset) / 3600 * 3600 + offset
    }

    fn account(&mut self, index: u64) {
        match index {
            0 => self.text(&["111122223333"]),
            1 => self.text(&["444455556666"]),
            2 => self.text(&["777788889999"]),
            _ => self.number(100_000_000_000 + mix(index) % 900_000_000_000),
        }
    }

    fn region(&mut self) {
        match REGIONS.get(self.region as usize) {
            Some(name) => self.text(&[name]),
            None => {
                self.text(&["test-region-"]);
                self.number(self.region);
            }
        }
    }

    fn number(&mut self, number: u64) {
        let _ = write!(self.out, "{number}");
    }

    /// `count` characters of an alphabet of 16, 32 or 64.
    fn letters(&mut self, hash: u64, alphabet: &[u8], count: usize) {
        let mut letters = [0; 512];
        let mask = alphabet.len() as u64 - 1;
        for (block, letters) in letters[..count].chunks_mut(10).enumerate() {
            let mut bits = mix(hash.wrapping_add(block as u64));
            for letter in letters {
                *letter = alphabet[(bits & mask) as usize];
                bits >>= 6;
            }
        }
        self.out.push_str(str::from_utf8(&letters[..count]).unwrap_or_default());
    }

    fn uuid(&mut self, hash: u64) {
        let (high, low) = (hash, mix(hash));
        let _ = write!(
            self.out,
            "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
            high >> 32,
            high >> 16 & 0xffff,
            high & 0xfff,
            0x8000 | low >> 48 & 0x3fff,
            low & 0xffff_ffff_ffff,
        );
    }

    /// `2026-10-01T09:00:00Z`.
    fn time(&mut self, seconds: u64) {
        // Days since 0000-03-01, so that a leap day is the last of its year; the calendar repeats every 146,097 days.
        let days = seconds / 86_400 + 719_468;
        let (era, day) = (days / 146_097, days % 146_097);
        let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let day = day - (153 * month + 2) / 5 + 1;
        let (year, month) = match month {
            0..10 => (400 * era + year, month + 3),
            _ => (400 * era + year + 1, month - 9),
        };
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let _ = write!(self.out, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z");
    }
}
