//! The process that writes. It says each write before it asks for it, and after it was acknowledged.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use lamp_store::{Key, Store, StoreError};
use serde_json::{Value, json};

/// Writers at once, each with an object and a record of its own.
const WRITERS: u32 = 8;
/// After a refusal.
const PAUSE: Duration = Duration::from_millis(20);

/// Writes until it is killed, or `rounds` times with each writer.
///
/// # Errors
/// When the store cannot be opened, or refuses a write for another reason than its disk.
pub fn write(dir: &Path, rounds: Option<u64>, bytes: usize) -> Result<()> {
    let store = Store::open(dir, jiff::Timestamp::now)?;
    println!("open");
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    runtime.block_on(async {
        let writers = (0..WRITERS).map(|writer| {
            let writer = Writer { store: store.clone(), writer, bytes };
            tokio::spawn(async move { writer.run(rounds).await })
        });
        for writer in writers.collect::<Vec<_>>() {
            writer.await??;
        }
        Ok(())
    })
}

struct Writer {
    store: Store,
    writer: u32,
    bytes: usize,
}

impl Writer {
    async fn run(&self, rounds: Option<u64>) -> Result<()> {
        let before = self.last();
        for number in before + 1..=rounds.map_or(u64::MAX, |rounds| before + rounds) {
            self.until_acknowledged("object", number).await?;
            self.until_acknowledged("record", number).await?;
        }
        Ok(())
    }

    fn key(&self) -> Key {
        Key::new("lampstacks", "default", format!("s{}", self.writer))
    }

    /// The number that the process before this one wrote last.
    fn last(&self) -> u64 {
        let stored = self.store.get(&self.key()).ok().flatten();
        let object = stored.and_then(|stored| stored.object["spec"]["number"].as_u64()).unwrap_or(0);
        let records = self.store.ledger("fire").unwrap_or_default();
        object.max(records.get(&format!("s{}", self.writer)).and_then(|value| value.as_u64()).unwrap_or(0))
    }

    async fn until_acknowledged(&self, what: &str, number: u64) -> Result<()> {
        println!("try {what} {} {number}", self.writer);
        loop {
            match self.attempt(what, number).await {
                Ok(()) => break,
                Err(StoreError::Full { .. } | StoreError::Unavailable { .. }) => {
                    println!("refused");
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
        println!("ack {what} {} {number}", self.writer);
        Ok(())
    }

    async fn attempt(&self, what: &str, number: u64) -> Result<(), StoreError> {
        let name = format!("s{}", self.writer);
        if what == "record" {
            return self.store.put_ledger("fire", &name, Some(json!(number))).await;
        }
        let object = self.object(number);
        match self.store.update(&self.key(), None, object.clone()).await {
            Err(StoreError::NotFound { .. }) => match self.store.create(&self.key(), object).await {
                // A creation that was refused, and took effect all the same.
                Err(StoreError::AlreadyExists { .. }) | Ok(_) => Ok(()),
                Err(error) => Err(error),
            },
            other => other.map(drop),
        }
    }

    fn object(&self, number: u64) -> Value {
        json!({"spec": {"number": number, "userData": "x".repeat(self.bytes)}})
    }
}
