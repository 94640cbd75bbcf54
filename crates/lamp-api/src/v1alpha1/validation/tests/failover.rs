//! What becomes of a primary that is lost, and of a volume that fills.

use expect_test::expect;
use serde_json::json;

use super::check;

#[test]
fn a_promotion_by_itself_needs_a_replica() {
    let automatic = ("/database/promotion", json!("Automatic"));
    check(std::slice::from_ref(&automatic), expect![[""]]);
    check(
        &[automatic.clone(), ("/database/replicas", json!({"min": 0, "max": 3}))],
        expect![[r#"
            spec.database.promotion: Invalid value: "Automatic": needs read replicas, of which one takes over: set replicas.min to at least 1
        "#]],
    );
    let scaled = json!({"max": 3, "scaling": {"policies": [{"metric": "CPUUtilization", "target": 60}]}});
    check(&[automatic, ("/database/replicas", scaled)], expect![[""]]);
}

#[test]
fn a_volume_is_not_grown_while_half_of_it_is_free() {
    check(&[("/database/storage", json!({"growBelowFreePercent": 50}))], expect![[""]]);
    check(
        &[("/database/storage", json!({"growBelowFreePercent": 51}))],
        expect![[r#"
            spec.database.storage.growBelowFreePercent: Invalid value: 51: must be from 0 to 50
        "#]],
    );
}
