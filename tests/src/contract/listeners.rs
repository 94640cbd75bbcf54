//! Listeners, and the target groups that they send to.

use anyhow::{Result, bail, ensure};
use lamp_cloud::kinds::listener::{Listener, ListenerAction};
use lamp_cloud::{Body, Cloud, ErrorClass, Kind, Reference};

use super::{Contract, Outside};

fn forward() -> ListenerAction {
    ListenerAction::Forward(Reference::part("target-group/web"))
}

fn listener(port: u16, certificate: Option<&str>, action: ListenerAction) -> Listener {
    let load_balancer = Reference::part("load-balancer/web");
    Listener { load_balancer, port, certificate: certificate.map(ToOwned::to_owned), action }
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn listeners_of_web(&mut self) -> Result<()> {
        const NAME: &str = "listener/web/80";
        let plain = listener(80, None, forward());
        self.make_twice(NAME, plain.clone(), "the same again").await?;
        let other =
            self.creation("listener/web/other", listener(80, None, ListenerAction::RedirectToHttps))?;
        self.attempt("a second listener on a port", &other, "AlreadyExists").await?;
        let certificate = self.outside.certificate()?;
        let secure = listener(443, Some(&certificate), forward());
        for body in [listener(80, None, ListenerAction::RedirectToHttps), secure, plain] {
            self.change(NAME, body).await?;
        }
        self.is_received_from().await
    }

    /// The target group says who sends to it, and is kept for as long.
    async fn is_received_from(&mut self) -> Result<()> {
        let (group, balancer) = (self.id("target-group/web")?, self.id("load-balancer/web")?);
        let row = self.settled(Kind::TargetGroup, &group).await?;
        let Body::TargetGroup(body) = row.body else { bail!("no target group: {row:?}") };
        let senders = body.load_balancers;
        ensure!(senders.iter().all(|sender| *sender == balancer), "{group} gets from {senders:?}");
        let times = match senders.len() {
            0 => "never",
            1 => "once",
            _ => "more than once",
        };
        self.judge.demand("a target group names the load balancer that sends to it", "once", times);
        let what = "a target group that a listener sends to deleted";
        self.demand_kept(what, Kind::TargetGroup, &group, ErrorClass::Dependency).await;
        Ok(())
    }
}
