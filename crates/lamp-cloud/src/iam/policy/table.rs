//! The table: on which resources, and under which guard, AWS lets an action be allowed.
//!
//! Source: the tables of actions, resource types and condition keys of the Service Authorization Reference, of 2026. An
//! action is checked on each resource that its request names, so it needs a grant for each of them. What only lists has no
//! row: AWS looks at no resource there.

use super::guard::Guard;
use super::guard::Guard::{
    Anything, Claimed, ForInstances, ForServices, FromTemplate, New, NewWithin, Ours, TaggedAtCreation,
};

/// One grant of a row: a guard, and the patterns of the ARNs that it holds for.
type Grant = (Guard, &'static [&'static str]);

/// Actions, and the grants that each of them has.
pub(super) type Row = (&'static [&'static str], &'static [Grant]);

/// Where an action looks at no resource.
pub(super) const EVERYTHING: &str = "*";

const ADDRESS: &str = "ec2:{region}:{account}:elastic-ip/*";
const GATEWAY: &str = "ec2:{region}:{account}:internet-gateway/*";
const IMAGE: &str = "ec2:{region}::image/*";
const INSTANCE: &str = "ec2:{region}:{account}:instance/*";
const INTERFACE: &str = "ec2:{region}:{account}:network-interface/*";
const NAT: &str = "ec2:{region}:{account}:natgateway/*";
const ROUTES: &str = "ec2:{region}:{account}:route-table/*";
const FIREWALL: &str = "ec2:{region}:{account}:security-group/*";
const SUBNET: &str = "ec2:{region}:{account}:subnet/*";
const TEMPLATE: &str = "ec2:{region}:{account}:launch-template/*";
const VOLUME: &str = "ec2:{region}:{account}:volume/*";
const VPC: &str = "ec2:{region}:{account}:vpc/*";
/// Anything of EC2's that belongs to an account.
const EC2: &str = "ec2:{region}:{account}:*";

const GROUP: &str = "autoscaling:{region}:{account}:autoScalingGroup:*:autoScalingGroupName/{name}";
const BALANCER: &str = "elasticloadbalancing:{region}:{account}:loadbalancer/app/{name}";
/// What was taken over keeps its name; the condition says that it is ours.
const ANY_BALANCER: &str = "elasticloadbalancing:{region}:{account}:loadbalancer/app/*";
const LISTENER: &str = "elasticloadbalancing:{region}:{account}:listener/app/{name}";
const TARGETS: &str = "elasticloadbalancing:{region}:{account}:targetgroup/{name}";

const DATABASE: &str = "rds:{region}:{account}:db:{name}";
/// RDS's own, which each database has that names none.
const OPTIONS: &str = "rds:{region}:{account}:og:default*";
const PARAMETERS: &str = "rds:{region}:{account}:pg:{name}";
const SNAPSHOT: &str = "rds:{region}:{account}:snapshot:{name}";
const SUBNETS: &str = "rds:{region}:{account}:subgrp:{name}";
const SECRET: &str = "secretsmanager:{region}:{account}:secret:{name}";

const TIER_ROLE: &str = "iam::{account}:role/lamplighter-tier-*";
/// The condition says which services.
const SERVICE_ROLES: &str = "iam::{account}:role/aws-service-role/*";
/// AWS's public ones, and the account's.
const SSM_PARAMETERS: &[&str] =
    &["ssm:{region}::parameter/aws/service/*", "ssm:{region}:{account}:parameter/*"];

pub(super) const ROWS: &[Row] = &[
    (&["ec2:DescribeAccountAttributes"], &[(Anything, &[EVERYTHING])]),
    (&["ssm:GetParameters"], &[(Anything, SSM_PARAMETERS)]),
    // What is made from nothing. These may share a row: none of the calls takes what another one makes.
    (
        &[
            "autoscaling:CreateAutoScalingGroup",
            "ec2:AllocateAddress",
            "ec2:CreateInternetGateway",
            "ec2:CreateLaunchTemplate",
            "ec2:CreateVpc",
            "elasticloadbalancing:CreateLoadBalancer",
            "elasticloadbalancing:CreateTargetGroup",
            "rds:CreateDBParameterGroup",
            "rds:CreateDBSubnetGroup",
            "secretsmanager:CreateSecret",
        ],
        &[(New, &[BALANCER, EC2, GROUP, PARAMETERS, SECRET, SUBNETS, TARGETS])],
    ),
    // What is made in something of ours.
    (
        &["ec2:CreateRouteTable", "ec2:CreateSecurityGroup", "ec2:CreateSubnet"],
        &[(New, &[FIREWALL, ROUTES, SUBNET]), (Ours, &[VPC])],
    ),
    (&["ec2:CreateNatGateway"], &[(New, &[NAT]), (Ours, &[ADDRESS, SUBNET])]),
    (&["elasticloadbalancing:CreateListener"], &[(NewWithin, &[ANY_BALANCER])]),
    // Tags, but for those of EC2.
    (
        &[
            "autoscaling:CreateOrUpdateTags",
            "elasticloadbalancing:AddTags",
            "rds:AddTagsToResource",
            "secretsmanager:TagResource",
        ],
        &[(Claimed, &[BALANCER, DATABASE, GROUP, LISTENER, PARAMETERS, SECRET, SUBNETS, TARGETS])],
    ),
    // EC2: networks.
    (&["ec2:DeleteVpc", "ec2:ModifyVpcAttribute"], &[(Ours, &[VPC])]),
    (&["ec2:DeleteSubnet", "ec2:ModifySubnetAttribute"], &[(Ours, &[SUBNET])]),
    (&["ec2:AttachInternetGateway", "ec2:DetachInternetGateway"], &[(Ours, &[GATEWAY, VPC])]),
    (&["ec2:DeleteInternetGateway"], &[(Ours, &[GATEWAY])]),
    (&["ec2:ReleaseAddress"], &[(Ours, &[ADDRESS])]),
    // The interface that holds an address is its NAT gateway's, and carries no tags of ours.
    (&["ec2:DisassociateAddress"], &[(Ours, &[ADDRESS]), (Anything, &[INTERFACE])]),
    (&["ec2:DeleteNatGateway"], &[(Ours, &[NAT])]),
    (
        &["ec2:CreateRoute", "ec2:DeleteRoute", "ec2:DeleteRouteTable", "ec2:ReplaceRoute"],
        &[(Ours, &[ROUTES])],
    ),
    (&["ec2:AssociateRouteTable", "ec2:DisassociateRouteTable"], &[(Ours, &[ROUTES, SUBNET])]),
    (
        &[
            "ec2:AuthorizeSecurityGroupEgress",
            "ec2:AuthorizeSecurityGroupIngress",
            "ec2:DeleteSecurityGroup",
            "ec2:RevokeSecurityGroupEgress",
            "ec2:RevokeSecurityGroupIngress",
        ],
        &[(Ours, &[FIREWALL])],
    ),
    // EC2: launch templates, and what is launched from them.
    (
        &["ec2:CreateLaunchTemplateVersion", "ec2:DeleteLaunchTemplate", "ec2:ModifyLaunchTemplate"],
        &[(Ours, &[TEMPLATE])],
    ),
    (
        &["ec2:RunInstances"],
        &[(FromTemplate, &[IMAGE, INSTANCE, INTERFACE, VOLUME]), (Ours, &[FIREWALL, SUBNET, TEMPLATE])],
    ),
    (
        &["ec2:CreateTags"],
        &[
            (
                TaggedAtCreation,
                &[ADDRESS, FIREWALL, GATEWAY, INSTANCE, NAT, ROUTES, SUBNET, TEMPLATE, VOLUME, VPC],
            ),
            (Claimed, &[ADDRESS, FIREWALL, GATEWAY, INSTANCE, NAT, ROUTES, SUBNET, TEMPLATE, VPC]),
            // A member that lost others of our tags gets only those back.
            (Ours, &[INSTANCE]),
        ],
    ),
    (&["iam:PassRole"], &[(ForInstances, &[TIER_ROLE])]),
    (&["iam:CreateServiceLinkedRole"], &[(ForServices, &[SERVICE_ROLES])]),
    // Auto Scaling.
    (
        &[
            "autoscaling:AttachLoadBalancerTargetGroups",
            "autoscaling:DeleteAutoScalingGroup",
            "autoscaling:DeletePolicy",
            "autoscaling:DetachLoadBalancerTargetGroups",
            "autoscaling:PutScalingPolicy",
            "autoscaling:ResumeProcesses",
            "autoscaling:SetDesiredCapacity",
            "autoscaling:TerminateInstanceInAutoScalingGroup",
            "autoscaling:UpdateAutoScalingGroup",
        ],
        &[(Ours, &[GROUP])],
    ),
    // Load balancing.
    (
        &[
            "elasticloadbalancing:DeleteLoadBalancer",
            "elasticloadbalancing:ModifyLoadBalancerAttributes",
            "elasticloadbalancing:SetSecurityGroups",
            "elasticloadbalancing:SetSubnets",
        ],
        &[(Ours, &[BALANCER])],
    ),
    (&["elasticloadbalancing:DeleteListener", "elasticloadbalancing:ModifyListener"], &[(Ours, &[LISTENER])]),
    (
        &[
            "elasticloadbalancing:DeleteTargetGroup",
            "elasticloadbalancing:DeregisterTargets",
            "elasticloadbalancing:ModifyTargetGroup",
            "elasticloadbalancing:ModifyTargetGroupAttributes",
            "elasticloadbalancing:RegisterTargets",
        ],
        &[(Ours, &[TARGETS])],
    ),
    // RDS checks the groups that a database is made with, and the source of a replica, besides the new one.
    (
        &["rds:CreateDBInstance", "rds:CreateDBInstanceReadReplica"],
        &[
            (New, &[DATABASE, PARAMETERS, SUBNETS]),
            (Ours, &[DATABASE, PARAMETERS, SUBNETS]),
            (Anything, &[OPTIONS]),
        ],
    ),
    (&["rds:ModifyDBInstance"], &[(Ours, &[DATABASE, PARAMETERS, SUBNETS]), (Anything, &[OPTIONS])]),
    (&["rds:DeleteDBInstance", "rds:PromoteReadReplica", "rds:RebootDBInstance"], &[(Ours, &[DATABASE])]),
    // RDS itself copies the tags of a database to its final snapshot.
    (&["rds:CreateDBSnapshot"], &[(Ours, &[DATABASE])]),
    (&["rds:AddTagsToResource", "rds:CreateDBSnapshot"], &[(Anything, &[SNAPSHOT])]),
    (
        &["rds:DeleteDBParameterGroup", "rds:ModifyDBParameterGroup", "rds:ResetDBParameterGroup"],
        &[(Ours, &[PARAMETERS])],
    ),
    (&["rds:DeleteDBSubnetGroup", "rds:ModifyDBSubnetGroup"], &[(Ours, &[SUBNETS])]),
    // Secrets Manager: reading the password of a database is as much as changing it.
    (&["secretsmanager:DeleteSecret", "secretsmanager:GetSecretValue"], &[(Ours, &[SECRET])]),
];
