//! Each way in which a single call goes wrong, and which calls it can strike.

use lamp_cloud::{Kind, Operation, Service};

use super::{Calling, Shape};
use crate::iam;
use crate::refusal::Refusal;
use crate::throttle;

/// One way in which a call goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// Refused for its rate, whatever the rate was.
    Throttle,
    /// The reply of a mutation is lost after it took effect.
    TimeoutWithEffect,
    /// The request is lost.
    TimeoutWithoutEffect,
    /// The caller hears of a timeout, and the effect comes up to ten minutes later.
    LateEffect,
    /// `InternalError` after it took effect.
    ServerErrorWithEffect,
    /// `InternalError`, and nothing happened.
    ServerErrorWithoutEffect,
    /// Refused as if no policy allowed it, whatever the policy says.
    Denied,
    /// A listing succeeds with no rows.
    EmptySuccess,
    /// The next page of a listing is never offered.
    MissingPage,
    /// An answer that nobody understands; a mutation took effect.
    Unintelligible,
    /// A mutation meets a replica that does not know what was made in the last five minutes.
    NotYetVisible,
    /// A page of a listing holds one row.
    ShortPage,
    /// A page of a listing holds nothing, and says that more comes.
    EmptyPage,
    /// A page begins with the last row of the page before.
    RepeatedRow,
    /// The token of a page is not taken back.
    ExpiredPage,
    /// A listing forgets its filter and shows what belongs to others.
    ForeignRows,
    /// Half of the metrics that were asked for are said to be incomplete.
    PartialMetrics,
    /// The credentials are not valid any more.
    ExpiredCredentials,
    /// The signature is of another time than AWS's.
    SkewedClock,
    /// A mutation arrives twice.
    Duplicate,
    /// Somebody else changes the resource at the same moment.
    Contention,
    /// A creation is accepted, and fails before what it makes can be used.
    FailsLater,
    /// A name is refused because something that AWS is still removing holds it.
    NameHeld,
    /// A code that no documentation knows, and nothing happened.
    UnknownCode,
}

impl Fault {
    /// Every one.
    pub const ALL: [Self; 24] = [
        Self::Throttle,
        Self::TimeoutWithEffect,
        Self::TimeoutWithoutEffect,
        Self::LateEffect,
        Self::ServerErrorWithEffect,
        Self::ServerErrorWithoutEffect,
        Self::Denied,
        Self::EmptySuccess,
        Self::MissingPage,
        Self::Unintelligible,
        Self::NotYetVisible,
        Self::ShortPage,
        Self::EmptyPage,
        Self::RepeatedRow,
        Self::ExpiredPage,
        Self::ForeignRows,
        Self::PartialMetrics,
        Self::ExpiredCredentials,
        Self::SkewedClock,
        Self::Duplicate,
        Self::Contention,
        Self::FailsLater,
        Self::NameHeld,
        Self::UnknownCode,
    ];

    /// Faults of listings do not strike mutations, nor the other way round.
    pub(crate) fn fits(self, call: &Calling) -> bool {
        match self {
            Self::TimeoutWithEffect
            | Self::LateEffect
            | Self::ServerErrorWithEffect
            | Self::NotYetVisible
            | Self::Duplicate => call.mutates,
            Self::EmptySuccess => !call.mutates,
            Self::MissingPage | Self::ShortPage | Self::EmptyPage | Self::ForeignRows => {
                matches!(call.shape, Shape::Listing { .. })
            }
            Self::RepeatedRow | Self::ExpiredPage => {
                matches!(call.shape, Shape::Listing { continues: true })
            }
            Self::PartialMetrics => call.shape == Shape::Metrics,
            Self::Contention => call.mutates && !matches!(call.shape, Shape::Creation(_)),
            Self::FailsLater => matches!(call.shape, Shape::Creation(kind) if can_fail(kind)),
            Self::NameHeld => matches!(call.shape, Shape::Creation(kind) if name_held(kind).is_some()),
            _ => true,
        }
    }

    /// What a call is refused with that this fault strikes before it has any effect.
    pub(crate) fn refusal(self, call: &Calling) -> Option<Refusal> {
        let refused = |code, message: &str| Some(Refusal::new(code, message));
        match self {
            Self::Throttle => refused(throttle::code(call.service), "Rate exceeded"),
            Self::Denied => Some(unauthorized(call)),
            Self::TimeoutWithoutEffect => Some(timeout()),
            Self::ServerErrorWithoutEffect => Some(server_error()),
            Self::ExpiredPage => refused("InvalidNextToken", "The token has expired"),
            Self::ExpiredCredentials => {
                let code = if call.service == Service::Ec2 { "RequestExpired" } else { "ExpiredToken" };
                refused(code, "The security token included in the request is expired")
            }
            Self::SkewedClock => {
                let ec2 = call.service == Service::Ec2;
                let code = if ec2 { "RequestExpired" } else { "SignatureDoesNotMatch" };
                refused(code, "Signature expired: the time of the request is too far from AWS's")
            }
            Self::Contention => {
                refused(contention(call.service), "Another request changes this resource at the moment")
            }
            Self::NameHeld => match call.shape {
                Shape::Creation(kind) => refused(name_held(kind)?, "The name is still in use"),
                _ => None,
            },
            Self::UnknownCode => refused("UnheardOfException", "Something new"),
            _ => None,
        }
    }
}

/// Kinds that AWS makes after it has answered, and whose making may fail. Replicas are databases that hold no data yet;
/// whether it is one, only the request says.
fn can_fail(kind: Kind) -> bool {
    matches!(kind, Kind::NatGateway | Kind::LoadBalancer | Kind::DbInstance)
}

/// AWS's code for a name that something on its way out still holds.
fn name_held(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::SecurityGroup => "InvalidGroup.Duplicate",
        Kind::LoadBalancer => "DuplicateLoadBalancerName",
        Kind::TargetGroup => "DuplicateTargetGroupName",
        Kind::LaunchTemplate => "InvalidLaunchTemplateName.AlreadyExistsException",
        Kind::AutoScalingGroup => "AlreadyExists",
        Kind::DbSubnetGroup => "DBSubnetGroupAlreadyExists",
        Kind::DbParameterGroup => "DBParameterGroupAlreadyExists",
        Kind::DbInstance => "DBInstanceAlreadyExists",
        Kind::Secret => "InvalidRequestException",
        _ => return None,
    })
}

fn contention(service: Service) -> &'static str {
    match service {
        Service::AutoScaling => "ResourceContention",
        Service::Rds => "InvalidDBInstanceState",
        Service::LoadBalancing => "ResourceInUse",
        Service::SecretsManager => "InvalidRequestException",
        Service::Ec2 | Service::CloudWatch => "IncorrectState",
    }
}

fn unauthorized(call: &Calling) -> Refusal {
    let called = Operation::new(call.service, call.operation);
    iam::denied(called, called.into(), "*")
}

pub(crate) fn timeout() -> Refusal {
    Refusal::new("Timeout", "no reply arrived in time")
}

pub(crate) fn server_error() -> Refusal {
    Refusal::new("InternalError", "An internal error has occurred")
}
