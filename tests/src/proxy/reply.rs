//! A reply to the client: whole, or only its first half.

use std::pin::Pin;
use std::task::{Context, Poll};

use hyper::body::{Body, Bytes, Frame, SizeHint};

use super::Dropped;

/// What the client is told: as many bytes as AWS answered with, though fewer may come.
#[derive(Debug)]
pub(super) struct Reply {
    length: u64,
    bytes: Option<Bytes>,
    end: End,
}

#[derive(Debug)]
enum End {
    Whole,
    /// The connection ends, but what was written before is sent first.
    Cut {
        is_sent: bool,
    },
}

impl Reply {
    pub(super) fn whole(bytes: Bytes) -> Self {
        Self { length: bytes.len() as u64, bytes: Some(bytes), end: End::Whole }
    }

    /// The connection ends after the first half.
    pub(super) fn cut(self) -> Self {
        let half = self.bytes.map(|bytes| bytes.slice(..bytes.len() / 2));
        Self { bytes: half, end: End::Cut { is_sent: false }, ..self }
    }
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Dropped;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Dropped>>> {
        if let Some(bytes) = self.bytes.take() {
            return Poll::Ready(Some(Ok(Frame::data(bytes))));
        }
        match &mut self.end {
            End::Whole => Poll::Ready(None),
            End::Cut { is_sent: true } => Poll::Ready(Some(Err(Dropped))),
            End::Cut { is_sent } => {
                // The server sends what it has whenever there is nothing new.
                *is_sent = true;
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
