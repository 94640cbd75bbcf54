//! Laws about certificates on disk.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rcgen::{CertificateParams, DnType, KeyPair};
use tempfile::TempDir;

use super::{CertificateFiles, OwnCertificates, ServerNames, Tls, TlsError, TlsSources, inspect};

fn names(extra: &[&str]) -> ServerNames {
    let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
    ServerNames::new("127.0.0.1:0".parse().unwrap(), &extra).unwrap()
}

fn now() -> Timestamp {
    "2026-11-29T00:00:00Z".parse().unwrap()
}

fn days(days: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * days)
}

fn own(folder: &Path, extra: &[&str], now: Timestamp) -> OwnCertificates {
    OwnCertificates::open_or_create(folder, &names(extra), now).unwrap()
}

fn text(folder: &Path, name: &str) -> String {
    fs::read_to_string(folder.join(name)).unwrap()
}

#[test]
fn our_own_certificates_are_made_once_and_kept() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("tls");
    let first = own(&folder, &[], now());
    let server = text(&folder, "server.crt");
    assert_eq!(first.authority_pem(), text(&folder, "ca.crt"));
    assert_eq!(own(&folder, &[], now() + days(300)).authority_pem(), first.authority_pem());
    assert_eq!(text(&folder, "server.crt"), server);
    for (name, mode) in [("ca.key", 0o600), ("server.key", 0o600), ("ca.crt", 0o644), ("server.crt", 0o644)] {
        let found = fs::metadata(folder.join(name)).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode, "{name}");
    }
    assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 4);
}

#[test]
fn a_certificate_is_renewed_before_it_ends_and_when_names_change_and_the_authority_stays() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    let authority = own(folder, &[], now()).authority_pem().to_owned();
    let mut last = text(folder, "server.crt");
    for (extra, at) in [
        (&[][..], now() + days(336)),
        (&["lamp.example"], now() + days(336)),
        (&["10.0.0.7"], now() + days(336)),
        (&[], now() + days(336)),
    ] {
        assert_eq!(own(folder, extra, at).authority_pem(), authority);
        let renewed = text(folder, "server.crt");
        assert_ne!(renewed, last, "{extra:?} {at}");
        last = renewed;
    }
}

#[test]
fn what_is_damaged_or_belongs_elsewhere_is_made_anew_but_the_authority_is_not() {
    let (home, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let folder = home.path();
    let authority = own(folder, &[], now()).authority_pem().to_owned();
    own(other.path(), &[], now());
    fs::write(folder.join("server.crt"), "no certificate").unwrap();
    own(folder, &[], now());
    fs::copy(other.path().join("server.key"), folder.join("server.key")).unwrap();
    own(folder, &[], now());
    fs::copy(other.path().join("server.key"), folder.join("server.key")).unwrap();
    fs::copy(other.path().join("server.crt"), folder.join("server.crt")).unwrap();
    let foreign = text(folder, "server.crt");
    assert_eq!(own(folder, &[], now()).authority_pem(), authority);
    assert_ne!(text(folder, "server.crt"), foreign);

    let refused = |now| OwnCertificates::open_or_create(folder, &names(&[]), now).unwrap_err().to_string();
    fs::copy(other.path().join("ca.key"), folder.join("ca.key")).unwrap();
    assert!(refused(now()).contains("ca.key is not that of the certificate in"), "{}", refused(now()));
    fs::remove_file(folder.join("ca.key")).unwrap();
    assert!(refused(now()).contains("ca.key is missing"), "{}", refused(now()));
    assert!(!folder.join("ca.key").exists());
}

#[test]
fn an_authority_that_ends_keeps_its_key_and_its_name() {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path();
    own(folder, &[], now());
    let key = text(folder, "ca.key");
    let old = text(folder, "ca.crt");
    let name = |authority: &OwnCertificates| {
        inspect::parse(authority.authority_certificate()).unwrap().subject().to_string()
    };
    let first = name(&own(folder, &[], now()));
    assert_eq!(name(&own(folder, &[], now() + days(3630))), first);
    assert_ne!(text(folder, "ca.crt"), old);
    assert_eq!(text(folder, "ca.key"), key);
    assert_ne!(name(&own(&folder.join("another"), &[], now())), first);
}

/// An operator's certificate, valid for the next year.
fn given(folder: &Path, name: &str) -> CertificateFiles {
    let mut parameters = CertificateParams::new(vec!["lamp.example".to_owned()]).unwrap();
    parameters.distinguished_name.push(DnType::CommonName, name);
    let second = |time: Timestamp| time::OffsetDateTime::from_unix_timestamp(time.as_second()).unwrap();
    (parameters.not_before, parameters.not_after) = (second(now()), second(now() + days(365)));
    let key = KeyPair::generate().unwrap();
    let files = CertificateFiles { certificate: folder.join("tls.crt"), key: folder.join("tls.key") };
    fs::write(&files.certificate, parameters.self_signed(&key).unwrap().pem()).unwrap();
    fs::write(&files.key, key.serialize_pem()).unwrap();
    files
}

fn sources(home: &TempDir, files: CertificateFiles) -> TlsSources {
    TlsSources {
        own: own(&home.path().join("own"), &[], now()),
        files: Some(files),
        client_authorities: None,
    }
}

#[test]
fn a_file_that_cannot_be_used_is_named_with_what_is_wrong() {
    let home = tempfile::tempdir().unwrap();
    let files = given(home.path(), "a");
    let sources = sources(&home, files.clone());
    let open = |now: Timestamp| Tls::open(sources.clone(), now).map(|tls| tls.until());
    assert_eq!(open(now()), Ok(now() + days(365)));
    let file = files.certificate.clone();
    assert_eq!(open(now() + days(366)), Err(TlsError::Expired { file: file.clone(), at: now() + days(365) }));
    assert_eq!(open(now() - days(1)), Err(TlsError::NotYetValid { file, at: now() }));
    let says = |part: &str| {
        let error = open(now()).unwrap_err().to_string();
        assert!(error.contains(part), "{part}: {error}");
    };
    let certificate = fs::read(&files.certificate).unwrap();
    fs::copy(&files.key, &files.certificate).unwrap();
    says("tls.crt holds no certificate");
    fs::write(&files.certificate, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap();
    says("tls.crt cannot be understood: it is no X.509 certificate");
    fs::remove_file(&files.certificate).unwrap();
    says("tls.crt: No such file");
    fs::write(&files.certificate, &certificate).unwrap();
    fs::write(&files.key, KeyPair::generate().unwrap().serialize_pem()).unwrap();
    says("tls.key is not that of the certificate in");
    fs::write(&files.key, &certificate).unwrap();
    says("tls.key holds no private key");
    fs::write(&files.key, "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n").unwrap();
    says("tls.key holds no private key");
}

#[test]
fn a_replacement_is_taken_and_one_that_cannot_be_used_is_not() {
    let home = tempfile::tempdir().unwrap();
    let files = given(home.path(), "a");
    let tls = Tls::open(sources(&home, files.clone()), now()).unwrap();
    let served = || tls.content();
    let first = served();
    tls.look(now());
    assert_eq!(served(), first);
    fs::write(&files.certificate, "half a fi").unwrap();
    tls.look(now());
    assert_eq!(served(), first);
    given(home.path(), "b");
    tls.look(now());
    assert_ne!(served(), first);
}

#[test]
fn our_own_certificate_is_renewed_while_it_is_served() {
    let home = tempfile::tempdir().unwrap();
    let sources = TlsSources { own: own(home.path(), &[], now()), files: None, client_authorities: None };
    let tls = Tls::open(sources, now()).unwrap();
    assert_eq!(tls.until(), now() + days(365));
    tls.look(now() + days(340));
    assert_eq!(tls.until(), now() + days(340 + 365));
}
