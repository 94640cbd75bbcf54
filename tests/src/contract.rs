//! What both the simulated region and AWS's endpoint must do: one story, told through the port.
//!
//! The simulator is worth no more than this story proves. Each step creates or changes something and then asks the
//! region what it sees; nothing here knows which region it talks to.

mod bodies;

use std::future::Future;

use anyhow::{Context, Result, bail, ensure};
use lamp_cloud::{
    Body, Change, Cloud, CloudError, DeleteOptions, ErrorClass, Kind, Listing, Owner, Page, Part, Read,
    Reading, Reference, Request, Resource, State, Target, token, unique_name,
};

pub use bodies::Bodies;

/// Lets time pass: simulated, or real.
pub trait Patience {
    /// Waits a little; false when there is no time left.
    fn wait(&mut self) -> impl Future<Output = bool>;
}

/// The story, and what it has made so far.
#[derive(Debug)]
pub struct Contract<C, P> {
    cloud: C,
    patience: P,
    owner: Owner,
    made: Vec<(Part, Kind, String)>,
}

impl<C: Cloud, P: Patience> Contract<C, P> {
    pub fn new(cloud: C, patience: P, install: &str) -> Self {
        let owner = Owner {
            install: install.to_owned(),
            namespace: "default".to_owned(),
            name: "contract".to_owned(),
            uid: "5f3759df-0000-4000-8000-000000000001".to_owned(),
        };
        Self { cloud, patience, owner, made: Vec::new() }
    }

    /// Tells the whole story.
    ///
    /// # Errors
    /// The first step at which the region did not do what it must.
    pub async fn run(mut self) -> Result<()> {
        let zones = self.zones().await?;
        let mut bodies = Bodies::new(zones);
        self.network(&mut bodies).await.context("network")?;
        self.security(&mut bodies).await.context("security")?;
        self.front(&mut bodies).await.context("load balancing")?;
        self.group(&mut bodies).await.context("instances")?;
        self.database(&mut bodies).await.context("database")?;
        self.remove_all().await.context("removal")
    }

    async fn zones(&self) -> Result<Vec<String>> {
        let Reading::Zones(page) = self.list_page(Listing::Zones, None).await? else { bail!("no zones") };
        let zones: Vec<String> =
            page.items.into_iter().filter(|zone| zone.available).map(|zone| zone.name).collect();
        ensure!(zones.len() >= 2, "a region has at least two zones: {zones:?}");
        Ok(zones)
    }

    async fn network(&mut self, bodies: &mut Bodies) -> Result<()> {
        bodies.vpc = self.make("vpc", bodies.vpc()).await?;
        bodies.gateway = self.make("internet-gateway", bodies.internet_gateway()).await?;
        for (part, body) in bodies.subnets() {
            let id = self.make(&part, body).await?;
            bodies.subnets.push(id);
        }
        bodies.address = self.make("elastic-ip/1", bodies.elastic_ip()).await?;
        bodies.nat = self.make("nat-gateway/1", bodies.nat_gateway()).await?;
        self.make("route-table/public", bodies.public_routes()).await?;
        self.make("route-table/application/1", bodies.private_routes()).await?;
        Ok(())
    }

    async fn security(&mut self, bodies: &mut Bodies) -> Result<()> {
        bodies.front_group = self.make("security-group/front", bodies.front_group()).await?;
        bodies.back_group = self.make("security-group/back", bodies.back_group()).await?;
        self.refuses_twice(
            "security-group/back",
            bodies.back_group(),
            &[ErrorClass::AlreadyExists, ErrorClass::Conflict],
        )
        .await
    }

    async fn front(&mut self, bodies: &mut Bodies) -> Result<()> {
        bodies.load_balancer = self.make("load-balancer/web", bodies.load_balancer()).await?;
        bodies.target_group = self.make("target-group/web", bodies.target_group()).await?;
        bodies.listener = self.make("listener/web/80", bodies.listener()).await?;
        self.change("target-group/web", bodies.target_group_checked_elsewhere()).await?;
        Ok(())
    }

    async fn group(&mut self, bodies: &mut Bodies) -> Result<()> {
        bodies.template = self.make("launch-template/web", bodies.launch_template("t3.small")).await?;
        self.change("launch-template/web", bodies.launch_template("t3.medium")).await?;
        bodies.group = self.make("auto-scaling-group/web", bodies.auto_scaling_group(2)).await?;
        let members = self.members(2).await?;
        self.targets(bodies, &members).await?;
        self.change("auto-scaling-group/web", bodies.auto_scaling_group(3)).await?;
        let members = self.members(3).await?;
        self.replacement(bodies, &members).await
    }

    /// An instance that is replaced leaves the group, and another one comes.
    async fn replacement(&mut self, bodies: &Bodies, members: &[String]) -> Result<()> {
        let victim = members.first().context("no member")?.clone();
        let replace = Request::ReplaceInstance { group: bodies.group.clone(), instance: victim.clone() };
        self.cloud.apply(&replace).await?;
        loop {
            let members = self.members(3).await?;
            if !members.contains(&victim) {
                return Ok(());
            }
            ensure!(self.patience.wait().await, "{victim} is still a member");
        }
    }

    /// The group registers its instances; one that is taken out can be put back.
    async fn targets(&mut self, bodies: &Bodies, members: &[String]) -> Result<()> {
        self.until_targets(bodies, |targets| members.iter().all(|member| targets.contains(member))).await?;
        let one = members.first().context("no member")?.clone();
        let target = || vec![Target { instance: one.clone(), port: Bodies::PORT }];
        let target_group = bodies.target_group.clone();
        self.cloud
            .apply(&Request::DeregisterTargets { target_group: target_group.clone(), targets: target() })
            .await?;
        self.until_targets(bodies, |targets| !targets.contains(&one)).await?;
        self.cloud.apply(&Request::RegisterTargets { target_group, targets: target() }).await?;
        self.until_targets(bodies, |targets| targets.contains(&one)).await
    }

    async fn until_targets(&mut self, bodies: &Bodies, wanted: impl Fn(&[String]) -> bool) -> Result<()> {
        loop {
            let read = Read::TargetHealth { target_group: bodies.target_group.clone() };
            let Reading::TargetHealth(rows) = self.cloud.read(&read).await? else {
                bail!("not target health")
            };
            let targets: Vec<String> = rows
                .into_iter()
                .filter(|row| row.state != lamp_cloud::TargetState::Draining)
                .map(|row| row.target.instance)
                .collect();
            if wanted(&targets) {
                return Ok(());
            }
            ensure!(self.patience.wait().await, "targets stay {targets:?}");
        }
    }

    async fn database(&mut self, bodies: &mut Bodies) -> Result<()> {
        bodies.subnet_group = self.make("db-subnet-group", bodies.subnet_group()).await?;
        bodies.parameter_group = self.make("db-parameter-group", bodies.parameter_group()).await?;
        bodies.secret = self.make("secret/database", bodies.secret()).await?;
        bodies.primary = self.make("database", bodies.database(20)).await?;
        self.change("database", bodies.database(40)).await?;
        self.make("replica/1", bodies.replica()).await?;
        let protected = Request::Delete {
            kind: Kind::DbInstance,
            id: bodies.primary.clone(),
            options: DeleteOptions { final_snapshot: Some("refused".to_owned()), ..DeleteOptions::default() },
        };
        ensure!(
            self.cloud.apply(&protected).await.is_err(),
            "deletion protection did not protect the database"
        );
        Ok(())
    }

    /// Everything goes, in the reverse order, after what must come before.
    async fn remove_all(&mut self) -> Result<()> {
        while let Some((part, kind, id)) = self.made.pop() {
            let row = self.settled(&part, kind).await?;
            for change in row.body.before_delete() {
                self.send_change(&part, &id, change).await?;
                self.settled(&part, kind).await?;
            }
            self.remove(&part, kind, &id, &row).await.with_context(|| part.to_string())?;
        }
        Ok(())
    }

    async fn remove(&mut self, part: &Part, kind: Kind, id: &str, row: &Resource) -> Result<()> {
        let primary = matches!(&row.body, Body::DbInstance(body) if !body.is_replica());
        let options = DeleteOptions {
            final_snapshot: primary.then(|| "ll-contract-final".to_owned()),
            without_recovery: true,
            ..DeleteOptions::default()
        };
        let delete = Request::Delete { kind, id: id.to_owned(), options };
        loop {
            match self.cloud.apply(&delete).await {
                Ok(_) => break,
                Err(error) if error.class == ErrorClass::NotFound => break,
                // What stood in it takes a while to be really gone.
                Err(error) if matches!(error.class, ErrorClass::Dependency | ErrorClass::State) => {
                    ensure!(self.patience.wait().await, "{error}");
                }
                Err(error) => return Err(error.into()),
            }
        }
        loop {
            match self.find(part, kind).await? {
                None => return Ok(()),
                Some(row) => ensure!(self.patience.wait().await, "still there: {:?}", row.state),
            }
        }
    }

    /// Creates a part, waits until it is ready, and puts right what the creation does not take.
    async fn make(&mut self, name: &str, body: impl Into<Body>) -> Result<String> {
        let (part, body) = (Part::new(name), body.into());
        let request = self.create(&part, &body);
        let applied = self.cloud.apply(&request).await.with_context(|| format!("create {part}"))?;
        let id = applied.id.with_context(|| format!("{part}: no id"))?;
        self.made.push((part.clone(), body.kind(), id.clone()));
        let row = self.settled(&part, body.kind()).await?;
        ensure!(row.id == id, "{part}: created as {id}, listed as {}", row.id);
        ensure!(row.belongs_to(&self.owner), "{part}: its tags do not say whose it is: {:?}", row.tags);
        self.change(name, body).await?;
        Ok(id)
    }

    fn create(&self, part: &Part, body: &Body) -> Request {
        let token = token(&self.owner, part, "create", 0);
        Request::Create {
            part: part.clone(),
            name: unique_name(&self.owner, part, 0),
            tags: self.owner.tags(part, &token),
            token,
            body: body.clone(),
        }
    }

    async fn refuses_twice(&self, name: &str, body: impl Into<Body>, classes: &[ErrorClass]) -> Result<()> {
        let part = Part::new(name);
        match self.cloud.apply(&self.create(&part, &body.into())).await {
            Err(error) => {
                ensure!(classes.contains(&error.class), "{part} a second time: {error:?}");
                Ok(())
            }
            Ok(_) => bail!("{part} was made a second time"),
        }
    }

    /// Sends changes until nothing that can be changed in place differs from `desired`.
    async fn change(&mut self, name: &str, desired: impl Into<Body>) -> Result<()> {
        let (part, desired) = (Part::new(name), desired.into());
        loop {
            let row = self.settled(&part, desired.kind()).await?;
            let Some(change) = desired.changes(&row.body).into_iter().next() else {
                let left = desired.differences(&row.body);
                ensure!(left.is_empty(), "{part}: differs for ever: {left:?}");
                return Ok(());
            };
            self.send_change(&part, &row.id, change).await?;
            ensure!(self.patience.wait().await, "{part}: still differs");
        }
    }

    async fn send_change(&self, part: &Part, id: &str, change: Change) -> Result<()> {
        let operation = change.operation();
        let token = token(&self.owner, part, &format!("{change:?}"), 0);
        self.cloud
            .apply(&Request::Change { id: id.to_owned(), token, change })
            .await
            .with_context(|| format!("{operation} {part}"))?;
        Ok(())
    }

    /// Waits until a part is listed and ready.
    async fn settled(&mut self, part: &Part, kind: Kind) -> Result<Resource> {
        loop {
            match self.find(part, kind).await? {
                Some(row) if row.state == State::Ready => return Ok(row),
                Some(row) => {
                    if let State::Failed(why) = &row.state {
                        bail!("{part} failed: {why}");
                    }
                    ensure!(self.patience.wait().await, "{part} stays {:?}", row.state);
                }
                None => ensure!(self.patience.wait().await, "{part} is not listed"),
            }
        }
    }

    async fn members(&mut self, count: usize) -> Result<Vec<String>> {
        loop {
            let row = self.settled(&Part::new("auto-scaling-group/web"), Kind::AutoScalingGroup).await?;
            let Body::AutoScalingGroup(group) = row.body else { bail!("no group") };
            let serving: Vec<String> = group
                .members
                .iter()
                .filter(|member| member.lifecycle == lamp_cloud::LifecycleState::InService)
                .map(|member| member.instance.clone())
                .collect();
            if serving.len() == count {
                return Ok(serving);
            }
            ensure!(self.patience.wait().await, "{} of {count} members", serving.len());
        }
    }

    async fn list_page(&self, listing: Listing, page: Option<String>) -> Result<Reading, CloudError> {
        self.cloud.read(&Read::List { listing, page }).await
    }

    /// The row of a part, with the details that take calls of their own.
    async fn find(&self, part: &Part, kind: Kind) -> Result<Option<Resource>> {
        let rows = if kind == Kind::Listener { self.listeners().await? } else { self.rows(kind).await? };
        for mut row in rows {
            if kind.tags_are_separate() && row.tags.is_empty() {
                row.tags = self.tags(kind, &row.id).await?;
            }
            let gone = row.state == State::Deleting && matches!(kind, Kind::NatGateway);
            if row.part().as_ref() == Some(part) && row.belongs_to(&self.owner) && !gone {
                self.details(&mut row).await?;
                return Ok(Some(row));
            }
        }
        Ok(None)
    }

    async fn rows(&self, kind: Kind) -> Result<Vec<Resource>> {
        let mut rows = Vec::new();
        let mut page = None;
        loop {
            let reading = self.list_page(Listing::Resources(kind), page).await?;
            let Reading::Resources(Page { items, next }) = reading else {
                bail!("not rows of {}", kind.name())
            };
            rows.extend(items);
            match next {
                Some(token) => page = Some(token),
                None => return Ok(rows),
            }
        }
    }

    async fn listeners(&self) -> Result<Vec<Resource>> {
        let mut all = Vec::new();
        for row in self.rows(Kind::LoadBalancer).await? {
            let Reading::Listeners(rows) =
                self.cloud.read(&Read::Listeners { load_balancer: row.id }).await?
            else {
                bail!("not listeners")
            };
            all.extend(rows);
        }
        Ok(all)
    }

    async fn tags(&self, kind: Kind, id: &str) -> Result<lamp_cloud::Tags> {
        let read = Read::Tags { kind, ids: vec![id.to_owned()] };
        let Reading::Tags(rows) = self.cloud.read(&read).await? else { bail!("not tags") };
        Ok(rows.into_iter().find(|(found, _)| found == id).map(|(_, tags)| tags).unwrap_or_default())
    }

    async fn details(&self, row: &mut Resource) -> Result<()> {
        let id = row.id.clone();
        match &mut row.body {
            Body::Vpc(vpc) => {
                if let Reading::VpcAttribute(on) =
                    self.cloud.read(&Read::VpcDnsSupport { vpc: id.clone() }).await?
                {
                    vpc.dns_support = Some(on);
                }
                if let Reading::VpcAttribute(on) = self.cloud.read(&Read::VpcDnsHostnames { vpc: id }).await?
                {
                    vpc.dns_hostnames = Some(on);
                }
            }
            Body::LoadBalancer(body) => {
                let read = Read::LoadBalancerAttributes { load_balancer: id };
                if let Reading::LoadBalancerAttributes(attributes) = self.cloud.read(&read).await? {
                    body.attributes = Some(attributes);
                }
            }
            Body::TargetGroup(body) => {
                let read = Read::TargetGroupAttributes { target_group: id };
                if let Reading::TargetGroupAttributes(attributes) = self.cloud.read(&read).await? {
                    body.attributes = Some(attributes);
                }
            }
            Body::DbParameterGroup(body) => {
                if let Reading::DbParameters(found) =
                    self.cloud.read(&Read::DbParameters { group: id }).await?
                {
                    body.parameters = Some(found);
                }
            }
            Body::LaunchTemplate(body) => {
                let reading = self.list_page(Listing::LaunchTemplateVersions, None).await?;
                if let Reading::LaunchTemplateVersions(page) = reading {
                    let newest = page.items.into_iter().find(|(template, _, _)| *template == id);
                    if let Some((_, version, data)) = newest {
                        body.latest_version = version;
                        body.data = Some(data);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// References that were resolved before.
pub(crate) fn ids(ids: &[String]) -> Vec<Reference> {
    ids.iter().map(|id| Reference::id(id.as_str())).collect()
}
