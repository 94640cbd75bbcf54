//! A launch template: versions are only ever added, and the default one stays until it is moved.

use lamp_cloud::kinds::launch_template::{Change, LaunchTemplate, TemplateData};
use lamp_cloud::kinds::{Declared, security_group::SecurityGroup};
use lamp_cloud::{DeleteOptions, Kind, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for LaunchTemplate {
    const MISSING: &'static str = "InvalidLaunchTemplateId.NotFound";
    const PAGE: usize = 200;
    const NAMED: bool = true;
    const TOKEN: bool = true;

    of_body!(LaunchTemplate);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "lt")
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        if world.each::<Self>().any(|(found, _)| found.name == creation.name) {
            let message = format!("Launch template name already in use: {}", creation.name);
            return Err(Refusal::new("InvalidLaunchTemplateName.AlreadyExistsException", message));
        }
        self.data.as_ref().map_or_else(|| Err(no_data()), |data| admit_data(world, data))
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { latest_version: 1, default_version: 1, ..self }, State::Ready)
    }

    fn begun(world: &mut World, id: &str) {
        let data = world.body::<Self>(id).and_then(|template| template.data.clone());
        world.template_versions.insert(id.to_owned(), data.into_iter().collect());
    }

    fn admit_change(&self, world: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::NewVersion(data) => admit_data(world, data),
            Change::DefaultVersion(version) if (1..=self.latest_version).contains(version) => Ok(()),
            Change::DefaultVersion(version) => {
                let message = format!("The specified launch template version does not exist: {version}");
                Err(Refusal::new("InvalidLaunchTemplateId.VersionNotFound", message))
            }
        }
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        world.update(id, |template: &mut Self| template.apply(change));
        if let Change::NewVersion(data) = change {
            world.template_versions.entry(id.to_owned()).or_default().push(data.clone());
        }
    }

    // AWS lets a template go that groups still use: they cannot launch any more.
    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        world.template_versions.remove(id);
        world.end(Kind::LaunchTemplate, id);
    }

    fn listed(&self, _: &World) -> Self {
        Self { data: None, ..self.clone() }
    }
}

fn no_data() -> Refusal {
    Refusal::new("MissingParameter", "The request must contain the parameter LaunchTemplateData")
}

fn admit_data(world: &World, data: &TemplateData) -> Result<(), Refusal> {
    if !data.image.starts_with("ami-") && !data.image.starts_with("resolve:ssm:") {
        return Err(Refusal::new("InvalidAMIID.Malformed", format!("Invalid id: \"{}\"", data.image)));
    }
    data.security_groups.iter().try_for_each(|group| world.require::<SecurityGroup>(group).map(drop))
}

impl World {
    /// What a version of a template launches; versions are numbered from 1.
    pub(crate) fn template(&self, id: &str, version: u64) -> Option<&TemplateData> {
        let index = usize::try_from(version.checked_sub(1)?).ok()?;
        self.template_versions.get(id)?.get(index)
    }
}
