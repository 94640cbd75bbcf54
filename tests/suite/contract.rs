//! The simulated region and AWS's endpoint are asked the same questions, and must answer alike.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{HistoryMetric, HistoryQuery, MetricName, MetricQuery, ResourceId, Tags};
use lamp_sim::{Config, Simulator, VirtualClock};
use lamp_tests::contract::{Contract, DIFFERENCES, Outside, Which, markdown};
use serde_json::Value;

use lamp_tests::account::{Account, REGION};
use lamp_tests::proxy::Proxy;

use crate::policy;
use crate::support::connect;

const INSTALL: &str = "contract";

/// Around the simulated region: time goes a quarter of a minute at once.
struct Simulated {
    region: Simulator,
    clock: VirtualClock,
    left: Duration,
}

const STEP: Duration = Duration::from_secs(15);

impl Outside for Simulated {
    fn which(&self) -> Which {
        Which::Simulator
    }

    async fn wait(&mut self) -> bool {
        self.clock.advance(STEP);
        self.left = self.left.saturating_sub(STEP);
        !self.left.is_zero()
    }

    fn certificate(&mut self) -> Result<String> {
        Ok(format!("arn:aws:acm:{REGION}:123456789012:certificate/12345678-1234-1234-1234-123456789012"))
    }

    fn make_vpc(&mut self) -> Result<()> {
        let vpc = Vpc { cidr: "10.99.0.0/16".to_owned(), dns_support: None, dns_hostnames: None };
        self.region.world().create_by_hand("foreign", &Tags::new(), vpc.into())?;
        Ok(())
    }

    fn suspend_processes(&mut self, group: &str, processes: &[&str]) -> Result<()> {
        self.region.world().suspend_processes(group, processes);
        Ok(())
    }

    fn terminate(&mut self, instance: &str) -> Result<()> {
        ensure!(self.region.world().terminate_by_hand(instance), "{instance} does not run");
        Ok(())
    }

    fn take_tags(&mut self, instance: &str) -> Result<()> {
        let keep = |tags: &mut Tags| tags.retain(|key, _| key.starts_with("aws:"));
        self.region.world().tag_instance_by_hand(instance, keep);
        Ok(())
    }

    fn make_interface(&mut self, subnet: &str, description: &str) -> Result<ResourceId> {
        Ok(self.region.world().add_interface(subnet, &[], description))
    }

    fn remove_interface(&mut self, id: &str) -> Result<()> {
        ensure!(self.region.world().remove_interface(id), "there is no {id}");
        Ok(())
    }

    fn measure(&mut self, query: &MetricQuery, value: f64) -> Result<()> {
        if let MetricName::Other(other) = &query.metric {
            self.region.world().put_metric(other, Some(value));
        }
        Ok(())
    }

    fn measure_past(&mut self, _: &HistoryQuery, _: f64) -> Result<()> {
        Ok(())
    }
}

/// Around the endpoint: an emulator does everything at once, so a glance now and then is enough.
struct Real {
    account: Account,
    left: Duration,
}

const GLANCE: Duration = Duration::from_millis(100);

impl Outside for Real {
    fn which(&self) -> Which {
        Which::Endpoint
    }

    async fn wait(&mut self) -> bool {
        tokio::time::sleep(GLANCE).await;
        self.left = self.left.saturating_sub(GLANCE);
        !self.left.is_zero()
    }

    fn certificate(&mut self) -> Result<String> {
        let arn = self.account.hand(&["certificate"])?;
        arn.as_str().map(str::to_owned).context("no certificate")
    }

    fn make_vpc(&mut self) -> Result<()> {
        self.account.hand(&["make-vpc", "10.99.0.0/16"]).map(drop)
    }

    fn suspend_processes(&mut self, group: &str, processes: &[&str]) -> Result<()> {
        self.account.hand(&["suspend", group, &processes.join(",")]).map(drop)
    }

    fn terminate(&mut self, instance: &str) -> Result<()> {
        self.account.hand(&["terminate", instance]).map(drop)
    }

    fn take_tags(&mut self, instance: &str) -> Result<()> {
        self.account.hand(&["take-tags", instance]).map(drop)
    }

    fn make_interface(&mut self, subnet: &str, description: &str) -> Result<ResourceId> {
        let id = self.account.hand(&["make-interface", subnet, description])?;
        id.as_str().map(str::to_owned).context("no interface")
    }

    fn remove_interface(&mut self, id: &str) -> Result<()> {
        self.account.hand(&["remove-interface", id]).map(drop)
    }

    fn measure(&mut self, query: &MetricQuery, value: f64) -> Result<()> {
        let (namespace, name, dimensions) = published(query)?;
        let value = value.to_string();
        let answer: Value = self.account.hand(&["put-metric", namespace, name, &dimensions, &value])?;
        ensure!(answer.is_null(), "{answer}");
        Ok(())
    }

    fn measure_past(&mut self, query: &HistoryQuery, value: f64) -> Result<()> {
        let (namespace, name, dimensions) = published_past(query)?;
        let value = value.to_string();
        let put = ["put-metric", &namespace, &name, &dimensions, &value, "3600"];
        let answer: Value = self.account.hand(&put)?;
        ensure!(answer.is_null(), "{answer}");
        Ok(())
    }
}

/// As above, of a metric whose past is read.
fn published_past(query: &HistoryQuery) -> Result<(String, String, String)> {
    let of = |metric| {
        let HistoryQuery { resource, load_balancer, .. } = query.clone();
        let query = MetricQuery { metric, resource, load_balancer };
        let (namespace, name, dimensions) = published(&query)?;
        anyhow::Ok((namespace.to_owned(), name.to_owned(), dimensions))
    };
    Ok(match query.metric {
        HistoryMetric::GroupCpu | HistoryMetric::GroupCpuSamples => of(MetricName::GroupCpuUtilization)?,
        HistoryMetric::Requests => {
            let (namespace, _, dimensions) = of(MetricName::RequestCountPerTarget)?;
            (namespace, "RequestCount".to_owned(), dimensions)
        }
        HistoryMetric::DatabaseCpu => of(MetricName::DatabaseCpuUtilization)?,
        HistoryMetric::DatabaseConnections => of(MetricName::DatabaseConnections)?,
    })
}

/// Where AWS publishes a metric: namespace, name and dimensions.
fn published(query: &MetricQuery) -> Result<(&str, &str, String)> {
    let resource = query.resource.as_str();
    let group = || format!("AutoScalingGroupName={resource}");
    let database = || format!("DBInstanceIdentifier={resource}");
    let targets = || {
        let group = resource.rsplit(':').next().context("no target group")?;
        let balancer = query.load_balancer.as_deref().and_then(|arn| arn.split_once(":loadbalancer/"));
        let (_, balancer) = balancer.context("no load balancer")?;
        anyhow::Ok(format!("TargetGroup={group},LoadBalancer={balancer}"))
    };
    Ok(match &query.metric {
        MetricName::GroupNetworkIn => ("AWS/EC2", "NetworkIn", group()),
        MetricName::GroupNetworkOut => ("AWS/EC2", "NetworkOut", group()),
        MetricName::TargetResponseTime(_) => ("AWS/ApplicationELB", "TargetResponseTime", targets()?),
        MetricName::Other(other) => {
            let pairs = other.dimensions.iter().map(|(name, value)| format!("{name}={value}"));
            (&other.namespace, &other.name, pairs.collect::<Vec<_>>().join(","))
        }
        MetricName::GroupCpuUtilization | MetricName::GroupCpuSamples => {
            ("AWS/EC2", "CPUUtilization", group())
        }
        MetricName::RequestCountPerTarget => ("AWS/ApplicationELB", "RequestCountPerTarget", targets()?),
        MetricName::UnhealthyHostCount => ("AWS/ApplicationELB", "UnHealthyHostCount", targets()?),
        MetricName::DatabaseCpuUtilization => ("AWS/RDS", "CPUUtilization", database()),
        MetricName::DatabaseConnections => ("AWS/RDS", "DatabaseConnections", database()),
        MetricName::ReplicaLag => ("AWS/RDS", "ReplicaLag", database()),
        MetricName::FreeStorageSpace => ("AWS/RDS", "FreeStorageSpace", database()),
    })
}

#[tokio::test]
async fn the_simulated_region_keeps_the_contract() -> Result<()> {
    let clock = VirtualClock::new(Timestamp::from_second(1_800_000_000)?);
    let config = Config { region: REGION.to_owned(), install: INSTALL.to_owned(), ..Config::default() };
    let region = Simulator::new(config, Arc::new(clock.clone()));
    let outside = Simulated { region: region.clone(), clock, left: Duration::from_secs(24 * 3600) };
    Contract::new(region.clone(), outside, INSTALL).run().await?;
    let mut violations = region.world().violations().to_vec();
    // It promotes a replica without a fence around the primary, as no daemon would.
    violations.retain(|violation| !violation.contains("S-P1"));
    ensure!(violations.is_empty(), "{violations:?}");
    Ok(())
}

/// The story tells of everything that can be asked of the port, so every call that the adapter can make is seen on its
/// way, and the policy is held to them.
#[tokio::test]
async fn the_endpoint_keeps_the_contract_by_the_calls_that_the_policy_allows() -> Result<()> {
    let account = Account::new()?;
    let proxy = Proxy::start(account.url()).await?;
    let cloud = connect(proxy.url(), INSTALL).await.context("connect")?;
    Contract::new(cloud, Real { account, left: Duration::from_secs(20) }, INSTALL).run().await?;
    policy::is_for_exactly(&proxy.take())
}

#[test]
fn the_documentation_shows_the_table_of_differences() -> Result<()> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/simulation.md");
    let text = std::fs::read_to_string(path).with_context(|| path.to_owned())?;
    let table = markdown(DIFFERENCES);
    ensure!(text.contains(&table), "docs/simulation.md does not hold this table:\n{table}");
    Ok(())
}
