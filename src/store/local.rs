//! A lake in a local folder: objects are staged in `_trailsink_staging` (names that begin with `_` are invisible to Athena, Spark and
//! DuckDB's Hive reader alike), synced, and renamed to their key.

use super::{Put, Staged, Store, Told};
use crate::error::Error;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// A folder.
#[derive(Debug)]
pub struct Local {
    root: PathBuf,
    staging: PathBuf,
    /// Held as long as the process lives: tells the next run whose staged files are left over.
    lock: (PathBuf, File),
}

const STAGING: &str = "_trailsink_staging";

impl Local {
    /// Opens a folder, made if it is not there, and clears away what runs that were killed left in it.
    ///
    /// # Errors
    /// If it cannot be written to.
    pub fn open(root: &Path) -> Result<Self, Error> {
        let at = |error| Error::store(root, error);
        fs::create_dir_all(root).map_err(at)?;
        // Held while runs come and go, so that no run takes another's new folder for one that is left over.
        let gate = File::open(root).map_err(at)?;
        gate.lock().map_err(at)?;
        let all = root.join(STAGING);
        fs::create_dir_all(&all).map_err(at)?;
        clear_left_over(&all).map_err(at)?;
        let lock = tempfile::Builder::new().prefix("run-").suffix(".lock").tempfile_in(&all).map_err(at)?;
        let (lock_file, lock_path) = lock.keep().map_err(|error| at(error.error))?;
        lock_file.lock().map_err(at)?;
        let staging = lock_path.with_extension("");
        fs::create_dir_all(&staging).map_err(at)?;
        Ok(Local { root: root.to_owned(), staging, lock: (lock_path, lock_file) })
    }
}

impl Local {
    fn rename(&self, key: &str, staged: NamedTempFile) -> Result<Put, Error> {
        let path = self.root.join(key);
        let at = |error| Error::store(&path, error);
        let length = staged.as_file().metadata().map_err(at)?.len();
        // The name is the hash of the content: a file of that name and length is that file. Another was broken by
        // something else, and is replaced.
        if fs::metadata(&path).is_ok_and(|there| there.len() == length) {
            return Ok(Put::Existed);
        }
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(at)?;
        }
        staged.as_file().sync_all().map_err(at)?;
        staged.persist(&path).map_err(|error| at(error.error))?;
        if let Some(folder) = path.parent() {
            File::open(folder).and_then(|folder| folder.sync_all()).map_err(at)?;
        }
        Ok(Put::Created)
    }
}

/// Removes what runs staged whose lock no one holds, and nothing else.
fn clear_left_over(all: &Path) -> io::Result<()> {
    for entry in fs::read_dir(all)? {
        let entry = entry?;
        let path = entry.path();
        let held = File::open(path.with_extension("lock")).is_ok_and(|file| file.try_lock().is_err());
        if held || !entry.file_name().to_string_lossy().starts_with("run-") {
            continue;
        }
        if path.is_dir() {
            fs::remove_dir_all(&path)?;
        } else {
            fs::remove_file(&path)?;
        }
    }
    Ok(())
}

impl Store for Local {
    fn stage(&self) -> Result<Staged, Error> {
        // As any other new file: readable as the umask says.
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o666);
        let file = tempfile::Builder::new().permissions(mode).tempfile_in(&self.staging);
        file.map(Staged::File).map_err(|error| Error::store(&self.staging, error))
    }

    fn put(&self, key: &str, staged: Staged, done: Told) {
        done(staged.into_file().and_then(|file| self.rename(key, file)));
    }

    fn flush(&self) {}

    fn list(&self, folder: &str) -> Result<Vec<String>, Error> {
        let path = self.root.join(folder);
        let names = fs::read_dir(&path).and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.file_name().to_string_lossy().into_owned())).collect()
        });
        names.map_err(|error| Error::store(&path, error))
    }

    fn address(&self, key: &str) -> String {
        self.root.join(key).display().to_string()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        // Best effort: the next run clears what stays.
        let gate = File::open(&self.root).and_then(|root| root.lock().map(|()| root));
        let _ = fs::remove_dir_all(&self.staging);
        let _ = fs::remove_file(&self.lock.0);
        if let Some(all) = self.staging.parent() {
            // Goes only when it is empty.
            let _ = fs::remove_dir(all);
        }
        drop(gate);
    }
}
