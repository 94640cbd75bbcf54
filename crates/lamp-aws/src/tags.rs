//! Tags, in the words of each service; reading and writing those of a resource that exists.

use lamp_cloud::{Applied, Kind, ResourceId, Service, Tags, tag};

use crate::AwsCloud;
use crate::answer::{Answer, done, refused};
use crate::errors::failure;
use crate::kinds;

/// Whether tags carry our install.
pub(crate) fn are_ours(cloud: &AwsCloud, tags: &Tags) -> bool {
    tags.get(tag::INSTALL) == Some(&cloud.install)
}

/// Whose resources a listing shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those that carry our install tag.
    Ours,
    Everyones,
}

impl Whose {
    /// Whether a row with these tags is shown.
    pub(crate) fn includes(self, cloud: &AwsCloud, tags: &Tags) -> bool {
        self == Self::Everyones || are_ours(cloud, tags)
    }

    /// EC2's filters, if any are needed.
    pub(crate) fn ec2_filters(self, cloud: &AwsCloud) -> Option<Vec<aws_sdk_ec2::types::Filter>> {
        (self == Self::Ours).then(|| vec![ec2_filter(cloud)])
    }
}

/// The name of the filter that lets only tagged rows through.
pub(crate) fn filter_name() -> String {
    format!("tag:{}", tag::INSTALL)
}

macro_rules! service_tags {
    ($from:ident, $to:ident, $tag:ty) => {
        /// Tags as the service shows them.
        pub(crate) fn $from(tags: &[$tag]) -> Tags {
            tags.iter()
                .filter_map(|tag| Some((tag.key()?.to_owned(), tag.value().unwrap_or_default().to_owned())))
                .collect()
        }

        /// Tags as the service takes them.
        pub(crate) fn $to(tags: &Tags) -> Vec<$tag> {
            tags.iter().map(|(key, value)| <$tag>::builder().key(key).value(value).build()).collect()
        }
    };
}

service_tags!(from_ec2, to_ec2, aws_sdk_ec2::types::Tag);
service_tags!(from_elb, to_elb, aws_sdk_elasticloadbalancingv2::types::Tag);
service_tags!(from_rds, to_rds, aws_sdk_rds::types::Tag);
service_tags!(from_secrets, to_secrets, aws_sdk_secretsmanager::types::Tag);

/// Tags for EC2 to put on what a call makes.
pub(crate) fn specification(
    resource_type: aws_sdk_ec2::types::ResourceType,
    tags: &Tags,
) -> aws_sdk_ec2::types::TagSpecification {
    aws_sdk_ec2::types::TagSpecification::builder()
        .resource_type(resource_type)
        .set_tags(Some(to_ec2(tags)))
        .build()
}

/// EC2's filter for rows of this installation.
pub(crate) fn ec2_filter(cloud: &AwsCloud) -> aws_sdk_ec2::types::Filter {
    aws_sdk_ec2::types::Filter::builder().name(filter_name()).values(&cloud.install).build()
}

/// Reads the tags of resources whose listing shows none.
pub(crate) async fn read(
    cloud: &AwsCloud,
    kind: Kind,
    ids: &[ResourceId],
) -> Answer<Vec<(ResourceId, Tags)>> {
    match kind.service() {
        Service::LoadBalancing => kinds::load_balancer::read_tags(cloud, ids).await,
        Service::Rds => match ids {
            [name] => Ok(vec![(name.clone(), kinds::rds::read_tags(cloud, kind, name).await?)]),
            _ => {
                Err(refused("ListTagsForResource", "OneAtATime", "RDS shows the tags of one resource a call"))
            }
        },
        _ => Err(refused(
            "DescribeTags",
            "TagsAreListed",
            format!("the listing of {} shows tags", kind.name()),
        )),
    }
}

/// Puts tags on a resource.
pub(crate) async fn write(cloud: &AwsCloud, kind: Kind, id: &ResourceId, tags: &Tags) -> Answer<Applied> {
    match kind.service() {
        Service::Ec2 | Service::CloudWatch => write_ec2(cloud, id, tags).await,
        Service::AutoScaling => kinds::auto_scaling_group::write_tags(cloud, id, tags).await,
        Service::LoadBalancing => kinds::load_balancer::write_tags(cloud, id, tags).await,
        Service::Rds => kinds::rds::write_tags(cloud, kind, id, tags).await,
        Service::SecretsManager => kinds::secret::write_tags(cloud, id, tags).await,
    }
}

pub(crate) async fn write_ec2(cloud: &AwsCloud, id: &str, tags: &Tags) -> Answer<Applied> {
    let call = cloud.mutations.ec2.create_tags().resources(id).set_tags(Some(to_ec2(tags)));
    let answer = call.send().await.map_err(|error| failure("CreateTags", error))?;
    Ok(done(&answer))
}
