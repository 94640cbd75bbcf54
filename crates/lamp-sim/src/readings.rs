//! Reading calls: pages of rows as one of AWS's replicas sees them.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use lamp_cloud::kinds::{
    db_parameter_group::DbParameterGroup, load_balancer::LoadBalancer, subnet::Subnet,
    target_group::TargetGroup, vpc::Vpc,
};
use lamp_cloud::{
    Body, CloudError, Instance, InstanceState, InstanceStatus, Kind, Listing, Page, Read, Reading, Reference,
    Resource, ResourceId, State, Tags, TargetHealth,
};

use crate::Fault;
use crate::calls::{Asked, Effect};
use crate::consistency::View;
use crate::kinds::{self, Behaviour};
use crate::live::instances::Machine;
use crate::refusal::Refusal;
use crate::requests::{refused, unintelligible};
use crate::world::{Truth, World, of_install};

/// Rows of one page of `DescribeInstances`, `DescribeInstanceStatus` and the like.
const EC2_PAGE: usize = 1000;
/// Rows of one page of `DescribeLaunchTemplateVersions`.
const VERSIONS_PAGE: usize = 200;
/// How tokens of pages begin.
const TOKEN: &str = "after:";

impl World {
    /// Makes one reading call.
    pub(crate) fn read(&mut self, read: &Read) -> Result<Reading, CloudError> {
        let calling = self.calling(read.service(), read.operation(), false);
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
        let view = View { now: self.now, call, lag: self.config.lag, dice: self.dice };
        self.authorize_read(read)?;
        let mut reading = self.look(read, view)?;
        match fault {
            Some(Fault::EmptySuccess) => empty(&mut reading),
            Some(Fault::MissingPage) => forget_next(&mut reading),
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
            Read::Metrics { queries, minutes } => self.metric_data(queries, *minutes),
        }
    }

    fn metric_data(&self, queries: &[lamp_cloud::MetricQuery], minutes: u32) -> Result<Reading, Refusal> {
        if queries.len() > Read::METRICS_PER_CALL {
            let message = format!(
                "The collection MetricDataQueries must not have a size greater than {}",
                queries.len()
            );
            return Err(Refusal::new("ValidationError", message));
        }
        Ok(Reading::Metrics(self.metrics(queries, minutes)))
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
                let rows = self.instance_rows(start(page)?, view);
                let checks = rows.filter(|row| row.state == InstanceState::Running);
                let checks = checks.map(|row| {
                    let status = InstanceStatus {
                        instance: row.id.clone(),
                        check: row.status,
                        events: row.events.clone(),
                    };
                    (&row.id, status)
                });
                Ok(Reading::InstanceStatus(cut(checks, EC2_PAGE)))
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
        let shown = |row: &&Arc<Resource>| {
            (everyones || separate || of_install(&row.tags, &self.config.install)) && !is_grave(row, self)
        };
        let rows = self.rows(kind, start(page)?, view).filter(shown).map(|row| (&row.id, row));
        let page = cut(rows, kinds::page(kind));
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
        let rows = self.rows(Kind::LaunchTemplate, start(page)?, view).filter_map(|row| match &row.body {
            Body::LaunchTemplate(body) => {
                Some((&row.id, (row.id.clone(), body.latest_version, body.data.clone()?)))
            }
            _ => None,
        });
        Ok(cut(rows, VERSIONS_PAGE))
    }

    fn instance_rows(&self, from: Bound<String>, view: View) -> impl Iterator<Item = &Arc<Instance>> {
        let rows = self.machines.range((from, Bound::Unbounded));
        let rows = rows.filter_map(move |(id, machine)| view.see(id, &machine.row));
        rows.filter(|row| of_install(&row.tags, &self.config.install))
    }

    // Status checks come from another call.
    fn instance_page(&self, page: Option<&str>, view: View) -> Result<Page<Instance>, Refusal> {
        Ok(bare(self.instance_rows(start(page)?, view)))
    }

    fn zone_page(&self, name: &str, page: Option<&str>, view: View) -> Result<Reading, Refusal> {
        if self.zones().iter().any(|zone| zone.name == name && !zone.available) {
            return Err(Refusal::new("InternalError", "An internal error has occurred"));
        }
        let rows = self.instance_rows(start(page)?, view).filter(|row| row.zone == name);
        Ok(Reading::Instances(bare(rows)))
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
        let rows = all.range((start(page)?, Bound::Unbounded));
        let inside = rows.filter(|(_, interface)| self.network_of(&interface.subnet) == Some(vpc));
        Ok(Reading::NetworkInterfaces(cut(inside.map(|(id, row)| (id, row.clone())), EC2_PAGE)))
    }

    fn listeners(&self, balancer: &str, view: View) -> Result<Reading, Refusal> {
        self.detail::<LoadBalancer, _>(balancer, view, |_| ())?;
        let of = Reference::id(balancer);
        let rows = self.rows(Kind::Listener, Bound::Unbounded, view);
        let mine = rows.filter(|row| matches!(&row.body, Body::Listener(body) if body.load_balancer == of));
        Ok(Reading::Listeners(mine.map(|row| self.shown(row, true)).collect()))
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
fn start(page: Option<&str>) -> Result<Bound<String>, Refusal> {
    let Some(token) = page else { return Ok(Bound::Unbounded) };
    let id = token.strip_prefix(TOKEN);
    id.map(|id| Bound::Excluded(id.to_owned()))
        .ok_or_else(|| Refusal::new("InvalidNextToken", format!("The token '{token}' is not valid")))
}

/// A page of instances, as the listing shows them.
fn bare<'a>(rows: impl Iterator<Item = &'a Arc<Instance>>) -> Page<Instance> {
    let page = cut(rows.map(|row| (&row.id, row)), EC2_PAGE);
    let bare = |row: &Arc<Instance>| bare_row(row);
    Page { items: page.items.into_iter().map(bare).collect(), next: page.next }
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
        Reading::Zones(page) => *page = Page { items: Vec::new(), next: None },
        Reading::Resources(page) => *page = Page { items: Vec::new(), next: None },
        Reading::LaunchTemplateVersions(page) => *page = Page { items: Vec::new(), next: None },
        Reading::Instances(page) => *page = Page { items: Vec::new(), next: None },
        Reading::InstanceStatus(page) => *page = Page { items: Vec::new(), next: None },
        Reading::NetworkInterfaces(page) => *page = Page { items: Vec::new(), next: None },
        Reading::Listeners(rows) => rows.clear(),
        Reading::NetworkInstances(rows) => rows.clear(),
        Reading::TargetHealth(rows) => rows.clear(),
        Reading::Metrics(rows) => rows.iter_mut().for_each(|(_, series)| series.points.clear()),
        _ => {}
    }
}

fn forget_next(reading: &mut Reading) {
    match reading {
        Reading::Zones(page) => page.next = None,
        Reading::Resources(page) => page.next = None,
        Reading::LaunchTemplateVersions(page) => page.next = None,
        Reading::Instances(page) => page.next = None,
        Reading::InstanceStatus(page) => page.next = None,
        Reading::NetworkInterfaces(page) => page.next = None,
        _ => {}
    }
}
