use expect_test::{Expect, expect};

use super::*;

const SHOP: &str = "apiVersion: lamplighter.dev/v1alpha1
kind: LampStack
metadata: {name: shop}
spec:
  region: eu-central-1
  tiers:
  - name: web
    capacity: {min: 3, max: 9}
    loadBalancer: {}
    scaling:
      policies:
      - {metric: CPUUtilization, target: 60}
  - name: app
";

fn read(text: &str, subject: &Subject, bounds: Bounds) -> Result<Candidate, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.yaml");
    std::fs::write(&path, text).unwrap();
    let shown = |failure: Failure| {
        let text = anstream::adapter::strip_str(&failure.to_string()).to_string();
        text.replace(&folder.path().display().to_string(), "")
    };
    Candidate::read(&path, subject, bounds).map_err(shown)
}

fn plain(text: &str) -> Result<Candidate, String> {
    read(text, &Subject::default(), Bounds::default())
}

fn refused(text: &str, expected: Expect) {
    expected.assert_eq(&plain(text).unwrap_err());
}

#[test]
fn a_manifest_has_its_own_bounds_and_flags_stand_in_their_place() {
    let own = plain(SHOP).unwrap();
    assert_eq!((own.label.as_str(), own.scaled.min, own.scaled.max), ("f.yaml", 3, 9));
    let given = read(SHOP, &Subject::default(), Bounds { min: Some(1), max: Some(20), alone: None }).unwrap();
    assert_eq!((given.scaled.min, given.scaled.max), (1, 20));
    let error =
        read(SHOP, &Subject::default(), Bounds { min: Some(10), max: None, alone: None }).unwrap_err();
    assert!(error.contains("spec.tiers[0].capacity.min"), "{error}");
}

#[test]
fn a_scaling_alone_is_completed_like_that_of_a_stack() {
    let alone = plain("policies:\n- {metric: CPUUtilization, target: 60}\n").unwrap();
    assert_eq!((alone.scaled.min, alone.scaled.max), (2, 12));
    assert_eq!(alone.scaled.scaling.behavior.warmup_seconds, 180, "a default");
    assert_eq!(sentence(&alone.scaled.scaling), "TargetTracking CPUUtilization 60");
    let replicas = Subject { tier: None, replicas: true };
    let text = "policies:\n- {metric: DatabaseConnections, target: 100}\n";
    let of_replicas = read(text, &replicas, Bounds { min: None, max: Some(7), alone: None }).unwrap();
    assert_eq!(
        (of_replicas.scaled.min, of_replicas.scaled.max, of_replicas.scaled.unit()),
        (1, 7, "replicas")
    );
    let error = plain(text).unwrap_err();
    assert!(error.contains("policies[0].metric") && error.contains("Unsupported value"), "{error}");
}

#[test]
fn what_breaks_a_rule_is_shown_in_its_line() {
    refused(
        "policies:\n- metric: CPUUtilization\n  target: 600\n",
        expect![[r#"
        the policies in /f.yaml cannot be replayed
        error: policies[0].target
         --> /f.yaml:3:11
          |
        3 |   target: 600
          |           ^^^ Invalid value: 600.0: must be from 10 to 100 per cent of CPU"#]],
    );
    refused(
        "policies:\n- metric: CPUUtilization\n  tarket: 60\n",
        expect![[r#"
        the policies in /f.yaml cannot be replayed
        error: policies[0].tarket
         --> /f.yaml:3:3
          |
        3 |   tarket: 60
          |   ^^^^^^ unknown field"#]],
    );
    refused(
        &SHOP.replace("target: 60", "target: 0"),
        expect![[r#"
        the policies in /f.yaml cannot be replayed
        error: spec.tiers[0].scaling.policies[0].target
          --> /f.yaml:12:42
           |
        12 |       - {metric: CPUUtilization, target: 0}
           |                                          ^ Invalid value: 0.0: must be from 10 to 100 per cent of CPU"#]],
    );
    refused(
        "policies: [\n",
        expect![[r#"
        /f.yaml cannot be read as YAML
        error: line 1 column 11: unclosed bracket '['
         --> /f.yaml:1:11
          |
        1 | policies: [
          |           ^ unclosed bracket '['"#]],
    );
}

#[test]
fn what_a_load_does_not_tell_is_shown_in_its_line() {
    let text = "policies:
- metric: CPUUtilization
  target: 60
- type: Step
  metric: TargetResponseTime
  steps: [{from: 1, adjustment: 2}]
";
    refused(
        text,
        expect![[r#"
        the policies in /f.yaml cannot be replayed
        error: policies[1].metric
         --> /f.yaml:5:11
          |
        5 |   metric: TargetResponseTime
          |           ^^^^^^^^^^^^^^^^^^ a load does not tell TargetResponseTime: a replay works out CPUUtilization, RequestCountPerTarget and DatabaseConnections"#]],
    );
}

#[test]
fn a_file_without_policies_is_none() {
    refused(
        "kind: Namespace\napiVersion: v1\nmetadata: {name: a}\n",
        expect![
            "/f.yaml has no scaling policies: it is neither a LampStack, nor `policies: […]` with or without `behavior: {…}`"
        ],
    );
    let two = format!("{SHOP}---\n{SHOP}");
    refused(&two, expect!["/f.yaml has several documents with policies: keep one in the file"]);
    refused(
        &SHOP.replace("policies:", "policies: []\n    #").replace("      - {", "    # {"),
        expect!["/f.yaml has no scaling policies"],
    );
}
