//! An object on its way to the store: small ones in memory, others in a file.

use crate::error::Error;
use std::io::{self, Write};
use tempfile::NamedTempFile;

/// Bytes of an object that are held in memory before it goes to a file: sixteen of them are on their way to S3 at a time.
const IN_MEMORY: usize = 1 << 20;

/// What is written of an object so far.
#[derive(Debug)]
pub enum Staged {
    /// All of it in memory.
    Memory(Vec<u8>),
    /// In a file.
    File(NamedTempFile),
}

impl Staged {
    /// Its size in bytes.
    ///
    /// # Errors
    /// If the file cannot be looked at.
    pub fn size(&self) -> io::Result<u64> {
        match self {
            Staged::Memory(bytes) => Ok(bytes.len() as u64),
            Staged::File(file) => Ok(file.as_file().metadata()?.len()),
        }
    }

    /// The file it is in; one in the temporary folder where it was in memory.
    ///
    /// # Errors
    /// If there is no room for one.
    pub fn into_file(self) -> Result<NamedTempFile, Error> {
        match self {
            Staged::File(file) => Ok(file),
            Staged::Memory(bytes) => spill(&bytes).map_err(Error::Spill),
        }
    }
}

fn spill(bytes: &[u8]) -> io::Result<NamedTempFile> {
    let mut file = NamedTempFile::new()?;
    file.write_all(bytes)?;
    Ok(file)
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Staged::Memory(held) = self
            && held.len() + bytes.len() > IN_MEMORY
        {
            *self = Staged::File(spill(held)?);
        }
        match self {
            Staged::Memory(held) => held.write(bytes),
            Staged::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Staged::Memory(_) => Ok(()),
            Staged::File(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_grows_goes_to_a_file() {
        let mut staged = Staged::Memory(Vec::new());
        let piece = vec![7; IN_MEMORY / 2];
        for pieces in 1..=4 {
            staged.write_all(&piece).unwrap();
            assert_eq!(matches!(staged, Staged::Memory(_)), pieces <= 2);
            assert_eq!(staged.size().unwrap(), (pieces * piece.len()) as u64);
        }
        let file = staged.into_file().unwrap();
        assert_eq!(std::fs::read(file.path()).unwrap(), vec![7; 4 * piece.len()]);
        assert_eq!(Staged::Memory(b"ab".to_vec()).into_file().unwrap().as_file().metadata().unwrap().len(), 2);
    }
}
