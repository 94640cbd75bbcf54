//! Launch templates and their versions.

use anyhow::{Result, bail};
use lamp_cloud::kinds::launch_template::{self, LaunchTemplate, OUR_VERSION, TemplateData};
use lamp_cloud::{Body, Change, Cloud, Kind, Reference, Request, Tags};

use super::{Contract, Outside};

/// An image that the endpoint has, and the simulated region does not ask about.
const IMAGE: &str = "ami-12c6146b";

pub(super) const TEAM: &str = "team";

impl<C: Cloud, O: Outside> Contract<C, O> {
    fn template(&self, instance_type: &str, group: &str) -> LaunchTemplate {
        let part = "instance/web".into();
        let team = Tags::from([(TEAM.to_owned(), "contract".to_owned())]);
        let data = TemplateData {
            image: IMAGE.to_owned(),
            instance_type: instance_type.to_owned(),
            instance_profile: None,
            security_groups: vec![Reference::part(group)],
            user_data: "#!/bin/sh\necho 'it works' > /tmp/works\n".to_owned(),
            root_volume_gib: 20,
            instance_tags: self.owner.identity(&part).into_iter().chain(team).collect(),
            imds_v2_required: true,
            root_volume_encrypted: true,
            detailed_monitoring: true,
            description: Some(OUR_VERSION.to_owned()),
        };
        LaunchTemplate { data: Some(data), latest_version: 0, default_version: 0 }
    }

    /// In which every field is another one.
    fn other_template(&self) -> LaunchTemplate {
        let data = TemplateData {
            image: "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
                .to_owned(),
            instance_type: "t3.large".to_owned(),
            instance_profile: Some("web".to_owned()),
            security_groups: vec![Reference::part("security-group/back")],
            user_data: "#!/bin/sh\n".to_owned(),
            root_volume_gib: 30,
            instance_tags: Tags::new(),
            imds_v2_required: false,
            root_volume_encrypted: false,
            detailed_monitoring: false,
            description: None,
        };
        LaunchTemplate { data: Some(data), latest_version: 0, default_version: 0 }
    }

    /// One template with three versions or more, of which the first and the last are alike, and one with one.
    pub(super) async fn templates(&mut self) -> Result<()> {
        const WEB: &str = "launch-template/web";
        let first = self.template("t3.small", "security-group/instances");
        let id = self.make_twice(WEB, first.clone(), "the same again").await?;
        let other = self.creation(WEB, self.other_template())?;
        self.attempt("the token of a launch template with other data", &other, "Conflict").await?;
        let other = with_token(other, "another-token");
        self.attempt("the name of a launch template with another token", &other, "AlreadyExists").await?;
        self.change(WEB, self.other_template()).await?;
        self.repeated_version(&id).await?;
        self.change(WEB, first).await?;
        let missing = Change::LaunchTemplate(launch_template::Change::DefaultVersion(99));
        self.demand_change("a version that is not there made the default", &id, missing, "NotFound").await;
        self.make("launch-template/spare", self.template("t3.medium", "security-group/others")).await?;
        Ok(())
    }

    /// The same token makes the same version.
    async fn repeated_version(&mut self, id: &str) -> Result<()> {
        let before = self.newest(id).await?;
        let Some(last) =
            self.caller.changes_of(Kind::LaunchTemplate).into_iter().find(|change| {
                matches!(change, Change::LaunchTemplate(launch_template::Change::NewVersion(_)))
            })
        else {
            bail!("no version was made")
        };
        self.send(id, last).await?;
        let after = self.newest(id).await?;
        let seen = if after == before { "the same again" } else { "another one" };
        self.judge.demand("a version of a launch template made twice with one token", "the same again", seen);
        Ok(())
    }

    /// The newest version of a template.
    pub(super) async fn newest(&mut self, id: &str) -> Result<u64> {
        let row = self.settled(Kind::LaunchTemplate, id).await?;
        let Body::LaunchTemplate(body) = row.body else { bail!("no launch template: {row:?}") };
        Ok(body.latest_version)
    }
}

fn with_token(creation: Request, other: &str) -> Request {
    match creation {
        Request::Create { part, name, tags, body, .. } => {
            Request::Create { part, name, tags, token: other.to_owned(), body }
        }
        other => other,
    }
}
