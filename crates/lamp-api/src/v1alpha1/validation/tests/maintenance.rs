//! The maintenance window of the database.

use expect_test::expect;
use serde_json::json;

use super::check;

#[test]
fn a_window_is_half_an_hour_to_a_day() {
    let window = |text: &str| [("/database/maintenance", json!({"window": text}))];
    check(&window("sun:03:00-sun:03:30"), expect![[""]]);
    check(&window("Sun:23:45-Mon:00:45"), expect![[""]]);
    check(
        &window("sun:03:00-sun:03:29"),
        expect![[r#"
            spec.database.maintenance.window: Invalid value: "sun:03:00-sun:03:29": must be a weekly window in UTC of 30 minutes to less than a day, such as sun:03:00-sun:04:00
        "#]],
    );
    check(
        &window("sun:03:00-mon:03:00"),
        expect![[r#"
            spec.database.maintenance.window: Invalid value: "sun:03:00-mon:03:00": must be a weekly window in UTC of 30 minutes to less than a day, such as sun:03:00-sun:04:00
        "#]],
    );
    check(
        &window("03:00-04:00"),
        expect![[r#"
            spec.database.maintenance.window: Invalid value: "03:00-04:00": must be a weekly window in UTC of 30 minutes to less than a day, such as sun:03:00-sun:04:00
        "#]],
    );
}
