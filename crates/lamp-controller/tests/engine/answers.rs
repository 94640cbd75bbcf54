//! `Plan` objects.

use std::time::Duration;

use lamp_api::v1alpha1::{PlanEffect, PlanPhase};
use serde_json::json;

use crate::support::{Site, small};

#[tokio::test]
async fn a_question_about_a_new_stack_is_answered_without_changing_anything() {
    let site = Site::new();
    let key = site.ask("q", json!({"stack": "shop", "candidate": small()})).await;
    site.pass().await;
    let answer = site.answer(&key);
    assert_eq!(answer.phase, PlanPhase::Answered, "{answer:#?}");
    assert!(answer.steps.iter().any(|step| step.kind == "Vpc" && step.effect == PlanEffect::Create));
    assert!(answer.observed_time.is_some());
    assert_eq!(site.mutations(), 0);
}

#[tokio::test]
async fn a_question_that_cannot_be_answered_says_why() {
    let site = Site::new();
    let nobody = site.ask("nobody", json!({"stack": "nobody"})).await;
    let mut elsewhere = small();
    elsewhere["region"] = "eu-central-1".into();
    let elsewhere = site.ask("elsewhere", json!({"stack": "shop", "candidate": elsewhere})).await;
    site.pass().await;
    for (key, word) in [(nobody, "no stack"), (elsewhere, "eu-central-1")] {
        let answer = site.answer(&key);
        assert_eq!(answer.phase, PlanPhase::Failed);
        assert!(answer.message.as_ref().unwrap().contains(word), "{:?}", answer.message);
    }
}

#[tokio::test]
async fn a_question_is_removed_after_ten_minutes() {
    let site = Site::new();
    let key = site.ask("q", json!({"stack": "shop", "candidate": small()})).await;
    site.pass().await;
    site.clock.advance(Duration::from_secs(599));
    site.pass().await;
    assert!(site.store.get(&key).unwrap().is_some());
    site.clock.advance(Duration::from_secs(2));
    site.pass().await;
    assert!(site.store.get(&key).unwrap().is_none());
}

#[tokio::test]
async fn what_an_existing_stack_would_lose_is_shown() {
    let site = Site::new();
    site.apply("shop", small()).await;
    site.come_up("shop").await;
    let before = site.mutations();
    let key = site.ask("q", json!({"stack": "shop", "delete": true})).await;
    let same = site.ask("same", json!({"stack": "shop"})).await;
    site.pass().await;
    let answer = site.answer(&key);
    assert!(
        answer.steps.iter().any(|step| step.kind == "Vpc" && step.effect == PlanEffect::Delete),
        "{answer:#?}"
    );
    assert_eq!(site.answer(&same).steps, [], "nothing would be done right now");
    assert_eq!(site.mutations(), before);
}
