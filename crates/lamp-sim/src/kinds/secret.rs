//! A secret: there at once; deleted at once, or kept restorable, which keeps its name taken.

use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::{DeleteOptions, Kind, ResourceId};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for Secret {
    const MISSING: &'static str = "ResourceNotFoundException";
    const PAGE: usize = 100;
    const NAMED: bool = true;

    of_body!(Secret);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        world.arn("secretsmanager", &format!("secret:{}-{}", creation.name, creation.hex(world, 6)))
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        if world.restorable_secrets.contains(creation.name) {
            let message = format!(
                "You can't create the secret {}: one with this name is scheduled for deletion.",
                creation.name
            );
            return Err(Refusal::new("InvalidRequestException", message));
        }
        if world.each::<Self>().any(|(found, _)| found.name == creation.name) {
            let message =
                format!("The operation failed because the secret {} already exists.", creation.name);
            return Err(Refusal::new("ResourceExistsException", message));
        }
        Ok(())
    }

    // To show the user name, AWS would have to show the password beside it.
    fn listed(&self, _: &World) -> Self {
        Self { username: String::new(), ..self.clone() }
    }

    fn delete(world: &mut World, id: &str, options: &DeleteOptions) {
        let name = world.resource(Kind::Secret, id).map(|secret| secret.name.clone());
        if let (false, Some(name)) = (options.without_recovery, name) {
            world.restorable_secrets.insert(name);
        }
        world.end(Kind::Secret, id);
    }
}
