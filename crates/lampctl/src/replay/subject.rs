//! Whose capacity it is about: that of a tier, or of the read replicas.

use clap::Args;
use lamp_api::v1alpha1::{LampStackSpec, Scaling};

use crate::exit::Failure;

/// Which of the scaled parts of a stack is meant.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Subject {
    /// The tier whose scaling it is about [default: the only part that is scaled]
    #[arg(long, value_name = "NAME")]
    pub(crate) tier: Option<String>,
    /// The read replicas of the database instead of a tier
    #[arg(long, conflicts_with = "tier")]
    pub(crate) replicas: bool,
}

/// A part of a stack that has policies, with its bounds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scaled {
    /// The name of the tier; none for the read replicas.
    pub(crate) tier: Option<String>,
    /// Where its scaling stands in the spec.
    pub(crate) field: String,
    pub(crate) scaling: Scaling,
    pub(crate) min: u32,
    pub(crate) max: u32,
}

impl Scaled {
    /// `tier web`, `read replicas`.
    pub(crate) fn name(&self) -> String {
        self.tier.as_ref().map_or_else(|| "read replicas".to_owned(), |tier| format!("tier {tier}"))
    }

    /// `instances`, `replicas`.
    pub(crate) fn unit(&self) -> &'static str {
        if self.tier.is_some() { "instances" } else { "replicas" }
    }
}

/// Everything in a spec that has policies.
fn scaled(spec: &LampStackSpec) -> Vec<Scaled> {
    let tiers = spec.tiers.iter().enumerate().map(|(index, tier)| Scaled {
        tier: Some(tier.name.clone()),
        field: format!("spec.tiers[{index}].scaling"),
        scaling: tier.scaling.clone(),
        min: tier.capacity.min,
        max: tier.capacity.max,
    });
    let replicas = spec.database.iter().map(|database| Scaled {
        tier: None,
        field: "spec.database.replicas.scaling".to_owned(),
        scaling: database.replicas.scaling.clone(),
        // With policies one stays, as there would be nothing to measure.
        min: database.replicas.min.max(1),
        max: database.replicas.max().max(1),
    });
    tiers.chain(replicas).filter(|scaled| !scaled.scaling.policies.is_empty()).collect()
}

impl Subject {
    /// The one that is meant; `whose` is the spec, for messages.
    ///
    /// # Errors
    /// It has no policies, or several have some and none was named.
    pub(crate) fn of(&self, spec: &LampStackSpec, whose: &str) -> Result<Scaled, Failure> {
        let mut all = scaled(spec);
        let known = all.iter().map(|scaled| flag(scaled.tier.as_deref())).collect::<Vec<_>>().join(", ");
        if all.is_empty() {
            return Err(Failure::failed(format!("{whose} has no scaling policies")));
        }
        if self.tier.is_none() && !self.replicas {
            if all.len() == 1 {
                return Ok(all.remove(0));
            }
            let text = format!("{whose} scales several parts: say which one with {known}");
            return Err(Failure::Usage(text));
        }
        let wanted = flag(self.tier.as_deref());
        all.retain(|scaled| scaled.tier == self.tier);
        all.pop().ok_or_else(|| {
            Failure::failed(format!("{whose} has no scaling policies for {wanted}; it has some for {known}"))
        })
    }
}

fn flag(tier: Option<&str>) -> String {
    tier.map_or_else(|| "--replicas".to_owned(), |tier| format!("--tier {tier}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(subject: &Subject, spec: serde_json::Value) -> Result<String, String> {
        let spec = serde_json::from_value(spec).unwrap();
        let found = subject.of(&spec, "f.yaml").map_err(|failure| failure.to_string())?;
        Ok(format!("{} of {} to {} at {}", found.name(), found.min, found.max, found.field))
    }

    #[test]
    fn the_only_scaled_part_needs_no_name() {
        let scaling = serde_json::json!({"policies": [{"metric": "CPUUtilization", "target": 60}]});
        let tier = |name: &str| serde_json::json!({"name": name, "scaling": scaling});
        let database = serde_json::json!({"version": "8.0", "instanceClass": "db.r6g.large",
                                          "replicas": {"max": 5, "scaling": scaling}});
        let one = serde_json::json!({"region": "eu-central-1", "tiers": [{"name": "app"}, tier("web")]});
        let all = serde_json::json!({"region": "eu-central-1", "tiers": [tier("web")], "database": database});
        let web = Subject { tier: Some("web".to_owned()), replicas: false };
        let replicas = Subject { tier: None, replicas: true };
        let expected = "tier web of 2 to 4 at spec.tiers[1].scaling";
        assert_eq!(of(&Subject::default(), one.clone()).unwrap(), expected);
        assert_eq!(of(&web, one.clone()).unwrap(), expected);
        assert_eq!(
            of(&replicas, all.clone()).unwrap(),
            "read replicas of 1 to 5 at spec.database.replicas.scaling"
        );
        let error = of(&Subject::default(), all).unwrap_err();
        assert_eq!(error, "f.yaml scales several parts: say which one with --tier web, --replicas");
        let error = of(&replicas, one).unwrap_err();
        assert_eq!(error, "f.yaml has no scaling policies for --replicas; it has some for --tier web");
        let none = of(&web, serde_json::json!({"region": "eu-central-1"})).unwrap_err();
        assert_eq!(none, "f.yaml has no scaling policies");
    }
}
