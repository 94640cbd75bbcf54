//! Reading calls: pages of rows as one of AWS's replicas sees them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use jiff::Timestamp;
use lamp_cloud::kinds::{
    db_parameter_group::DbParameterGroup, load_balancer::LoadBalancer, subnet::Subnet,
    target_group::TargetGroup, vpc::Vpc,
};
use lamp_cloud::{
    Body, CloudError, Instance, InstanceState, InstanceStatus, Kind, Listing, Page, Read, Reading, Reference,
    Resource, ResourceId, Series, State, Tags, TargetHealth,
};

use crate::calls::{Asked, Effect};
use crate::consistency::View;
use crate::faults::Shape;
use crate::kinds::{self, Behaviour};
use crate::live::instances::Machine;
use crate::refusal::Refusal;
use crate::requests::{refused, unintelligible};
use crate::world::{Truth, World, of_install};
use crate::{Fault, MetricSpell, MetricTrouble};

/// Rows of one page of `DescribeInstances`, `DescribeInstanceStatus` and the like.
const EC2_PAGE: usize = 1000;
/// Rows of one page of `DescribeLaunchTemplateVersions`.
const VERSIONS_PAGE: usize = 200;
/// Rows of one page of `DescribePolicies`.
const POLICIES_PAGE: usize = 100;
/// How tokens of pages begin.
const TOKEN: &str = "after:";

impl World {
    /// Makes one reading call.
    pub(crate) fn read(&mut self, read: &Read) -> Result<Reading, CloudError> {
        let calling = self.calling(read.called(), false, Shape::of_read(read));
        let (answer, fault) = match self.hindrance(&calling) {
            Err((refusal, fault)) => (Err(refusal), fault),
            Ok(fault) => (self.seen(read, calling.ordinal, fault), fault),
        };
        let answer =
            answer.map_err(|refusal| refused(refusal, calling.operation, self.request_id(calling.ordinal)));
        self.write_down(
            &calling,
            Asked::Read(read.clone()),
            answer.as_ref().err().cloned(),
            Effect::None,
            fault,
        );
        answer
    }

    fn seen(&self, read: &Read, call: u64, fault: Option<Fault>) -> Result<Reading, Refusal> {
        if fault == Some(Fault::Unintelligible) {
            return Err(unintelligible());
        }
        let view = View { now: self.now, call, lag: self.config.lag, dice: self.dice, fault };
        self.authorize_read(read)?;
        let mut reading = self.look(read, view)?;
        match fault {
            Some(Fault::EmptySuccess) => empty(&mut reading),
            Some(Fault::MissingPage) => forget_next(&mut reading),
            Some(Fault::EmptyPage) => hold_back(&mut reading, page_of(read)),
            _ => {}
        }
        Ok(reading)
    }

    fn look(&self, read: &Read, view: View) -> Result<Reading, Refusal> {
        match read {
            Read::List { listing, page } => self.list(*listing, page.as_deref(), view),
            Read::Everyones { kind, page } => {
                self.resource_page(*kind, page.as_deref(), true, view).map(Reading::Resources)
            }
            Read::VpcDnsSupport { vpc } => {
                let value = self.detail::<Vpc, _>(vpc, view, |vpc| vpc.dns_support)?;
                Ok(Reading::VpcAttribute(value.unwrap_or(true)))
            }
            Read::VpcDnsHostnames { vpc } => {
                let value = self.detail::<Vpc, _>(vpc, view, |vpc| vpc.dns_hostnames)?;
                Ok(Reading::VpcAttribute(value.unwrap_or(false)))
            }
            Read::Listeners { load_balancer } => self.listeners(load_balancer, view),
            Read::LoadBalancerAttributes { load_balancer } => {
                let value =
                    self.detail::<LoadBalancer, _>(load_balancer, view, |body| body.attributes.clone())?;
                value.map(Reading::LoadBalancerAttributes).ok_or_else(unintelligible)
            }
            Read::TargetGroupAttributes { target_group } => {
                let value =
                    self.detail::<TargetGroup, _>(target_group, view, |body| body.attributes.clone())?;
                value.map(Reading::TargetGroupAttributes).ok_or_else(unintelligible)
            }
            Read::ScalingPolicies { page } => self.scaling_policies(page.as_deref(), view),
            Read::TargetHealth { target_group } => self.target_health(target_group, view),
            Read::DbParameters { group } => {
                let value =
                    self.detail::<DbParameterGroup, _>(group, view, |body| body.parameters.clone())?;
                Ok(Reading::DbParameters(value.unwrap_or_default()))
            }
            Read::NetworkInstances { vpcs } => self.network_instances(vpcs, view),
            Read::ZoneInstances { zone, page } => self.zone_page(zone, page.as_deref(), view),
            Read::NetworkInterfaces { vpc, page } => self.network_interfaces(vpc, page.as_deref(), view),
            Read::Tags { kind, ids } => self.tags(*kind, ids, view),
            Read::One { kind, id } => Ok(Reading::One(self.one(*kind, id, view))),
            Read::DbSnapshot { id } => {
                Ok(Reading::DbSnapshot(self.snapshots.get(id).map(|snapshot| snapshot.status.clone())))
            }
            Read::Metrics { queries, minutes } => {
                acceptable(queries.len())?;
                let mut rows = self.metrics(queries, *minutes);
                let told = rows.iter_mut().map(|(query, series)| (query.resource.as_str(), series));
                self.spoil(told, view);
                Ok(Reading::Metrics(rows))
            }
            Read::History { queries, days } => {
                acceptable(queries.len())?;
                let mut rows = self.histories(queries, *days);
                let told = rows.iter_mut().map(|(query, series)| (query.resource.as_str(), series));
                self.spoil(told, view);
                Ok(Reading::History(rows))
            }
        }
    }

    /// What is told of metrics instead of the truth.
    fn spoil<'a>(&self, told: impl Iterator<Item = (&'a str, &'a mut Series)>, view: View) {
        let struck = (view.fault == Some(Fault::PartialMetrics)).then_some(MetricTrouble::Partial);
        let struck = struck.map(|trouble| MetricSpell { trouble, from: self.now, to: Timestamp::MAX });
        let spells = self.config.faults.metrics.iter().filter(|spell| spell.is_on(self.now)).chain(&struck);
        let spells: Vec<&MetricSpell> = spells.collect();
        for (resource, series) in told {
            spells.iter().for_each(|spell| spell.spoil(resource, series, self.now, self.dice));
        }
    }

    /// How many rows a page holds.
    fn page_size(&self, usual: usize, view: View) -> usize {
        let most = self.config.faults.page_rows.unwrap_or(usual).clamp(1, usual);
        if view.fault == Some(Fault::ShortPage) { 1 } else { most }
    }

    fn list(&self, listing: Listing, page: Option<&str>, view: View) -> Result<Reading, Refusal> {
        if matches!(listing, Listing::Instances | Listing::InstanceStatus) && self.is_zone_out() {
            return Err(Refusal::new("InternalError", "An internal error has occurred"));
        }
        match listing {
            Listing::Zones => Ok(Reading::Zones(Page { items: self.zones(), next: None })),
            Listing::Resources(kind) => self.resource_page(kind, page, false, view).map(Reading::Resources),
            Listing::LaunchTemplateVersions => {
                self.version_page(page, view).map(Reading::LaunchTemplateVersions)
            }
            Listing::Instances => self.instance_page(page, view).map(Reading::Instances),
            Listing::InstanceStatus => {
                let rows = self.instance_rows(start(page, view)?, view);
                let checks = rows.filter(|row| row.state == InstanceState::Running);
                let checks = checks.map(|row| {
                    let status = InstanceStatus {
                        instance: row.id.clone(),
                        check: row.status,
                        events: row.events.clone(),
                    };
                    (&row.id, status)
                });
                Ok(Reading::InstanceStatus(cut(checks, self.page_size(EC2_PAGE, view))))
            }
        }
    }

    /// While a zone is out of service, `DescribeInstances` fails unless it names instances elsewhere.
    fn is_zone_out(&self) -> bool {
        self.zones().iter().any(|zone| !zone.available)
    }

    fn resource_page(
        &self,
        kind: Kind,
        page: Option<&str>,
        everyones: bool,
        view: View,
    ) -> Result<Page<Resource>, Refusal> {
        let separate = kind.tags_are_separate();
        let everyones = everyones || view.fault == Some(Fault::ForeignRows);
        let shown = |row: &&Arc<Resource>| {
            (everyones || separate || of_install(&row.tags, &self.config.install)) && !is_grave(row, self)
        };
        let rows = self.rows(kind, start(page, view)?, view).filter(shown).map(|row| (&row.id, row));
        let page = cut(rows, self.page_size(kinds::page(kind), view));
        let items = page.items.into_iter().map(|row| self.shown(row, separate)).collect();
        Ok(Page { items, next: page.next })
    }

    fn rows(&self, kind: Kind, from: Bound<String>, view: View) -> impl Iterator<Item = &Arc<Resource>> {
        let truths = self.truths.get(&kind).map(|truths| truths.range((from, Bound::Unbounded)));
        truths
            .into_iter()
            .flatten()
            .filter_map(move |(id, truth): (&ResourceId, &Truth)| view.see(id, &truth.history))
    }

    fn shown(&self, row: &Resource, without_tags: bool) -> Resource {
        Resource {
            id: row.id.clone(),
            name: row.name.clone(),
            tags: if without_tags { Tags::new() } else { row.tags.clone() },
            state: row.state.clone(),
            body: self.listed(&row.body),
            created_at: row.created_at.filter(|_| says_creation(row.kind())),
        }
    }

    fn version_page(
        &self,
        page: Option<&str>,
        view: View,
    ) -> Result<Page<(ResourceId, u64, kinds::TemplateData)>, Refusal> {
        let rows =
            self.rows(Kind::LaunchTemplate, start(page, view)?, view).filter_map(|row| match &row.body {
                Body::LaunchTemplate(body) => {
                    Some((&row.id, (row.id.clone(), body.latest_version, body.data.clone()?)))
                }
                _ => None,
            });
        Ok(cut(rows, self.page_size(VERSIONS_PAGE, view)))
    }

    fn instance_rows(&self, from: Bound<String>, view: View) -> impl Iterator<Item = &Arc<Instance>> {
        let rows = self.machines.range((from, Bound::Unbounded));
        let rows = rows.filter_map(move |(id, machine)| view.see(id, &machine.row));
        let everyones = view.fault == Some(Fault::ForeignRows);
        rows.filter(move |row| everyones || of_install(&row.tags, &self.config.install))
    }

    // Status checks come from another call.
    fn instance_page(&self, page: Option<&str>, view: View) -> Result<Page<Instance>, Refusal> {
        Ok(bare(self.instance_rows(start(page, view)?, view), self.page_size(EC2_PAGE, view)))
    }

    fn zone_page(&self, name: &str, page: Option<&str>, view: View) -> Result<Reading, Refusal> {
        if self.zones().iter().any(|zone| zone.name == name && !zone.available) {
            return Err(Refusal::new("InternalError", "An internal error has occurred"));
        }
        let rows = self.instance_rows(start(page, view)?, view).filter(|row| row.zone == name);
        Ok(Reading::Instances(bare(rows, self.page_size(EC2_PAGE, view))))
    }

    fn network_instances(&self, vpcs: &[ResourceId], view: View) -> Result<Reading, Refusal> {
        if self.is_zone_out() {
            return Err(Refusal::new("InternalError", "An internal error has occurred"));
        }
        let network = |machine: &Machine| {
            let vpc = self.body::<Subnet>(&machine.subnet)?.vpc.as_id()?;
            (machine.exists() && vpcs.iter().any(|asked| asked == vpc)).then(|| vpc.to_owned())
        };
        let rows = self.machines.iter().filter_map(|(id, machine)| {
            let row = view.see(id, &machine.row)?;
            Some((network(machine)?, bare_row(row)))
        });
        Ok(Reading::NetworkInstances(rows.collect()))
    }

    fn network_interfaces(&self, vpc: &str, page: Option<&str>, view: View) -> Result<Reading, Refusal> {
        let all = self.all_interfaces(Some(view));
        let rows = all.range((start(page, view)?, Bound::Unbounded));
        let inside = rows.filter(|(_, interface)| self.network_of(&interface.subnet) == Some(vpc));
        let size = self.page_size(EC2_PAGE, view);
        Ok(Reading::NetworkInterfaces(cut(inside.map(|(id, row)| (id, row.clone())), size)))
    }

    fn listeners(&self, balancer: &str, view: View) -> Result<Reading, Refusal> {
        self.detail::<LoadBalancer, _>(balancer, view, |_| ())?;
        let of = Reference::id(balancer);
        let rows = self.rows(Kind::Listener, Bound::Unbounded, view);
        let mine = rows.filter(|row| matches!(&row.body, Body::Listener(body) if body.load_balancer == of));
        Ok(Reading::Listeners(mine.map(|row| self.shown(row, true)).collect()))
    }

    /// The policies of all groups, whosever they are.
    fn scaling_policies(&self, page: Option<&str>, view: View) -> Result<Reading, Refusal> {
        let groups = self.truths.get(&Kind::AutoScalingGroup).into_iter().flatten();
        let seen = groups.filter_map(|(id, truth)| {
            let row = view.see(&format!("policies of {id}"), &truth.history)?;
            match &row.body {
                Body::AutoScalingGroup(body) => Some((id, body.policies.as_ref()?)),
                _ => None,
            }
        });
        let rows: BTreeMap<ResourceId, _> = seen
            .flat_map(|(id, policies)| policies.iter().map(move |policy| (id, policy)))
            .map(|(id, policy)| (format!("{id}/{}", policy.name), (id.clone(), policy.clone())))
            .collect();
        let rest = rows.range((start(page, view)?, Bound::Unbounded));
        let size = self.page_size(POLICIES_PAGE, view);
        Ok(Reading::ScalingPolicies(cut(rest.map(|(key, row)| (key, row.clone())), size)))
    }

    fn target_health(&self, group: &str, view: View) -> Result<Reading, Refusal> {
        self.detail::<TargetGroup, _>(group, view, |_| ())?;
        let targets = self.targets.get(group).into_iter().flat_map(BTreeMap::iter);
        let rows = targets.filter_map(|(target, known)| view.see(&target.instance, &known.row));
        Ok(Reading::TargetHealth(rows.map(|row| TargetHealth::clone(row)).collect()))
    }

    fn tags(&self, kind: Kind, ids: &[ResourceId], view: View) -> Result<Reading, Refusal> {
        if ids.len() > Read::tags_per_call(kind) {
            let message = format!("At most {} resources can be described", Read::tags_per_call(kind));
            return Err(Refusal::new("ValidationError", message));
        }
        let one = |id: &ResourceId| {
            let truth = self.truths.get(&kind).and_then(|truths| truths.get(id));
            // The tags come from another replica than the resource.
            let seen = truth.and_then(|truth| view.see(&format!("tags of {id}"), &truth.history));
            let row = seen.ok_or_else(|| missing(kind, id))?;
            Ok((id.clone(), row.tags.clone()))
        };
        ids.iter().map(one).collect::<Result<_, _>>().map(Reading::Tags)
    }

    /// RDS answers truly for a single identifier; others as one of their replicas knows.
    fn one(&self, kind: Kind, id: &str, view: View) -> Option<Resource> {
        if kind == Kind::DbInstance {
            return self.resource(kind, id).map(|row| self.shown(row, false));
        }
        let truth = self.truths.get(&kind)?.get(id)?;
        let row = view.see(id, &truth.history).filter(|row| !is_grave(row, self))?;
        Some(self.shown(row, kind.tags_are_separate()))
    }

    /// Something of one resource that takes a call of its own.
    fn detail<T: Behaviour, R>(
        &self,
        id: &str,
        view: View,
        pick: impl FnOnce(&T) -> R,
    ) -> Result<R, Refusal> {
        let truth = self.truths.get(&T::KIND).and_then(|truths| truths.get(id));
        let row = truth.and_then(|truth| view.see(id, &truth.history));
        row.and_then(|row| T::of(&row.body)).map(pick).ok_or_else(|| missing(T::KIND, id))
    }
}

/// A deleted NAT gateway that AWS still remembers: listings of what exists leave it out.
fn is_grave(row: &Resource, world: &World) -> bool {
    row.kind() == Kind::NatGateway && row.state == State::Deleting && !world.nat_stands(&row.id)
}

fn missing(kind: Kind, id: &str) -> Refusal {
    Refusal::new(kinds::missing(kind), format!("The {} '{id}' does not exist", kind.name()))
}

/// Kinds whose listing gives the time of their creation.
fn says_creation(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NatGateway
            | Kind::LoadBalancer
            | Kind::LaunchTemplate
            | Kind::AutoScalingGroup
            | Kind::DbInstance
            | Kind::Secret
    )
}

/// Where a page begins: its token names the last row of the page before, so that pages stay right when rows come
/// and go.
fn start(page: Option<&str>, view: View) -> Result<Bound<String>, Refusal> {
    let Some(token) = page else { return Ok(Bound::Unbounded) };
    let Some(id) = token.strip_prefix(TOKEN) else {
        return Err(Refusal::new("InvalidNextToken", format!("The token '{token}' is not valid")));
    };
    let again = view.fault == Some(Fault::RepeatedRow);
    Ok(if again { Bound::Included(id.to_owned()) } else { Bound::Excluded(id.to_owned()) })
}

/// A page of instances, as the listing shows them.
fn bare<'a>(rows: impl Iterator<Item = &'a Arc<Instance>>, size: usize) -> Page<Instance> {
    let page = cut(rows.map(|row| (&row.id, row)), size);
    let bare = |row: &Arc<Instance>| bare_row(row);
    Page { items: page.items.into_iter().map(bare).collect(), next: page.next }
}

/// One call asks for so many metrics.
fn acceptable(metrics: usize) -> Result<(), Refusal> {
    if metrics <= Read::METRICS_PER_CALL {
        return Ok(());
    }
    let message = format!("The collection MetricDataQueries must not have a size greater than {metrics}");
    Err(Refusal::new("ValidationError", message))
}

/// The first `size` rows, and where the next page begins.
fn cut<'a, T>(mut rows: impl Iterator<Item = (&'a ResourceId, T)>, size: usize) -> Page<T> {
    let mut items = Vec::new();
    let mut last = None;
    for (id, row) in rows.by_ref().take(size) {
        items.push(row);
        last = Some(id);
    }
    let next = last.filter(|_| rows.next().is_some()).map(|id| format!("{TOKEN}{id}"));
    Page { items, next }
}

/// What `DescribeInstances` says of an instance.
fn bare_row(row: &Instance) -> Instance {
    Instance { status: None, events: Vec::new(), ..row.clone() }
}

fn empty(reading: &mut Reading) {
    match reading {
        Reading::Listeners(rows) => rows.clear(),
        Reading::NetworkInstances(rows) => rows.clear(),
        Reading::TargetHealth(rows) => rows.clear(),
        Reading::Metrics(rows) => rows.iter_mut().for_each(|(_, series)| series.points.clear()),
        Reading::History(rows) => rows.iter_mut().for_each(|(_, series)| series.points.clear()),
        pages => cut_short(pages, true, None),
    }
}

fn forget_next(reading: &mut Reading) {
    cut_short(reading, false, None);
}

/// Nothing of the page is shown, and the next one begins where this one did.
fn hold_back(reading: &mut Reading, page: Option<&str>) {
    cut_short(reading, true, Some(page.unwrap_or(TOKEN)));
}

fn cut_short(reading: &mut Reading, empty: bool, next: Option<&str>) {
    fn one<T>(page: &mut Page<T>, empty: bool, next: Option<&str>) {
        if empty {
            page.items.clear();
        }
        page.next = next.map(str::to_owned);
    }
    match reading {
        Reading::Zones(page) => one(page, empty, None),
        Reading::Resources(page) => one(page, empty, next),
        Reading::LaunchTemplateVersions(page) => one(page, empty, next),
        Reading::Instances(page) => one(page, empty, next),
        Reading::InstanceStatus(page) => one(page, empty, next),
        Reading::NetworkInterfaces(page) => one(page, empty, next),
        Reading::ScalingPolicies(page) => one(page, empty, next),
        _ => {}
    }
}

fn page_of(read: &Read) -> Option<&str> {
    match read {
        Read::List { page, .. }
        | Read::Everyones { page, .. }
        | Read::ZoneInstances { page, .. }
        | Read::ScalingPolicies { page }
        | Read::NetworkInterfaces { page, .. } => page.as_deref(),
        _ => None,
    }
}
