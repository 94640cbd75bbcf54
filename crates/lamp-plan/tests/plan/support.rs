//! Sites to plan for.

use std::sync::Arc;

use jiff::Timestamp;
use lamp_api::v1alpha1::LampStackSpec;
use lamp_cloud::{Inventory, Kind, Listing, Owner, Part, Region, Resource, Section, Zone};
use lamp_plan::{Adoption, Holds, Order, Plan, PlanInput, Settings, World, check};

pub(crate) const NETWORK: &str = r#"{"region": "eu-central-1"}"#;

pub(crate) const STATELESS: &str = r##"{"region": "eu-central-1", "tiers": [
    {"name": "web", "loadBalancer": {"scheme": "Internet"}, "userData": "#!/bin/sh\ntrue\n"}]}"##;

pub(crate) const LAMP: &str = r#"{"region": "eu-central-1", "tiers": [
    {"name": "web", "uses": ["app"], "instanceTypes": ["t3.small", "t3a.small"],
     "loadBalancer": {"scheme": "Internet", "certificateArn": "arn:aws:acm:eu-central-1:1:certificate/x"}},
    {"name": "app", "uses": ["database"], "port": 8080, "loadBalancer": {}}],
  "database": {"version": "8.0", "instanceClass": "db.r6g.large", "storage": {"gib": 100, "maxGib": 1000},
    "replicas": {"min": 1, "max": 3}}}"#;

pub(crate) const SHAPES: [&str; 3] = [NETWORK, STATELESS, LAMP];

pub(crate) fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn owner() -> Owner {
    Owner { install: "prod".into(), namespace: "default".into(), name: "shop".into(), uid: "u1".into() }
}

/// A region in which nothing is there, observed long enough to know it.
pub(crate) fn empty_region() -> Inventory {
    let since = time("2026-01-01T00:00:00Z");
    let known = |listing: Listing| (listing, Section::Known { since });
    let zone = |name: &str| Zone { name: name.to_owned(), available: true };
    let region = Region {
        observed_at: time("2026-01-01T01:00:00Z"),
        sections: Listing::all().into_iter().map(known).collect(),
        zones: ["eu-central-1c", "eu-central-1a", "eu-central-1b"].map(zone).to_vec(),
        ..Region::default()
    };
    let first_pass = Kind::ALL.iter().map(|kind| (*kind, since)).collect();
    Inventory { region: Arc::new(region), first_pass, ..Inventory::default() }
}

/// A stack, and the world that its plans change.
pub(crate) struct Site {
    pub owner: Owner,
    pub spec: LampStackSpec,
    pub settings: Settings,
    pub world: World,
    pub generation: i64,
    pub deleting: bool,
    pub confirmed: bool,
    pub requested: Option<String>,
    pub order: Option<Order>,
    pub adoption: Adoption,
    pub holds: Holds,
}

impl Site {
    pub(crate) fn new(spec: &str) -> Self {
        let owner = owner();
        let spec: LampStackSpec = serde_json::from_str(spec).unwrap();
        let settings = Settings::default();
        let inventory = empty_region();
        let (ledger, memory) = Default::default();
        let world = World::new(&PlanInput {
            owner: &owner,
            spec: &spec,
            generation: 1,
            deleting: false,
            confirmed: false,
            requested: None,
            order: None,
            adoption: &Adoption::default(),
            holds: &Holds::default(),
            inventory: &inventory,
            ledger: &ledger,
            memory: &memory,
            settings: &settings,
            now: inventory.observed_at(),
        });
        Self {
            owner,
            spec,
            settings,
            world,
            generation: 1,
            deleting: false,
            confirmed: false,
            requested: None,
            order: None,
            adoption: Adoption::default(),
            holds: Holds::default(),
        }
    }

    /// A site that is as its spec says, and has been for a day.
    pub(crate) fn standing(spec: &str) -> Self {
        let mut site = Self::new(spec);
        site.settle();
        let day = site.world.now + std::time::Duration::from_secs(24 * 3600);
        site.world.pass_time(day);
        site
    }

    pub(crate) fn input(&self) -> PlanInput<'_> {
        PlanInput {
            owner: &self.owner,
            spec: &self.spec,
            generation: self.generation,
            deleting: self.deleting,
            confirmed: self.confirmed,
            requested: self.requested.as_deref(),
            order: self.order.as_ref(),
            adoption: &self.adoption,
            holds: &self.holds,
            inventory: &self.world.inventory,
            ledger: &self.world.ledger,
            memory: &self.world.memory,
            settings: &self.settings,
            now: self.world.now,
        }
    }

    /// Plans, and proves that the plan obeys the laws.
    pub(crate) fn plan(&self) -> Plan {
        let input = self.input();
        let plan = lamp_plan::plan(&input);
        assert_eq!(check(&input, &plan), [], "{plan}");
        assert_eq!(plan, lamp_plan::plan(&input), "a plan is a function of its input");
        plan
    }

    /// One round: plans, carries the plan out, and lets time pass.
    pub(crate) fn round(&mut self) -> Plan {
        let plan = self.plan();
        self.world.apply(&plan);
        self.world.pass_time(Timestamp::MIN);
        plan
    }

    /// Rounds until plans do nothing, and how many it took.
    pub(crate) fn settle(&mut self) -> usize {
        let mut busy = 0;
        for round in 1..=100 {
            let plan = self.round();
            if !plan.actions.is_empty() || !plan.settlements.is_empty() {
                busy = round;
            } else if round > busy + 3 {
                return busy;
            }
        }
        panic!("not settled:\n{}", self.plan());
    }

    pub(crate) fn resource(&mut self, part: &str) -> &mut Resource {
        let rows = self.world.inventory.parts.get_mut(&Part::from(part));
        Arc::make_mut(&mut rows.unwrap_or_else(|| panic!("{part} is not there"))[0])
    }

    /// Somebody else deletes a part.
    pub(crate) fn lose(&mut self, part: &str) -> Arc<Resource> {
        let lost = self.world.inventory.parts.remove(&Part::from(part)).unwrap().remove(0);
        self.world.inventory.missing_since.insert(Part::from(part), self.world.now);
        lost
    }

    pub(crate) fn make_unknown(&mut self, listing: Listing) {
        let region = Arc::make_mut(&mut self.world.inventory.region);
        region.sections.insert(listing, Section::Unknown { why: "AccessDenied".to_owned() });
    }
}
