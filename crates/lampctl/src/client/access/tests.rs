//! Which credentials are used where.

use serde_json::json;

use super::*;
use crate::cli::{self, Invocation};

const FILE: &str = "
apiVersion: v1
kind: Config
current-context: here
clusters:
- {name: secure, cluster: {server: 'https://lamp.example:1879', certificate-authority: ca.crt}}
- {name: plain, cluster: {server: 'http://127.0.0.1:1879/'}}
users:
- {name: ann, user: {token: secret, client-certificate-data: QQ==, client-key-data: Qg==}}
contexts:
- {name: here, context: {cluster: secure, user: ann, namespace: web}}
- {name: open, context: {cluster: plain, user: ann}}
- {name: lost, context: {cluster: gone, user: ann}}
";

fn global(flags: &str) -> Global {
    let words = format!("lampctl whoami {flags}");
    let Invocation { global, .. } = cli::parse(words.split_whitespace().map(Into::into)).unwrap();
    global
}

fn found(folder: &Path, flags: &str) -> Result<Access, String> {
    fs::write(folder.join("config"), FILE).unwrap();
    fs::write(folder.join("ca.crt"), "PEM").unwrap();
    let flags = flags.replace("FOLDER", folder.to_str().unwrap());
    Access::find(&global(&flags), false).map_err(|failure| failure.to_string())
}

#[test]
fn a_context_says_where_and_who() {
    let folder = tempfile::tempdir().unwrap();
    let access = found(folder.path(), "--kubeconfig FOLDER/config").unwrap();
    assert_eq!(access.address(), "https://lamp.example:1879");
    assert_eq!(access.namespace.as_deref(), Some("web"));
    let (cluster, user) = access.portable().unwrap();
    assert_eq!(
        cluster,
        json!({"server": "https://lamp.example:1879", "certificate-authority-data": BASE64.encode(b"PEM")})
    );
    assert_eq!(
        user,
        json!({"token": "secret", "client-certificate-data": "QQ==", "client-key-data": "Qg=="})
    );
    let lost = found(folder.path(), "--kubeconfig FOLDER/config --context lost").unwrap_err();
    assert!(lost.contains("it has no cluster \"gone\""), "{lost}");
    let none = found(folder.path(), "--kubeconfig FOLDER/config --context none").unwrap_err();
    assert!(none.contains("it has no context \"none\""), "{none}");
}

#[test]
fn credentials_are_not_sent_in_the_clear() {
    let folder = tempfile::tempdir().unwrap();
    let access = found(folder.path(), "--kubeconfig FOLDER/config --context open --as bob").unwrap();
    assert_eq!(access.address(), "http://127.0.0.1:1879");
    assert_eq!(access.portable().unwrap().1, json!({"as": "bob"}));
    let refused = found(folder.path(), "--server http://127.0.0.1:1 --token secret").unwrap_err();
    assert!(refused.contains("not sent over plain HTTP") && !refused.contains("secret"), "{refused}");
    let strange = found(folder.path(), "--server ftp://a").unwrap_err();
    assert!(strange.contains("write https://HOST:PORT"), "{strange}");
}

#[test]
fn flags_win_over_the_context() {
    let folder = tempfile::tempdir().unwrap();
    let flags = "--kubeconfig FOLDER/config --token other --insecure-skip-tls-verify --as bob --as-group a --as-group b";
    let (cluster, user) = found(folder.path(), flags).unwrap().portable().unwrap();
    assert_eq!(cluster, json!({"server": "https://lamp.example:1879", "insecure-skip-tls-verify": true}));
    assert_eq!(user, json!({"token": "other", "as": "bob", "as-groups": ["a", "b"]}));
    for (flags, part) in [
        ("--server https://a --as-group a", "--as-group needs --as"),
        (
            "--server https://a --insecure-skip-tls-verify --certificate-authority FOLDER/ca.crt",
            "leave one out",
        ),
        ("--server https://a --certificate-authority FOLDER/none", "none: No such file"),
    ] {
        let refused = found(folder.path(), flags).unwrap_err();
        assert!(refused.contains(part), "{flags}: {refused}");
    }
}

#[test]
fn this_machine_is_asked_as_its_administrator_if_one_may() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("admin.kubeconfig");
    assert_eq!(Access::local(&file).unwrap().address(), DEFAULT_SERVER);
    fs::write(&file, FILE).unwrap();
    assert_eq!(Access::local(&file).unwrap().address(), "https://lamp.example:1879");
    fs::write(&file, "- no kubeconfig").unwrap();
    let wrong = Access::local(&file).unwrap_err().to_string();
    assert!(wrong.contains("admin.kubeconfig cannot be understood"), "{wrong}");
}
