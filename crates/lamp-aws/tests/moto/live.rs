//! Zones, metrics and the pages of listings.

use lamp_cloud::{Listing, MetricName, MetricQuery, Page, Read, Reading, Zone};

use crate::account::Account;

#[tokio::test]
async fn zones() {
    let account = Account::new("eu-west-1").await;
    let read = Read::List { listing: Listing::Zones, page: None };
    let Reading::Zones(Page { items, next }) = account.read(read).await else { panic!("another reading") };
    assert_eq!(next, None);
    assert!(items.contains(&Zone { name: "eu-west-1a".into(), available: true }), "{items:?}");
}

#[tokio::test]
async fn metrics() {
    let account = Account::new("ap-southeast-3").await;
    account.python(
        "import boto3, datetime
now = datetime.datetime.now(datetime.timezone.utc)
def point(minutes, value):
    return {'MetricName': 'ReplicaLag', 'Dimensions': [{'Name': 'DBInstanceIdentifier', 'Value': 'll-shop-db-1'}],
            'Timestamp': now - datetime.timedelta(minutes=minutes), 'Value': value}
boto3.client('cloudwatch').put_metric_data(Namespace='AWS/RDS', MetricData=[point(2, 7.0), point(4, 3.5)])",
    );
    let query =
        |metric, resource: &str| MetricQuery { metric, resource: resource.into(), load_balancer: None };
    let queries = vec![
        query(MetricName::GroupCpuUtilization, "ll-shop-web"),
        query(MetricName::ReplicaLag, "ll-shop-db-1"),
    ];
    let Reading::Metrics(series) =
        account.read(Read::Metrics { queries: queries.clone(), minutes: 10 }).await
    else {
        panic!("another reading")
    };
    let of = |query: &MetricQuery| series.iter().find(|(of, _)| of == query).map(|(_, series)| series);
    assert!(of(&queries[0]).is_none_or(|series| series.points.is_empty()));
    let lag = of(&queries[1]).expect("an answer");
    assert!(!lag.incomplete);
    assert_eq!(lag.points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [3.5, 7.0]);
    assert!(lag.points[0].0 < lag.points[1].0, "oldest first");
}

#[tokio::test]
async fn groups_come_page_by_page() {
    let account = Account::new("ap-southeast-4").await;
    account.python(
        "import boto3
ec2, groups = boto3.client('ec2'), boto3.client('autoscaling')
ec2.create_launch_template(LaunchTemplateName='ll-t', LaunchTemplateData={'ImageId': 'ami-12c6146b'})
for i in range(103):
    groups.create_auto_scaling_group(
        AutoScalingGroupName=f'll-{i}', MinSize=0, MaxSize=0, AvailabilityZones=['ap-southeast-4a'],
        LaunchTemplate={'LaunchTemplateName': 'll-t', 'Version': '1'},
        Tags=[{'Key': 'lamplighter:install', 'Value': 'test', 'PropagateAtLaunch': True}])",
    );
    let read = Read::List { listing: Listing::Resources(lamp_cloud::Kind::AutoScalingGroup), page: None };
    let Reading::Resources(first) = account.read(read).await else { panic!("another reading") };
    assert!(first.next.is_some() && first.items.len() == 100);
    assert_eq!(account.list(lamp_cloud::Kind::AutoScalingGroup).await.len(), 103);
}
