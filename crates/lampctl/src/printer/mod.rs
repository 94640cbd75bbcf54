//! What goes to standard output, and how it looks.

pub(crate) mod format;
pub(crate) mod jsonpath;
pub(crate) mod style;
pub(crate) mod table;

use std::io::{ErrorKind, Write};

use crate::exit::Failure;

/// The one writer of standard output: a reader that went away ends the program quietly, and colour shows only where
/// it is wanted.
pub(crate) struct Output(Box<dyn Write>);

impl std::fmt::Debug for Output {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Output")
    }
}

impl Output {
    pub(crate) fn stdout() -> Self {
        Self(Box::new(anstream::stdout()))
    }

    /// Writes `text` at once, so that a watching reader sees it.
    ///
    /// # Errors
    /// [`Failure::BrokenPipe`] where nobody reads any more.
    pub(crate) fn write(&mut self, text: &str) -> Result<(), Failure> {
        self.0.write_all(text.as_bytes()).and_then(|()| self.0.flush()).map_err(failure)
    }

    /// Writes `text` and a line break.
    pub(crate) fn line(&mut self, text: &str) -> Result<(), Failure> {
        self.write(&format!("{text}\n"))
    }
}

/// Writes talk to standard error. Where nobody listens there is nobody to tell that.
pub(crate) fn tell(text: &str) {
    let _ = writeln!(anstream::stderr(), "{text}");
}

fn failure(error: std::io::Error) -> Failure {
    if error.kind() == ErrorKind::BrokenPipe { Failure::BrokenPipe } else { Failure::Output(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(self.0.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_is_no_failure_to_print() {
        let mut out = Output(Box::new(Closed(ErrorKind::BrokenPipe)));
        assert!(matches!(out.line("a"), Err(Failure::BrokenPipe)));
        let mut out = Output(Box::new(Closed(ErrorKind::StorageFull)));
        assert!(matches!(out.line("a"), Err(Failure::Output(_))));
    }
}
