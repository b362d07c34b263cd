use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http_body::Frame;

/// What has passed of a body, copied.
///
/// Copied, as a frame is often a slice of a connection's buffer, all of which it would keep; and into few large pieces, as
/// frames may be of one byte each. So what it takes of memory is never more than the cap.
#[derive(Debug, Default)]
pub(super) struct KeptBytes {
    /// Full, or given to a reader.
    pieces: Vec<Bytes>,
    /// Being filled.
    open: BytesMut,
    data: usize,
    trailers: Option<HeaderMap>,
    /// What is counted against the cap: data and trailers.
    size: usize,
}

/// How far a reader has come.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Position {
    pub(super) data: u64,
    pub(super) trailers: bool,
}

impl KeptBytes {
    /// Copies a frame, if it can be; else what was kept is not the whole any more. There come at most `rest` bytes after it.
    pub(super) fn push(&mut self, frame: &Frame<Bytes>, cap: usize, rest: Option<u64>) -> bool {
        // Nothing follows the trailers; what does is not of this protocol, and cannot be told apart when it is replayed.
        let size = match (&self.trailers, frame.data_ref(), frame.trailers_ref()) {
            (None, Some(data), _) => data.len(),
            (None, None, Some(trailers)) => size_of_fields(trailers),
            _ => return false,
        };
        if size > cap - self.size {
            return false;
        }
        if let Some(data) = frame.data_ref() {
            self.copy(data, cap - self.size, rest);
            self.data += size;
        }
        self.trailers = frame.trailers_ref().cloned();
        self.size += size;
        true
    }

    /// Copies `data`, for which and what follows there is `room`.
    fn copy(&mut self, data: &[u8], room: usize, rest: Option<u64>) {
        let spare = self.open.capacity() - self.open.len();
        let (here, beyond) = data.split_at(data.len().min(spare));
        self.open.extend_from_slice(here);
        if beyond.is_empty() {
            return;
        }
        self.close();
        // Told how much comes, once: of a body that says wrong there would be a piece for each frame.
        let rest = rest.filter(|_| self.pieces.is_empty()).and_then(|rest| usize::try_from(rest).ok());
        let expected = beyond.len().saturating_add(rest.unwrap_or(PIECE)).min(room - here.len());
        self.open = BytesMut::with_capacity(expected.min(beyond.len().max(PIECE)));
        self.open.extend_from_slice(beyond);
    }

    /// What there is for a reader that has come so far.
    pub(super) fn next(&mut self, position: Position) -> Option<Frame<Bytes>> {
        let mut skip = usize::try_from(position.data).unwrap_or(usize::MAX);
        if skip < self.data {
            self.close();
            for piece in &self.pieces {
                if skip < piece.len() {
                    return Some(Frame::data(piece.slice(skip..)));
                }
                skip -= piece.len();
            }
        }
        if position.trailers { None } else { self.trailers.clone().map(Frame::trailers) }
    }

    /// Whether there is something for a reader that has come so far.
    pub(super) fn has_more(&self, position: Position) -> bool {
        position.data < self.data as u64 || (self.trailers.is_some() && !position.trailers)
    }

    /// What is left of the open piece goes on after it.
    fn close(&mut self) {
        if !self.open.is_empty() {
            self.pieces.push(self.open.split().freeze());
        }
    }
}

impl Position {
    /// The reader has been given that.
    pub(super) fn pass(&mut self, frame: &Frame<Bytes>) {
        self.data = self.data.saturating_add(frame.data_ref().map_or(0, |data| data.len() as u64));
        self.trailers |= frame.is_trailers();
    }
}

/// The size of a list of fields by RFC 9113, 6.5.2: names, values, and 32 bytes each.
fn size_of_fields(fields: &HeaderMap) -> usize {
    fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 32).sum()
}

/// The least to ask of the allocator at a time, where more than that may come: a small page.
const PIECE: usize = 4 * 1024;
