//! Credentials: `login`, `whoami`, `can-i`, `kubeconfig`, and a server that is not to be trusted.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;

use serde_json::{Value, json};

use crate::fake::{Asked, Fake, Reply, list, status};
use crate::run::{Ended, command, finish, lampctl, run};

/// Knows the token `secret`.
fn answer(asked: &Asked) -> Reply {
    if !asked.head.contains("authorization: bearer secret\n") {
        return status(401, "Unauthorized", "Unauthorized");
    }
    let user = if asked.head.contains("impersonate-user: bob\n") { "bob" } else { "ann" };
    if asked.is("POST", "/selfsubjectreviews") {
        return (201, vec![json!({"status": {"userInfo": {"username": user, "groups": ["team", "all"]}}})]);
    }
    if asked.is("POST", "/selfsubjectaccessreviews") {
        let allowed = asked.body["spec"]["resourceAttributes"]["verb"] == "get";
        return (201, vec![json!({"status": {"allowed": allowed}})]);
    }
    list(&[])
}

/// Runs it with a home of its own and no server named.
fn at(home: &Path, arguments: &[&str], input: &str) -> Ended {
    let mut command = command(lampctl(), arguments);
    command.env("HOME", home).env("KUBECONFIG", home.join("config"));
    finish(command, input)
}

#[test]
fn who_logs_in_is_known_from_then_on() {
    let (fake, authority) = Fake::start_tls(answer);
    let home = tempfile::tempdir().unwrap();
    let ca = home.path().join("ca.crt");
    fs::write(&ca, authority).unwrap();
    let ca = ca.to_str().unwrap();
    fs::write(home.path().join("config"), "current-context: other\nx-mine: 1\n").unwrap();

    let login = ["login", &fake.address, "--token-file", "-", "--certificate-authority", ca, "-n", "web"];
    let wrong = at(home.path(), &login, "guess\n");
    assert_eq!(wrong.code, Some(77), "{wrong:?}");
    assert!(!fs::read_to_string(home.path().join("config")).unwrap().contains("guess"));
    let done = at(home.path(), &login, "secret\n");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stderr.contains("You are ann [team all]"), "{done:?}");
    fs::remove_file(ca).unwrap();

    let who = at(home.path(), &["whoami"], "");
    assert_eq!(who.stdout, "ATTRIBUTE   VALUE\nUsername    ann\nGroups      [team all]\n");
    assert!(at(home.path(), &["whoami", "--as", "bob", "--as-group", "x"], "").stdout.contains("bob"));
    assert!(fake.asked().pop().unwrap().head.contains("impersonate-group: x\n"));
    let yes = at(home.path(), &["can-i", "get", "lamp/shop"], "");
    assert_eq!((yes.code, yes.stdout.as_str()), (Some(0), "yes\n"));
    assert_eq!(fake.asked().pop().unwrap().body["spec"]["resourceAttributes"]["namespace"], "web");
    let no = at(home.path(), &["can-i", "destroy", "lamp/shop"], "");
    assert_eq!((no.code, no.stdout.as_str(), no.stderr.as_str()), (Some(1), "no\n", ""));

    let printed = at(home.path(), &["kubeconfig"], "").stdout;
    let file = home.path().join("printed");
    fs::write(&file, &printed).unwrap();
    let read = at(home.path(), &["whoami", "--kubeconfig", file.to_str().unwrap()], "");
    assert_eq!(read.code, Some(0), "{read:?}");
    assert!(fs::read_to_string(home.path().join("config")).unwrap().contains("x-mine: 1"));
}

#[test]
fn a_server_that_is_not_known_is_not_asked() {
    let (fake, authority) = Fake::start_tls(answer);
    let home = tempfile::tempdir().unwrap();
    let unknown = run(&fake.address, &["get", "--token=secret"]);
    assert_eq!(unknown.code, Some(69), "{unknown:?}");
    assert!(unknown.stderr.contains("--certificate-authority"), "{unknown:?}");
    assert_eq!(fake.asked().len(), 0);
    assert_eq!(run(&fake.address, &["get", "--token=secret", "--insecure-skip-tls-verify"]).code, Some(0));

    let ca = home.path().join("ca.crt");
    fs::write(&ca, authority).unwrap();
    let other = fake.address.replace("127.0.0.1", "localhost");
    let elsewhere = run(&other, &["get", "--token=secret", "--certificate-authority", ca.to_str().unwrap()]);
    assert_eq!(elsewhere.code, Some(69), "{elsewhere:?}");
    assert!(elsewhere.stderr.contains("is not accepted"), "{elsewhere:?}");
}

/// Answers whatever comes as a server of plain HTTP answers a greeting of TLS.
fn plain_server() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 4096]).unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n").unwrap();
        }
    });
    address
}

#[test]
fn a_server_that_speaks_otherwise_is_told_apart_from_none() {
    let plain = plain_server();
    let ended = run(&format!("https://{plain}"), &["get", "--insecure-skip-tls-verify"]);
    assert_eq!(ended.code, Some(69), "{ended:?}");
    assert!(ended.stderr.contains(&format!("no TLS: write http://{plain}")), "{ended:?}");

    let said = "Client sent an HTTP request to an HTTPS server.";
    let secure = Fake::start(move |_| (400, vec![Value::from(said)]));
    for verb in [&["get"][..], &["version"], &["get", "-w"]] {
        let ended = run(&secure.address, verb);
        assert_eq!(ended.code, Some(69), "{ended:?}");
        assert!(ended.stderr.contains("speaks TLS: write https://127.0.0.1"), "{ended:?}");
    }
}

#[test]
fn a_token_has_one_source_and_goes_nowhere_in_the_clear() {
    let home = tempfile::tempdir().unwrap();
    for arguments in [
        &["login", "https://127.0.0.1:9"][..],
        &["login", "https://127.0.0.1:9", "--token-file", "-", "--token", "secret"],
        &["login", "http://127.0.0.1:9", "--token", "secret"],
        &["get", "--server", "http://127.0.0.1:9", "--token", "secret"],
    ] {
        let ended = at(home.path(), arguments, "secret");
        assert_eq!(ended.code, Some(64), "{arguments:?}: {ended:?}");
        assert!(!ended.stderr.contains("secret"), "{ended:?}");
    }
    let empty = at(home.path(), &["login", "https://127.0.0.1:9", "--token-file", "-"], " \n");
    assert!(empty.code == Some(1) && empty.stderr.contains("holds no token"), "{empty:?}");
    assert!(!home.path().join("config").exists());
}
