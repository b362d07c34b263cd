//! Plain calls around an embedded database: SQLite behind a pool, with many writers in one file. See `database --help`.

mod store;

use std::error::Error as StdError;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use clap::Parser;
use deadpool_sqlite::rusqlite::{self, Connection, TransactionBehavior};
use seawall::{Error, Rejection};
use tokio::task::JoinSet;
use tokio::time;

use store::Store;

/// Writes to SQLite from many tasks at once, behind a bulkhead of the pool's size, a
/// timeout, a retry for SQLITE_BUSY and a circuit breaker.
///
/// First all tasks write to one temporary file. SQLite has one writer at a time: a
/// task that finds it busy tries again later, and holds no connection until then. A
/// task that finds no room in the pool's queue is rejected. Then the disk is full:
/// no retry can help, and the breaker opens.
#[derive(Parser)]
#[command(name = "database", verbatim_doc_comment)]
struct Flags {
    /// How many seconds the tasks write, 1 to 600
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,

    /// How many tasks write at once, 24 to 10000; 20 find room
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u64).range(24..=10_000))]
    writers: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(&Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("database: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: &Flags) -> Result<(), Box<dyn StdError>> {
    let folder = tempfile::tempdir()?;
    let store = Arc::new(Store::open(folder.path().join("orders.db"))?);
    println!("{}\n", store.drawn().describe());
    store.drawn().check().iter().for_each(|concern| eprintln!("{concern}"));
    store.call(create).await?;
    contend(&store, flags).await?;
    fill_the_disk(&store).await
}

/// Counts of how calls ended.
#[derive(Default)]
struct Ends {
    written: AtomicU64,
    shed: AtomicU64,
    cut_off: AtomicU64,
    given_up: AtomicU64,
}

async fn contend(store: &Arc<Store>, flags: &Flags) -> Result<(), Box<dyn StdError>> {
    let (ends, end) = (Arc::new(Ends::default()), Instant::now() + Duration::from_secs(flags.seconds));
    let mut writers = JoinSet::new();
    for _ in 0..flags.writers {
        let (store, ends) = (Arc::clone(store), Arc::clone(&ends));
        writers.spawn(async move {
            while Instant::now() < end {
                let counter = match store.call(order).await {
                    Ok(()) => &ends.written,
                    Err(Error::Rejected(Rejection::TimedOut(_))) => &ends.cut_off,
                    Err(Error::Rejected(_)) => &ends.shed,
                    Err(error) if store::is_busy(&error) => &ends.given_up,
                    Err(error) => return Err(error),
                };
                counter.fetch_add(1, Relaxed);
                // Like a server's requests: each writer waits for its next order.
                time::sleep(PAUSE).await;
            }
            Ok(())
        });
    }
    writers.join_all().await.into_iter().collect::<Result<(), _>>()?;

    let [written, shed, cut_off, given_up] =
        [&ends.written, &ends.shed, &ends.cut_off, &ends.given_up].map(|counter| counter.load(Relaxed));
    let (stored, retried, recovered) = (store.call(count).await?, store.retried(), store.recovered());
    println!("{} writers for {} s", flags.writers, flags.seconds);
    println!("  written      {written:6}   {} a second; the file has {stored} rows", written / flags.seconds);
    println!("  busy         {:6}   attempts that found another writer", retried + given_up);
    println!("  retried      {retried:6}   of these attempts; {recovered} calls succeeded by a retry");
    println!("  given up     {given_up:6}   calls that found SQLite busy to the last attempt");
    println!("  shed         {shed:6}   calls without room in the queue, or without a turn in time");
    println!("  cut off      {cut_off:6}   calls that took too long");
    claim(written > 0 && recovered > 0, "busy writes were retried, and written")?;
    claim(shed > 0, "calls above the limit were rejected")?;
    // A call that was cut off may have been written.
    claim((written..=written + cut_off).contains(&stored), "each order is stored once")
}

async fn fill_the_disk(store: &Store) -> Result<(), Box<dyn StdError>> {
    println!("\nthe disk is full");
    let (mut sent, mut refused) = (0, 0);
    for _ in 0..20 {
        match store.call(order_too_much).await {
            Err(Error::Rejected(Rejection::CircuitOpen(_))) => refused += 1,
            _ => sent += 1,
        }
    }
    println!("  {sent} calls were sent and failed, {refused} rejected without a connection");
    claim(refused > 0, "the breaker opened")?;
    println!("the disk has room again");
    time::sleep(store::OPEN_FOR).await;
    store.call(order).await?;
    claim(store.is_closed(), "the breaker closed")
}

fn create(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE orders (item, note)")
}

fn order(connection: &mut Connection) -> rusqlite::Result<()> {
    // A writer from the beginning: a reader may fail to become a writer, and would have read in vain.
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute("INSERT INTO orders VALUES (7, zeroblob(20000))", [])?;
    transaction.commit()
}

fn count(connection: &mut Connection) -> rusqlite::Result<u64> {
    let count: i64 = connection.query_row("SELECT count(*) FROM orders", [], |row| row.get(0))?;
    Ok(count.unsigned_abs())
}

/// Writes an order that needs a larger file, when the file cannot grow.
fn order_too_much(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "max_page_count", 1)?;
    let result = connection.execute("INSERT INTO orders VALUES (7, zeroblob(1000000))", []);
    connection.pragma_update(None, "max_page_count", u32::MAX - 1)?;
    result.map(drop)
}

fn claim(holds: bool, what: &str) -> Result<(), Box<dyn StdError>> {
    if holds { Ok(()) } else { Err(format!("this did not happen: {what}").into()) }
}

const PAUSE: Duration = Duration::from_millis(5);
