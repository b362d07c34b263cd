//! The upstream: a hyper server on loopback that falls ill by script.

use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{self, Instant};

use crate::record::Recorder;
use crate::script::{Mood, Script};

/// A server that is bound but does not answer yet, so that the run can start when both sides are there.
pub(crate) struct Upstream {
    listener: TcpListener,
    address: SocketAddr,
}

impl Upstream {
    pub(crate) async fn bind() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self { address: listener.local_addr()?, listener })
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until it is dropped, and takes every connection with it then.
    pub(crate) async fn serve(self, script: Arc<Script>, recorder: Recorder, seed: u64) -> io::Result<Infallible> {
        let (mood, patient) = watch::channel(Mood::Healthy);
        let patient = Patient {
            mood: patient,
            healthy: script.pace().healthy_answer.clone(),
            slow: script.pace().slow_answer.clone(),
            recorder: recorder.clone(),
            dice: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(play(script, recorder.started(), mood));
        loop {
            let (stream, _) = tokio::select! {
                accepted = self.listener.accept() => accepted?,
                // Only to forget those that ended.
                Some(_) = tasks.join_next() => continue,
            };
            // Without linger every close from this side is a reset; the only one in a run is an answer of `Reset`.
            if stream.set_nodelay(true).and_then(|()| stream.set_zero_linger()).is_err() {
                // Some systems say so when the client has gone already.
                continue;
            }
            let patient = patient.clone();
            let service = service_fn(move |_| {
                let patient = patient.clone();
                async move { patient.answer().await }
            });
            let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
            tasks.spawn(async move {
                // A client that went away and our own `Reset` are both part of the play.
                let _ = connection.await;
            });
        }
    }
}

/// Changes the mood when the script says so, and keeps the last one.
async fn play(script: Arc<Script>, started: Instant, mood: watch::Sender<Mood>) {
    for phase in script.phases() {
        time::sleep_until(started + phase.from).await;
        mood.send_replace(phase.mood);
    }
    mood.closed().await;
}

/// What answers the requests of one connection.
#[derive(Clone)]
struct Patient {
    mood: watch::Receiver<Mood>,
    healthy: Range<Duration>,
    slow: Range<Duration>,
    recorder: Recorder,
    dice: Arc<Mutex<fastrand::Rng>>,
}

impl Patient {
    async fn answer(mut self) -> Result<Response<Full<Bytes>>, Reset> {
        self.recorder.reached();
        let mood = *self.mood.borrow_and_update();
        match mood {
            Mood::Healthy => self.after(&self.healthy, StatusCode::OK).await,
            Mood::Errors => self.after(&self.healthy, StatusCode::INTERNAL_SERVER_ERROR).await,
            Mood::Slow => self.after(&self.slow, StatusCode::OK).await,
            Mood::Resets => Err(Reset),
            Mood::Hanging => {
                // Dropped here when the client hangs up first. An error means that the run is over: just as good.
                let _ = self.mood.changed().await;
                self.after(&self.healthy, StatusCode::OK).await
            }
        }
    }

    async fn after(&self, range: &Range<Duration>, status: StatusCode) -> Result<Response<Full<Bytes>>, Reset> {
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
