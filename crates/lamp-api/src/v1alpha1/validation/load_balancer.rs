//! A tier's load balancer: ranges are Elastic Load Balancing's own.

use super::bounds::{only, within};
use crate::FieldError;
use crate::v1alpha1::{HealthCheck, LoadBalancer};

pub(super) fn check(balancer: &LoadBalancer, tier: &str, region: &str, errors: &mut Vec<FieldError>) {
    let path = format!("{tier}.loadBalancer");
    if let Some(arn) = &balancer.certificate_arn {
        certificate(arn, &path, region, errors);
    }
    health_check(&balancer.health_check, &format!("{path}.healthCheck"), errors);
    if let Some(stickiness) = &balancer.stickiness {
        let field = format!("{path}.stickiness.cookieSeconds");
        within(errors, field, stickiness.cookie_seconds, 1..=604_800);
    }
    let delay = balancer.deregistration_delay_seconds;
    within(errors, format!("{path}.deregistrationDelaySeconds"), delay, 0..=3600);
    within(errors, format!("{path}.idleTimeoutSeconds"), balancer.idle_timeout_seconds, 1..=4000);
}

/// `arn:aws:acm:REGION:ACCOUNT:certificate/ID`: a load balancer takes certificates of its own region only.
fn certificate(arn: &str, path: &str, region: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.certificateArn");
    match certificate_region(arn) {
        None => {
            let detail = "must be the ARN of an ACM certificate: arn:aws:acm:REGION:ACCOUNT:certificate/ID";
            errors.push(FieldError::invalid(field, arn, detail));
        }
        Some(other) if other != region => {
            let detail = format!(
                "is a certificate of {other}, but a load balancer needs one of its own region, {region}"
            );
            errors.push(FieldError::invalid(field, arn, detail));
        }
        Some(_) => {}
    }
}

fn certificate_region(arn: &str) -> Option<&str> {
    let parts: Vec<&str> = arn.split(':').collect();
    let ["arn", partition, "acm", region, account, resource] = parts.as_slice() else { return None };
    let id = resource.strip_prefix("certificate/")?;
    let account_is_valid = account.len() == 12 && only(account, |c| c.is_ascii_digit());
    let id_is_valid = only(id, |c| c.is_ascii_alphanumeric() || c == '-');
    (partition.starts_with("aws") && account_is_valid && id_is_valid).then_some(*region)
}

fn health_check(check: &HealthCheck, path: &str, errors: &mut Vec<FieldError>) {
    let is_path = check.path.starts_with('/') && only(&check.path, |c| c.is_ascii_graphic());
    if !is_path || check.path.len() > 1024 {
        let detail = "must begin with '/', and be at most 1024 visible ASCII characters";
        errors.push(FieldError::invalid(format!("{path}.path"), &check.path, detail));
    }
    within(errors, format!("{path}.intervalSeconds"), check.interval_seconds, 5..=300);
    within(errors, format!("{path}.timeoutSeconds"), check.timeout_seconds, 2..=120);
    if check.timeout_seconds >= check.interval_seconds {
        let detail = format!("must be less than intervalSeconds, which is {}", check.interval_seconds);
        errors.push(FieldError::invalid(format!("{path}.timeoutSeconds"), check.timeout_seconds, detail));
    }
    within(errors, format!("{path}.healthyThreshold"), check.healthy_threshold, 2..=10);
    within(errors, format!("{path}.unhealthyThreshold"), check.unhealthy_threshold, 2..=10);
}
