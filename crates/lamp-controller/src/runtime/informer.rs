//! Turns changes in the store into bare keys: no payload, no reason.

use lamp_store::{Key, Store, StoreError, Watch, WatchEvent};

/// Watches kinds in the store. One that falls behind lists again, so that no key is missed.
pub(crate) struct Informer {
    store: Store,
    kinds: Vec<Watched>,
}

struct Watched {
    plural: &'static str,
    watch: Watch,
}

impl Informer {
    /// Starts watching, and names every key that exists.
    pub(crate) fn start(store: &Store, plurals: &[&'static str]) -> Result<(Self, Vec<Key>), StoreError> {
        let mut all = Vec::new();
        let mut kinds = Vec::new();
        for plural in plurals {
            let (watch, keys) = list(store, plural)?;
            kinds.push(Watched { plural, watch });
            all.extend(keys);
        }
        Ok((Self { store: store.clone(), kinds }, all))
    }

    /// The next keys that changed. Dropping the future loses nothing.
    ///
    /// # Errors
    /// The store was closed.
    pub(crate) async fn next(&mut self) -> Result<Vec<Key>, StoreError> {
        let waits = self.kinds.iter_mut().map(|kind| Box::pin(kind.watch.next()));
        let (changes, index, _) = futures::future::select_all(waits).await;
        match changes {
            Ok(changes) => Ok(changes.into_iter().map(|change: WatchEvent| change.key).collect()),
            Err(StoreError::Gone { .. }) => self.relist(index),
            Err(error) => Err(error),
        }
    }

    fn relist(&mut self, index: usize) -> Result<Vec<Key>, StoreError> {
        let Some(kind) = self.kinds.get_mut(index) else { return Ok(Vec::new()) };
        let (watch, keys) = list(&self.store, kind.plural)?;
        kind.watch = watch;
        Ok(keys)
    }
}

fn list(store: &Store, plural: &str) -> Result<(Watch, Vec<Key>), StoreError> {
    let (stored, revision) = store.list(plural, None)?;
    let watch = store.watch(plural, None, revision)?;
    Ok((watch, stored.into_iter().map(|stored| stored.key).collect()))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn existing_keys_come_first_and_changes_after() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let key = |name: &str| Key::new("lampstacks", "default", name);
        store.create(&key("old"), json!({})).await.unwrap();
        let (mut informer, keys) = Informer::start(&store, &["lampstacks", "plans"]).unwrap();
        assert_eq!(keys, [key("old")]);
        store.create(&key("new"), json!({})).await.unwrap();
        assert_eq!(informer.next().await.unwrap(), [key("new")]);
        store.create(&Key::new("plans", "default", "p"), json!({})).await.unwrap();
        assert_eq!(informer.next().await.unwrap(), [Key::new("plans", "default", "p")]);
    }
}
