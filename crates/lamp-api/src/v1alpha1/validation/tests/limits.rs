//! Limits of healing, and of the whole site.

use expect_test::expect;
use serde_json::json;

use super::check;

#[test]
fn limits_of_the_site() {
    check(
        &[("/breakers", json!({"sickTiers": 1, "maxRemakesPerHour": 0}))],
        expect![[r#"
        spec.breakers.sickTiers: Invalid value: 1: must be from 2 to 10
        spec.breakers.maxRemakesPerHour: Invalid value: 0: must be from 1 to 20
    "#]],
    );
}

#[test]
fn a_limit_that_another_one_makes_useless_is_refused() {
    check(
        &[("/tiers/0/healing", json!({"maxUnhealthyPercent": 20, "maxInFlightPercent": 30}))],
        expect![[r#"
        spec.tiers[0].healing.maxInFlightPercent: Invalid value: 30: must not be more than maxUnhealthyPercent, which is 20: so many are not replaced
    "#]],
    );
}
