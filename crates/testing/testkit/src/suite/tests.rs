/// Makes the tests of the named suites for a [`Subject`](crate::Subject).
///
/// `suites!(crate::MySubject)` runs the suites that each subject must pass: `ways`, `cancel`, `panic`, `tower`, `footprint` and
/// `extremes`. Further suites stand behind a colon: `suites!(crate::MySubject: rejections, readiness, callbacks)`.
///
/// `suites!(only crate::MySubject: tower, rejections)` runs the named suites alone: for another form of a subject that has passed
/// the others.
///
/// Each suite becomes a module, so write the macro in a module of its own, and write the subject as a path from `crate`.
#[macro_export]
macro_rules! suites {
    (only $subject:ty: $($suite:ident),+ $(,)?) => {
        $($crate::suites!(@one $suite $subject);)+
    };
    ($subject:ty $(: $($suite:ident),+ $(,)?)?) => {
        $crate::suites!(@one ways $subject);
        $crate::suites!(@one cancel $subject);
        $crate::suites!(@one panic $subject);
        $crate::suites!(@one tower $subject);
        $crate::suites!(@one footprint $subject);
        $crate::suites!(@one extremes $subject);
        $($($crate::suites!(@one $suite $subject);)+)?
    };
    (@one ways $subject:ty) => {
        $crate::suites!(@module ways $subject {
            each_way_to_call_is_counted_once
        });
    };
    (@one cancel $subject:ty) => {
        $crate::suites!(@module cancel $subject {
            a_call_that_ends_is_counted_once_and_its_drop_changes_nothing
            a_call_dropped_after_any_poll_drops_its_inner_call_once_and_leaves_nothing
            calls_dropped_over_and_over_use_nothing_up
            a_call_dropped_by_its_callers_panic_is_dropped_once
            a_timeout_of_the_caller_loses_nothing
            a_runtime_that_shuts_down_drops_the_calls
        });
    };
    (@one panic $subject:ty) => {
        $crate::suites!(@module panic $subject {
            a_panic_at_the_creation_of_the_inner_call_is_counted_once_and_goes_on
            a_panic_at_any_poll_is_counted_once_and_goes_on
            an_inner_call_that_panics_while_it_is_dropped_leaves_nothing
            a_panic_in_a_task_is_the_tasks_own_and_is_counted_once
            an_inner_service_that_panics_in_poll_ready_was_not_called
            an_inner_service_that_panics_in_a_call_is_counted_once
        });
    };
    (@one tower $subject:ty) => {
        $crate::suites!(@module tower $subject {
            a_service_is_ready_when_its_inner_service_is
            an_error_of_poll_ready_is_passed_on_and_counts_as_no_call
            an_answer_is_counted_in_the_poll_that_returns_it
            an_error_of_a_call_is_passed_on_and_counted_once
            the_service_that_was_polled_ready_is_the_service_that_is_called
            a_ready_service_that_is_dropped_leaves_nothing
            a_service_can_be_boxed_cloned_buffered_and_called_in_one_shot
        });
    };
    (@one footprint $subject:ty) => {
        $crate::suites!(@module footprint $subject {
            a_call_that_succeeds_allocates_nothing
            a_call_that_fails_allocates_nothing
            a_future_is_no_larger_than_its_bound
        });
    };
    (@one extremes $subject:ty) => {
        $crate::suites!(@module extremes $subject {
            with_extreme_numbers_each_call_ends
            with_extreme_numbers_a_dropped_call_and_a_panic_leave_nothing
            a_clock_that_jumps_stops_no_call
            a_clock_that_stands_still_stops_no_call
        });
    };
    (@one rejections $subject:ty) => {
        $crate::suites!(@module rejections $subject {
            a_rejected_call_does_not_run_its_closure_and_is_counted_once
            all_ways_are_rejected_and_each_is_counted_once
            a_rejected_call_that_is_dropped_changes_nothing
            a_rejected_call_does_not_touch_the_inner_service
            a_response_takes_the_place_of_a_rejection
            a_panic_in_a_response_goes_on_and_the_rejection_is_counted_once
            a_rejected_call_allocates_nothing
        });
    };
    (@one readiness $subject:ty) => {
        $crate::suites!(@module readiness $subject {
            a_policy_that_rejects_does_so_at_once_while_the_inner_service_is_not_ready
            a_call_that_a_rejection_made_ready_is_rejected_even_if_there_is_room_since
            what_poll_ready_found_is_forgotten_by_the_next_poll_ready
            a_call_that_was_made_ready_is_rejected_if_there_is_no_room_since
            each_rejected_call_of_a_service_is_counted_once_and_poll_ready_is_not
            a_clone_starts_without_what_poll_ready_found
            a_clone_that_is_ready_and_idle_takes_nothing
        });
    };
    (@one callbacks $subject:ty) => {
        $crate::suites!(@module callbacks $subject {
            an_observer_hears_each_event_once_in_each_way
            an_observer_that_panics_harms_neither_the_call_nor_the_others
            an_observer_may_call_its_own_policy
            an_observer_added_late_hears_later_events_only
            clones_report_to_the_same_observers
        });
    };
    (@module $suite:ident $subject:ty { $($test:ident)+ }) => {
        mod $suite {
            $(
                #[test]
                fn $test() {
                    $crate::suite::$suite::$test::<$subject>();
                }
            )+
        }
    };
}
