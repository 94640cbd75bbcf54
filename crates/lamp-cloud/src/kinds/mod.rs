//! The kinds of AWS resources that are declared: one module each, of the same name here, in the planner, in the
//! simulator and in the adapter to AWS. A new kind is its module and one line in the table below.

pub mod auto_scaling_group;
pub mod db_instance;
pub mod db_parameter_group;
pub mod db_subnet_group;
pub mod elastic_ip;
pub mod internet_gateway;
pub mod launch_template;
pub mod listener;
pub mod load_balancer;
pub mod nat_gateway;
pub mod route_table;
pub mod secret;
pub mod security_group;
pub mod subnet;
pub mod target_group;
pub mod vpc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::field::api_name;
use crate::{Difference, Listing, Reference, Service};

/// How a creation whose reply was lost may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// At once: the call takes a client token, or its name is a natural key that AWS refuses twice.
    Safe,
    /// Only after the consistency window and two agreeing empty readings: each call makes another one.
    AfterQuarantine,
}

/// One kind of AWS resource: what we say of it, and how it is compared and changed.
pub trait Declared: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned {
    /// A change in place; each variant is exactly one AWS call with absolute values.
    type Change: Clone + std::fmt::Debug + PartialEq + Serialize + DeserializeOwned;

    const KIND: Kind;
    const SERVICE: Service;
    const REPEAT: Repeat;
    const CREATE: &'static str;
    /// Every operation that creates one.
    const CREATES: &'static [&'static str] = &[Self::CREATE];
    /// Every operation that changes one.
    const CHANGES: &'static [&'static str];
    const DELETE: &'static str;
    /// Names of the fields that are compared, as in the struct.
    const FIELDS: &'static [&'static str];

    /// References that the creation needs; other references may be filled in later by changes.
    fn needs(&self) -> Vec<&Reference>;

    /// Every reference, to be resolved.
    fn references_mut(&mut self) -> Vec<&mut Reference>;

    /// Fields in which `observed` differs from `self`; an observed `None` of a detail means "not read yet".
    fn differences(&self, observed: &Self) -> Vec<Difference>;

    /// Takes one field as it was found, with those that make no sense without it: it is no difference then. `field` is
    /// called as in the API; one that the kind has not changes nothing.
    fn leave(&mut self, observed: &Self, field: &str);

    /// The calls that put the in-place fields of `observed` right, in order. References in `self` may be unresolved:
    /// what depends on them is left out, and comes with a later plan.
    fn changes(&self, observed: &Self) -> Vec<Self::Change>;

    /// The effect of a change.
    fn apply(&mut self, change: &Self::Change);

    /// Changes that must come before the deletion (detach, lift protection, revoke).
    fn before_delete(&self) -> Vec<Self::Change> {
        Vec::new()
    }

    /// Name of the AWS operation that makes a change: one of [`Declared::CHANGES`]. Both come from `changes!`.
    fn operation(change: &Self::Change) -> &'static str;

    /// Name of the operation that creates this one, where it depends on the body: one of [`Declared::CREATES`].
    fn create_operation(&self) -> &'static str {
        Self::CREATE
    }
}

macro_rules! kinds {
    ($( $variant:ident: $module:ident ),* $(,)?) => {
        /// A kind of AWS resource.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Kind { $( $variant ),* }

        /// What we say, or AWS says, of a resource.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "kind", rename_all_fields = "camelCase")]
        #[expect(
            clippy::large_enum_variant,
            reason = "where there are many, in the inventory, each is behind an Arc"
        )]
        pub enum Body { $( $variant($module::$variant) ),* }

        /// A change in place of a resource: one AWS call.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub enum Change { $( $variant(<$module::$variant as Declared>::Change) ),* }

        impl Kind {
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),* ];

            /// For example `AutoScalingGroup`.
            pub fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($variant) ),* }
            }

            pub fn service(self) -> Service {
                match self { $( Self::$variant => <$module::$variant as Declared>::SERVICE ),* }
            }

            pub fn repeat(self) -> Repeat {
                match self { $( Self::$variant => <$module::$variant as Declared>::REPEAT ),* }
            }

            /// Names of the AWS operations that create one.
            pub fn create_operations(self) -> &'static [&'static str] {
                match self { $( Self::$variant => <$module::$variant as Declared>::CREATES ),* }
            }

            /// Names of the AWS operations that change one.
            pub fn change_operations(self) -> &'static [&'static str] {
                match self { $( Self::$variant => <$module::$variant as Declared>::CHANGES ),* }
            }

            /// Name of the AWS operation that deletes one.
            pub fn delete_operation(self) -> &'static str {
                match self { $( Self::$variant => <$module::$variant as Declared>::DELETE ),* }
            }

            /// Names of the fields that are compared, as in the API.
            pub fn fields(self) -> Vec<String> {
                let fields = match self { $( Self::$variant => <$module::$variant as Declared>::FIELDS ),* };
                fields.iter().map(|field| api_name(field)).collect()
            }
        }

        impl Body {
            pub fn kind(&self) -> Kind {
                match self { $( Self::$variant(_) => Kind::$variant ),* }
            }

            /// Name of the AWS operation that creates it.
            pub fn create_operation(&self) -> &'static str {
                match self { $( Self::$variant(body) => body.create_operation() ),* }
            }

            /// References that the creation needs.
            pub fn needs(&self) -> Vec<&Reference> {
                match self { $( Self::$variant(body) => body.needs() ),* }
            }

            /// Every reference.
            pub fn references_mut(&mut self) -> Vec<&mut Reference> {
                match self { $( Self::$variant(body) => body.references_mut() ),* }
            }

            /// Every reference.
            pub fn references(&self) -> Vec<Reference> {
                self.clone().references_mut().into_iter().map(|reference| reference.clone()).collect()
            }

            /// Fields in which `observed` differs from `self`. Empty for bodies of different kinds.
            pub fn differences(&self, observed: &Self) -> Vec<Difference> {
                match (self, observed) {
                    $( (Self::$variant(desired), Self::$variant(observed)) => desired.differences(observed), )*
                    _ => Vec::new(),
                }
            }

            /// Takes one field, called as in the API, as it was found. Bodies of different kinds have nothing in common.
            pub fn leave(&mut self, observed: &Self, field: &str) {
                match (self, observed) {
                    $( (Self::$variant(desired), Self::$variant(observed)) => desired.leave(observed, field), )*
                    _ => {}
                }
            }

            /// The calls that put the in-place fields of `observed` right.
            pub fn changes(&self, observed: &Self) -> Vec<Change> {
                match (self, observed) {
                    $( (Self::$variant(desired), Self::$variant(observed)) => {
                        desired.changes(observed).into_iter().map(Change::$variant).collect()
                    } )*
                    _ => Vec::new(),
                }
            }

            /// The effect of a change; a change of another kind has none.
            pub fn apply(&mut self, change: &Change) {
                match (self, change) {
                    $( (Self::$variant(body), Change::$variant(change)) => body.apply(change), )*
                    _ => {}
                }
            }

            /// Changes that must come before the deletion.
            pub fn before_delete(&self) -> Vec<Change> {
                match self {
                    $( Self::$variant(body) => body.before_delete().into_iter().map(Change::$variant).collect() ),*
                }
            }
        }

        impl Change {
            pub fn kind(&self) -> Kind {
                match self { $( Self::$variant(_) => Kind::$variant ),* }
            }

            /// Name of the AWS operation.
            pub fn operation(&self) -> &'static str {
                match self { $( Self::$variant(change) => <$module::$variant as Declared>::operation(change) ),* }
            }
        }

        $( impl From<$module::$variant> for Body {
            fn from(body: $module::$variant) -> Self { Self::$variant(body) }
        } )*
    };
}

kinds! {
    Vpc: vpc,
    Subnet: subnet,
    InternetGateway: internet_gateway,
    ElasticIp: elastic_ip,
    NatGateway: nat_gateway,
    RouteTable: route_table,
    SecurityGroup: security_group,
    LoadBalancer: load_balancer,
    TargetGroup: target_group,
    Listener: listener,
    LaunchTemplate: launch_template,
    AutoScalingGroup: auto_scaling_group,
    DbSubnetGroup: db_subnet_group,
    DbParameterGroup: db_parameter_group,
    DbInstance: db_instance,
    Secret: secret,
}

impl Kind {
    /// The listing that shows resources of this kind. Listeners are read per load balancer.
    pub fn listing(self) -> Listing {
        match self {
            Self::Listener => Listing::Resources(Self::LoadBalancer),
            kind => Listing::Resources(kind),
        }
    }

    /// Whether one call lists all of them.
    pub fn is_listed(self) -> bool {
        self != Self::Listener
    }

    /// Whether the listing leaves out tags, so that they are read separately.
    pub fn tags_are_separate(self) -> bool {
        matches!(
            self,
            Self::LoadBalancer
                | Self::TargetGroup
                | Self::Listener
                | Self::DbSubnetGroup
                | Self::DbParameterGroup
        )
    }

    /// Whether an id looks like one of this kind; AWS knows some kinds by names alone, which look like nothing.
    pub fn may_have_id(self, id: &str) -> bool {
        let arn = |what: &str| id.starts_with("arn:") && id.contains(what);
        match self {
            Self::Vpc => id.starts_with("vpc-"),
            Self::Subnet => id.starts_with("subnet-"),
            Self::InternetGateway => id.starts_with("igw-"),
            Self::ElasticIp => id.starts_with("eipalloc-"),
            Self::NatGateway => id.starts_with("nat-"),
            Self::RouteTable => id.starts_with("rtb-"),
            Self::SecurityGroup => id.starts_with("sg-"),
            Self::LaunchTemplate => id.starts_with("lt-"),
            Self::LoadBalancer => arn(":loadbalancer/app/"),
            Self::TargetGroup => arn(":targetgroup/"),
            Self::Listener => arn(":listener/app/"),
            Self::Secret => arn(":secret:"),
            Self::AutoScalingGroup | Self::DbSubnetGroup | Self::DbParameterGroup | Self::DbInstance => {
                !id.is_empty() && !id.starts_with("arn:")
            }
        }
    }

    /// Whether losing one loses data.
    pub fn holds_data(self) -> bool {
        matches!(self, Self::DbInstance | Self::Secret)
    }

    /// Name of the AWS operation that lists them.
    pub fn list_operation(self) -> &'static str {
        match self {
            Self::Vpc => "DescribeVpcs",
            Self::Subnet => "DescribeSubnets",
            Self::InternetGateway => "DescribeInternetGateways",
            Self::ElasticIp => "DescribeAddresses",
            Self::NatGateway => "DescribeNatGateways",
            Self::RouteTable => "DescribeRouteTables",
            Self::SecurityGroup => "DescribeSecurityGroups",
            Self::LoadBalancer => "DescribeLoadBalancers",
            Self::TargetGroup => "DescribeTargetGroups",
            Self::Listener => "DescribeListeners",
            Self::LaunchTemplate => "DescribeLaunchTemplates",
            Self::AutoScalingGroup => "DescribeAutoScalingGroups",
            Self::DbSubnetGroup => "DescribeDBSubnetGroups",
            Self::DbParameterGroup => "DescribeDBParameterGroups",
            Self::DbInstance => "DescribeDBInstances",
            Self::Secret => "ListSecrets",
        }
    }

    /// Name of the AWS operation that describes one by its id.
    pub fn describe_operation(self) -> &'static str {
        match self {
            Self::Secret => "DescribeSecret",
            kind => kind.list_operation(),
        }
    }

    /// Name of the AWS operation that tags one.
    pub fn tag_operation(self) -> &'static str {
        match self.service() {
            Service::AutoScaling => "CreateOrUpdateTags",
            Service::LoadBalancing => "AddTags",
            Service::Rds => "AddTagsToResource",
            Service::SecretsManager => "TagResource",
            Service::Ec2 | Service::CloudWatch => "CreateTags",
        }
    }
}
