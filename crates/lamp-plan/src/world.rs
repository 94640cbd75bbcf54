//! A small world for tests: one stack, as an observation would show it. Every field may be bent before planning.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use lamp_api::v1alpha1::{Database, LampStackSpec, Tier};
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, EC2, ScalingPolicy};
use lamp_cloud::kinds::db_parameter_group::DbParameterGroup;
use lamp_cloud::kinds::db_subnet_group::DbSubnetGroup;
use lamp_cloud::kinds::load_balancer::LoadBalancer;
use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::kinds::target_group::{HealthCheck, TargetGroup};
use lamp_cloud::{
    Body, Finished, Instance, InstanceState, Inventory, Kind, LedgerEntry, LifecycleState, Listing, Member,
    MetricName, MetricQuery, Outcome, Owner, Part, Reference, Region, Request, Resource, Section, Series,
    State, Target, TargetHealth, TargetState, Zone,
};
use serde_json::json;

use crate::parts::{self, Layer};
use crate::{Adoption, Draft, Holds, Ledger, Memory, Order, Plan, PlanInput, Settings};

mod databases;
mod template;

pub(crate) const TIER: &str = "web";
pub(crate) const GROUP: &str = "asg-web";
pub(crate) const TARGET_GROUP: &str = "tg-web";
pub(crate) const TEMPLATE: &str = "lt-web";

/// A moment, in seconds after the world began.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

/// A member of the tier with its instance and target.
#[derive(Clone, Debug)]
pub(crate) struct One {
    pub(crate) id: String,
    pub(crate) zone: String,
    pub(crate) lifecycle: LifecycleState,
    pub(crate) version: u64,
    /// `None`: EC2 does not list it.
    pub(crate) state: Option<InstanceState>,
    pub(crate) launched: i64,
    pub(crate) status: Option<lamp_cloud::StatusCheck>,
    pub(crate) events: Vec<lamp_cloud::ScheduledEvent>,
    /// Tags that people gave it, beside ours.
    pub(crate) tags: BTreeMap<String, String>,
    /// State of its target; `None`: it is no target.
    pub(crate) target: Option<TargetState>,
}

#[derive(Debug)]
pub(crate) struct World {
    pub(crate) owner: Owner,
    pub(crate) spec: LampStackSpec,
    pub(crate) members: Vec<One>,
    pub(crate) desired: u32,
    /// What the group launches.
    pub(crate) version: u64,
    /// The newest version of its template, which launches what the spec asks for.
    pub(crate) newest: u64,
    /// The last time that a person asked to look.
    pub(crate) requested: Option<String>,
    pub(crate) suspended: Vec<String>,
    /// Our scaling policies on the group; `None`: they were not read.
    pub(crate) policies: Option<Vec<ScalingPolicy>>,
    pub(crate) foreign_policies: Vec<ScalingPolicy>,
    /// Members that their group calls unhealthy.
    pub(crate) condemned: Vec<String>,
    /// Targets that belong to no member.
    pub(crate) strangers: Vec<TargetHealth>,
    /// Instances that belong to no group of the tier any more.
    pub(crate) leftovers: Vec<Instance>,
    /// When target health was read; `None`: with every observation.
    pub(crate) targets_read: Option<i64>,
    pub(crate) unknown: Vec<Listing>,
    pub(crate) closed_zones: Vec<String>,
    /// Zones whose instances could not be listed.
    pub(crate) unseen_zones: Vec<String>,
    pub(crate) signals: BTreeMap<MetricQuery, Series>,
    pub(crate) histories: lamp_cloud::Histories,
    pub(crate) troubled: BTreeMap<lamp_cloud::Service, String>,
    pub(crate) databases: Vec<(Part, Resource)>,
    pub(crate) ledger: Ledger,
    pub(crate) memory: Memory,
    /// Whether a person consented.
    pub(crate) confirmed: bool,
    /// What a person holds.
    pub(crate) holds: Holds,
    /// What a person ordered.
    pub(crate) order: Option<Order>,
    pub(crate) now: i64,
}

impl World {
    /// A tier behind a load balancer, whose spec is `tier` over a minimum, with healthy old instances.
    pub(crate) fn with_tier(tier: serde_json::Value, instances: u32) -> Self {
        let mut whole = json!({"name": TIER, "loadBalancer": {}});
        whole.as_object_mut().unwrap().extend(tier.as_object().unwrap().clone());
        Self::new(json!({"region": "eu-central-1", "tiers": [whole]}), instances)
    }

    /// A database with this pool, its primary available.
    pub(crate) fn with_replicas(replicas: serde_json::Value) -> Self {
        let database = json!({"version": "8.0", "instanceClass": "db.r6g.large", "replicas": replicas});
        let mut world = Self::new(json!({"region": "eu-central-1", "database": database}), 0);
        let primary = world.database(&parts::database(), None, "a");
        world.databases.push(primary);
        world.add_surroundings();
        world
    }

    fn new(spec: serde_json::Value, instances: u32) -> Self {
        let text = |text: &str| text.to_owned();
        let owner =
            Owner { install: text("test"), namespace: text("default"), name: text("shop"), uid: text("u-1") };
        let mut ledger = Ledger::new();
        let group = LedgerEntry {
            kind: Some(Kind::AutoScalingGroup),
            id: Some(GROUP.to_owned()),
            created_at: Some(at(-10_000)),
            ..LedgerEntry::default()
        };
        let template =
            LedgerEntry { kind: Some(Kind::LaunchTemplate), id: Some(TEMPLATE.to_owned()), ..group.clone() };
        let firewall =
            LedgerEntry { kind: Some(Kind::SecurityGroup), id: Some("sg-web".to_owned()), ..group.clone() };
        ledger.insert(parts::auto_scaling_group(TIER), group);
        ledger.insert(parts::launch_template(TIER), template);
        ledger.insert(parts::tier_security_group(TIER), firewall);
        Self {
            owner,
            spec: serde_json::from_value(spec).unwrap(),
            members: (0..instances).map(One::healthy).collect(),
            desired: instances,
            version: 1,
            newest: 1,
            requested: None,
            suspended: Vec::new(),
            policies: Some(Vec::new()),
            foreign_policies: Vec::new(),
            condemned: Vec::new(),
            strangers: Vec::new(),
            leftovers: Vec::new(),
            targets_read: None,
            unknown: Vec::new(),
            closed_zones: Vec::new(),
            unseen_zones: Vec::new(),
            signals: BTreeMap::new(),
            histories: BTreeMap::new(),
            troubled: BTreeMap::new(),
            databases: Vec::new(),
            ledger,
            memory: Memory::default(),
            confirmed: false,
            holds: Holds::default(),
            order: None,
            now: 0,
        }
    }

    pub(crate) fn tier(&self) -> Tier {
        self.spec.tiers[0].clone()
    }

    pub(crate) fn replica_spec(&self) -> Database {
        self.spec.database.clone().unwrap()
    }

    /// Plans with `steps`, and keeps the memory for the next plan.
    pub(crate) fn plan<R>(&mut self, steps: impl FnOnce(&mut Draft<'_>) -> R) -> (Plan, R) {
        let (inventory, settings) = (self.inventory(), Settings::default());
        let input = PlanInput {
            owner: &self.owner,
            spec: &self.spec,
            generation: 1,
            deleting: false,
            confirmed: self.confirmed,
            requested: self.requested.as_deref(),
            order: self.order.as_ref(),
            adoption: &Adoption::default(),
            holds: &self.holds,
            inventory: &inventory,
            ledger: &self.ledger,
            memory: &self.memory,
            settings: &settings,
            now: at(self.now),
        };
        let mut draft = Draft::new(input);
        let result = steps(&mut draft);
        let plan = draft.plan;
        self.memory = plan.memory.clone();
        (plan, result)
    }

    /// Records that the actions of a plan were done now.
    pub(crate) fn done(&mut self, plan: &Plan) {
        for action in &plan.actions {
            let entry = self.ledger.entry(action.part.clone()).or_default();
            entry.open = None;
            entry.last = Some(Finished {
                request: action.request.clone(),
                reason: action.reason.clone(),
                at: at(self.now),
                outcome: Outcome::Done,
                failures: 0,
            });
        }
        for (part, versions) in &plan.versions {
            self.ledger.entry(part.clone()).or_default().versions.clone_from(versions);
        }
        for (part, healing) in &plan.healing {
            self.ledger.entry(part.clone()).or_default().healing.clone_from(healing);
        }
        for (part, promotion) in &plan.promotions {
            self.ledger.entry(part.clone()).or_default().promotion = Some(promotion.clone());
        }
        for (part, loss) in &plan.losses {
            self.ledger.entry(part.clone()).or_default().loss.clone_from(loss);
        }
        for (part, settlement) in &plan.settlements {
            if *settlement == crate::Settlement::Forget {
                self.ledger.remove(part);
            }
        }
    }

    /// Sets the last five complete minutes of a metric to one value.
    pub(crate) fn signal(&mut self, query: MetricQuery, value: f64) {
        let newest = (self.now - 60).div_euclid(60) * 60;
        let points = (0..5).rev().map(|minute| (at(newest - 60 * minute), value)).collect();
        self.signals.insert(query, Series { points, incomplete: false });
    }

    /// The average CPU of the tier.
    pub(crate) fn cpu(&mut self, value: f64) {
        let query = MetricQuery {
            metric: MetricName::GroupCpuUtilization,
            resource: GROUP.to_owned(),
            load_balancer: None,
        };
        self.signal(query, value);
    }

    /// A metric of one database.
    pub(crate) fn database_metric(&mut self, id: &str, metric: MetricName, value: f64) {
        self.signal(MetricQuery { metric, resource: id.to_owned(), load_balancer: None }, value);
    }

    /// What a database refers to.
    fn add_surroundings(&mut self) {
        let subnets = DbSubnetGroup { subnets: Vec::new() };
        let parameters = DbParameterGroup { family: "mysql8.0".to_owned(), parameters: None };
        let security = SecurityGroup {
            vpc: Reference::id("vpc"),
            description: String::new(),
            ingress: Vec::new(),
            egress: Vec::new(),
        };
        self.add(&parts::db_subnet_group(), "db-subnet-group", subnets);
        self.add(&parts::db_parameter_group("mysql8.0"), "db-parameter-group", parameters);
        self.add(&parts::database_security_group(), "sg-database", security);
    }

    fn add(&mut self, part: &Part, id: &str, body: impl Into<Body>) {
        let row = self.resource(part, id, body);
        self.record(part, &row);
        self.databases.push((part.clone(), row));
    }

    fn record(&mut self, part: &Part, row: &Resource) {
        let entry = LedgerEntry {
            kind: Some(row.kind()),
            id: Some(row.id.clone()),
            created_at: row.created_at,
            completed_at: row.created_at,
            ..LedgerEntry::default()
        };
        self.ledger.insert(part.clone(), entry);
    }

    fn resource(&self, part: &Part, id: &str, body: impl Into<Body>) -> Resource {
        Resource {
            id: id.to_owned(),
            name: id.to_owned(),
            tags: self.owner.identity(part),
            state: State::Ready,
            body: body.into(),
            created_at: Some(at(-10_000)),
        }
    }

    fn inventory(&self) -> Inventory {
        let known = Section::Known { since: at(self.now) };
        let mut sections: BTreeMap<_, _> =
            Listing::all().into_iter().map(|listing| (listing, known.clone())).collect();
        for listing in &self.unknown {
            sections.insert(*listing, Section::Unknown { why: "denied".to_owned() });
        }
        let zone = |name: &str| Zone {
            name: name.to_owned(),
            available: !self.closed_zones.contains(&name.to_owned()),
        };
        let region = Region {
            observed_at: at(self.now),
            sections,
            zones: ["a", "b"].map(zone).to_vec(),
            unseen_zones: self.unseen_zones.iter().map(|zone| (zone.clone(), "down".to_owned())).collect(),
            signals: lamp_cloud::Signals { read_at: Some(at(self.now)), series: self.signals.clone() },
            histories: Arc::new(self.histories.clone()),
            troubled: self.troubled.clone(),
        };
        let read = at(self.targets_read.unwrap_or(self.now));
        Inventory {
            region: Arc::new(region),
            parts: self.resources().into_iter().map(|(part, row)| (part, vec![Arc::new(row)])).collect(),
            instances: [(GROUP.to_owned(), self.instances())].into(),
            targets: [(TARGET_GROUP.to_owned(), (read, self.targets()))].into(),
            first_pass: Kind::ALL.iter().map(|kind| (*kind, at(-10_000))).collect(),
            ..Inventory::default()
        }
    }

    fn resources(&self) -> Vec<(Part, Resource)> {
        let mut rows = self.databases.clone();
        let mut add = |part: Part, id: &str, body: Body| {
            let row = self.resource(&part, id, body);
            rows.push((part, row));
        };
        for (number, zone) in ["a", "b"].into_iter().enumerate() {
            let subnet = Subnet {
                vpc: Reference::id("vpc"),
                cidr: "10.0.0.0/20".to_owned(),
                zone: zone.to_owned(),
                public_addresses: false,
            };
            add(parts::subnet(Layer::Data, number + 1), zone, subnet.into());
        }
        if !self.spec.tiers.is_empty() {
            add(parts::auto_scaling_group(TIER), GROUP, self.group().into());
            add(parts::launch_template(TIER), TEMPLATE, self.template().into());
            add(parts::target_group(TIER), TARGET_GROUP, target_group().into());
            add(parts::load_balancer(TIER), "lb-web", load_balancer().into());
        }
        rows
    }

    fn group(&self) -> AutoScalingGroup {
        let member = |one: &One| Member {
            instance: one.id.clone(),
            zone: one.zone.clone(),
            lifecycle: one.lifecycle,
            healthy: !self.condemned.contains(&one.id),
            template_version: Some(one.version),
            instance_type: "t3.small".to_owned(),
        };
        AutoScalingGroup {
            template: Reference::id(TEMPLATE),
            template_version: self.version,
            subnets: Vec::new(),
            target_groups: vec![Reference::id(TARGET_GROUP)],
            min: self.tier().capacity.min,
            max: self.tier().capacity.max,
            desired: self.desired,
            instance_types: Vec::new(),
            grace_seconds: 300,
            health_check_type: EC2.to_owned(),
            members: self.members.iter().map(member).collect(),
            suspended: self.suspended.clone(),
            policies: self.policies.clone(),
            foreign_policies: self.foreign_policies.clone(),
        }
    }

    fn instances(&self) -> Vec<Instance> {
        let instance = |one: &One| {
            Some(Instance {
                id: one.id.clone(),
                tags: self.tags_of(one),
                group: Some(GROUP.to_owned()),
                state: one.state?,
                zone: one.zone.clone(),
                instance_type: "t3.small".to_owned(),
                launched_at: at(one.launched),
                status: one.status,
                events: one.events.clone(),
            })
        };
        self.members.iter().filter_map(instance).chain(self.leftovers.clone()).collect()
    }

    fn tags_of(&self, one: &One) -> lamp_cloud::Tags {
        let ours = self.owner.identity(&parts::auto_scaling_group(TIER));
        ours.into_iter().chain(one.tags.clone()).collect()
    }

    fn targets(&self) -> Vec<TargetHealth> {
        let target = |one: &One| Some(target(&one.id, 80, one.target?));
        self.members.iter().filter_map(target).chain(self.strangers.clone()).collect()
    }
}

impl One {
    /// An instance that has served for long, in alternating zones.
    pub(crate) fn healthy(number: u32) -> Self {
        Self {
            id: format!("i-{number}"),
            zone: if number.is_multiple_of(2) { "a" } else { "b" }.to_owned(),
            lifecycle: LifecycleState::InService,
            version: 1,
            state: Some(InstanceState::Running),
            launched: -100_000 + i64::from(number),
            status: Some(lamp_cloud::StatusCheck::Ok),
            events: Vec::new(),
            tags: BTreeMap::new(),
            target: Some(TargetState::Healthy),
        }
    }
}

/// A target and its health.
pub(crate) fn target(instance: &str, port: u16, state: TargetState) -> TargetHealth {
    TargetHealth { target: Target { instance: instance.to_owned(), port }, state, reason: None }
}

fn target_group() -> TargetGroup {
    let health_check = HealthCheck {
        path: "/".to_owned(),
        interval_seconds: 15,
        timeout_seconds: 5,
        healthy_threshold: 3,
        unhealthy_threshold: 3,
    };
    let load_balancers = vec!["lb-web".to_owned()];
    TargetGroup { vpc: Reference::id("vpc"), port: 80, health_check, attributes: None, load_balancers }
}

fn load_balancer() -> LoadBalancer {
    LoadBalancer {
        internet_facing: true,
        subnets: Vec::new(),
        security_groups: Vec::new(),
        attributes: None,
        dns_name: Some("web.example".to_owned()),
    }
}

/// What a plan does and says, for comparison: one line per action, decision and blocked part.
pub(crate) fn lines(plan: &Plan) -> String {
    let actions = plan.actions.iter().map(|action| {
        let what = match &action.request {
            Request::ReplaceInstance { instance, .. } => instance.clone(),
            Request::RegisterTargets { targets, .. } | Request::DeregisterTargets { targets, .. } => targets
                .iter()
                .map(|target| format!("{}:{}", target.instance, target.port))
                .collect::<Vec<_>>()
                .join(" "),
            other => other.target().unwrap_or_default().to_owned(),
        };
        format!("do {} {} {what}", action.part, action.request.operation())
    });
    let decisions = plan.decisions.iter().map(|(part, action, reason)| format!("{action} {part}: {reason}"));
    let blocked = plan.parts.iter().filter(|(_, report)| report.blocked);
    let blocked =
        blocked.map(|(part, report)| format!("blocked {part}: {}", report.reason.as_deref().unwrap_or("")));
    let tiers = plan.tiers.values().map(|tier| {
        let healing = tier.healing.as_deref().unwrap_or("-");
        format!("tier: {} wanted, {} there, {} ready; {healing}", tier.desired, tier.instances, tier.ready)
    });
    let lines: Vec<_> = actions.chain(decisions).chain(blocked).chain(tiers).collect();
    lines.join("\n") + "\n"
}
