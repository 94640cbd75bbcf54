//! Availability Zones. Local Zones and Wavelength Zones are left out: no load balancer or database stands there.

use aws_sdk_ec2::types::{AvailabilityZone, AvailabilityZoneState};
use lamp_cloud::{Page, Zone};

use crate::AwsCloud;
use crate::answer::{Answer, page, required};
use crate::errors::failure;

const LIST: &str = "DescribeAvailabilityZones";

/// AWS shows all zones in one page.
pub(crate) async fn list(cloud: &AwsCloud) -> Answer<Page<Zone>> {
    let call = cloud.reads.ec2.describe_availability_zones();
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    let zones = answer.availability_zones().iter().filter(|row| is_ordinary(row)).map(zone);
    Ok(page(zones.collect::<Answer<_>>()?, None))
}

fn is_ordinary(row: &AvailabilityZone) -> bool {
    row.zone_type().is_none_or(|kind| kind == "availability-zone")
}

fn zone(row: &AvailabilityZone) -> Answer<Zone> {
    Ok(Zone {
        name: required(LIST, "zoneName", row.zone_name.clone())?,
        available: row.state() == Some(&AvailabilityZoneState::Available),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_say_whether_they_can_be_used() {
        let row =
            AvailabilityZone::builder().zone_name("eu-central-1a").state(AvailabilityZoneState::Impaired);
        assert_eq!(zone(&row.clone().build()), Ok(Zone { name: "eu-central-1a".into(), available: false }));
        assert!(is_ordinary(&row.clone().build()));
        assert!(!is_ordinary(&row.zone_type("local-zone").build()));
    }
}
