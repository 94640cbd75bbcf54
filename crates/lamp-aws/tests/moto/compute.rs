//! Launch templates, Auto Scaling groups, and the instances and targets that come from them.

use lamp_cloud::kinds::auto_scaling_group::{
    self, AutoScalingGroup, EC2, ScalingPolicy, Settings, TrackedMetric,
};
use lamp_cloud::kinds::launch_template::{self, LaunchTemplate, OUR_VERSION, TemplateData};
use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::{
    Change, Cloud, Instance, InstanceState, Kind, LifecycleState, Listing, Read, Reading, Reference, Request,
    Resource, StatusCheck, TargetHealth, TargetState, tag,
};

use crate::account::{Account, body, tags};
use crate::load_balancing::target_group;

async fn data(account: &Account, vpc: &Reference) -> TemplateData {
    let group = SecurityGroup {
        vpc: vpc.clone(),
        description: "web".into(),
        ingress: Vec::new(),
        egress: Vec::new(),
    };
    TemplateData {
        image: "ami-12c6146b".into(),
        instance_type: "t3.small".into(),
        instance_profile: Some("web".into()),
        security_groups: vec![Reference::id(account.create("security-group/web", "ll-web", group).await)],
        user_data: "#!/bin/sh\necho hello\n".into(),
        root_volume_gib: 20,
        instance_tags: tags("instance/web"),
        imds_v2_required: true,
        root_volume_encrypted: true,
        detailed_monitoring: true,
        description: Some(OUR_VERSION.into()),
    }
}

async fn template(account: &Account, data: TemplateData) -> String {
    let body = LaunchTemplate { data: Some(data), latest_version: 0, default_version: 0 };
    account.create("launch-template/web", "ll-shop-web", body).await
}

async fn newest(account: &Account, id: &str) -> (u64, TemplateData) {
    let read = Read::List { listing: Listing::LaunchTemplateVersions, page: None };
    let Reading::LaunchTemplateVersions(page) = account.read(read).await else { panic!("another reading") };
    let mut rows = page.items.into_iter().filter(|(template, ..)| template == id);
    let (_, version, data) = rows.next().expect("a version");
    assert!(rows.next().is_none(), "only the newest is listed");
    (version, data)
}

#[tokio::test]
async fn launch_template() {
    let account = Account::new("ap-south-1").await;
    let vpc = account.vpc().await;
    let data = data(&account, &vpc).await;
    let id = template(&account, data.clone()).await;
    let row = account.one(Kind::LaunchTemplate, &id).await;
    assert_eq!((row.name.as_str(), &row.tags), ("ll-shop-web", &tags("launch-template/web")));
    let shown = body!(row, LaunchTemplate);
    assert_eq!((shown.latest_version, shown.default_version, shown.data), (1, 1, None));
    assert_eq!(newest(&account, &id).await, (1, data.clone()));

    let bigger = TemplateData { instance_type: "t3.large".into(), user_data: "#!/bin/sh\n".into(), ..data };
    let change = launch_template::Change::NewVersion(bigger.clone());
    account.change(&id, Change::LaunchTemplate(change)).await;
    assert_eq!(newest(&account, &id).await, (2, bigger));
    account.change(&id, Change::LaunchTemplate(launch_template::Change::DefaultVersion(2))).await;
    let shown = body!(account.one(Kind::LaunchTemplate, &id).await, LaunchTemplate);
    assert_eq!((shown.latest_version, shown.default_version), (2, 2));

    account.delete(Kind::LaunchTemplate, &id).await;
    assert!(account.find(Kind::LaunchTemplate, &id).await.is_none());
}

struct Site {
    account: Account,
    subnets: Vec<Reference>,
    target_group: String,
    group: AutoScalingGroup,
    id: String,
}

impl Site {
    async fn new(region: &'static str, instance_types: &[&str]) -> Self {
        let account = Account::new(region).await;
        let vpc = account.vpc().await;
        let subnets = vec![account.subnet(&vpc, 1).await, account.subnet(&vpc, 2).await];
        let data = data(&account, &vpc).await;
        let template = template(&account, data).await;
        let target_group = account.create("target-group/web", "ll-shop-web", target_group(&vpc)).await;
        let mut sorted = subnets.clone();
        sorted.sort();
        let group = AutoScalingGroup {
            template: Reference::id(template),
            template_version: 1,
            subnets: sorted,
            target_groups: vec![Reference::id(target_group.as_str())],
            min: 2,
            max: 6,
            desired: 2,
            instance_types: instance_types.iter().map(|name| (*name).to_owned()).collect(),
            grace_seconds: 120,
            health_check_type: EC2.to_owned(),
            members: Vec::new(),
            suspended: Vec::new(),
            policies: None,
            foreign_policies: Vec::new(),
        };
        let id = account.create("group/web", "ll-shop-web", group.clone()).await;
        Self { account, subnets, target_group, group, id }
    }

    async fn row(&self) -> Resource {
        self.account.one(Kind::AutoScalingGroup, &self.id).await
    }

    async fn shown(&self) -> AutoScalingGroup {
        body!(self.row().await, AutoScalingGroup)
    }

    async fn change(&self, change: auto_scaling_group::Change) {
        self.account.change(&self.id, Change::AutoScalingGroup(change)).await;
    }

    async fn instances(&self) -> Vec<Instance> {
        let read = Read::List { listing: Listing::Instances, page: None };
        let Reading::Instances(page) = self.account.read(read).await else { panic!("another reading") };
        page.items
    }

    async fn targets(&self) -> Vec<TargetHealth> {
        let read = Read::TargetHealth { target_group: self.target_group.clone() };
        let Reading::TargetHealth(targets) = self.account.read(read).await else { panic!("another reading") };
        targets
    }
}

#[tokio::test]
async fn group_with_one_type() {
    let site = Site::new("ap-south-2", &[]).await;
    let row = site.row().await;
    assert_eq!((row.name.as_str(), &row.tags), ("ll-shop-web", &tags("group/web")));
    let shown = site.shown().await;
    assert_eq!(shown.members.len(), 2);
    assert!(shown.members.iter().all(|it| it.lifecycle == LifecycleState::InService && it.healthy));
    assert_eq!(shown.members[0].template_version, Some(1));
    assert_eq!(
        AutoScalingGroup { members: Vec::new(), ..shown },
        site.group,
        "nothing differs, nothing to change"
    );
    site.account.tag(Kind::AutoScalingGroup, &site.id).await;
    assert!(site.row().await.tags.contains_key("extra"));

    site.account.delete(Kind::AutoScalingGroup, &site.id).await;
    assert!(site.account.find(Kind::AutoScalingGroup, &site.id).await.is_none());
}

#[tokio::test]
async fn group_with_several_types() {
    let site = Site::new("ap-northeast-2", &["t3.small", "t3a.small"]).await;
    let shown = site.shown().await;
    assert_eq!(AutoScalingGroup { members: Vec::new(), ..shown }, site.group);
}

#[tokio::test]
async fn group_changes() {
    let site = Site::new("ap-southeast-1", &[]).await;
    site.change(auto_scaling_group::Change::SetDesired(3)).await;
    let shown = site.shown().await;
    assert_eq!((shown.desired, shown.members.len()), (3, 3));

    let settings =
        Settings { max: 8, grace_seconds: 300, subnets: site.subnets[..1].to_vec(), ..shown.settings() };
    site.change(auto_scaling_group::Change::Settings(settings.clone())).await;
    assert_eq!(site.shown().await.settings(), settings);

    let groups = site.group.target_groups.clone();
    site.change(auto_scaling_group::Change::DetachTargetGroups(groups.clone())).await;
    assert!(site.shown().await.target_groups.is_empty());
    site.change(auto_scaling_group::Change::AttachTargetGroups(groups.clone())).await;
    assert_eq!(site.shown().await.target_groups, groups);

    site.account.python(
        "import boto3; boto3.client('autoscaling').suspend_processes(
            AutoScalingGroupName='ll-shop-web', ScalingProcesses=['Terminate', 'Launch'])",
    );
    assert_eq!(site.shown().await.suspended, ["Launch", "Terminate"]);
    let both = vec!["Launch".to_owned(), "Terminate".to_owned()];
    site.change(auto_scaling_group::Change::ResumeProcesses(both)).await;
    assert!(site.shown().await.suspended.is_empty());
}

#[tokio::test]
async fn policies_of_a_group_come_and_go_and_those_of_others_are_shown_in_words() {
    let site = Site::new("ap-east-2", &[]).await;
    let metric = TrackedMetric::AverageCpuUtilization;
    let ours = ScalingPolicy {
        name: "lamplighter-safety".to_owned(),
        metric,
        target: 79.8,
        scales_in: false,
        warmup_seconds: Some(180),
    };
    let policies = async || {
        let Reading::ScalingPolicies(page) = site.account.read(Read::ScalingPolicies { page: None }).await
        else {
            panic!("another reading")
        };
        page.items
    };
    site.change(auto_scaling_group::Change::PutPolicy(ours.clone())).await;
    assert_eq!(policies().await, [("ll-shop-web".to_owned(), ours.clone())]);
    let grown = ScalingPolicy { target: 60.0, scales_in: true, ..ours.clone() };
    site.change(auto_scaling_group::Change::PutPolicy(grown.clone())).await;
    assert_eq!(policies().await, [("ll-shop-web".to_owned(), grown)]);
    site.account.python(
        "import boto3; boto3.client('autoscaling').put_scaling_policy(
            AutoScalingGroupName='ll-shop-web', PolicyName='nightly', PolicyType='StepScaling',
            AdjustmentType='ChangeInCapacity', StepAdjustments=[{'MetricIntervalLowerBound': 0, 'ScalingAdjustment': 1}])",
    );
    site.change(auto_scaling_group::Change::DeletePolicy(ours.name)).await;
    let theirs = policies().await.remove(0).1;
    assert_eq!((theirs.name.as_str(), theirs.scales_in), ("nightly", true));
    assert_eq!(theirs.metric, TrackedMetric::Other("StepScaling".to_owned()));
}

#[tokio::test]
async fn instances_and_their_replacement() {
    let site = Site::new("ap-southeast-2", &[]).await;
    let instances = site.instances().await;
    assert_eq!(instances.len(), 2);
    for instance in &instances {
        assert_eq!(instance.group.as_deref(), Some("ll-shop-web"));
        assert_eq!(instance.state, InstanceState::Running);
        assert!(instance.zone.starts_with("ap-southeast-2"));
        assert_eq!(instance.tags.get(tag::INSTALL).map(String::as_str), Some("test"));
    }
    let read = Read::List { listing: Listing::InstanceStatus, page: None };
    let Reading::InstanceStatus(checks) = site.account.read(read).await else { panic!("another reading") };
    let passes =
        |id: &str| checks.items.iter().any(|it| it.instance == id && it.check == Some(StatusCheck::Ok));
    assert!(instances.iter().all(|it| passes(&it.id)));

    let targets = site.targets().await;
    assert_eq!(targets.len(), 2);
    assert!(targets.iter().all(|target| target.state == TargetState::Healthy && target.target.port == 80));

    let victim = instances[0].id.clone();
    let request = Request::ReplaceInstance { group: site.id.clone(), instance: victim.clone() };
    site.account.cloud.apply(&request).await.expect("terminated");
    let members = site.shown().await.members;
    assert_eq!(members.len(), 2, "the capacity stays");
    assert!(members.iter().all(|member| member.instance != victim));
    let gone = site.instances().await.into_iter().find(|it| it.id == victim).expect("its grave is shown");
    assert_eq!(gone.state, InstanceState::Terminated);
}

#[tokio::test]
async fn a_network_shows_what_runs_in_it_and_instances_take_tags_back() {
    let site = Site::new("ap-southeast-7", &[]).await;
    let vpc = site.account.list(Kind::Vpc).await.remove(0).id;
    let victim = site.instances().await.remove(0);
    site.account.python(&format!(
        "import boto3\nec2 = boto3.client('ec2')\n\
         ec2.delete_tags(Resources=['{0}'], Tags=[{{'Key': key}} for key in {1:?}])\n\
         subnet = ec2.describe_instances(InstanceIds=['{0}'])['Reservations'][0]['Instances'][0]['SubnetId']\n\
         ec2.run_instances(ImageId='ami-12c6146b', MinCount=1, MaxCount=1, SubnetId=subnet)",
        victim.id,
        victim.tags.keys().filter(|key| !key.starts_with("aws:")).collect::<Vec<_>>(),
    ));
    assert!(site.instances().await.iter().all(|it| it.id != victim.id), "it is not listed as ours");
    let read = Read::NetworkInstances { vpcs: vec![vpc.clone()] };
    let Reading::NetworkInstances(rows) = site.account.read(read).await else { panic!("another reading") };
    assert_eq!(rows.len(), 3, "two members and a stranger");
    assert!(rows.iter().all(|(network, _)| *network == vpc));
    let (_, shown) = rows.iter().find(|(_, row)| row.id == victim.id).expect("it runs all the same");
    assert_eq!((shown.state, shown.tags.get(tag::INSTALL)), (InstanceState::Running, None));
    let tags = victim.tags.iter().filter(|(key, _)| !key.starts_with("aws:"));
    let tags = tags.map(|(key, value)| (key.clone(), value.clone())).collect();
    let request = Request::TagInstance { instance: victim.id.clone(), tags };
    site.account.cloud.apply(&request).await.expect("tagged");
    assert!(site.instances().await.contains(&victim), "it is as it was");
}

#[tokio::test]
async fn targets_leave_and_return() {
    let site = Site::new("me-south-1", &[]).await;
    let first = site.targets().await[0].target.clone();
    let apply = async |request| site.account.cloud.apply(&request).await.expect("applied");
    let targets = vec![first.clone()];
    apply(Request::DeregisterTargets { target_group: site.target_group.clone(), targets: targets.clone() })
        .await;
    // The emulator lets a target go without draining it.
    assert!(site.targets().await.iter().all(|target| target.target != first));
    apply(Request::RegisterTargets { target_group: site.target_group.clone(), targets }).await;
    assert!(site.targets().await.iter().any(|target| target.target == first));
}
