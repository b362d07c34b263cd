use std::time::Duration;

use seawall_bulkhead::Reason;

use crate::conformance::script::{
    Case,
    Step::{After, Available, Drop, End, Enter, InFlight, InVain, Refused, Run, Told, Wait, WaitOn},
    ms, slots,
};

const TICK: Duration = Duration::from_nanos(1);

pub(crate) fn cases() -> Vec<Case> {
    let full = |reason| {
        vec![
            Available(2),
            Enter("a"),
            Available(1),
            Enter("b"),
            Available(0),
            Refused(reason),
            End("a"),
            Available(1),
            End("b"),
            Available(2),
            Enter("c"),
            Told(vec![if reason == Reason::Full { "refused: Full" } else { "refused: TooLong" }]),
        ]
    };
    // A wait of the time given, and one that is cut off a moment before its end by a turn.
    let longest = |nearly: Duration| {
        vec![
            Enter("a"),
            Wait("b"),
            After(nearly),
            WaitOn("b"),
            After(TICK),
            InVain('b', Reason::TooLong),
            InFlight(1),
            Wait("c"),
            After(nearly),
            End("a"),
            Run("c"),
            Told(vec!["refused: TooLong"]),
        ]
    };
    vec![
        Case::new("BH-01", "no event tells of calls that are let in or end")
            .script(|| slots(2), full(Reason::Full))
            .waiting(|| slots(2).max_queued(9).max_wait(Duration::ZERO), full(Reason::TooLong)),
        Case::new(
            "BH-02",
            "a limit is always given; by default nobody waits, and who may is served in the order of coming",
        )
        .script(|| slots(0), vec![Refused(Reason::Full), Refused(Reason::Full), Refused(Reason::Full), InFlight(0)])
        .script(|| slots(25), vec![Enter("abcdefghijklmnopqrstuvwxy"), Refused(Reason::Full)])
        .waiting(
            || slots(1).max_queued(9),
            vec![
                Enter("a"),
                Wait("bcd"),
                End("a"),
                Run("b"),
                WaitOn("cd"),
                End("b"),
                Run("c"),
                WaitOn("d"),
                End("c"),
                Run("d"),
            ],
        ),
        Case::new("BH-03", "at the end of the wait exactly")
            .waiting(|| slots(1).max_queued(9).max_wait(ms(50)), longest(ms(50) - TICK))
            .waiting(|| slots(1).max_queued(9).max_wait(ms(10)), longest(ms(10) - TICK)),
        Case::new("BH-04", "who is interrupted is dropped, and nobody is there to be told")
            .waiting(
                || slots(1).max_queued(9).max_wait(ms(2_000)),
                vec![
                    Enter("a"),
                    Wait("b"),
                    After(ms(1_000)),
                    Drop("b"),
                    InFlight(1),
                    Told(vec![]),
                    End("a"),
                    Available(1),
                    Enter("c"),
                ],
            )
            .waiting(
                || slots(1).max_queued(9).max_wait(ms(2_000)),
                // Dropped when its turn has come, and with one behind it.
                vec![Enter("a"), Wait("bc"), End("a"), Drop("b"), Run("c"), Drop("c"), Available(1), Told(vec![])],
            ),
    ]
}
