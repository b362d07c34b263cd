//! A call can be spawned, also where its closure borrows, in each way to make it and in a nest of them.

use std::{io, time::Duration};

use seawall_core::{Backoff, Error};
use seawall_retry::Retry;
use seawall_timeout::Timeout;

fn quick() -> Retry {
    Retry::builder("t").backoff(Backoff::constant(Duration::ZERO)).build()
}

async fn length(text: &str) -> Result<usize, Error<io::Error>> {
    tokio::task::yield_now().await;
    Ok(text.len())
}

#[tokio::test]
async fn a_call_whose_closure_borrows_can_be_spawned() {
    let (retry, timeout) = (quick(), Timeout::new("timeout", Duration::from_secs(1)));
    let task = tokio::spawn(async move {
        let text = String::from("borrowed");
        let one = retry.execute(|| async { length(&text).await }).await;
        let two = retry.call(|| length(&text)).await;
        let three = retry.call(|| timeout.call(|| length(&text))).await;
        let four = timeout.call(|| retry.call_with(|_| timeout.call(|| length(&text)))).await;
        [one, two, three, four].map(|result| result.expect("it succeeds"))
    });
    assert_eq!(task.await.expect("it does not panic"), [8; 4]);
}
