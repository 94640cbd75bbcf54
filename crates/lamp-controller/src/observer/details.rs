//! What AWS shows only resource by resource: read once, and again when there is a reason to.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::ScalingPolicy;
use lamp_cloud::{Body, Instance, Kind, Page, Read, Reading, Resource, ResourceId, TargetHealth};

use super::marks::{self, Marks};

/// A detail of a resource: one reading call, or a share of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Detail {
    Tags(Kind),
    Listeners,
    TargetHealth,
    VpcDnsSupport,
    VpcDnsHostnames,
    /// Whatever runs in a network, tagged or not.
    NetworkInstances,
    LoadBalancerAttributes,
    TargetGroupAttributes,
    DbParameters,
    /// The scaling policies of a group: read for all groups at once.
    ScalingPolicies,
}

impl Detail {
    /// The details that a kind has, apart from tags.
    pub(crate) fn of(kind: Kind) -> &'static [Self] {
        match kind {
            Kind::Vpc => &[Self::VpcDnsSupport, Self::VpcDnsHostnames, Self::NetworkInstances],
            Kind::LoadBalancer => &[Self::Listeners, Self::LoadBalancerAttributes],
            Kind::TargetGroup => &[Self::TargetGroupAttributes, Self::TargetHealth],
            Kind::DbParameterGroup => &[Self::DbParameters],
            Kind::AutoScalingGroup => &[Self::ScalingPolicies],
            _ => &[],
        }
    }

    /// The kind that has this detail.
    pub(crate) fn kind(self) -> Kind {
        match self {
            Self::Tags(kind) => kind,
            Self::Listeners | Self::LoadBalancerAttributes => Kind::LoadBalancer,
            Self::TargetHealth | Self::TargetGroupAttributes => Kind::TargetGroup,
            Self::VpcDnsSupport | Self::VpcDnsHostnames | Self::NetworkInstances => Kind::Vpc,
            Self::DbParameters => Kind::DbParameterGroup,
            Self::ScalingPolicies => Kind::AutoScalingGroup,
        }
    }

    /// Of how many resources one call reads this detail.
    pub(crate) fn per_call(self) -> usize {
        match self {
            Self::Tags(kind) => Read::tags_per_call(kind),
            Self::NetworkInstances => Read::NETWORKS_PER_CALL,
            _ => 1,
        }
    }

    /// The calls that read this detail of these resources.
    pub(crate) fn reads(self, ids: &[ResourceId]) -> Vec<Read> {
        let batches = ids.chunks(self.per_call()).map(<[ResourceId]>::to_vec);
        match self {
            Self::Tags(kind) => batches.map(|ids| Read::Tags { kind, ids }).collect(),
            Self::NetworkInstances => batches.map(|vpcs| Read::NetworkInstances { vpcs }).collect(),
            _ => ids.iter().filter_map(|id| self.read(id.clone())).collect(),
        }
    }

    /// What our own calls must have touched to make a reading of it out of date: of a group that was only made larger,
    /// the policies are the same.
    pub(crate) fn mark_of(self, id: &str) -> Cow<'_, str> {
        if self == Self::ScalingPolicies { Cow::Owned(marks::policies_of(id)) } else { Cow::Borrowed(id) }
    }

    /// The details of a kind that stand in the body of its resource, and that a call of its own reads.
    pub(crate) fn of_body(kind: Kind) -> impl Iterator<Item = Self> {
        let of_body = |detail: &Self| {
            !matches!(
                detail,
                Self::TargetHealth | Self::NetworkInstances | Self::Listeners | Self::ScalingPolicies
            )
        };
        Self::of(kind).iter().copied().filter(of_body)
    }

    /// Whether a resource can do without it: whoever decides on policies says what is done while they are not known.
    fn may_be_unknown(self) -> bool {
        self == Self::ScalingPolicies
    }

    /// Whether it stands in the body of its resource, or makes it whole.
    fn is_of_body(self) -> bool {
        !matches!(self, Self::TargetHealth | Self::NetworkInstances)
    }

    fn read(self, id: ResourceId) -> Option<Read> {
        match self {
            Self::Tags(_) | Self::NetworkInstances | Self::ScalingPolicies => None,
            Self::Listeners => Some(Read::Listeners { load_balancer: id }),
            Self::TargetHealth => Some(Read::TargetHealth { target_group: id }),
            Self::VpcDnsSupport => Some(Read::VpcDnsSupport { vpc: id }),
            Self::VpcDnsHostnames => Some(Read::VpcDnsHostnames { vpc: id }),
            Self::LoadBalancerAttributes => Some(Read::LoadBalancerAttributes { load_balancer: id }),
            Self::TargetGroupAttributes => Some(Read::TargetGroupAttributes { target_group: id }),
            Self::DbParameters => Some(Read::DbParameters { group: id }),
        }
    }
}

/// One reading of one detail.
#[derive(Clone, Debug)]
pub(crate) struct Cached {
    /// The pass that read it.
    pub(crate) pass: u64,
    pub(crate) at: Timestamp,
    pub(crate) reading: Reading,
}

/// The newest reading of each detail.
#[derive(Debug, Default)]
pub(crate) struct Details {
    cache: BTreeMap<(ResourceId, Detail), Cached>,
}

impl Details {
    /// The reading of a detail, unless our own actions made it out of date.
    pub(crate) fn get(&self, id: &str, detail: Detail, marks: &Marks) -> Option<&Cached> {
        let mark = detail.mark_of(id);
        self.cache.get(&(id.to_owned(), detail)).filter(|cached| marks.is_fresh(&mark, cached.pass))
    }

    /// Keeps the policies of every group, as one reading of the whole region showed them.
    pub(crate) fn put_policies(
        &mut self,
        groups: BTreeSet<ResourceId>,
        rows: Vec<(ResourceId, ScalingPolicy)>,
        (pass, at): (u64, Timestamp),
    ) {
        let mut by_group: BTreeMap<ResourceId, Vec<_>> =
            groups.into_iter().map(|id| (id, Vec::new())).collect();
        for (group, policy) in rows {
            by_group.entry(group.clone()).and_modify(|policies| policies.push((group, policy)));
        }
        for (id, items) in by_group {
            let reading = Reading::ScalingPolicies(Page { items, next: None });
            self.cache.insert((id, Detail::ScalingPolicies), Cached { pass, at, reading });
        }
    }

    /// Keeps what one call read.
    pub(crate) fn put(&mut self, detail: Detail, read: &Read, reading: Reading, pass: u64, at: Timestamp) {
        match (read, reading) {
            (Read::Tags { ids, .. }, Reading::Tags(rows)) => {
                let mut rows: BTreeMap<_, _> = rows.into_iter().collect();
                for id in ids {
                    // One that is not in the answer has no tags.
                    let tags = rows.remove(id).unwrap_or_default();
                    let reading = Reading::Tags(vec![(id.clone(), tags)]);
                    self.cache.insert((id.clone(), detail), Cached { pass, at, reading });
                }
            }
            (Read::NetworkInstances { vpcs }, Reading::NetworkInstances(rows)) => {
                for id in vpcs {
                    let of_it = rows.iter().filter(|(vpc, _)| vpc == id).cloned().collect();
                    let reading = Reading::NetworkInstances(of_it);
                    self.cache.insert((id.clone(), detail), Cached { pass, at, reading });
                }
            }
            (read, reading) => {
                if let Some(id) = subject(read).filter(|_| fits(detail, &reading)) {
                    self.cache.insert((id.clone(), detail), Cached { pass, at, reading });
                }
            }
        }
    }

    /// Forgets a detail: AWS says that the resource is not there.
    pub(crate) fn forget(&mut self, read: &Read, detail: Detail) {
        if let Some(id) = subject(read) {
            self.cache.remove(&(id.clone(), detail));
        }
    }

    /// Keeps only details of these resources.
    pub(crate) fn retain(&mut self, keep: impl Fn(&ResourceId, Detail) -> bool) {
        self.cache.retain(|(id, detail), _| keep(id, *detail));
    }

    /// The passes that read what a mark is about: the details of a resource, or the policies of a group.
    pub(crate) fn passes<'a>(&'a self, mark: &'a str) -> impl Iterator<Item = u64> + 'a {
        let (id, policies) = marks::group_of(mark).map_or((mark, false), |group| (group, true));
        let from = (id.to_owned(), Detail::Tags(Kind::Vpc));
        let of_it = self.cache.range(from..).take_while(move |((other, _), _)| other == id);
        of_it
            .filter(move |((_, detail), _)| (*detail == Detail::ScalingPolicies) == policies)
            .map(|(_, cached)| cached.pass)
    }

    /// The load balancers whose listeners, as read, include `listener`.
    pub(crate) fn load_balancers_of(&self, listener: &str) -> BTreeSet<ResourceId> {
        let has = |cached: &Cached| match &cached.reading {
            Reading::Listeners(rows) => rows.iter().any(|row| row.id == listener),
            _ => false,
        };
        self.cache.iter().filter(|(_, cached)| has(cached)).map(|((id, _), _)| id.clone()).collect()
    }

    /// The listeners of a load balancer, if they were read.
    pub(crate) fn listeners(&self, load_balancer: &str, marks: &Marks) -> Option<&[Resource]> {
        match &self.get(load_balancer, Detail::Listeners, marks)?.reading {
            Reading::Listeners(rows) => Some(rows),
            _ => None,
        }
    }

    /// The health of the targets of a group, and when it was read.
    pub(crate) fn targets(&self, group: &str, marks: &Marks) -> Option<(Timestamp, &[TargetHealth])> {
        let cached = self.get(group, Detail::TargetHealth, marks)?;
        match &cached.reading {
            Reading::TargetHealth(rows) => Some((cached.at, rows)),
            _ => None,
        }
    }

    /// The instances of a network, if they were read.
    pub(crate) fn network_instances(&self, vpc: &str, marks: &Marks) -> Option<&[(ResourceId, Instance)]> {
        match &self.get(vpc, Detail::NetworkInstances, marks)?.reading {
            Reading::NetworkInstances(rows) => Some(rows),
            _ => None,
        }
    }

    /// The tags of a resource whose listing shows none, if they were read.
    pub(crate) fn tags(&self, kind: Kind, id: &str, marks: &Marks) -> Option<&lamp_cloud::Tags> {
        match &self.get(id, Detail::Tags(kind), marks)?.reading {
            Reading::Tags(rows) => rows.first().map(|(_, tags)| tags),
            _ => None,
        }
    }

    /// Fills in the details of a resource; whether all of them are there.
    pub(crate) fn complete(&self, resource: &mut Resource, marks: &Marks) -> bool {
        let kind = resource.kind();
        let id = resource.id.clone();
        let body = Detail::of(kind).iter().filter(|detail| detail.is_of_body());
        body.fold(true, |complete, detail| {
            let cached = self.get(&id, *detail, marks);
            if let Some(cached) = cached {
                fill(&mut resource.body, *detail, &cached.reading);
            }
            complete && (cached.is_some() || detail.may_be_unknown())
        })
    }
}

/// Writes a detail into the body of its resource.
pub(crate) fn fill(body: &mut Body, detail: Detail, reading: &Reading) {
    match (body, reading) {
        (Body::Vpc(vpc), Reading::VpcAttribute(on)) if detail == Detail::VpcDnsSupport => {
            vpc.dns_support = Some(*on);
        }
        (Body::Vpc(vpc), Reading::VpcAttribute(on)) => vpc.dns_hostnames = Some(*on),
        (Body::LoadBalancer(body), Reading::LoadBalancerAttributes(attributes)) => {
            body.attributes = Some(attributes.clone());
        }
        (Body::TargetGroup(body), Reading::TargetGroupAttributes(attributes)) => {
            body.attributes = Some(attributes.clone());
        }
        (Body::DbParameterGroup(body), Reading::DbParameters(parameters)) => {
            body.parameters = Some(parameters.clone());
        }
        (Body::AutoScalingGroup(body), Reading::ScalingPolicies(page)) => {
            body.set_policies(page.items.iter().map(|(_, policy)| policy.clone()).collect());
        }
        _ => {}
    }
}

/// The one resource that a call is about.
fn subject(read: &Read) -> Option<&ResourceId> {
    match read {
        Read::VpcDnsSupport { vpc } | Read::VpcDnsHostnames { vpc } => Some(vpc),
        Read::Listeners { load_balancer } | Read::LoadBalancerAttributes { load_balancer } => {
            Some(load_balancer)
        }
        Read::TargetGroupAttributes { target_group } | Read::TargetHealth { target_group } => {
            Some(target_group)
        }
        Read::DbParameters { group } => Some(group),
        Read::List { .. }
        | Read::Everyones { .. }
        | Read::Tags { .. }
        | Read::NetworkInstances { .. }
        | Read::ZoneInstances { .. }
        | Read::NetworkInterfaces { .. }
        | Read::ScalingPolicies { .. }
        | Read::Metrics { .. }
        | Read::History { .. } => None,
        Read::One { .. } | Read::DbSnapshot { .. } => None,
    }
}

fn fits(detail: Detail, reading: &Reading) -> bool {
    matches!(
        (detail, reading),
        (Detail::Listeners, Reading::Listeners(_))
            | (Detail::TargetHealth, Reading::TargetHealth(_))
            | (Detail::VpcDnsSupport | Detail::VpcDnsHostnames, Reading::VpcAttribute(_))
            | (Detail::LoadBalancerAttributes, Reading::LoadBalancerAttributes(_))
            | (Detail::TargetGroupAttributes, Reading::TargetGroupAttributes(_))
            | (Detail::DbParameters, Reading::DbParameters(_))
    )
}
