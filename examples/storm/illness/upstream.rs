//! The upstream, which falls ill by script.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::{Response, StatusCode};
use tokio::sync::watch;
use tokio::time::{self, Instant};

use super::record::Recorder;
use super::script::{Mood, Script};
use crate::server::{Answer, Server};

/// Answers until the future is dropped.
pub(super) async fn serve(server: Server, script: Arc<Script>, recorder: Recorder, seed: u64) -> Infallible {
    let (mood, patient) = watch::channel(Mood::Healthy);
    let patient = Patient {
        mood: patient,
        healthy: script.pace().healthy_answer.clone(),
        slow: script.pace().slow_answer.clone(),
        recorder: recorder.clone(),
        dice: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
    };
    tokio::select! {
        never = server.serve(move || patient.clone().answer()) => never,
        never = play(script, recorder.started(), mood) => never,
    }
}

/// Changes the mood when the script says so, and keeps the last mood.
async fn play(script: Arc<Script>, started: Instant, mood: watch::Sender<Mood>) -> Infallible {
    for phase in script.phases() {
        time::sleep_until(started + phase.from).await;
        mood.send_replace(phase.mood);
    }
    future::pending().await
}

/// The service of one connection.
#[derive(Clone)]
struct Patient {
    mood: watch::Receiver<Mood>,
    healthy: Range<Duration>,
    slow: Range<Duration>,
    recorder: Recorder,
    dice: Arc<Mutex<fastrand::Rng>>,
}

impl Patient {
    async fn answer(mut self) -> Result<Answer, Reset> {
        self.recorder.reached();
        let mood = *self.mood.borrow_and_update();
        match mood {
            Mood::Healthy => self.after(&self.healthy, StatusCode::OK).await,
            Mood::Errors => self.after(&self.healthy, StatusCode::INTERNAL_SERVER_ERROR).await,
            Mood::Slow => self.after(&self.slow, StatusCode::OK).await,
            Mood::Resets => Err(Reset),
            Mood::Hanging => {
                // Dropped here if the client hangs up first. An error means that the run is over, which also ends the wait.
                let _ = self.mood.changed().await;
                self.after(&self.healthy, StatusCode::OK).await
            }
        }
    }

    async fn after(&self, range: &Range<Duration>, status: StatusCode) -> Result<Answer, Reset> {
        let luck = self.dice.lock().expect("nothing panics while it rolls").f64();
        time::sleep(range.start + (range.end - range.start).mul_f64(luck)).await;
        let mut response = Response::new(Full::from("storm\n"));
        *response.status_mut() = status;
        Ok(response)
    }
}

/// Makes hyper drop the connection without a word.
#[derive(Debug)]
struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("reset by script")
    }
}

impl Error for Reset {}
