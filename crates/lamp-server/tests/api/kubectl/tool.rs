//! Finds kubectl, and runs it in a home of its own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;

/// Every kubectl that is installed: `kubectl` and `kubectl.1.NN`, in PATH and beside what `kubectl` points to.
///
/// By default the oldest and the newest, which differ most; `LAMPLIGHTER_TEST_KUBECTL=all` takes all.
pub(crate) fn installed() -> Vec<PathBuf> {
    let mut found: BTreeMap<(u32, String), PathBuf> = BTreeMap::new();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for folder in folders.clone() {
        if let Ok(target) = fs::canonicalize(folder.join("kubectl")) {
            folders.extend(target.parent().map(Path::to_owned));
        }
    }
    for entry in folders.iter().filter_map(|folder| fs::read_dir(folder).ok()).flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let minor = name.strip_prefix("kubectl.1.").and_then(|minor| minor.parse().ok());
        if let (Some(minor), Ok(target)) = (minor, fs::canonicalize(entry.path())) {
            found.insert((minor, name), target);
        } else if let ("kubectl", Ok(target)) = (name.as_str(), fs::canonicalize(entry.path())) {
            // Its version is not in its name; it counts as the newest.
            found.insert((u32::MAX, name), target);
        }
    }
    let all: Vec<PathBuf> = found.into_values().collect();
    if std::env::var("LAMPLIGHTER_TEST_KUBECTL").is_ok_and(|value| value == "all") {
        return all;
    }
    let versioned: Vec<&PathBuf> = all.iter().filter(|path| !path.ends_with("kubectl")).collect();
    match versioned.as_slice() {
        [oldest, .., newest] => vec![(*oldest).clone(), (*newest).clone()],
        _ => all,
    }
}

/// One kubectl, with a home and a cache that no other run touches.
#[derive(Debug)]
pub(crate) struct Kubectl {
    binary: PathBuf,
    home: TempDir,
}

/// The sample site, as `apply -f` reads it.
pub(crate) const SHOP: &str = include_str!("../shop.yaml");

impl Kubectl {
    /// With the `cluster` and the `user` of a kubeconfig, in YAML.
    pub(crate) fn with(binary: PathBuf, cluster: &str, user: &str) -> Kubectl {
        let home = tempfile::tempdir().unwrap();
        let config = format!(
            "{{apiVersion: v1, kind: Config, current-context: c, clusters: [{{name: c, cluster: {cluster}}}], \
             contexts: [{{name: c, context: {{cluster: c, user: u}}}}], users: [{{name: u, user: {user}}}]}}"
        );
        fs::write(home.path().join("config"), config).unwrap();
        let kubectl = Kubectl { binary, home };
        kubectl.write("shop.yaml", SHOP);
        kubectl
    }

    pub(crate) fn name(&self) -> String {
        self.binary.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// Writes a file into the folder where kubectl runs.
    pub(crate) fn write(&self, name: &str, content: &str) {
        fs::write(self.home.path().join(name), content).unwrap();
    }

    fn command(&self, line: &str) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(words(line)).current_dir(self.home.path()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_else(|| OsString::from("/usr/bin:/bin")));
        command.env("HOME", self.home.path()).env("KUBECONFIG", self.home.path().join("config"));
        command.env("KUBECACHEDIR", self.home.path().join("cache"));
        // An editor that changes nothing, so that none waits for a person.
        command.env("KUBE_EDITOR", "true").stdin(Stdio::null());
        command
    }

    /// Runs a command line (words, with `'quotes'` around those that have spaces) and gives what it printed.
    #[track_caller]
    pub(crate) fn ok(&self, line: &str) -> String {
        self.finish(line, self.command(line).output().unwrap(), 0)
    }

    /// Runs a command line that must fail with exit code `code`, and gives what it printed.
    #[track_caller]
    pub(crate) fn fails(&self, line: &str, code: i32) -> String {
        self.finish(line, self.command(line).output().unwrap(), code)
    }

    /// Runs a command line that opens an editor, which is `sed -i SCRIPT`.
    #[track_caller]
    pub(crate) fn edit(&self, line: &str, script: &str) -> String {
        let editor = format!("sed -i '{script}'");
        self.finish(line, self.command(line).env("KUBE_EDITOR", editor).output().unwrap(), 0)
    }

    /// Runs a command line that reads `input`.
    #[track_caller]
    pub(crate) fn pipe(&self, line: &str, input: &str) -> String {
        let mut command = self.command(line);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        self.finish(line, child.wait_with_output().unwrap(), 0)
    }

    /// Starts a command line that goes on.
    pub(crate) fn start(&self, line: &str) -> Child {
        self.command(line).stdout(Stdio::piped()).spawn().unwrap()
    }

    #[track_caller]
    fn finish(&self, line: &str, output: Output, code: i32) -> String {
        let text =
            [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
        assert_eq!(output.status.code(), Some(code), "{} {line}\n{text}", self.name());
        text
    }

    /// Runs a command line whose output must contain each of `parts`.
    #[track_caller]
    pub(crate) fn prints(&self, line: &str, parts: &[&str]) {
        self.contains(line, &self.ok(line), parts);
    }

    /// Runs a command line that must fail with exit code 1 and say each of `parts`.
    #[track_caller]
    pub(crate) fn refuses(&self, line: &str, parts: &[&str]) {
        self.contains(line, &self.fails(line, 1), parts);
    }

    #[track_caller]
    pub(crate) fn contains(&self, line: &str, text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{} {line}: {part:?} is not in\n{text}", self.name());
        }
    }
}

/// The words of a command line.
fn words(line: &str) -> Vec<String> {
    let pieces = line.split('\'').enumerate();
    let mut words = vec![String::new()];
    for (index, piece) in pieces {
        let last = words.len() - 1;
        if index % 2 == 1 {
            words[last].push_str(piece);
            continue;
        }
        let mut parts = piece.split(' ');
        words[last].push_str(parts.next().unwrap_or_default());
        words.extend(parts.map(str::to_owned));
    }
    words.into_iter().filter(|word| !word.is_empty()).collect()
}
