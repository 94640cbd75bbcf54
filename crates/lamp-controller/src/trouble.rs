//! Services of AWS that fail more often than not. Nothing that depends on one is destroyed meanwhile: what it would say
//! of a site cannot be trusted, and what is destroyed could not be made again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use lamp_cloud::{CloudError, ErrorClass, Service};

/// So many of the last calls are looked at.
const CALLS: usize = 20;
/// So many of them that failed are trouble.
const FAILURES: usize = 10;
/// So many that went well one after the other end it.
const GOOD: usize = 10;

/// The last calls of each service.
#[derive(Debug, Default)]
pub(crate) struct Troubles {
    services: Mutex<BTreeMap<Service, Recent>>,
}

#[derive(Debug, Default)]
struct Recent {
    /// The newest last: whether it failed.
    failed: VecDeque<bool>,
    /// The error that was the last straw; there while there is trouble.
    trouble: Option<String>,
}

impl Troubles {
    /// Notes how a call ended.
    pub(crate) fn note<T>(&self, service: Service, result: &Result<T, CloudError>) {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.entry(service).or_default().note(result.as_ref().err().filter(|error| is_trouble(error)));
    }

    /// Services that are in trouble, and the error that was the last straw.
    pub(crate) fn now(&self) -> BTreeMap<Service, String> {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services.iter().filter_map(|(service, recent)| Some((*service, recent.trouble.clone()?))).collect()
    }
}

/// Errors that say something of the service. A refusal says something of the request.
fn is_trouble(error: &CloudError) -> bool {
    matches!(error.class, ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Unintelligible)
        && !crate::calls::is_too_late(error)
}

impl Recent {
    fn note(&mut self, error: Option<&CloudError>) {
        self.failed.push_back(error.is_some());
        if self.failed.len() > CALLS {
            self.failed.pop_front();
        }
        let failures = self.failed.iter().filter(|failed| **failed).count();
        let good = self.failed.iter().rev().take_while(|failed| !**failed).count();
        match error {
            Some(error) if failures >= FAILURES && self.failed.len() == CALLS => {
                self.trouble.get_or_insert_with(|| {
                    format!("{failures} of its last {CALLS} calls failed, the last one with {}", error.code)
                });
            }
            _ if good >= GOOD => self.trouble = None,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(outcomes: &str) -> Vec<Service> {
        let troubles = Troubles::default();
        for outcome in outcomes.chars() {
            let class = if outcome == 'd' { ErrorClass::Denied } else { ErrorClass::Transient };
            let error = CloudError::new(class, "DescribeInstances", "InternalError", "x");
            let result = if outcome == '.' { Ok(()) } else { Err(error) };
            troubles.note(Service::Ec2, &result);
        }
        troubles.now().into_keys().collect()
    }

    #[test]
    fn half_of_twenty_calls_that_fail_are_trouble_and_ten_good_ones_end_it() {
        assert!(run(&"x".repeat(19)).is_empty(), "nineteen calls are too few to tell");
        let trouble = ".x".repeat(10);
        assert_eq!(run(&trouble), [Service::Ec2]);
        assert_eq!(run(&format!("{trouble}{}", ".".repeat(9))), [Service::Ec2]);
        assert!(run(&format!("{trouble}{}", ".".repeat(10))).is_empty());
        assert!(run(&format!("{}{}", ".".repeat(11), "x".repeat(9))).is_empty());
        assert!(run(&"d".repeat(40)).is_empty(), "a refusal is no trouble of the service");
    }
}
