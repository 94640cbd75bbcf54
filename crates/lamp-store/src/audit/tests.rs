use std::fs;

use serde_json::json;

use super::*;

fn entry(user: &str) -> Map<String, Value> {
    json!({"user": user, "verb": "get", "agent": "a \"quoted\" one\n"}).as_object().unwrap().clone()
}

fn file(dir: &Path) -> PathBuf {
    dir.join(FOLDER).join("000000000001.jsonl")
}

fn recorded(dir: &Path, users: &[&str]) {
    let log = AuditLog::of(dir);
    users.iter().for_each(|user| log.record(entry(user)).unwrap());
}

#[test]
fn a_log_goes_on_where_it_ended() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path(), &["ann", "bob"]);
    recorded(dir.path(), &["eve"]);
    assert_eq!(AuditLog::verify(dir.path()).unwrap(), AuditVerified { entries: 3, broken: None });
    let text = fs::read_to_string(file(dir.path())).unwrap();
    let last: Value = serde_json::from_str(text.lines().last().unwrap()).unwrap();
    assert_eq!((&last["sequence"], &last["user"]), (&json!(3), &json!("eve")));
}

#[test]
fn whatever_is_done_to_a_line_shows() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path(), &["ann", "bob", "eve", "joe"]);
    let text = fs::read_to_string(file(dir.path())).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let eve = lines[2].to_owned();
    for (forged, expected) in [
        (text.replace("eve", "ann"), "line 3 was changed"),
        (text.replace(&format!("{eve}\n"), ""), "line 2 is followed by line 4"),
        (format!("{}\n{}\n{}\n", lines[0], lines[2], lines[1]), "line 1 is followed by line 3"),
        (text.replacen(&eve, &format!("{eve}\n{eve}"), 1), "line 3 is followed by line 3"),
        (text.replace(&eve, "{}"), "it is no line of an audit log"),
    ] {
        fs::write(file(dir.path()), &forged).unwrap();
        let broken = AuditLog::verify(dir.path()).unwrap().broken.unwrap();
        assert!(broken.ends_with(expected), "{broken}");
    }
}

#[test]
fn a_line_that_a_crash_cut_off_is_taken_away() {
    let dir = tempfile::tempdir().unwrap();
    recorded(dir.path(), &["ann", "bob"]);
    let text = fs::read_to_string(file(dir.path())).unwrap();
    for end in 0..text.len() {
        fs::write(file(dir.path()), &text[..end]).unwrap();
        recorded(dir.path(), &["eve"]);
        let whole = text[..end].matches('\n').count() as u64;
        let verified = AuditLog::verify(dir.path()).unwrap();
        assert_eq!(verified, AuditVerified { entries: whole + 1, broken: None }, "cut at {end}");
    }
}

#[test]
fn old_files_go_and_the_rest_still_proves_itself() {
    let dir = tempfile::tempdir().unwrap();
    let log = AuditLog::of(dir.path());
    let open = &log.shared.as_ref().unwrap().open;
    for user in 0..12 {
        log.record(entry(&user.to_string())).unwrap();
        open.lock().unwrap().as_mut().unwrap().turn().unwrap();
    }
    assert_eq!(fs::read_dir(dir.path().join(FOLDER)).unwrap().count(), FILES);
    drop(log);
    recorded(dir.path(), &["last"]);
    let verified = AuditLog::verify(dir.path()).unwrap();
    assert_eq!(verified, AuditVerified { entries: FILES as u64, broken: None });
}
