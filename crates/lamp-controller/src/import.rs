//! Answers `Import` objects: as which spec would a site that exists be kept? Only reads AWS.

use std::collections::BTreeMap;

use lamp_api::Time;
use lamp_api::v1alpha1::{ImportSpec, ImportStatus, LeftOutResource, PlanPhase, UnexpressedField};
use lamp_cloud::{Cloud, Owner};
use lamp_plan::{Import, Survey, Unexpressed};
use lamp_store::Stored;
use serde::Deserialize;

use crate::engine::Shared;
use crate::observer::{Sight, survey};

/// Reads the network, and what serves it, and puts it into words.
pub(crate) async fn respond<C: Cloud>(shared: &Shared<C>, stored: &Stored) -> ImportStatus {
    let question = match ImportSpec::deserialize(&stored.object["spec"]) {
        Ok(question) => question,
        Err(error) => return failed(format!("the question cannot be read: {error}")),
    };
    if let Err(why) = shared.check_region(question.region.as_deref()) {
        return failed(why);
    }
    let began = shared.clock.now();
    let sight = match survey(&shared.calls, &question.vpc, shared.settings.pages_per_listing).await {
        Ok(sight) => sight,
        Err(why) => return failed(format!("{} could not be read: {why}", question.vpc)),
    };
    let owner = newcomer(shared, stored);
    let Sight { rows, instances } = &sight;
    let region = shared.calls.region();
    let survey = Survey { owner: &owner, region, vpc: &question.vpc, rows, instances, now: began };
    match lamp_plan::import(&survey) {
        Ok(import) => ImportStatus { observed_time: Some(Time(began)), ..status(import) },
        Err(why) => failed(why),
    }
}

/// The owner that the stack would be.
fn newcomer<C>(shared: &Shared<C>, stored: &Stored) -> Owner {
    Owner {
        install: shared.install.clone(),
        namespace: stored.key.namespace.clone(),
        name: stored.key.name.clone(),
        uid: stored.object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
    }
}

fn status(import: Import) -> ImportStatus {
    let adopt: BTreeMap<String, String> =
        import.adopt.into_iter().map(|(part, id)| (part.to_string(), id)).collect();
    let left_out = import.left_out.into_iter();
    ImportStatus {
        phase: PlanPhase::Answered,
        observed_time: None,
        spec: Some(import.spec),
        adopt,
        unexpressed: import.unexpressed.into_iter().map(field).collect(),
        made: import.made.iter().map(ToString::to_string).collect(),
        left_out: left_out.map(|out| LeftOutResource { kind: out.kind, id: out.id, why: out.why }).collect(),
        problems: import.problems,
        message: None,
    }
}

fn field(unexpressed: Unexpressed) -> UnexpressedField {
    let Unexpressed { part, id, field, wanted, found } = unexpressed;
    UnexpressedField { part: part.to_string(), id, field, wanted, found }
}

fn failed(message: String) -> ImportStatus {
    ImportStatus { phase: PlanPhase::Failed, message: Some(message), ..ImportStatus::default() }
}
