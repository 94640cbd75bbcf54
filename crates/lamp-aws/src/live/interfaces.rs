//! Network interfaces: everything that has an address in a network, whoever made it.

use aws_sdk_ec2::types::Filter;
use lamp_cloud::{NetworkInterface, Page, ResourceId, tag};

use crate::answer::{Answer, page, required};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeNetworkInterfaces";

pub(crate) async fn list(
    cloud: &AwsCloud,
    vpc: &ResourceId,
    from: Option<String>,
) -> Answer<Page<NetworkInterface>> {
    let filter = Filter::builder().name("vpc-id").values(vpc).build();
    let call = cloud.reads.ec2.describe_network_interfaces().filters(filter).max_results(1000);
    let answer = call.set_next_token(from).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.network_interfaces().iter().map(interface).collect::<Answer<Vec<_>>>()?;
    Ok(page(rows, answer.next_token))
}

fn interface(row: &aws_sdk_ec2::types::NetworkInterface) -> Answer<NetworkInterface> {
    let instance = row.attachment().and_then(|attachment| attachment.instance_id());
    let tags = tags::from_ec2(row.tag_set());
    Ok(NetworkInterface {
        id: required(LIST, "networkInterfaceId", row.network_interface_id.clone())?,
        subnet: required(LIST, "subnetId", row.subnet_id.clone())?,
        security_groups: row.groups().iter().filter_map(|group| group.group_id.clone()).collect(),
        description: row.description().unwrap_or_default().to_owned(),
        name: tags.get(tag::NAME).cloned(),
        managed: row.requester_managed().unwrap_or_default(),
        requester: row.requester_id.clone(),
        instance: instance.filter(|id| !id.is_empty()).map(str::to_owned),
        public_address: row.association().and_then(|association| association.public_ip.clone()),
        status: row.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use aws_sdk_ec2::types::{GroupIdentifier, NetworkInterfaceAssociation, NetworkInterfaceAttachment};

    use super::*;

    #[test]
    fn a_row_says_whose_it_is_and_what_it_holds() {
        let row = aws_sdk_ec2::types::NetworkInterface::builder()
            .network_interface_id("eni-1")
            .subnet_id("subnet-1")
            .groups(GroupIdentifier::builder().group_id("sg-1").build())
            .description("ELB app/web/1")
            .requester_managed(true)
            .requester_id("amazon-elb")
            .attachment(NetworkInterfaceAttachment::builder().instance_id("i-1").build())
            .association(NetworkInterfaceAssociation::builder().public_ip("198.51.100.7").build())
            .build();
        let text = |text: &str| Some(text.to_owned());
        let expected = NetworkInterface {
            id: "eni-1".to_owned(),
            subnet: "subnet-1".to_owned(),
            security_groups: vec!["sg-1".to_owned()],
            description: "ELB app/web/1".to_owned(),
            managed: true,
            requester: text("amazon-elb"),
            instance: text("i-1"),
            public_address: text("198.51.100.7"),
            ..NetworkInterface::default()
        };
        assert_eq!(interface(&row), Ok(expected));
    }

    #[test]
    fn one_that_stands_nowhere_is_not_guessed() {
        let row = aws_sdk_ec2::types::NetworkInterface::builder().network_interface_id("eni-1").build();
        assert!(interface(&row).is_err());
    }
}
