//! Which engine minds which object: a daemon of several regions has an engine for each of them.

use lamp_api::kinds::{DATABASE_OPERATION, PLAN, SCALING_HISTORY};
use lamp_store::{Key, Store, StoreError};
use serde_json::Value;

use crate::stack;

/// The regions of a daemon, as the engine of one of them sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Regions {
    own: String,
    others: Vec<String>,
    /// Whether what names no region of the daemon is this engine's: its object must still be told so.
    leads: bool,
}

impl Regions {
    /// `all`: the regions of the daemon, of which the first leads. `own` is one of them.
    pub(crate) fn new(own: &str, all: &[String]) -> Self {
        let others = all.iter().filter(|region| *region != own).cloned().collect();
        let leads = all.first().is_none_or(|first| first == own);
        Self { own: own.to_owned(), others, leads }
    }

    /// Whether an object is this engine's by the region that it names.
    pub(crate) fn minds(&self, region: Option<&str>) -> bool {
        match region {
            Some(region) if region == self.own => true,
            Some(region) if self.others.iter().any(|other| other == region) => false,
            _ => self.leads,
        }
    }

    /// Whether a region is this engine's, and not only minded by it as nobody keeps it.
    pub(crate) fn keeps(&self, region: &str) -> bool {
        region == self.own
    }

    /// Every region of the daemon, in words.
    pub(crate) fn list(&self) -> String {
        let mut all: Vec<&str> = self.others.iter().chain([&self.own]).map(String::as_str).collect();
        all.sort_unstable();
        all.join(", ")
    }
}

/// Kinds whose objects are about a stack.
const OF_STACKS: [&str; 3] = [PLAN.plural, DATABASE_OPERATION.plural, SCALING_HISTORY.plural];

/// The region that an object names, of whichever kind. A question or an order about a stack that names
/// none is asked where the stack is.
pub(crate) fn region_of(store: &Store, key: &Key, object: &Value) -> Result<Option<String>, StoreError> {
    let spec = &object["spec"];
    let named = spec["region"].as_str().or_else(|| spec["candidate"]["region"].as_str());
    match (named, spec["stack"].as_str()) {
        (None, Some(stack)) if OF_STACKS.contains(&key.plural.as_str()) => {
            let stored = store.get(&Key::new(stack::PLURAL, key.namespace.as_str(), stack))?;
            Ok(stored.and_then(|stored| stored.object["spec"]["region"].as_str().map(str::to_owned)))
        }
        (named, _) => Ok(named.map(str::to_owned)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_region_has_one_engine_and_an_unknown_one_the_first() {
        let all = ["eu-central-1".to_owned(), "us-east-1".to_owned()];
        let engines = all.each_ref().map(|own| Regions::new(own, &all));
        let minding = |region| engines.each_ref().map(|engine| engine.minds(region));
        assert_eq!(minding(Some("eu-central-1")), [true, false]);
        assert_eq!(minding(Some("us-east-1")), [false, true]);
        assert_eq!(minding(Some("eu-west-9")), [true, false], "it is told once that nobody keeps it");
        assert_eq!(minding(None), [true, false]);
    }

    #[test]
    fn an_engine_alone_minds_everything() {
        let alone = Regions::new("eu-central-1", &[]);
        assert!(alone.minds(Some("eu-central-1")) && alone.minds(Some("us-east-1")) && alone.minds(None));
    }
}
