//! Fairness: of equals that call over and over, none is served much more often than another.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::support::{Chance, assert_idle};
use seawall_bulkhead::Bulkhead;
use seawall_core::Error;
use tokio::{
    runtime,
    sync::Barrier,
    task::{JoinSet, yield_now},
};
use tower::{Layer, ServiceExt, service_fn};

const TASKS: usize = 8;

/// A call that lets others run so often.
async fn work(steps: usize) -> Result<(), Error<()>> {
    for _ in 0..steps {
        yield_now().await;
    }
    Ok(())
}

/// How often each of the tasks is served, until all of them together were served so often.
async fn served(slots: usize, calls: u64) -> Vec<u64> {
    let bulkhead = Bulkhead::builder("t", slots).max_queued(usize::MAX).build();
    let (total, began) = (Arc::new(AtomicU64::new(0)), Arc::new(Barrier::new(TASKS)));
    let mut tasks = JoinSet::new();
    for number in 0..TASKS {
        let (bulkhead, total, began) = (bulkhead.clone(), total.clone(), began.clone());
        tasks.spawn(async move {
            let service = bulkhead.layer().layer(service_fn(work));
            began.wait().await;
            // How long a call takes differs, as else the turns of the scheduler favour some tasks for ever.
            let (mut served, mut chance) = (0, Chance(number as u64));
            while total.fetch_add(1, Ordering::Relaxed) < calls {
                let steps = chance.below(4);
                // Equal in all but the way.
                match number % 3 {
                    0 => bulkhead.call(|| work(steps)).await.unwrap(),
                    1 => {
                        let _permit = bulkhead.acquire().await.unwrap();
                        work(steps).await.unwrap();
                    }
                    _ => service.clone().oneshot(steps).await.unwrap(),
                }
                served += 1;
            }
            served
        });
    }
    let served = tasks.join_all().await;
    assert_idle(&bulkhead);
    served
}

fn assert_fair(served: &[u64], most: f64) {
    let (least, best) = (served.iter().min().unwrap(), served.iter().max().unwrap());
    let ratio = *best as f64 / *least as f64;
    assert!(ratio <= most, "most served / least served is {ratio:.2}: {served:?}");
}

#[test]
fn on_one_thread_all_are_served_equally_often() {
    for slots in [1, 3, 5] {
        let runtime = runtime::Builder::new_current_thread().build().unwrap();
        assert_fair(&runtime.block_on(served(slots, 20_000)), 1.1);
    }
}

#[test]
fn on_many_threads_the_most_served_is_served_at_most_half_as_often_again_as_the_least() {
    for slots in [1, 3] {
        let runtime = runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
        // In a task, as all of them are. So many calls that a thread that the system lays aside for a while hardly counts.
        let served = runtime.block_on(runtime.spawn(served(slots, 150_000))).unwrap();
        assert_fair(&served, 1.5);
    }
}

#[test]
fn a_heavy_one_among_many_light_ones_is_served_in_its_turn() {
    let runtime = runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let bulkhead = Bulkhead::builder("t", 4).max_queued(usize::MAX).build();
        let light = Arc::new(AtomicU64::new(0));
        let mut tasks = JoinSet::new();
        for _ in 0..TASKS {
            let (bulkhead, light) = (bulkhead.clone(), light.clone());
            tasks.spawn(async move {
                loop {
                    let _permit = bulkhead.acquire().await.unwrap();
                    yield_now().await;
                    light.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..100 {
            let before = light.load(Ordering::Relaxed);
            let _all = bulkhead.acquire_n(4).await.unwrap();
            let meanwhile = light.load(Ordering::Relaxed) - before;
            assert!(meanwhile <= 2 * TASKS as u64, "{meanwhile} light ones were served while it waited");
        }
        tasks.shutdown().await;
        assert_idle(&bulkhead);
    });
}
