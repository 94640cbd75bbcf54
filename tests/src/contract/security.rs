//! Security groups and their rules.

use anyhow::Result;
use lamp_cloud::kinds::security_group::{self, Peer, Rule, SecurityGroup};
use lamp_cloud::{Change, Cloud, DeleteOptions, ErrorClass, Kind, Reference, Request};

use super::verbs::DONE;
use super::{Contract, Outside};

/// What instances listen on.
pub(super) const PORT: u16 = 8080;

fn everyone() -> Peer {
    Peer::Range("0.0.0.0/0".to_owned())
}

fn group(description: &str, ingress: Vec<Rule>, egress: Vec<Rule>) -> SecurityGroup {
    SecurityGroup { vpc: Reference::part("vpc"), description: description.to_owned(), ingress, egress }
}

fn front() -> SecurityGroup {
    let everything = Rule::everything_out();
    group("what visitors reach", vec![Rule::tcp(80, everyone())], vec![everything])
}

fn back() -> SecurityGroup {
    let front = || Peer::Group(Reference::part("security-group/front"));
    let range = Rule { protocol: "udp".to_owned(), ports: Some((1024, 2048)), peer: everyone() };
    let ingress = vec![Rule::tcp(PORT, front()), Rule::tcp(3306, front()), range];
    group("what only the front reaches", ingress, Vec::new())
}

impl<C: Cloud, O: Outside> Contract<C, O> {
    pub(super) async fn security(&mut self) -> Result<()> {
        self.make("security-group/front", front()).await?;
        let back_group = self.make_twice("security-group/back", back(), "AlreadyExists").await?;
        let narrow = group(
            "what only the front reaches",
            back().ingress[..1].to_vec(),
            vec![Rule::tcp(443, everyone())],
        );
        for body in [narrow, back()] {
            self.change("security-group/back", body).await?;
        }
        for name in ["security-group/spare", "security-group/instances", "security-group/others"] {
            self.make(name, group("nothing in, nothing out", Vec::new(), Vec::new())).await?;
        }
        self.refused_rules(&back_group).await?;
        self.named_group().await
    }

    async fn refused_rules(&mut self, id: &str) -> Result<()> {
        use security_group::Change::{AuthorizeEgress, AuthorizeIngress, RevokeEgress, RevokeIngress};
        let known = vec![Rule::tcp(PORT, Peer::Group(Reference::id(self.id("security-group/front")?)))];
        let unknown = vec![Rule::tcp(1, everyone())];
        let nobody = vec![Rule::tcp(2, Peer::Group(Reference::id("sg-0123456789abcdef0")))];
        let rows = [
            ("a rule made twice", AuthorizeIngress(known), "AlreadyExists"),
            ("a rule revoked that is not there", RevokeIngress(unknown.clone()), "NotFound"),
            ("a rule for what goes out revoked that is not there", RevokeEgress(unknown), "NotFound"),
            ("a rule for a group that is not there", AuthorizeEgress(nobody), "NotFound"),
        ];
        for (what, change, aws) in rows {
            self.demand_change(what, id, Change::SecurityGroup(change), aws).await;
        }
        Ok(())
    }

    /// A group that a rule of another one names is kept, until the other one goes with its rules.
    async fn named_group(&mut self) -> Result<()> {
        let spare = self.id("security-group/spare")?;
        let names = vec![Rule::tcp(3, Peer::Group(Reference::part("security-group/spare")))];
        let naming = self.make("security-group/naming", group("names another", names, Vec::new())).await?;
        let what = "a security group that a rule names deleted";
        self.demand_kept(what, Kind::SecurityGroup, &spare, ErrorClass::Dependency).await;
        let delete =
            Request::Delete { kind: Kind::SecurityGroup, id: naming, options: DeleteOptions::default() };
        self.demand_end("a security group that names another one deleted", &delete, DONE).await;
        Ok(())
    }
}
