//! An elastic address: there at once, free again once its NAT gateway is gone.

use lamp_cloud::kinds::elastic_ip::{Change, ElasticIp};
use lamp_cloud::{DeleteOptions, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for ElasticIp {
    const MISSING: &'static str = "InvalidAllocationID.NotFound";
    // `DescribeAddresses` has no pages.
    const PAGE: usize = usize::MAX;
    const NAMED: bool = false;

    of_body!(ElasticIp);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "eipalloc")
    }

    fn admit(&self, _: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { association: None }, State::Ready)
    }

    // An address that a NAT gateway uses belongs to AWS for as long.
    fn admit_change(&self, _: &World, id: &str, change: &Change) -> Result<(), Refusal> {
        let Change::Disassociate(association) = change;
        match &self.association {
            Some(current) if current == association => {
                let message =
                    format!("You do not have permission to disassociate {id}: a NAT gateway uses it");
                Err(Refusal::new("OperationNotPermitted", message))
            }
            _ => {
                let message = format!("The association ID '{association}' does not exist");
                Err(Refusal::new("InvalidAssociationID.NotFound", message))
            }
        }
    }

    fn admit_delete(&self, _: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        match &self.association {
            Some(association) => Err(Refusal::new(
                "InvalidIPAddress.InUse",
                format!("Address {id} is in use by {association}"),
            )),
            None => Ok(()),
        }
    }
}
