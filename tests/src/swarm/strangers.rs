//! What others own in the region: it stands beside the site, and must stand there in the end.

use anyhow::{Context, Result, ensure};
use lamp_cloud::kinds::elastic_ip::ElasticIp;
use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{Body, Kind, ResourceId, Tags, tag};

use super::trial::Trial;
use crate::Site;

/// Makes it, before our site is there: some without tags of ours, some with those of another installation.
pub(super) fn settle(site: &Site) -> Result<Vec<(Kind, ResourceId, String)>> {
    let vpc = |cidr: &str| Vpc { cidr: cidr.to_owned(), dns_support: None, dns_hostnames: None };
    let secret = Secret { description: "somebody's".to_owned(), username: "admin".to_owned() };
    let bodies: [Body; 4] =
        [vpc("10.77.0.0/16").into(), vpc("10.78.0.0/16").into(), ElasticIp::default().into(), secret.into()];
    let mut world = site.region.world();
    let mut made = Vec::new();
    for (number, body) in bodies.into_iter().enumerate() {
        let kind = body.kind();
        let name = format!("somebody's {number}");
        let mut tags: Tags = [(tag::PART.to_owned(), name.clone())].into();
        if number % 2 == 1 {
            tags.insert(tag::INSTALL.to_owned(), "another".to_owned());
        }
        let id = world.create_by_hand(&name, &tags, body)?;
        let row = world.resource(kind, &id).map(|row| format!("{row:?}")).context("it was just made")?;
        made.push((kind, id, row));
    }
    Ok(made)
}

/// Nobody touched it.
pub(super) fn stand(trial: &Trial) -> Result<()> {
    let world = trial.site.region.world();
    for (kind, id, before) in &trial.strangers {
        let now = world.resource(*kind, id).map(|row| format!("{row:?}"));
        ensure!(now.as_ref() == Some(before), "S-D1: {id} is somebody else's, and is now {now:?}");
    }
    Ok(())
}
