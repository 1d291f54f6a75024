//! Where the lake lies. Nothing else touches it.

mod local;
mod location;
mod s3;
mod staged;

pub use local::Local;
pub use location::{Bucket, Location};
pub use s3::{S3, S3Options};
pub use staged::Staged;

use crate::error::Error;

/// How a put ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The object is new.
    Created,
    /// The very object was there already.
    Existed,
}

/// Whom to tell how a put ended.
pub type Told = Box<dyn FnOnce(Result<Put, Error>) + Send>;

/// A place for objects, each of which is written once, whole, under a name made of its content.
pub trait Store: Send + Sync {
    /// Room to write an object to before it gets its name.
    ///
    /// # Errors
    /// If there is none.
    fn stage(&self) -> Result<Staged, Error>;

    /// Gives a staged object its name. `done` is told when it is durable and seen by readers, or why it will not be: at once or
    /// later, and from any thread. Nothing half-written is ever to be seen under the name.
    fn put(&self, key: &str, staged: Staged, done: Told);

    /// Waits until all puts have told how they ended.
    fn flush(&self);

    /// Names of the objects right below a folder.
    ///
    /// # Errors
    /// If they cannot be listed.
    fn list(&self, folder: &str) -> Result<Vec<String>, Error>;

    /// The whole address of a key, for a person.
    fn address(&self, key: &str) -> String;
}
