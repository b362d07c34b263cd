//! The first act: an upstream that falls ill by script, bare and behind a circuit breaker.

mod figures;
mod guarded;
mod panel;
mod picture;
mod progress;
mod record;
mod report;
mod run;
mod script;
mod upstream;
mod work;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use run::{Side, run};
use script::Script;

/// Plays both sides, one after the other, in that time. Prints tables and writes a picture.
pub(crate) async fn play(time: Duration, seed: u64) -> Result<(), Box<dyn Error>> {
    let script = Arc::new(Script::new(time / 2));
    let bare = run(Side::Bare, &script, seed).await?;
    let breaker = run(Side::Breaker, &script, seed).await?;

    println!("{}\n{}", report::phases(&bare, &breaker), report::summary(&bare, &breaker));
    println!("\n{GOODPUT}\n\nThe breaker opened:");
    for reason in report::openings(&breaker) {
        println!("  {reason}");
    }
    let path = Path::new("target/storm.svg");
    picture::draw(path, &bare, &breaker)?;
    println!("\npicture: {}", path.display());
    Ok(())
}

const GOODPUT: &str = "\
Goodput of the whole run also counts the late answers of the slow upstream; the
breaker does not wait for them. The breaker's goodput lacks the calls that it
rejects until it has seen that the upstream is well.";
