//! The scenarios hold together: names are unique, references exist, and every contender does what its scenario says.

use std::collections::HashSet;

use seawall_benches::measure::Spread;
use seawall_benches::scenario::{self, Against, Kind};

#[test]
fn names_are_unique_and_references_exist() {
    let scenarios = scenario::all();
    let names: HashSet<&str> = scenarios.iter().map(|scenario| scenario.name).collect();
    assert_eq!(names.len(), scenarios.len());
    for scenario in &scenarios {
        let rows: HashSet<&str> = scenario.rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(rows.len(), scenario.rows.len(), "{}", scenario.name);
        for target in scenario.rows.iter().flat_map(|row| row.targets(scenario.reference)) {
            match target.against {
                Against::Row(name) => assert!(rows.contains(name), "{}: {name}", scenario.name),
                Against::OneThread => assert_eq!(scenario.kind, Kind::Shared, "{}", scenario.name),
                peer => {
                    assert!(scenario.rows.iter().any(|row| peer.includes(row.role)), "{}", scenario.name);
                }
            }
        }
    }
}

/// A body panics if a call of its batch is refused that should be served, or the other way round.
#[test]
fn every_contender_serves_or_refuses_as_its_scenario_says() {
    for scenario in scenario::all() {
        for row in &scenario.rows {
            row.one()(500);
        }
    }
}

#[test]
fn bodies_for_two_threads_share_a_contender() {
    for scenario in scenario::all().iter().filter(|scenario| scenario.kind == Kind::Shared) {
        for row in &scenario.rows {
            let bodies = (row.make)(2);
            assert_eq!(bodies.len(), 2, "{}", row.name);
            std::thread::scope(|scope| {
                for mut body in bodies {
                    scope.spawn(move || body(500));
                }
            });
        }
    }
}

#[test]
fn a_substring_chooses_and_a_wrong_one_names_the_choices() {
    let chosen = scenario::chosen(Some("growth")).expect("there are such");
    assert!(chosen.len() > 1 && chosen.iter().all(|scenario| scenario.name.contains("growth")));
    let error = scenario::chosen(Some("grwoth")).expect_err("there is none");
    assert!(error.contains("grwoth") && error.contains("growth: calls in a time window"), "{error}");
}

#[test]
fn a_spread_is_three_of_its_values() {
    let spread = Spread::of((0..=100).rev().map(f64::from).collect()).expect("not empty");
    assert_eq!((spread.low, spread.median, spread.high), (5.0, 50.0, 95.0));
    assert!(Spread::of(Vec::new()).is_none());
}
