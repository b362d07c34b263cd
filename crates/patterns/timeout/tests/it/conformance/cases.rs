use crate::conformance::{
    single,
    stage::{
        Act::{Fails, Hangs, Returns},
        Case, Come,
        Policy::{Retry, Timeout},
        Script,
    },
};

pub(crate) fn all() -> Vec<Case> {
    vec![
        Case::new("TO-01", "").script(Script {
            stack: vec![Timeout("limit", 1_000)],
            callee: vec![Returns(0)],
            come: Come::Result,
            takes: 0,
            attempts: 1,
            ..Script::NOTHING
        }),
        Case::new("TO-02", "").script(Script {
            stack: vec![Retry(3, 0), Timeout("limit", 50)],
            callee: vec![Returns(100), Returns(100), Returns(0)],
            come: Come::Result,
            takes: 100,
            attempts: 3,
            cut_off: vec!["limit", "limit"],
            ..Script::NOTHING
        }),
        Case::new("TO-03", "also for failures that take a while, so that there is a timer to be dropped")
            .script(Script {
                stack: vec![Retry(3, 100), Timeout("limit", 50)],
                callee: vec![Fails(0)],
                come: Come::Failed,
                takes: 200,
                attempts: 3,
                ..Script::NOTHING
            })
            .script(Script {
                stack: vec![Retry(3, 100), Timeout("limit", 50)],
                callee: vec![Fails(40)],
                come: Come::Failed,
                takes: 320,
                attempts: 3,
                ..Script::NOTHING
            }),
        Case::new("TO-04", "").script(Script {
            stack: vec![Timeout("limit", 150), Retry(3, 0)],
            callee: vec![Fails(60)],
            come: Come::CutOff("limit", 150),
            takes: 150,
            attempts: 3,
            cut_off: vec!["limit"],
            ..Script::NOTHING
        }),
        Case::new(
            "TO-05",
            "a retry that sees that the pause would end after the deadline gives the failure at once, not a timeout later",
        )
        .script(Script {
            stack: vec![Timeout("limit", 100), Retry(3, 1_000)],
            callee: vec![Fails(0)],
            come: Come::Failed,
            takes: 0,
            attempts: 1,
            ..Script::NOTHING
        }),
        Case::new(
            "TO-08",
            "an inner limit is cut to the outer one; the outer one says so if it sees the rejection of the inner one",
        )
        .script(Script {
            stack: vec![Timeout("outer", 500), Timeout("inner", 100)],
            callee: vec![Hangs],
            come: Come::CutOff("inner", 100),
            takes: 100,
            attempts: 1,
            cut_off: vec!["inner"],
            ..Script::NOTHING
        })
        .script(Script {
            stack: vec![Retry(3, 0), Timeout("outer", 200), Timeout("inner", 1_000)],
            callee: vec![Hangs],
            come: Come::ByDeadline("inner", 200),
            takes: 600,
            attempts: 3,
            by_deadline: vec!["inner", "inner", "inner"],
            seen_around: Some((Come::CutOff("outer", 200), vec!["outer", "outer", "outer"])),
            ..Script::NOTHING
        }),
        Case::new("TO-10", "to cancel is to drop the future").own(single::a_caller_that_gives_up_is_not_told_of),
        Case::new("TO-11", "what surrounds the call is its deadline")
            .script(Script {
                stack: vec![Timeout("limit", 2_000)],
                callee: vec![Returns(4_000)],
                come: Come::CutOff("limit", 2_000),
                takes: 2_000,
                attempts: 1,
                cut_off: vec!["limit"],
                ..Script::NOTHING
            })
            .own(single::the_deadline_around_is_as_before_when_an_observer_hears_and_after),
        Case::new("TO-12", "what is not to be cancelled is spawned")
            .script(Script {
                stack: vec![Timeout("limit", 1_000)],
                callee: vec![Hangs],
                come: Come::CutOff("limit", 1_000),
                takes: 1_000,
                attempts: 1,
                cut_off: vec!["limit"],
                ..Script::NOTHING
            })
            .script(Script {
                stack: vec![Timeout("limit", 1_000)],
                callee: vec![Fails(500)],
                come: Come::Failed,
                takes: 500,
                attempts: 1,
                ..Script::NOTHING
            })
            .own(single::work_that_is_spawned_goes_on_when_its_caller_is_cut_off),
    ]
}
