//! Where a lake can lie: a folder or a place in a bucket, as they are written.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

/// A folder, or a place in a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// A local folder or file.
    Folder(PathBuf),
    /// `s3://bucket[/prefix]`.
    Bucket(Bucket),
}

/// A bucket, and the prefix of the keys in it that are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// Name of the bucket.
    pub name: String,
    /// Prefix, without a slash at its ends; empty is the whole bucket.
    pub prefix: String,
}

impl Bucket {
    /// The key in the bucket of a key of the lake.
    pub fn key(&self, key: &str) -> String {
        if self.prefix.is_empty() { key.to_owned() } else { format!("{}/{key}", self.prefix) }
    }
}

impl FromStr for Location {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(rest) = text.strip_prefix("s3://") {
            let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
            // https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
            let fits = (3..=63).contains(&name.len())
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.')
                && !name.starts_with(['-', '.'])
                && !name.ends_with(['-', '.']);
            if !fits {
                return Err(format!(
                    "'{}' is no name of a bucket: 3 to 63 of a-z 0-9 - . between letters or digits",
                    name.escape_debug()
                ));
            }
            let prefix = prefix.trim_end_matches('/');
            if prefix.split('/').any(|part| part.is_empty() || part == "." || part == "..") && !prefix.is_empty() {
                return Err("a prefix is made of names with one slash between them".to_owned());
            }
            if prefix.len() > 512 || prefix.chars().any(|c| c.is_control()) {
                return Err("a prefix has up to 512 bytes, none of them a control character".to_owned());
            }
            return Ok(Location::Bucket(Bucket { name: name.to_owned(), prefix: prefix.to_owned() }));
        }
        if text.is_empty() {
            return Err("a folder or s3://bucket[/prefix]".to_owned());
        }
        if text.starts_with("s3:") {
            return Err("a place in a bucket is written s3://bucket[/prefix]".to_owned());
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(format!("{}:// is not known; a folder or s3://bucket[/prefix]", scheme.escape_debug()));
        }
        Ok(Location::Folder(PathBuf::from(text)))
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Folder(path) => path.display().fmt(f),
            Location::Bucket(bucket) => bucket.fmt(f),
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "s3://{}{slash}{}", self.name, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locations() {
        for (text, name, prefix) in [
            ("s3://acme-lake", "acme-lake", ""),
            ("s3://acme-lake/", "acme-lake", ""),
            ("s3://acme.lake/a/b=c/", "acme.lake", "a/b=c"),
        ] {
            let Ok(Location::Bucket(bucket)) = text.parse() else { panic!("{text}") };
            assert_eq!((bucket.name.as_str(), bucket.prefix.as_str()), (name, prefix));
            assert_eq!(bucket.to_string(), text.trim_end_matches('/'));
        }
        assert_eq!("lake".parse(), Ok(Location::Folder("lake".into())));
        for bad in [
            "",
            "s3://",
            "s3:///prefix",
            "s3://ab",
            "s3://Acme",
            "s3://-ab",
            "s3://acme lake",
            "s3://acme//x",
            "s3://acme/../x",
            "s3://acme/a\nb",
            "gs://acme",
            "s3:/acme",
        ] {
            assert!(bad.parse::<Location>().is_err(), "{bad}");
        }
    }

    #[test]
    fn keys() {
        let bucket = |prefix: &str| Bucket { name: "acme".to_owned(), prefix: prefix.to_owned() };
        assert_eq!(bucket("").key("events/x"), "events/x");
        assert_eq!(bucket("a/b").key("events/x"), "a/b/events/x");
    }
}
