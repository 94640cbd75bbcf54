//! What a version of a launch template launches, in AWS's words and in ours.

use aws_sdk_ec2::types::{
    InstanceType, LaunchTemplateBlockDeviceMappingRequest, LaunchTemplateEbsBlockDeviceRequest,
    LaunchTemplateHttpTokensState, LaunchTemplateIamInstanceProfileSpecificationRequest,
    LaunchTemplateInstanceMetadataOptionsRequest, LaunchTemplateTagSpecificationRequest,
    LaunchTemplatesMonitoringRequest, RequestLaunchTemplateData, ResourceType, ResponseLaunchTemplateData,
    VolumeType,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lamp_cloud::kinds::launch_template::TemplateData;

use crate::answer::{Answer, count, ids, number, references};
use crate::tags;

/// The root device of Amazon Linux images, and of most HVM images of others.
const ROOT_DEVICE: &str = "/dev/xvda";

/// Containers and proxies on the instance do not reach the metadata service.
const HOP_LIMIT: i32 = 1;

pub(super) fn requested(operation: &str, data: &TemplateData) -> Answer<RequestLaunchTemplateData> {
    Ok(RequestLaunchTemplateData::builder()
        .image_id(&data.image)
        .instance_type(InstanceType::from(data.instance_type.as_str()))
        .set_iam_instance_profile(data.instance_profile.as_deref().map(profile))
        .set_security_group_ids(Some(ids(operation, &data.security_groups)?))
        .user_data(STANDARD.encode(&data.user_data))
        .block_device_mappings(root_volume(data))
        .metadata_options(metadata_options(data))
        .monitoring(LaunchTemplatesMonitoringRequest::builder().enabled(data.detailed_monitoring).build())
        .set_tag_specifications(Some(tag_specifications(data)))
        .build())
}

fn profile(profile: &str) -> LaunchTemplateIamInstanceProfileSpecificationRequest {
    let specification = LaunchTemplateIamInstanceProfileSpecificationRequest::builder();
    if profile.starts_with("arn:") { specification.arn(profile) } else { specification.name(profile) }.build()
}

fn root_volume(data: &TemplateData) -> LaunchTemplateBlockDeviceMappingRequest {
    let volume = LaunchTemplateEbsBlockDeviceRequest::builder()
        .volume_type(VolumeType::Gp3)
        .volume_size(number(data.root_volume_gib))
        .encrypted(data.root_volume_encrypted)
        .delete_on_termination(true)
        .build();
    LaunchTemplateBlockDeviceMappingRequest::builder().device_name(ROOT_DEVICE).ebs(volume).build()
}

fn metadata_options(data: &TemplateData) -> LaunchTemplateInstanceMetadataOptionsRequest {
    let tokens = match data.imds_v2_required {
        true => LaunchTemplateHttpTokensState::Required,
        false => LaunchTemplateHttpTokensState::Optional,
    };
    LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .http_tokens(tokens)
        .http_put_response_hop_limit(HOP_LIMIT)
        .build()
}

fn tag_specifications(data: &TemplateData) -> Vec<LaunchTemplateTagSpecificationRequest> {
    if data.instance_tags.is_empty() {
        return Vec::new();
    }
    [ResourceType::Instance, ResourceType::Volume]
        .map(|resource_type| {
            LaunchTemplateTagSpecificationRequest::builder()
                .resource_type(resource_type)
                .set_tags(Some(tags::to_ec2(&data.instance_tags)))
                .build()
        })
        .into()
}

/// What AWS says; whatever is missing is shown as empty, and so differs from what is wanted. The description is not
/// among the data: it is the version's own.
pub(super) fn observed(data: &ResponseLaunchTemplateData) -> TemplateData {
    let profile = data.iam_instance_profile();
    let profile = profile.and_then(|profile| profile.name().or(profile.arn()));
    let root = data.block_device_mappings().iter().find(|mapping| mapping.device_name() == Some(ROOT_DEVICE));
    let volume = root.and_then(|mapping| mapping.ebs());
    let instances =
        data.tag_specifications().iter().find(|tags| tags.resource_type() == Some(&ResourceType::Instance));
    let tokens = data.metadata_options().and_then(|options| options.http_tokens());
    TemplateData {
        image: data.image_id.clone().unwrap_or_default(),
        instance_type: data.instance_type().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        instance_profile: profile.filter(|profile| !profile.is_empty()).map(ToOwned::to_owned),
        security_groups: references(data.security_group_ids()),
        user_data: user_data(data.user_data()),
        root_volume_gib: count(volume.and_then(|volume| volume.volume_size)),
        instance_tags: instances.map(|instances| tags::from_ec2(instances.tags())).unwrap_or_default(),
        imds_v2_required: tokens == Some(&LaunchTemplateHttpTokensState::Required),
        root_volume_encrypted: volume.and_then(|volume| volume.encrypted).unwrap_or_default(),
        detailed_monitoring: data.monitoring().and_then(|monitoring| monitoring.enabled).unwrap_or_default(),
        description: None,
    }
}

fn user_data(encoded: Option<&str>) -> String {
    let bytes = STANDARD.decode(encoded.unwrap_or_default()).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{LaunchTemplateBlockDeviceMapping, LaunchTemplateEbsBlockDevice};
    use lamp_cloud::Reference;

    use super::*;

    fn wanted() -> TemplateData {
        TemplateData {
            image: "resolve:ssm:/aws/service/x".into(),
            instance_type: "t3.small".into(),
            instance_profile: Some("web".into()),
            security_groups: vec![Reference::id("sg-1")],
            user_data: "#!/bin/sh\necho ä\n".into(),
            root_volume_gib: 20,
            instance_tags: [("Name".to_owned(), "web".to_owned())].into(),
            imds_v2_required: true,
            root_volume_encrypted: true,
            detailed_monitoring: true,
            description: None,
        }
    }

    #[test]
    fn the_request_is_hardened_and_encoded() {
        let request = requested("CreateLaunchTemplate", &wanted()).expect("a request");
        assert_eq!(user_data(request.user_data()), wanted().user_data);
        let options = request.metadata_options().expect("metadata options");
        assert_eq!(options.http_tokens(), Some(&LaunchTemplateHttpTokensState::Required));
        assert_eq!(options.http_put_response_hop_limit(), Some(1));
        let monitoring = request.monitoring().expect("monitoring");
        assert_eq!(monitoring.enabled(), Some(true), "scaling reads minutes");
        let volume = request.block_device_mappings()[0].ebs().expect("a volume");
        assert_eq!((volume.encrypted(), volume.volume_type()), (Some(true), Some(&VolumeType::Gp3)));
        assert_eq!(request.tag_specifications().len(), 2);
        let profile = request.iam_instance_profile().expect("a profile");
        assert_eq!((profile.name(), profile.arn()), (Some("web"), None));
    }

    #[test]
    fn a_profile_may_be_an_arn() {
        let arn = "arn:aws:iam::111122223333:instance-profile/web";
        assert_eq!(profile(arn).arn(), Some(arn));
    }

    #[test]
    fn a_version_made_by_hand_differs_where_it_is_weaker() {
        let volume = LaunchTemplateEbsBlockDevice::builder().volume_size(20).build();
        let mapping =
            LaunchTemplateBlockDeviceMapping::builder().device_name(ROOT_DEVICE).ebs(volume).build();
        let row =
            ResponseLaunchTemplateData::builder().image_id("ami-1").block_device_mappings(mapping).build();
        let data = observed(&row);
        assert!(!data.imds_v2_required && !data.root_volume_encrypted);
        assert_eq!((data.root_volume_gib, data.user_data.as_str()), (20, ""));
    }
}
