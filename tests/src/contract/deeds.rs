//! Everything that can be asked of the port, by name. Each `match` here is complete: what is new in the port does not
//! compile until it is named, and what is named is told by the story or the contract fails.

use std::collections::BTreeSet;

use lamp_cloud::kinds::{
    auto_scaling_group, db_instance, db_parameter_group, db_subnet_group, elastic_ip, internet_gateway,
    launch_template, listener, load_balancer, route_table, security_group, subnet, target_group, vpc,
};
use lamp_cloud::{Body, Change, ErrorClass, HistoryMetric, Kind, Listing, MetricName, Read, Request};

/// One thing that can be asked of the port, or one promise of it, in words.
pub(super) type Deed = String;

/// The change that needs what our stacks never make: an address on an instance. The region can only refuse it.
pub(super) const ONLY_REFUSED: &str = "change ElasticIp Disassociate";

macro_rules! changes {
    ($( $kind:ident: $module:ident { $( $variant:ident ),* } )*) => {
        fn variant(change: &Change) -> &'static str {
            match change { $( Change::$kind(change) => match *change { $( $module::Change::$variant { .. } => stringify!($variant) ),* } ),* }
        }

        fn all_changes() -> Vec<Deed> {
            let rows: &[(&str, &[&str])] = &[ $( (stringify!($kind), &[ $( stringify!($variant) ),* ]) ),* ];
            let of = |(kind, variants): &(&str, &[&str])| -> Vec<Deed> {
                variants.iter().map(|variant| format!("change {kind} {variant}")).collect()
            };
            rows.iter().flat_map(of).collect()
        }
    };
}

changes! {
    Vpc: vpc { DnsSupport, DnsHostnames }
    Subnet: subnet { PublicAddresses }
    InternetGateway: internet_gateway { Attach, Detach }
    ElasticIp: elastic_ip { Disassociate }
    NatGateway: nat_gateway {}
    RouteTable: route_table { CreateRoute, ReplaceRoute, DeleteRoute, Associate, Disassociate }
    SecurityGroup: security_group { AuthorizeIngress, AuthorizeEgress, RevokeIngress, RevokeEgress }
    LoadBalancer: load_balancer { Attributes, Subnets, SecurityGroups }
    TargetGroup: target_group { HealthCheck, Attributes }
    Listener: listener { Modify }
    LaunchTemplate: launch_template { NewVersion, DefaultVersion }
    AutoScalingGroup: auto_scaling_group { Settings, SetDesired, AttachTargetGroups, DetachTargetGroups, ResumeProcesses, PutPolicy, DeletePolicy }
    DbSubnetGroup: db_subnet_group { Subnets }
    DbParameterGroup: db_parameter_group { Set, Reset }
    DbInstance: db_instance { Modify, Reboot, Promote }
    Secret: secret {}
}

macro_rules! named {
    ($name:ident, $all:ident, $type:ident { $( $variant:ident ),* $(,)? } $( else { $( $pattern:pat $( if $guard:expr )? => $other:expr ),* $(,)? } )?) => {
        fn $name(it: &$type) -> Deed {
            match it {
                $( $type::$variant { .. } => stringify!($variant).to_owned(), )*
                $( $( $pattern $( if $guard )? => $other, )* )?
            }
        }

        fn $all() -> impl Iterator<Item = &'static str> {
            [ $( stringify!($variant) ),* ].into_iter()
        }
    };
}

named!(listing, all_listings, Listing { Zones, LaunchTemplateVersions, Instances, InstanceStatus } else {
    Listing::Resources(kind) => kind.name().to_owned(),
});

named!(
    metric,
    all_metrics,
    MetricName {
        GroupCpuUtilization,
        GroupCpuSamples,
        GroupNetworkIn,
        GroupNetworkOut,
        RequestCountPerTarget,
        TargetResponseTime,
        UnhealthyHostCount,
        DatabaseCpuUtilization,
        DatabaseConnections,
        ReplicaLag,
        FreeStorageSpace,
        Other,
    }
);

named!(
    past,
    all_pasts,
    HistoryMetric { GroupCpu, GroupCpuSamples, Requests, DatabaseCpu, DatabaseConnections }
);

named!(reading, all_readings, Read {
    VpcDnsSupport,
    VpcDnsHostnames,
    Listeners,
    LoadBalancerAttributes,
    TargetGroupAttributes,
    ScalingPolicies,
    TargetHealth,
    DbParameters,
    NetworkInstances,
    NetworkInterfaces,
    DbSnapshot,
} else {
    Read::List { listing: rows, .. } => format!("list of {}", listing(rows)),
    Read::Everyones { kind, .. } => format!("everyone's {}", kind.name()),
    Read::One { kind, .. } => format!("one {}", kind.name()),
    Read::ZoneInstances { .. } => "instances of a zone".to_owned(),
    Read::Tags { kind, .. } => format!("tags of {}", kind.name()),
    Read::Metrics { .. } => "metrics".to_owned(),
    Read::History { .. } => "the past of metrics".to_owned(),
});

// Those that AWS gives when it is asked for them. The others (`Throttled`, `Transient`, `Capacity`, `Quota`, `Denied`,
// `Unintelligible`) are faults, which each region's own tests inject.
named!(class, all_classes, ErrorClass { NotFound, AlreadyExists, Dependency, State, Conflict, Invalid } else {
    ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Capacity | ErrorClass::Quota
        | ErrorClass::Denied | ErrorClass::Unintelligible => "Fault".to_owned(),
});

named!(request, all_requests, Request { TagInstance, ReplaceInstance, RegisterTargets, DeregisterTargets } else {
    Request::Create { body: Body::DbInstance(body), .. } if body.is_replica() => REPLICA.to_owned(),
    Request::Create { body, .. } => format!("create {}", body.kind().name()),
    Request::Change { change, .. } => of_change(change),
    Request::Tag { kind, .. } => format!("tag {}", kind.name()),
    Request::Delete { kind, .. } => format!("delete {}", kind.name()),
});

const REPLICA: &str = "create a replica";

/// The deed of a request that was done.
pub(super) fn of_request(done: &Request) -> Deed {
    request(done)
}

pub(super) fn of_change(change: &Change) -> Deed {
    format!("change {} {}", change.kind().name(), variant(change))
}

/// The deeds of a reading that was answered.
pub(super) fn of_read(read: &Read) -> Vec<Deed> {
    match read {
        Read::Metrics { queries, .. } => {
            queries.iter().map(|query| format!("read metric {}", metric(&query.metric))).collect()
        }
        Read::History { queries, .. } => {
            queries.iter().map(|query| format!("read the past of {}", past(&query.metric))).collect()
        }
        other => vec![format!("read {}", reading(other))],
    }
}

/// The deed of a refusal.
pub(super) fn of_refusal(refused: ErrorClass) -> Deed {
    format!("refuse as {}", class(&refused))
}

/// The promise of a story that demands a refusal by its class, whatever the table expects of this region.
pub(super) fn of_demand(class: &str) -> Deed {
    format!("refuse as {class}")
}

/// The promise of what comes of the same creation, sent a second time.
pub(super) fn of_repetition(kind: Kind) -> Deed {
    format!("repeat the creation of {}", kind.name())
}

/// The promise of what comes of calls on a resource that is gone.
pub(super) fn of_absence(kind: Kind) -> Deed {
    format!("miss a {} that is gone", kind.name())
}

/// Everything.
pub(super) fn all() -> BTreeSet<Deed> {
    let by_kind = Kind::ALL.iter().flat_map(|kind| {
        let name = kind.name();
        let deeds = [format!("create {name}"), format!("tag {name}"), format!("delete {name}")];
        let single = [of_repetition(*kind), of_absence(*kind), format!("read one {name}")];
        let listed = kind.is_listed().then(|| format!("read list of {name}"));
        let everyones = kind.is_listed().then(|| format!("read everyone's {name}"));
        let tags = kind.tags_are_separate().then(|| format!("read tags of {name}"));
        deeds.into_iter().chain(single).chain(listed).chain(everyones).chain(tags)
    });
    by_kind
        .chain(all_requests().chain([REPLICA]).map(ToOwned::to_owned))
        .chain(all_changes())
        .chain(all_listings().map(|name| format!("read list of {name}")))
        .chain(all_readings().map(|name| format!("read {name}")))
        .chain(all_metrics().map(|name| format!("read metric {name}")))
        .chain(all_pasts().map(|name| format!("read the past of {name}")))
        .chain(all_classes().map(|name| format!("refuse as {name}")))
        .collect()
}
