//! Reading calls. Each is one AWS call; the observer decides which, when and in which order.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::kinds::{
    auto_scaling_group::ScalingPolicy, launch_template::TemplateData, load_balancer::LoadBalancerAttributes,
    target_group::TargetGroupAttributes,
};
use crate::operation::calls;
use crate::{
    HISTORY_DAYS, HISTORY_PERIOD, HistoryQuery, Instance, InstanceStatus, Kind, MetricQuery,
    NetworkInterface, Operation, Resource, ResourceId, Series, Service, Tags, TargetHealth, Zone,
};

/// A kind of row that can be listed for the whole region, page by page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Listing {
    Zones,
    /// Resources of a declared kind. Where the listing call returns no tags, `tags` of the rows are empty and
    /// [`Read::Tags`] gives them.
    Resources(Kind),
    /// The newest version of each launch template: what it launches.
    LaunchTemplateVersions,
    Instances,
    /// Status checks of running instances, and the events that AWS scheduled for them; those of which there is nothing to
    /// say may be left out.
    InstanceStatus,
}

impl Listing {
    /// Everything that one pass lists.
    pub fn all() -> Vec<Self> {
        let mut listings =
            vec![Self::Zones, Self::LaunchTemplateVersions, Self::Instances, Self::InstanceStatus];
        listings.extend(Kind::ALL.iter().filter(|kind| kind.is_listed()).map(|kind| Self::Resources(*kind)));
        listings
    }

    /// Short name for metrics and messages, for example `Subnet`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Zones => "Zone",
            Self::Resources(kind) => kind.name(),
            Self::LaunchTemplateVersions => "LaunchTemplateVersion",
            Self::Instances => "Instance",
            Self::InstanceStatus => "InstanceStatus",
        }
    }

    /// The AWS service that lists it.
    pub fn service(self) -> Service {
        match self {
            Self::Resources(kind) => kind.service(),
            Self::Zones | Self::LaunchTemplateVersions | Self::Instances | Self::InstanceStatus => {
                Service::Ec2
            }
        }
    }

    /// Name of the AWS operation, for example `DescribeSubnets`.
    pub fn operation(self) -> &'static str {
        match self {
            Self::Zones => "DescribeAvailabilityZones",
            Self::Resources(kind) => kind.list_operation(),
            Self::LaunchTemplateVersions => "DescribeLaunchTemplateVersions",
            Self::Instances => "DescribeInstances",
            Self::InstanceStatus => "DescribeInstanceStatus",
        }
    }
}

/// One reading call.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Read {
    /// One page of a listing; `None` is the first.
    List { listing: Listing, page: Option<String> },
    /// One page of all resources of a kind, whoever's tags they carry; where the tags come separately, without them.
    /// Answered as a listing.
    Everyones { kind: Kind, page: Option<String> },
    /// `DescribeVpcAttribute enableDnsSupport`
    VpcDnsSupport { vpc: ResourceId },
    /// `DescribeVpcAttribute enableDnsHostnames`
    VpcDnsHostnames { vpc: ResourceId },
    /// `DescribeListeners` of one load balancer.
    Listeners { load_balancer: ResourceId },
    /// `DescribeLoadBalancerAttributes`
    LoadBalancerAttributes { load_balancer: ResourceId },
    /// `DescribeTargetGroupAttributes`
    TargetGroupAttributes { target_group: ResourceId },
    /// One page of the scaling policies of all Auto Scaling groups of the region, whosever they are (`DescribePolicies`).
    ScalingPolicies { page: Option<String> },
    /// `DescribeTargetHealth`
    TargetHealth { target_group: ResourceId },
    /// `DescribeDBParameters` of one parameter group: those set by a user.
    DbParameters { group: ResourceId },
    /// `DescribeInstances` of everything that runs in these networks, tagged or not: up to [`Read::NETWORKS_PER_CALL`].
    NetworkInstances { vpcs: Vec<ResourceId> },
    /// One page of the instances in one zone: while a zone is out of service, the listing of the whole region can fail.
    /// Answered as a listing.
    ZoneInstances { zone: String, page: Option<String> },
    /// One page of everything that has an address in a network (`DescribeNetworkInterfaces`), whoever made it.
    NetworkInterfaces { vpc: ResourceId, page: Option<String> },
    /// Tags of resources whose listing shows none: load balancing takes up to 20 ARNs a call, RDS one.
    Tags { kind: Kind, ids: Vec<ResourceId> },
    /// One resource by its id, whoever's tags it carries: where the tags come separately, without them.
    One { kind: Kind, id: ResourceId },
    /// A final snapshot: is it there?
    DbSnapshot { id: ResourceId },
    /// The last `minutes` of up to 500 metrics.
    Metrics { queries: Vec<MetricQuery>, minutes: u32 },
    /// The last `days` of up to [`Read::histories_per_call`] metrics, in periods of [`HISTORY_PERIOD`]: those that were
    /// over two minutes ago.
    History { queries: Vec<HistoryQuery>, days: u32 },
}

impl Read {
    /// How many ids one [`Read::Tags`] may name, by kind.
    pub fn tags_per_call(kind: Kind) -> usize {
        match kind {
            Kind::LoadBalancer | Kind::TargetGroup | Kind::Listener => 20,
            _ => 1,
        }
    }

    /// How many networks one call asks for the instances of: so few that their instances fit a page of 1000.
    pub const NETWORKS_PER_CALL: usize = 20;

    /// How many metrics one call may ask for (`GetMetricData`).
    pub const METRICS_PER_CALL: usize = 500;

    /// How many datapoints one page of `GetMetricData` holds.
    pub const DATAPOINTS_PER_PAGE: usize = 100_800;

    /// How many histories of [`HISTORY_DAYS`] fit one page: nothing of them is cut.
    pub fn histories_per_call() -> usize {
        let periods = u64::from(HISTORY_DAYS) * 86_400 / HISTORY_PERIOD.as_secs();
        let periods = usize::try_from(periods).unwrap_or(usize::MAX);
        (Self::DATAPOINTS_PER_PAGE / periods).min(Self::METRICS_PER_CALL)
    }

    calls! {
        constant {
            Self::VpcDnsSupport { .. } | Self::VpcDnsHostnames { .. } => Ec2 "DescribeVpcAttribute",
            Self::Listeners { .. } => LoadBalancing "DescribeListeners",
            Self::LoadBalancerAttributes { .. } => LoadBalancing "DescribeLoadBalancerAttributes",
            Self::TargetGroupAttributes { .. } => LoadBalancing "DescribeTargetGroupAttributes",
            Self::ScalingPolicies { .. } => AutoScaling "DescribePolicies",
            Self::TargetHealth { .. } => LoadBalancing "DescribeTargetHealth",
            Self::NetworkInstances { .. } | Self::ZoneInstances { .. } => Ec2 "DescribeInstances",
            Self::NetworkInterfaces { .. } => Ec2 "DescribeNetworkInterfaces",
            Self::DbParameters { .. } => Rds "DescribeDBParameters",
            Self::DbSnapshot { .. } => Rds "DescribeDBSnapshots",
            Self::Metrics { .. } | Self::History { .. } => CloudWatch "GetMetricData",
        }
        asked {
            Self::List { listing, .. } => Operation::new(listing.service(), listing.operation()),
            Self::Everyones { kind, .. } => Operation::new(kind.service(), kind.list_operation()),
            Self::One { kind, .. } => Operation::new(kind.service(), kind.describe_operation()),
            Self::Tags { kind, .. } => Operation::new(kind.service(), tags_operation(*kind)),
        }
    }

    /// Every operation that a reading call can be.
    pub fn operations() -> BTreeSet<Operation> {
        let listings = Listing::all().into_iter().map(|listing| Self::List { listing, page: None });
        let id = ResourceId::new;
        let described = Kind::ALL.iter().map(|kind| Self::One { kind: *kind, id: id() });
        let tagged = Kind::ALL.iter().filter(|kind| kind.tags_are_separate());
        let tags = tagged.map(|kind| Self::Tags { kind: *kind, ids: Vec::new() });
        let asked = listings.chain(described).chain(tags).map(|read| read.called());
        asked.chain(Self::CONSTANT.iter().copied()).collect()
    }

    /// The AWS service that it goes to.
    pub fn service(&self) -> Service {
        self.called().service
    }

    /// Name of the AWS operation, for example `DescribeTargetHealth`.
    pub fn operation(&self) -> &'static str {
        self.called().name
    }
}

fn tags_operation(kind: Kind) -> &'static str {
    if kind.service() == Service::Rds { "ListTagsForResource" } else { "DescribeTags" }
}

/// One page of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Token of the next page, if there is one.
    pub next: Option<String>,
}

/// The answer to a [`Read`] of the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::large_enum_variant,
    reason = "there is one for each page that AWS sends, and it is taken apart at once"
)]
pub enum Reading {
    Zones(Page<Zone>),
    Resources(Page<Resource>),
    /// Template id, version, and what it launches.
    LaunchTemplateVersions(Page<(ResourceId, u64, TemplateData)>),
    Instances(Page<Instance>),
    InstanceStatus(Page<InstanceStatus>),
    /// The value of a boolean VPC attribute.
    VpcAttribute(bool),
    Listeners(Vec<Resource>),
    LoadBalancerAttributes(LoadBalancerAttributes),
    TargetGroupAttributes(TargetGroupAttributes),
    /// Each policy with the group that it is of.
    ScalingPolicies(Page<(ResourceId, ScalingPolicy)>),
    TargetHealth(Vec<TargetHealth>),
    DbParameters(std::collections::BTreeMap<String, String>),
    /// Each instance with the network that it is in.
    NetworkInstances(Vec<(ResourceId, Instance)>),
    NetworkInterfaces(Page<NetworkInterface>),
    Tags(Vec<(ResourceId, Tags)>),
    /// `None`: AWS says that there is none.
    One(Option<Resource>),
    /// AWS's word for the snapshot (`creating`, `available`), or `None`.
    DbSnapshot(Option<String>),
    Metrics(Vec<(MetricQuery, Series)>),
    History(Vec<(HistoryQuery, Series)>),
}
