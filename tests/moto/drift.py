"""Breaks one thing of a site, as people and other programs do behind a tool's back, and looks whether it is whole.

A site is a dictionary from the names of its parts to their AWS ids, for example {"vpc": "vpc-1", "target-group/web":
"arn:…"}. Of each drift, `look` gives what it is about: the same before it was broken and after it was repaired, whatever
ids the repair gave. `mend` puts back by hand what a tool leaves as it is, so that the next drift begins with a whole site.
"""

from typing import Callable, NamedTuple

from account import client


class Drift(NamedTuple):
    look: Callable
    spoil: Callable
    mend: Callable = lambda site: None


# What there is.


def group(site):
    """The Auto Scaling group that feeds the target group of the tier web, by whatever name."""
    groups = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return next((row for row in groups if site["target-group/web"] in row["TargetGroupARNs"]), None)


def members(site):
    """The oldest first, which nobody spares because it is new."""
    row = group(site)
    ids = [member["InstanceId"] for member in row["Instances"]] if row else []
    return [row["InstanceId"] for row in sorted(instances(ids), key=lambda row: row["LaunchTime"])]


def instances(ids):
    if not ids:
        return []
    pages = client("ec2").describe_instances(InstanceIds=ids)["Reservations"]
    return [row for page in pages for row in page["Instances"]]


def healthy_targets(site):
    rows = client("elbv2").describe_target_health(TargetGroupArn=site["target-group/web"])["TargetHealthDescriptions"]
    return {row["Target"]["Id"] for row in rows if row["TargetHealth"]["State"] == "healthy"}


def database(site):
    return client("rds").describe_db_instances(DBInstanceIdentifier=site["database"])["DBInstances"][0]


def rules(group_id):
    return client("ec2").describe_security_groups(GroupIds=[group_id])["SecurityGroups"][0]["IpPermissions"]


def gateways(site):
    """The NAT gateways that work, by subnet."""
    rows = client("ec2").describe_nat_gateways(Filters=[{"Name": "vpc-id", "Values": [site["vpc"]]}])["NatGateways"]
    return {row["SubnetId"]: row["NatGatewayId"] for row in rows if row["State"] == "available"}


def default_routes(site):
    """Where the route tables of the network send what is for the world."""
    tables = client("ec2").describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [site["vpc"]]}])["RouteTables"]
    routes = [route for table in tables for route in table["Routes"]]
    return [route for route in routes if route.get("DestinationCidrBlock") == "0.0.0.0/0"]


# What a creation or its time put there.
LIFE = {"lamplighter:intent", "lamplighter:epoch"}


def tags(rows):
    """All but those that AWS or one single creation put there."""
    tags = {row["Key"]: row["Value"] for row in rows or []}
    return {key: tags[key] for key in sorted(tags) if not key.startswith("aws:") and key not in LIFE}


def remove_tags(identifier, rows):
    client("ec2").delete_tags(Resources=[identifier], Tags=[{"Key": key} for key in tags(rows)])


# Instances and targets.


def serving(site):
    """How many members the tier web has, and how many of them serve."""
    row = group(site)
    if row is None:
        return None
    states = {one["InstanceId"]: one["State"]["Name"] for one in instances(members(site))}
    targets = healthy_targets(site)
    serves = [
        member["InstanceId"]
        for member in row["Instances"]
        if member["LifecycleState"] == "InService"
        and member["HealthStatus"] == "Healthy"
        and states.get(member["InstanceId"]) == "running"
        and member["InstanceId"] in targets
    ]
    return {"members": len(row["Instances"]), "serving": len(serves)}


def terminate_one(site):
    client("ec2").terminate_instances(InstanceIds=members(site)[:1])


def deregister_one(site):
    client("elbv2").deregister_targets(TargetGroupArn=site["target-group/web"], Targets=[{"Id": members(site)[0]}])


def register_all(site):
    targets = [{"Id": identifier} for identifier in members(site)]
    client("elbv2").register_targets(TargetGroupArn=site["target-group/web"], Targets=targets)


def stop_one(site):
    client("ec2").stop_instances(InstanceIds=members(site)[:1])


def start_all(site):
    client("ec2").start_instances(InstanceIds=members(site))


def set_health(identifiers, status):
    for identifier in identifiers:
        client("autoscaling").set_instance_health(InstanceId=identifier, HealthStatus=status)


def tags_of_members(site):
    return sorted((tags(row.get("Tags")) for row in instances(members(site))), key=str)


def untag_one(site):
    row = instances(members(site)[:1])[0]
    remove_tags(row["InstanceId"], row["Tags"])


def tag_as_others(site):
    rows = instances(members(site))
    whole = max((tags(row.get("Tags")) for row in rows), key=len)
    all_tags = [{"Key": key, "Value": value} for key, value in whole.items()]
    client("ec2").create_tags(Resources=[row["InstanceId"] for row in rows], Tags=all_tags)


def strays(site):
    rows = client("ec2").describe_instances(
        Filters=[{"Name": "tag:Name", "Values": ["stray"]}, {"Name": "vpc-id", "Values": [site["vpc"]]}]
    )["Reservations"]
    alive = [row for page in rows for row in page["Instances"] if row["State"]["Name"] != "terminated"]
    return sorted(row["InstanceId"] for row in alive)


def run_stray(site):
    image = instances(members(site)[:1])[0]["ImageId"]
    client("ec2").run_instances(
        ImageId=image,
        MinCount=1,
        MaxCount=1,
        SubnetId=site["subnet/application/1"],
        TagSpecifications=[{"ResourceType": "instance", "Tags": [{"Key": "Name", "Value": "stray"}]}],
    )


# Groups and templates.


def bounds(site):
    row = group(site)
    return row and {"min": row["MinSize"], "max": row["MaxSize"], "members": len(row["Instances"])}


def squeeze(site):
    client("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=group(site)["AutoScalingGroupName"], MinSize=0, MaxSize=1, DesiredCapacity=1
    )


def desired(site):
    return group(site)["DesiredCapacity"]


def set_desired(count):
    def do(site):
        name = group(site)["AutoScalingGroupName"]
        client("autoscaling").set_desired_capacity(AutoScalingGroupName=name, DesiredCapacity=count)

    return do


def suspended(site):
    return sorted(row["ProcessName"] for row in group(site)["SuspendedProcesses"])


def suspend(site):
    client("autoscaling").suspend_processes(
        AutoScalingGroupName=group(site)["AutoScalingGroupName"], ScalingProcesses=["Launch", "ReplaceUnhealthy"]
    )


def delete_group(site):
    name = group(site)["AutoScalingGroupName"]
    client("autoscaling").delete_auto_scaling_group(AutoScalingGroupName=name, ForceDelete=True)


def launched(site):
    """What the default and the newest version of the template launch."""
    rows = client("ec2").describe_launch_template_versions(
        LaunchTemplateId=site["launch-template/web"], Versions=["$Default", "$Latest"]
    )["LaunchTemplateVersions"]
    return sorted(f"{row['LaunchTemplateData'].get('InstanceType')} {row['LaunchTemplateData']['ImageId']}" for row in rows)


def add_version(site):
    ec2 = client("ec2")
    data = {"ImageId": "ami-12c6146b", "InstanceType": "t2.nano", "MetadataOptions": {"HttpTokens": "optional"}}
    made = ec2.create_launch_template_version(LaunchTemplateId=site["launch-template/web"], LaunchTemplateData=data)
    number = str(made["LaunchTemplateVersion"]["VersionNumber"])
    ec2.modify_launch_template(LaunchTemplateId=site["launch-template/web"], DefaultVersion=number)


# Load balancing.


def listeners(site):
    rows = client("elbv2").describe_listeners(LoadBalancerArn=site["load-balancer/web"])["Listeners"]
    return sorted((row["Port"], row["Protocol"]) for row in rows)


def delete_https(site):
    rows = client("elbv2").describe_listeners(LoadBalancerArn=site["load-balancer/web"])["Listeners"]
    arn = next(row["ListenerArn"] for row in rows if row["Port"] == 443)
    client("elbv2").delete_listener(ListenerArn=arn)


def health_check(site):
    return client("elbv2").describe_target_groups(TargetGroupArns=[site["target-group/web"]])["TargetGroups"][0][
        "HealthCheckPath"
    ]


def move_health_check(site):
    client("elbv2").modify_target_group(TargetGroupArn=site["target-group/web"], HealthCheckPath="/elsewhere")


def http2(site):
    """On, unless the load balancer says otherwise: the emulator does not show what was never set."""
    rows = client("elbv2").describe_load_balancer_attributes(LoadBalancerArn=site["load-balancer/web"])["Attributes"]
    return {row["Key"]: row["Value"] for row in rows}.get("routing.http2.enabled") != "false"


def turn_http2_off(site):
    client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=site["load-balancer/web"], Attributes=[{"Key": "routing.http2.enabled", "Value": "false"}]
    )


# The database.


def modify_database(**values):
    def do(site):
        client("rds").modify_db_instance(DBInstanceIdentifier=site["database"], ApplyImmediately=True, **values)

    return do


def replicas(site):
    return len(database(site)["ReadReplicaDBInstanceIdentifiers"])


def delete_replica(site):
    rds = client("rds")
    name = database(site)["ReadReplicaDBInstanceIdentifiers"][0]
    rds.modify_db_instance(DBInstanceIdentifier=name, DeletionProtection=False, ApplyImmediately=True)
    rds.delete_db_instance(DBInstanceIdentifier=name, SkipFinalSnapshot=True)


def parameter(site):
    rows = client("rds").describe_db_parameters(DBParameterGroupName=site["db-parameter-group"])["Parameters"]
    return {row["ParameterName"]: row.get("ParameterValue") for row in rows}.get("require_secure_transport")


def allow_plain_text(site):
    change = {"ParameterName": "require_secure_transport", "ParameterValue": "0", "ApplyMethod": "immediate"}
    client("rds").modify_db_parameter_group(DBParameterGroupName=site["db-parameter-group"], Parameters=[change])


# The network.


def ports(part):
    return lambda site: sorted(rule.get("FromPort", -1) for rule in rules(site[part]))


def revoke_all(site):
    name = site["security-group/database"]
    client("ec2").revoke_security_group_ingress(GroupId=name, IpPermissions=rules(name))


SSH = [{"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]


def open_ssh(site):
    client("ec2").authorize_security_group_ingress(GroupId=site["security-group/web"], IpPermissions=SSH)


def close_ssh(site):
    client("ec2").revoke_security_group_ingress(GroupId=site["security-group/web"], IpPermissions=SSH)


def ways_out(site):
    """The NAT gateways, and the routes that lead to one that works."""
    working = gateways(site)
    routes = [route for route in default_routes(site) if route.get("NatGatewayId") in working.values()]
    return {"gateways": len(working), "routes": len(routes)}


def delete_gateway(site):
    ec2 = client("ec2")
    row = ec2.describe_nat_gateways(NatGatewayIds=[site["nat-gateway/1"]])["NatGateways"][0]
    ec2.delete_nat_gateway(NatGatewayId=row["NatGatewayId"])
    # AWS lets go of the address by itself; the emulator does not.
    wanted = [address["AllocationId"] for address in row["NatGatewayAddresses"]]
    for address in ec2.describe_addresses(AllocationIds=wanted)["Addresses"]:
        if "AssociationId" in address:
            ec2.disassociate_address(AssociationId=address["AssociationId"])


def delete_route(site):
    client("ec2").delete_route(RouteTableId=site["route-table/application/2"], DestinationCidrBlock="0.0.0.0/0")


def tags_of_subnet(site):
    return tags(subnet(site).get("Tags"))


def subnet(site):
    return client("ec2").describe_subnets(SubnetIds=[site["subnet/data/1"]])["Subnets"][0]


def untag_subnet(site):
    remove_tags(site["subnet/data/1"], subnet(site)["Tags"])


def dns_names(site):
    answer = client("ec2").describe_vpc_attribute(VpcId=site["vpc"], Attribute="enableDnsHostnames")
    return answer["EnableDnsHostnames"]["Value"]


def turn_dns_names_off(site):
    client("ec2").modify_vpc_attribute(VpcId=site["vpc"], EnableDnsHostnames={"Value": False})


DRIFTS = {
    "instance-terminated": Drift(serving, terminate_one, register_all),
    "instance-stopped": Drift(serving, stop_one, start_all),
    "instance-unhealthy": Drift(
        serving,
        lambda site: set_health(members(site)[:1], "Unhealthy"),
        lambda site: set_health(members(site), "Healthy"),
    ),
    "instance-untagged": Drift(tags_of_members, untag_one, tag_as_others),
    "target-deregistered": Drift(serving, deregister_one, register_all),
    "stray-instance": Drift(strays, run_stray, lambda site: client("ec2").terminate_instances(InstanceIds=strays(site))),
    "group-bounds": Drift(bounds, squeeze),
    "group-desired": Drift(desired, set_desired(5), set_desired(2)),
    "group-suspended": Drift(suspended, suspend),
    "group-deleted": Drift(lambda site: (bounds(site), serving(site)), delete_group),
    "template-version": Drift(launched, add_version),
    "listener-deleted": Drift(listeners, delete_https),
    "health-check": Drift(health_check, move_health_check),
    "http2-off": Drift(http2, turn_http2_off),
    "multi-zone-off": Drift(lambda site: database(site)["MultiAZ"], modify_database(MultiAZ=False)),
    "database-class": Drift(
        lambda site: database(site)["DBInstanceClass"], modify_database(DBInstanceClass="db.t3.micro")
    ),
    "replica-deleted": Drift(replicas, delete_replica),
    "parameter-changed": Drift(parameter, allow_plain_text),
    "rule-revoked": Drift(ports("security-group/database"), revoke_all),
    "rogue-rule": Drift(ports("security-group/web"), open_ssh, close_ssh),
    "nat-deleted": Drift(ways_out, delete_gateway),
    "route-deleted": Drift(ways_out, delete_route),
    "subnet-untagged": Drift(tags_of_subnet, untag_subnet),
    "dns-names-off": Drift(dns_names, turn_dns_names_off),
}
