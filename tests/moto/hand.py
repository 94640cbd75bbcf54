"""A hand in the AWS account: what a person does behind the daemon's back, and what a person finds afterwards.

    hand.py COMMAND [ARGUMENT...]
    hand.py                            # commands from standard input, one JSON array a line

The endpoint comes from AWS_ENDPOINT_URL, as for every AWS client. Prints JSON.
"""

import datetime
import json
import sys
import time

from account import client
from drift import DRIFTS


def certificate():
    return client("acm").request_certificate(DomainName="shop.example.com")["CertificateArn"]


def make_vpc(cidr):
    client("ec2").create_vpc(CidrBlock=cidr)


def suspend(group, processes):
    """`processes` is `Name,Name`."""
    client("autoscaling").suspend_processes(AutoScalingGroupName=group, ScalingProcesses=processes.split(","))


def terminate(instance):
    client("ec2").terminate_instances(InstanceIds=[instance])


def take_tags(instance):
    """All but those of AWS, which nobody can take."""
    ec2 = client("ec2")
    rows = ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [instance]}])["Tags"]
    keys = [{"Key": row["Key"]} for row in rows if not row["Key"].startswith("aws:")]
    ec2.delete_tags(Resources=[instance], Tags=keys)


def make_interface(subnet, description):
    answer = client("ec2").create_network_interface(SubnetId=subnet, Description=description)
    return answer["NetworkInterface"]["NetworkInterfaceId"]


def remove_interface(interface):
    client("ec2").delete_network_interface(NetworkInterfaceId=interface)


def deregister(target_group, instance):
    client("elbv2").deregister_targets(TargetGroupArn=target_group, Targets=[{"Id": instance}])


def targets(target_group):
    health = client("elbv2").describe_target_health(TargetGroupArn=target_group)["TargetHealthDescriptions"]
    return sorted(row["Target"]["Id"] for row in health)


def members(group):
    groups = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    return sorted(row["InstanceId"] for row in groups["AutoScalingGroups"][0]["Instances"])


def capacity(group):
    groups = client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])
    row = groups["AutoScalingGroups"][0]
    return {"min": row["MinSize"], "max": row["MaxSize"], "desired": row["DesiredCapacity"]}


def policies(group):
    """Its scaling policies: metric, target, and whether they remove instances."""
    rows = client("autoscaling").describe_policies(AutoScalingGroupName=group)["ScalingPolicies"]
    configurations = [row["TargetTrackingConfiguration"] for row in rows]
    return [
        {
            "metric": one["PredefinedMetricSpecification"]["PredefinedMetricType"],
            "target": float(one["TargetValue"]),
            "scalesIn": not one["DisableScaleIn"],
        }
        for one in configurations
    ]


def resize(group, minimum, maximum, desired):
    client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=group, MinSize=int(minimum), MaxSize=int(maximum), DesiredCapacity=int(desired)
    )


def replicas(source):
    row = client("rds").describe_db_instances(DBInstanceIdentifier=source)["DBInstances"][0]
    return sorted(row["ReadReplicaDBInstanceIdentifiers"])


def delete_database(identifier):
    client("rds").modify_db_instance(
        DBInstanceIdentifier=identifier, DeletionProtection=False, ApplyImmediately=True
    )
    client("rds").delete_db_instance(DBInstanceIdentifier=identifier, SkipFinalSnapshot=True)


def revoke_everything(group):
    ec2 = client("ec2")
    rules = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"][0]["IpPermissions"]
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=rules)


def snapshots():
    """Snapshots that somebody asked for: the automated ones, `rds:...`, are part of the backups."""
    names = [row["DBSnapshotIdentifier"] for row in client("rds").describe_db_snapshots()["DBSnapshots"]]
    return sorted(name for name in names if not name.startswith("rds:"))


def secrets():
    """The values of all secrets."""
    manager = client("secretsmanager")
    names = [row["Name"] for row in manager.list_secrets()["SecretList"]]
    return sorted(manager.get_secret_value(SecretId=name)["SecretString"] for name in names)


def put_metric(namespace, name, dimensions, value, seconds_ago="0"):
    """`dimensions` is `Name=Value,Name=Value`."""
    ago = datetime.timedelta(seconds=int(seconds_ago))
    pairs = [pair.split("=", 1) for pair in dimensions.split(",")]
    client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": found} for key, found in pairs],
                "Value": float(value),
                "Timestamp": datetime.datetime.now(datetime.timezone.utc) - ago,
            }
        ],
    )


def put_minutes(namespace, name, dimensions, value, minutes):
    """The same value in each of the last `minutes` that are over."""
    begun = int(time.time()) // 60 * 60
    for back in range(1, int(minutes) + 1):
        pairs = [pair.split("=", 1) for pair in dimensions.split(",")]
        client("cloudwatch").put_metric_data(
            Namespace=namespace,
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": found} for key, found in pairs],
                    "Timestamp": begun - 60 * back,
                    "Value": float(value),
                }
            ],
        )


def tags_of(rows):
    return {tag["Key"]: tag["Value"] for tag in rows or []}


def owned(install):
    """Everything that still exists and carries the install's tags: (kind, id, tags)."""
    for kind, identifier, tags in existing():
        if tags.get("lamplighter:install") == install:
            yield kind, identifier, tags


def existing():
    yield from existing_of_ec2(client("ec2"))
    for row in client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]:
        yield "auto-scaling-group", row["AutoScalingGroupName"], tags_of(row.get("Tags"))
    yield from existing_of_load_balancing(client("elbv2"))
    yield from existing_of_rds(client("rds"))
    for row in client("secretsmanager").list_secrets()["SecretList"]:
        yield "secret", row["ARN"], tags_of(row.get("Tags"))


def existing_of_ec2(ec2):
    listings = [
        ("vpc", ec2.describe_vpcs()["Vpcs"], "VpcId"),
        ("subnet", ec2.describe_subnets()["Subnets"], "SubnetId"),
        ("internet-gateway", ec2.describe_internet_gateways()["InternetGateways"], "InternetGatewayId"),
        ("elastic-ip", ec2.describe_addresses()["Addresses"], "AllocationId"),
        ("route-table", ec2.describe_route_tables()["RouteTables"], "RouteTableId"),
        ("security-group", ec2.describe_security_groups()["SecurityGroups"], "GroupId"),
        ("launch-template", ec2.describe_launch_templates()["LaunchTemplates"], "LaunchTemplateId"),
    ]
    for kind, rows, key in listings:
        for row in rows:
            yield kind, row[key], tags_of(row.get("Tags"))
    for row in ec2.describe_nat_gateways()["NatGateways"]:
        if row["State"] != "deleted":
            yield "nat-gateway", row["NatGatewayId"], tags_of(row.get("Tags"))
    for reservation in ec2.describe_instances()["Reservations"]:
        for row in reservation["Instances"]:
            if row["State"]["Name"] not in ("terminated", "shutting-down"):
                yield "instance", row["InstanceId"], tags_of(row.get("Tags"))


def existing_of_load_balancing(elb):
    arns = [row["LoadBalancerArn"] for row in elb.describe_load_balancers()["LoadBalancers"]]
    for arn in list(arns):
        arns += [row["ListenerArn"] for row in elb.describe_listeners(LoadBalancerArn=arn)["Listeners"]]
    arns += [row["TargetGroupArn"] for row in elb.describe_target_groups()["TargetGroups"]]
    for arn in arns:
        described = elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]
        yield "load-balancing", arn, tags_of(described["Tags"])


def existing_of_rds(rds):
    for row in rds.describe_db_instances()["DBInstances"]:
        yield "db-instance", row["DBInstanceIdentifier"], tags_of(row.get("TagList"))
    groups = [("db-subnet-group", row["DBSubnetGroupName"], row["DBSubnetGroupArn"]) for row in
              rds.describe_db_subnet_groups()["DBSubnetGroups"]]
    groups += [("db-parameter-group", row["DBParameterGroupName"], row["DBParameterGroupArn"]) for row in
               rds.describe_db_parameter_groups()["DBParameterGroups"]]
    for kind, name, arn in groups:
        yield kind, name, tags_of(rds.list_tags_for_resource(ResourceName=arn)["TagList"])


def tagged(install):
    """What still exists and carries the install's tags: (kind, id)."""
    return sorted((kind, identifier) for kind, identifier, _ in owned(install))


def parts(install):
    """The stack and part of everything but instances, of which a part has many: `default/shop vpc`."""
    return sorted(
        f"{tags['lamplighter:stack']} {tags['lamplighter:part']}"
        for kind, _, tags in owned(install)
        if kind != "instance"
    )


def networks():
    """The VPCs that somebody made."""
    return sorted(row["VpcId"] for row in client("ec2").describe_vpcs()["Vpcs"] if not row["IsDefault"])


def look(drift, site):
    """What a drift is about, in a site that is a JSON object from parts to ids: see `drift.py`."""
    return DRIFTS[drift].look(json.loads(site))


def spoil(drift, site):
    DRIFTS[drift].spoil(json.loads(site))


def mend(drift, site):
    DRIFTS[drift].mend(json.loads(site))


COMMANDS = {
    function.__name__.replace("_", "-"): function
    for function in (
        certificate, make_vpc, suspend, terminate, take_tags, make_interface, remove_interface, deregister, targets, members, capacity, policies, resize,
        replicas, delete_database, revoke_everything, snapshots, secrets, put_metric, put_minutes, tagged, parts, networks, look, spoil, mend,
    )
}

def obey(command):
    """Whatever goes wrong, the one who asked must hear of it, and may go on asking."""
    try:
        return {"answer": COMMANDS[command[0]](*command[1:])}
    except Exception as error:  # pylint: disable=broad-except
        return {"error": f"{type(error).__name__}: {error}"}


def obey_standard_input():
    for line in sys.stdin:
        print(json.dumps(obey(json.loads(line))), flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
    else:
        obey_standard_input()
