//! Work that a library may answer with a panic: on a thread of its own, which is then given up, and with an error in its place.
//!
//! Of 4,000 Parquet files in which one to six bytes were changed, eight are such that the Parquet reader panics, in four places. The
//! program is built to abort where something panics, which makes it smaller; but whoever asked for a hundred files should be told of
//! the one and get the others. A thread given up keeps what it holds, its open file among it: where 1,024 may be open, some thousand
//! such files are the end.

use crate::error::Error;
use std::cell::RefCell;
use std::panic;
use std::sync::Once;
use std::sync::mpsc::sync_channel;
use std::thread;

type Tell = Box<dyn FnOnce(String)>;

thread_local! {
    /// Whom to tell that this thread panics.
    static TELL: RefCell<Option<Tell>> = const { RefCell::new(None) };
}

/// Pieces that are made before they are taken.
const AHEAD: usize = 4;

/// Does `work`, which hands over pieces; gives them as they come, and whatever error it ends with. Where it panics the error is that
/// which `panicked` makes of the reason. Behind an error nothing may be asked for: there may be nobody left to answer.
///
/// # Errors
/// If there is no thread to be had.
pub fn pieces<T: Send + 'static>(
    work: impl FnOnce(&mut dyn FnMut(T) -> Result<(), Error>) -> Result<(), Error> + Send + 'static,
    panicked: impl FnOnce(String) -> Error + Send + 'static,
) -> Result<impl Iterator<Item = Result<T, Error>>, Error> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let otherwise = panic::take_hook();
        panic::set_hook(Box::new(move |panic| match TELL.with_borrow_mut(Option::take) {
            Some(tell) => {
                // In one line, as every error.
                tell(panic.payload_as_str().unwrap_or("no reason is given").replace('\n', " "));
                // Not a step further: the next one is the abort.
                loop {
                    thread::park();
                }
            }
            None => otherwise(panic),
        }));
    });
    let (give, take) = sync_channel(AHEAD);
    let thread = thread::Builder::new().name("contained".to_owned()).spawn(move || {
        let told = give.clone();
        TELL.set(Some(Box::new(move |why| _ = told.send(Err(panicked(why))))));
        // Who does not listen any more does not want the rest.
        let ended = work(&mut |piece| give.send(Ok(piece)).map_err(|_| Error::Bug("nobody listens".to_owned())));
        if let Err(error) = ended {
            _ = give.send(Err(error));
        }
    });
    thread.map(|_| take.into_iter()).map_err(|error| Error::Usage(format!("cannot start a thread: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(work: impl FnOnce(&mut dyn FnMut(u8) -> Result<(), Error>) -> Result<(), Error> + Send + 'static) -> String {
        let (mut given, mut said) = (Vec::new(), "ended".to_owned());
        for piece in pieces(work, |why| Error::Bug(format!("panic: {why}"))).unwrap() {
            match piece {
                Ok(piece) => given.push(piece),
                Err(error) => {
                    said = error.to_string();
                    break;
                }
            }
        }
        format!("{given:?} {said}")
    }

    #[test]
    fn what_was_made_comes_and_then_how_it_ended() {
        assert_eq!(all(|give| (0..9).try_for_each(give)), "[0, 1, 2, 3, 4, 5, 6, 7, 8] ended");
        let failed = all(|give| give(7).and_then(|()| Err(Error::Bug("no more".to_owned()))));
        assert!(failed.starts_with("[7]") && failed.contains("no more"), "{failed}");
        // That of a panic is tested from outside: the harness waits for hooks to end, and this one does not.
    }

    #[test]
    fn work_ends_where_nobody_listens() {
        let (done, ended) = std::sync::mpsc::channel();
        let work = move |give: &mut dyn FnMut(u8) -> Result<(), Error>| {
            let result = (0..=255).cycle().try_for_each(give);
            _ = done.send(result.is_err());
            result
        };
        drop(pieces(work, Error::Bug).unwrap().next());
        assert!(ended.recv().unwrap());
    }
}
