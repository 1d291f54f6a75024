//! Where the lake lies. Nothing else touches it.

mod local;

pub use local::Local;

use crate::error::Error;
use tempfile::NamedTempFile;

/// How a put ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is new.
    Created,
    /// The very object was there already.
    Existed,
}

/// A place for objects, each of which is written once, whole, under a name made of its content.
pub trait Store: Send + Sync {
    /// A file to write an object to before it gets its name.
    ///
    /// # Errors
    /// If none can be made.
    fn stage(&self) -> Result<NamedTempFile, Error>;

    /// Gives a staged object its name: from then on it is durable and seen by readers.
    ///
    /// # Errors
    /// If it cannot be written. Then nothing is to be seen under the name.
    fn put(&self, key: &str, staged: NamedTempFile) -> Result<Put, Error>;

    /// Names of the objects right below a folder.
    ///
    /// # Errors
    /// If they cannot be listed.
    fn list(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// The whole address of a key, for a person.
    fn address(&self, key: &str) -> String;
}
