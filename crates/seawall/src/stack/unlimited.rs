use std::{
    pin::Pin,
    task::{Context, Poll},
};

use seawall_core::{
    attempts::Round,
    observe::{Event, Kind, Level},
};

use super::{
    chain::{Chain, ChainResult},
    mode::Repeats,
    observe::Observe,
    operation::{CallTypes, Operation},
    summary::{Describe, Summary},
};

/// The place of a rate limit in the [standard stack](super::Standard), without a limit. All calls pass, at no cost.
#[derive(Debug, Clone, Copy, Default)]
pub struct Unlimited;

impl<X: CallTypes, R: Chain<X>> Chain<X> for (Unlimited, R) {
    type Run = R::Run;

    #[inline(always)]
    fn begin<O: Operation<X>>(&self, operation: &mut O, round: impl Round) -> R::Run {
        self.1.begin(operation, round)
    }

    #[inline(always)]
    fn poll<O: Operation<X>>(
        &self,
        run: Pin<&mut R::Run>,
        operation: &mut O,
        round: impl Round,
        cx: &mut Context<'_>,
    ) -> Poll<ChainResult<X>> {
        self.1.poll(run, operation, round, cx)
    }

    fn abandon(&self, run: Pin<&mut R::Run>) {
        self.1.abandon(run);
    }

    fn refuses(&self) -> bool {
        self.1.refuses()
    }
}

impl<R: Repeats> Repeats for (Unlimited, R) {
    type Repeats = R::Repeats;

    const REPEATS: bool = R::REPEATS;
}

impl<R: Observe> Observe for (Unlimited, R) {
    fn observed<F>(self, least: Level, observer: F) -> Self
    where
        F: Fn(&Event<dyn Kind>) + Clone + Send + Sync + 'static,
    {
        (self.0, self.1.observed(least, observer))
    }
}

impl<R: Describe> Describe for (Unlimited, R) {
    fn describe(&self, to: &mut Vec<Summary>) {
        self.1.describe(to);
    }
}
