use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame};
use pin_project_lite::pin_project;

use super::{
    error::{BoxError, NotKept},
    kept::{KeptBytes, Position},
};

pin_project! {
    /// The unread rest of the body, and the memory of the part already read.
    // Always boxed, because each poll moves it to the reader and back.
    #[project = TapeProj]
    pub(super) struct Tape<B> {
        // `None` after the end of the body.
        #[pin]
        pub(super) rest: Option<B>,
        pub(super) memory: Memory,
        // True if the body ended without an error.
        pub(super) ended: bool,
        pub(super) cap: usize,
    }
}

/// The memory of the part already read.
pub(super) enum Memory {
    /// All bytes are kept.
    Whole(KeptBytes),
    /// Bytes are missing. Only `reader`, which has seen them, can read on; no new reader can begin. 0 means no reader.
    Lost { reader: u64 },
}

impl<B> Tape<B> {
    pub(super) fn new(body: B, cap: usize) -> Self {
        Self { rest: Some(body), memory: Memory::Whole(KeptBytes::default()), ended: false, cap }
    }

    /// Returns whether a new reader could begin.
    pub(super) const fn is_whole(&self) -> bool {
        matches!(self.memory, Memory::Whole(_))
    }

    /// Returns whether only `reader` can read on.
    pub(super) const fn is_lost_to(&self, reader: u64) -> bool {
        matches!(self.memory, Memory::Lost { reader: heir } if heir == reader)
    }

    /// Ends the body for all readers.
    pub(super) fn lose(self: Pin<&mut Self>) {
        *self.project().memory = Memory::Lost { reader: 0 };
    }

    /// Whether a reader that has come so far, and has missed nothing, has come to the end.
    pub(super) fn is_over(&self, position: Position) -> bool {
        let has_more = match &self.memory {
            Memory::Whole(kept) => kept.has_more(position),
            Memory::Lost { .. } => false,
        };
        self.ended && !has_more
    }
}

impl<B> Tape<B>
where
    B: Body<Error: Into<BoxError>>,
{
    /// What comes next for that reader, who has come so far: what was kept, and then what the inner body gives.
    pub(super) fn read(
        self: Pin<&mut Self>,
        reader: u64,
        position: Position,
        keeps: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut this = self.project();
        match this.memory {
            Memory::Whole(kept) => {
                if let Some(frame) = kept.next(position) {
                    return Poll::Ready(Some(Ok(frame)));
                }
            }
            Memory::Lost { reader: heir } if *heir == reader => {}
            Memory::Lost { .. } => return Poll::Ready(Some(Err(NotKept(()).into()))),
        }
        let Some(mut rest) = this.rest.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let frame = ready!(rest.as_mut().poll_frame(cx)).map(to_bytes);
        match &frame {
            Some(Ok(frame)) => {
                *this.ended = rest.is_end_stream();
                let left = rest.size_hint().upper();
                this.memory.keep(frame, reader, keeps.then_some(*this.cap), left);
            }
            Some(Err(_)) => *this.memory = Memory::Lost { reader: 0 },
            None => *this.ended = true,
        }
        if *this.ended {
            this.rest.set(None);
        }
        Poll::Ready(frame)
    }
}

impl Memory {
    /// Keeps what has passed to that reader, if there is someone to keep it for, and room under the cap.
    fn keep(&mut self, frame: &Frame<Bytes>, reader: u64, cap: Option<usize>, left: Option<u64>) {
        let is_kept = match self {
            Self::Whole(kept) => cap.is_some_and(|cap| kept.push(frame, cap, left)),
            Self::Lost { .. } => return,
        };
        if !is_kept {
            *self = Self::Lost { reader };
        }
    }
}

/// A frame whose data is shared when it is cloned; of most bodies it is that already, and nothing is copied.
pub(super) fn to_bytes<D: Buf, E: Into<BoxError>>(frame: Result<Frame<D>, E>) -> Result<Frame<Bytes>, BoxError> {
    frame.map(|frame| frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))).map_err(Into::into)
}
