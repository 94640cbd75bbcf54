//! What the story does to resources: make, repeat, change, wait, refuse, remove.

use anyhow::{Context, Result, bail, ensure};
use lamp_cloud::{
    Applied, Body, Change, Cloud, CloudError, DeleteOptions, ErrorClass, Kind, Part, Reference, Request,
    Resource, ResourceId, State, Tags, tag, token, unique_name,
};

use super::fields::differing;
use super::{Contract, Made, Outside, deeds};

/// A tag that nobody else puts on anything.
const NOTE: &str = "note";

/// The word for a request that was granted.
pub(super) const DONE: &str = "done";

/// How a request ended, in a word: `done`, or the class of its refusal.
pub(super) fn word<T>(answer: &Result<T, CloudError>) -> String {
    match answer {
        Ok(_) => DONE.to_owned(),
        Err(error) => format!("{:?}", error.class),
    }
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    /// The creation of a part, the same each time.
    pub(super) fn creation(&self, name: &str, body: impl Into<Body>) -> Result<Request> {
        let part = Part::new(name);
        let token = token(&self.owner, &part, "create", 0);
        Ok(Request::Create {
            name: unique_name(&self.owner, &part, 0),
            tags: self.owner.tags(&part, &token),
            token,
            body: self.resolved(body)?,
            part,
        })
    }

    /// A body in which what names a part names its id.
    fn resolved(&self, body: impl Into<Body>) -> Result<Body> {
        let mut body = body.into();
        for reference in body.references_mut() {
            if let Reference::Part(part) = reference {
                *reference = Reference::id(self.id(part.as_str())?);
            }
        }
        Ok(body)
    }

    /// Creates a part, puts right what the creation does not take, and compares all that is shown of it.
    pub(super) async fn make(&mut self, name: &str, body: impl Into<Body>) -> Result<ResourceId> {
        let body = body.into();
        let creation = self.create(name, body.clone()).await?;
        self.finish(name, body, &creation).await
    }

    /// The same, with the creation sent a second time, word for word, as after a reply that was lost.
    pub(super) async fn make_twice(
        &mut self,
        name: &str,
        body: impl Into<Body>,
        aws: &str,
    ) -> Result<ResourceId> {
        let body = body.into();
        let creation = self.create(name, body.clone()).await?;
        self.caller.promise(deeds::of_repetition(body.kind()));
        let what = format!("{} created twice, word for word", body.kind().name());
        self.attempt(&what, &creation, aws).await?;
        self.finish(name, body, &creation).await
    }

    async fn create(&mut self, name: &str, body: Body) -> Result<Request> {
        let kind = body.kind();
        let creation = self.creation(name, body)?;
        let applied = self.caller.apply(&creation).await.with_context(|| format!("create {name}"))?;
        let id = applied.id.with_context(|| format!("{name}: created without an id"))?;
        self.made.push(Made { kind, id: id.clone(), name: name.to_owned() });
        let young =
            self.look(kind, &id).await?.with_context(|| format!("{name}: created, and not listed"))?;
        let state = if young.is_ready() { "ready" } else { "pending" };
        let begins = if takes_time(kind) { "pending" } else { "ready" };
        self.judge.demand(&format!("{} right after its creation", kind.name()), begins, state);
        Ok(creation)
    }

    async fn finish(&mut self, name: &str, body: Body, creation: &Request) -> Result<ResourceId> {
        let id = self.id(name)?;
        let row = self.settled(body.kind(), &id).await.with_context(|| name.to_owned())?;
        is_as_created(&row, creation)?;
        self.is_shown_alone(row.kind(), &id).await.with_context(|| name.to_owned())?;
        self.note(&row).await.with_context(|| format!("tag {name}"))?;
        self.change(name, body).await?;
        Ok(id)
    }

    /// A tag is added, and none is lost. The policy lets tags be put only together with that of the installation.
    async fn note(&mut self, row: &Resource) -> Result<()> {
        let install = (tag::INSTALL.to_owned(), self.owner.install.clone());
        let tags = Tags::from([(NOTE.to_owned(), row.id.clone()), install]);
        let request = Request::Tag { kind: row.kind(), id: row.id.clone(), tags: tags.clone() };
        self.caller.apply(&request).await?;
        let now = self.settled(row.kind(), &row.id).await?.tags;
        let wanted: Tags = row.tags.clone().into_iter().chain(tags).collect();
        ensure!(now == wanted || now == row.tags, "{now:?}, not {wanted:?}");
        let seen = if now == wanted { "shown" } else { "not shown" };
        self.judge.demand(&format!("a tag put on a {}", row.kind().name()), "shown", seen);
        Ok(())
    }

    /// Sends a creation of which AWS makes nothing new. What is made all the same is removed again.
    pub(super) async fn attempt(&mut self, what: &str, creation: &Request, aws: &str) -> Result<()> {
        let Request::Create { body, .. } = creation else { bail!("{what}: no creation") };
        let kind = body.kind();
        let answer = self.caller.apply(creation).await;
        let seen = match &answer {
            Ok(applied) if self.made.iter().any(|made| Some(&made.id) == applied.id.as_ref()) => {
                "the same again"
            }
            Ok(_) => "another one",
            Err(_) => &word(&answer),
        };
        self.judge.demand(what, aws, seen);
        self.caller.promise(deeds::of_demand(aws));
        let other = answer.ok().and_then(|applied| applied.id).filter(|_| seen == "another one");
        match other {
            Some(id) => self.remove(kind, &id).await.with_context(|| format!("{what}: the other one")),
            None => Ok(()),
        }
    }

    /// Sends a request whose end is known: `done`, or the class of a refusal.
    pub(super) async fn demand_end(&mut self, what: &str, request: &Request, aws: &str) -> String {
        let answer = self.caller.apply(request).await;
        let seen = word(&answer);
        self.judge.demand(what, aws, &seen);
        self.caller.promise(if aws == DONE { deeds::of_request(request) } else { deeds::of_demand(aws) });
        match (request, answer) {
            (Request::Delete { id, .. }, Ok(_)) => self.made.retain(|made| made.id != *id),
            (Request::Create { part, body, .. }, Ok(Applied { id: Some(id), .. })) => {
                self.made.push(Made { kind: body.kind(), id, name: part.to_string() });
            }
            _ => {}
        }
        seen
    }

    /// Sends a change whose end is known.
    pub(super) async fn demand_change(&mut self, what: &str, id: &str, change: Change, aws: &str) -> String {
        let request = self.changing(id, change);
        self.demand_end(what, &request, aws).await
    }

    /// Sends a deletion that AWS refuses.
    pub(super) async fn demand_kept(
        &mut self,
        what: &str,
        kind: Kind,
        id: &str,
        class: ErrorClass,
    ) -> String {
        let request = Request::Delete { kind, id: id.to_owned(), options: DeleteOptions::default() };
        self.demand_end(what, &request, &format!("{class:?}")).await
    }

    fn changing(&self, id: &str, change: Change) -> Request {
        let token = token(&self.owner, &Part::new(id), &format!("{change:?}"), 0);
        Request::Change { id: id.to_owned(), token, change }
    }

    /// Changes a part until nothing that was asked for differs.
    pub(super) async fn change(&mut self, name: &str, desired: impl Into<Body>) -> Result<()> {
        let desired = self.resolved(desired)?;
        let id = self.id(name)?;
        loop {
            let row = self.settled(desired.kind(), &id).await.with_context(|| name.to_owned())?;
            let Some(change) = desired.changes(&row.body).into_iter().next() else {
                let left = differing(&desired, &row.body)?;
                ensure!(left.is_empty(), "{name} stays different: {}", left.join("; "));
                ensure!(
                    desired.differences(&row.body).is_empty(),
                    "{name}: {:?}",
                    desired.differences(&row.body)
                );
                return Ok(());
            };
            self.send(&id, change).await.with_context(|| format!("change {name}"))?;
            ensure!(self.outside.wait().await, "{name} still differs: {:?}", desired.differences(&row.body));
        }
    }

    /// Sends one change.
    pub(super) async fn send(&mut self, id: &str, change: Change) -> Result<()> {
        let request = self.changing(id, change);
        self.caller.apply(&request).await.with_context(|| request.operation())?;
        Ok(())
    }

    pub(super) fn id(&self, name: &str) -> Result<ResourceId> {
        let made = self.made.iter().find(|made| made.name == name);
        Ok(made.with_context(|| format!("there is no {name}"))?.id.clone())
    }

    /// Waits until a resource is listed and ready.
    pub(super) async fn settled(&mut self, kind: Kind, id: &str) -> Result<Resource> {
        loop {
            let row = self.look(kind, id).await?;
            match row {
                Some(row) if row.is_ready() => return Ok(row),
                Some(Resource { state: State::Failed(why), .. }) => bail!("{id} failed: {why}"),
                other => {
                    let state = other.map(|row| row.state);
                    ensure!(self.outside.wait().await, "{id} is not ready: {state:?}");
                }
            }
        }
    }

    /// Prepares a deletion, deletes, and waits until nothing is listed any more.
    pub(super) async fn remove(&mut self, kind: Kind, id: &str) -> Result<()> {
        let row = self.settled(kind, id).await?;
        for change in row.body.before_delete() {
            self.send(id, change).await?;
            self.settled(kind, id).await?;
        }
        let request = Request::Delete { kind, id: id.to_owned(), options: how_to_delete(id, &row.body) };
        loop {
            match self.caller.apply(&request).await {
                Ok(_) => break,
                // What stood in it takes a while to be really gone.
                Err(error) if matches!(error.class, ErrorClass::Dependency | ErrorClass::State) => {
                    ensure!(self.outside.wait().await, "{error}");
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.made.retain(|made| made.id != id);
        self.gone(kind, id).await
    }

    async fn gone(&mut self, kind: Kind, id: &str) -> Result<()> {
        while let Some(row) = self.look(kind, id).await? {
            ensure!(self.outside.wait().await, "{id} is still there: {:?}", row.state);
        }
        Ok(())
    }
}

/// The name of the final snapshot of a primary database.
pub(super) fn final_snapshot(database: &str) -> String {
    format!("{database}-final")
}

fn how_to_delete(id: &str, body: &Body) -> DeleteOptions {
    let primary = matches!(body, Body::DbInstance(body) if !body.is_replica());
    DeleteOptions {
        final_snapshot: primary.then(|| final_snapshot(id)),
        without_recovery: true,
        ..DeleteOptions::default()
    }
}

/// Whether AWS takes a while to make one.
fn takes_time(kind: Kind) -> bool {
    match kind {
        Kind::NatGateway | Kind::LoadBalancer | Kind::DbInstance => true,
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::RouteTable
        | Kind::SecurityGroup
        | Kind::TargetGroup
        | Kind::Listener
        | Kind::LaunchTemplate
        | Kind::AutoScalingGroup
        | Kind::DbSubnetGroup
        | Kind::DbParameterGroup
        | Kind::Secret => false,
    }
}

/// Whether a kind has the name that we give it, and whether AWS says when it was made.
fn shows_name_and_age(kind: Kind) -> (bool, bool) {
    match kind {
        Kind::Vpc
        | Kind::Subnet
        | Kind::InternetGateway
        | Kind::ElasticIp
        | Kind::RouteTable
        | Kind::Listener => (false, false),
        Kind::NatGateway => (false, true),
        Kind::SecurityGroup | Kind::TargetGroup | Kind::DbSubnetGroup | Kind::DbParameterGroup => {
            (true, false)
        }
        Kind::LoadBalancer
        | Kind::LaunchTemplate
        | Kind::AutoScalingGroup
        | Kind::DbInstance
        | Kind::Secret => (true, true),
    }
}

/// Everything of a row but its body, which is compared field by field.
fn is_as_created(row: &Resource, creation: &Request) -> Result<()> {
    let Request::Create { name: given, tags: wanted, .. } = creation else { bail!("no creation") };
    let Resource { id, name, tags, state, body, created_at } = row;
    let (named, aged) = shows_name_and_age(body.kind());
    let wanted_name = if named { given } else { id };
    ensure!(name == wanted_name, "{id} is called {name}, not {wanted_name}");
    ensure!(tags == wanted, "{id} is tagged {tags:?}, not {wanted:?}");
    ensure!(*state == State::Ready, "{id} is {state:?}");
    ensure!(created_at.is_some() == aged, "{id} was made at {created_at:?}");
    Ok(())
}
