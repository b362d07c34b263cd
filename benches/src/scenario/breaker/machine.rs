//! The bare machine of `seawall-core`.

use super::{CALLS, WINDOW};
use crate::contenders::breaker::machine;
use crate::contenders::breaker::seawall::Rule;
use crate::contenders::{AlwaysOk, OddFails, bare};
use crate::scenario::{Against, Kind, Row, Scenario};

pub(super) fn scenarios() -> Vec<Scenario> {
    let scenario = |name, rows| Scenario { name, kind: Kind::Alone, reference: Against::Row("bare call"), rows };
    vec![
        scenario(
            "breaker machine: ok",
            vec![
                Row::aside("bare call", bare::call::<AlwaysOk>()),
                Row::aside("consecutive", machine::closed::<AlwaysOk>(Rule::Consecutive)),
                Row::aside("count 100", machine::closed::<AlwaysOk>(Rule::Count(CALLS))),
                Row::aside("10 s", machine::closed::<AlwaysOk>(Rule::Time(WINDOW))),
                Row::aside("10 s, slow calls", machine::slow::<AlwaysOk>(WINDOW)),
                Row::aside("open, refused", machine::open()),
            ],
        ),
        scenario(
            "breaker machine: every second call fails",
            vec![
                Row::aside("bare call", bare::call::<OddFails>()),
                Row::aside("consecutive", machine::closed::<OddFails>(Rule::Consecutive)),
                Row::aside("count 100", machine::closed::<OddFails>(Rule::Count(CALLS))),
                Row::aside("10 s", machine::closed::<OddFails>(Rule::Time(WINDOW))),
            ],
        ),
    ]
}
