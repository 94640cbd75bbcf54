//! Who becomes the primary: the laws, and the whole way planned forward.

use std::collections::BTreeMap;
use std::time::Duration;

use expect_test::expect;
use lamp_api::v1alpha1::{OperationKind, OperationPhase};
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::{Body, Change, Kind, Loss, Part, Promotion, PromotionEnd, Request};
use lamp_plan::{Action, Effect, Order, Plan, Precondition, check};

use crate::support::{LAMP, Site};

#[track_caller]
fn breaks(site: &Site, plan: &Plan, law: &str) {
    let laws: Vec<&str> = check(&site.input(), plan).iter().map(|violation| violation.law).collect();
    assert!(laws.contains(&law), "{laws:?}");
}

fn record(site: &mut Site) -> &mut lamp_cloud::LedgerEntry {
    site.world.ledger.get_mut(&Part::from("database")).unwrap()
}

/// A decision to put the replica in the place of the primary.
fn decision(site: &mut Site) -> Promotion {
    Promotion {
        number: 1,
        from: site.resource("database").id.clone(),
        to: site.resource("replica/1").id.clone(),
        part: Part::from("replica/1"),
        order: None,
        forced: false,
        began_at: site.world.now,
        ended: None,
    }
}

fn deciding(promotion: &Promotion) -> Plan {
    Plan { promotions: [(Part::from("database"), promotion.clone())].into(), ..Plan::default() }
}

fn promoting(site: &mut Site, fences: Vec<String>) -> Plan {
    let id = site.resource("replica/1").id.clone();
    let change = Change::DbInstance(DatabaseChange::Promote { backup_retention_days: 7 });
    let action = Action {
        part: Part::from("replica/1"),
        kind: Kind::DbInstance,
        effect: Effect::Update,
        request: Request::Change { id: id.clone(), token: String::new(), change },
        reason: String::new(),
        changes: Vec::new(),
        precondition: Some(Precondition::Promotable { id, fences }),
    };
    Plan { actions: vec![action], ..Plan::default() }
}

#[test]
fn only_what_was_decided_is_promoted_and_only_beside_a_primary_that_is_shut_off() {
    const LAW: &str = "promotion only of the fenced";
    let mut site = Site::standing(LAMP);
    let group = site.resource("security-group/database").id.clone();
    let plan = promoting(&mut site, vec![group.clone()]);
    breaks(&site, &plan, LAW);
    let promotion = decision(&mut site);
    record(&mut site).promotion = Some(promotion.clone());
    breaks(&site, &plan, LAW);
    if let Body::SecurityGroup(body) = &mut site.resource("security-group/database").body {
        body.ingress.clear();
    }
    assert_eq!(check(&site.input(), &plan), []);
    let unread = promoting(&mut site, Vec::new());
    breaks(&site, &unread, LAW);
    let mut blind = plan.clone();
    blind.actions[0].precondition = None;
    breaks(&site, &blind, LAW);
    let ended = Some(PromotionEnd { at: site.world.now, done: false });
    record(&mut site).promotion = Some(Promotion { ended, ..promotion });
    breaks(&site, &plan, LAW);
}

#[test]
fn a_decision_is_one_at_a_time_once_an_hour_and_loses_nothing_unsaid() {
    let mut site = Site::standing(LAMP);
    let new = decision(&mut site);
    breaks(&site, &deciding(&new), "no write is lost unsaid");
    let lags = |lag| BTreeMap::from([(new.to.clone(), lag)]);
    let loss =
        |lag| Some(Loss { id: new.from.clone(), since: new.began_at, lags: lags(lag), is_certain: true });
    record(&mut site).loss = loss(31);
    breaks(&site, &deciding(&new), "no write is lost unsaid");
    assert_eq!(check(&site.input(), &deciding(&Promotion { forced: true, ..new.clone() })), []);
    record(&mut site).loss = loss(30);
    assert_eq!(check(&site.input(), &deciding(&new)), []);
    let before = Promotion { to: "another".to_owned(), ..new.clone() };
    record(&mut site).promotion = Some(before.clone());
    breaks(&site, &deciding(&new), "one promotion at a time");
    let ended = Some(PromotionEnd { at: new.began_at, done: true });
    let began_at = new.began_at - Duration::from_secs(3599);
    record(&mut site).promotion = Some(Promotion { ended, began_at, ..before });
    breaks(&site, &deciding(&new), "one promotion an hour");
    let ordered = Promotion { order: Some("order".to_owned()), ..new };
    assert_eq!(check(&site.input(), &deciding(&ordered)), []);
}

#[test]
fn an_order_is_carried_out_step_by_step() {
    let mut site = Site::standing(LAMP);
    let (old, new) = (site.resource("database").id.clone(), site.resource("replica/1").id.clone());
    site.order = Some(Order {
        uid: "order-1".to_owned(),
        name: "databaseoperation/promote-1".to_owned(),
        operation: OperationKind::Promote,
        replica: Some(Part::from("replica/1")),
        force: true,
        accepted: false,
    });
    let mut calls = String::new();
    for _ in 0..40 {
        let plan = site.round();
        for action in &plan.actions {
            calls.push_str(&format!("{} {}\n", action.request.operation(), action.part));
        }
        if plan.order.as_ref().is_some_and(|order| order.phase == OperationPhase::Done) {
            break;
        }
    }
    expect![[r#"
        CreateSecurityGroup security-group/database/1
        AuthorizeSecurityGroupEgress security-group/app
        AuthorizeSecurityGroupIngress security-group/database/1
        RevokeSecurityGroupEgress security-group/database/1
        ModifyDBInstance replica/1
        RevokeSecurityGroupEgress security-group/app
        RevokeSecurityGroupIngress security-group/database
        PromoteReadReplica replica/1
        AddTagsToResource database
        AddTagsToResource replica/1
    "#]]
    .assert_eq(&calls);
    site.order = None;
    site.settle();
    assert_eq!(site.resource("database").id, new);
    assert_eq!(site.resource("former-database/1").id, old);
    let Body::SecurityGroup(fence) = &site.resource("security-group/database").body else { panic!() };
    assert_eq!(fence.ingress, []);
    let Body::DbInstance(replica) = &site.resource("replica/2").body else { panic!() };
    assert_eq!(replica.source.as_ref().and_then(|source| source.as_id()), Some(new.as_str()));
}
