//! Tokens: what is let in, and all that is not.

use lamp_api::access_token::{compose, digest};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Answer, Harness, STACKS, start, start_with};

pub(super) const TOKENS: &str = "/apis/lamplighter.dev/v1alpha1/accesstokens";
const WHO: &str = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
const NEVER: &str = "2999-01-31T18:00:00Z";

/// Has a token made, as `lampctl token create` does.
pub(super) async fn issue(api: &Harness, name: &str, user: &str, groups: &[&str], expires: &str) -> String {
    let token = compose(name, &[name.len() as u8; 32]);
    let spec = json!({"user": user, "groups": groups, "expiresAt": expires, "sha256": digest(&token)});
    api.post(TOKENS, &json!({"metadata": {"name": name}, "spec": spec})).await.ok(201);
    token
}

/// The header that carries it.
pub(super) fn bearer(token: &str) -> Vec<(&'static str, String)> {
    vec![("authorization", format!("Bearer {token}"))]
}

async fn who(api: &Harness, headers: &[(&str, String)]) -> Answer {
    api.ask(Method::POST, WHO, headers, Some(&json!({}))).await
}

#[tokio::test]
async fn a_token_is_its_user_until_it_is_revoked() {
    let api = start().await;
    let token = issue(&api, "ann-laptop", "ann", &["team"], NEVER).await;
    let info = who(&api, &bearer(&token)).await.ok(201)["status"]["userInfo"].clone();
    assert_eq!(info, json!({"username": "ann", "groups": ["system:authenticated", "team"]}));
    let refused = api.ask(Method::GET, STACKS, &bearer(&token), None).await.refusal();
    assert_eq!(
        refused,
        r#"403 Forbidden: lampstacks.lamplighter.dev is forbidden: User "ann" cannot list resource "lampstacks" in API group "lamplighter.dev" in the namespace "default""#
    );
    let shown = api.get(&format!("{TOKENS}/ann-laptop")).await.ok(200).to_string();
    assert!(!shown.contains(&token[4..]), "{shown}");
    api.delete(&format!("{TOKENS}/ann-laptop")).await.ok(200);
    let refused = who(&api, &bearer(&token)).await.refusal();
    assert_eq!(refused, "401 Unauthorized: the token is wrong, or was revoked");
}

#[tokio::test]
async fn credentials_that_are_not_right_are_refused() {
    let api = start_with(lamp_server::Limits { failures_each: 1000, ..Default::default() }).await;
    let token = issue(&api, "ci", "ci", &["system:masters"], NEVER).await;
    let ended = issue(&api, "old", "ann", &[], "2020-01-31T18:00:00Z").await;
    let other = compose("ci", &[7; 32]);
    let sha256 = digest(&token);
    who(&api, &bearer(&token)).await.ok(201);
    api.ask(Method::GET, STACKS, &[("authorization", format!("bearer  {token} "))], None).await.ok(200);
    let table = [
        ("another secret", format!("Bearer {other}")),
        ("the stored digest", format!("Bearer {sha256}")),
        ("the digest in the form of a token", format!("Bearer lmp_ci_{}", &sha256[..43])),
        ("the name alone", "Bearer lmp_ci".to_owned()),
        ("an empty secret", "Bearer lmp_ci_".to_owned()),
        ("another name", format!("Bearer {}", token.replace("lmp_ci_", "lmp_old_"))),
        ("a name that climbs", format!("Bearer {}", token.replace("lmp_ci_", "lmp_../ci_"))),
        ("a name in capitals", format!("Bearer {}", token.replace("lmp_ci_", "lmp_CI_"))),
        ("one character less", format!("Bearer {}", &token[..token.len() - 1])),
        ("one character more", format!("Bearer {token}A")),
        ("twice", format!("Bearer {token}, Bearer {token}")),
        ("no scheme", token.clone()),
        ("another scheme", format!("Basic {token}")),
        ("user and password", "Basic YWRtaW46YWRtaW4=".to_owned()),
        ("no token", "Bearer ".to_owned()),
        ("nothing", String::new()),
        (
            "an unsigned JWT",
            "Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZG1pbiIsImdyb3VwcyI6WyJzeXN0ZW06bWFzdGVycyJdfQ."
                .to_owned(),
        ),
        ("a huge one", format!("Bearer lmp_ci_{}", "A".repeat(8000))),
        ("an expired one", format!("Bearer {ended}")),
    ];
    for (what, credentials) in table {
        for path in [STACKS, TOKENS, "/version", "/metrics", "/nowhere"] {
            let answer = api.ask(Method::GET, path, &[("authorization", credentials.clone())], None).await;
            assert_eq!(answer.code, 401, "{what} on {path}: {:#}", answer.body);
        }
    }
    let ended = who(&api, &bearer(&ended)).await.refusal();
    assert_eq!(ended, "401 Unauthorized: the token expired at 2020-01-31T18:00:00Z: have another made");
}

#[tokio::test]
async fn guesses_are_slowed_and_lock_nobody_out() {
    let api = start_with(lamp_server::Limits { failures_each: 3, ..Default::default() }).await;
    let token = issue(&api, "ci", "ci", &["system:masters"], NEVER).await;
    let mut codes = Vec::new();
    for secret in 0..6 {
        let guess = bearer(&compose("ci", &[200 + secret; 32]));
        codes.push(api.ask(Method::GET, STACKS, &guess, None).await.code.as_u16());
    }
    assert_eq!(codes, [401, 401, 401, 429, 429, 429]);
    api.ask(Method::GET, STACKS, &bearer(&token), None).await.ok(200);
}

#[tokio::test]
async fn a_token_is_refused_at_the_field_that_is_wrong() {
    let api = start().await;
    let good = json!({"user": "ann", "expiresAt": NEVER, "sha256": "0".repeat(64)});
    let token = |field: &str, value: serde_json::Value| {
        let mut spec = good.clone();
        spec[field] = value;
        json!({"metadata": {"name": "a"}, "spec": spec})
    };
    for (field, value, expected) in [
        ("user", json!(""), "spec.user: Required value"),
        ("user", json!("system:anonymous"), "spec.user: Invalid value"),
        ("groups", json!(["a", ""]), "spec.groups[1]: Invalid value"),
        ("expiresAt", json!("soon"), "spec.expiresAt"),
        ("sha256", json!("lmp_a_secret"), "spec.sha256: Invalid value"),
    ] {
        let refusal = api.post(TOKENS, &token(field, value)).await.refusal();
        assert!(refusal.contains(expected), "{refusal}");
        assert!(!refusal.contains("lmp_a_secret"), "{refusal}");
    }
    api.post(TOKENS, &token("user", json!("ann"))).await.ok(201);
    let refusal = api.merge(&format!("{TOKENS}/a"), json!({"spec": {"user": "bob"}})).await.refusal();
    assert!(refusal.contains("spec: Forbidden: is immutable"), "{refusal}");
}
