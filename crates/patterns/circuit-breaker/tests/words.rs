//! The compiler's words to who forgot that the error must carry a rejection.
//!
//! They are compared with what one compiler said; where another one puts them otherwise, run with
//! `TRYBUILD=overwrite` and look at the difference. What counts is the line on `map_err`.

#[test]
fn an_error_that_cannot_carry_a_rejection_is_refused_in_words_that_help() {
    // It compiles the cases when it is dropped.
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
    for case in ["tests/ui/call.stderr", "tests/ui/service.stderr"] {
        let said = std::fs::read_to_string(case).expect("tests run in the folder of their package");
        assert!(said.contains("`std::io::Error` cannot carry a rejection"), "{case}");
        assert!(said.contains("add `.map_err(seawall::Error::Inner)` below this layer"), "{case}");
    }
}
