//! Terraform, run where it is installed, with a configuration that lies outside this workspace, behind the counting
//! proxy. It acts only when it is run: a look is a plan, a repair is a plan and an apply.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tempfile::TempDir;

use super::usage::{self, Usage};
use super::{Faced, Pass, Raised, is_whole, share};
use crate::account::{Account, REGION};
use crate::drift::{Drift, Parts};
use crate::proxy::Proxy;

/// The provider that the configuration asks for, as it lies in a mirror of providers.
const PROVIDER: &str = "registry.terraform.io/hashicorp/aws/5.100.0";
/// Where mirrors of providers are looked for.
const MIRRORS: [&str; 3] =
    ["/opt/tf-plugins", "/usr/share/terraform/plugins", "/usr/local/share/terraform/plugins"];
/// `terraform plan -detailed-exitcode`: there are changes.
const CHANGES: i32 = 2;

/// Where a stack's parts stand in the configuration, and the attribute that AWS knows them by.
const ADDRESSES: [(&str, &str, &str); 14] = [
    ("vpc", "aws_vpc.this", "id"),
    ("subnet/application/1", r#"aws_subnet.app["a"]"#, "id"),
    ("subnet/data/1", r#"aws_subnet.db["a"]"#, "id"),
    ("nat-gateway/1", r#"aws_nat_gateway.this["a"]"#, "id"),
    ("route-table/application/2", r#"aws_route_table.app["b"]"#, "id"),
    ("security-group/web", r#"aws_security_group.this["web"]"#, "id"),
    ("security-group/database", r#"aws_security_group.this["db"]"#, "id"),
    ("load-balancer/web", "aws_lb.web", "arn"),
    ("target-group/web", "aws_lb_target_group.web", "arn"),
    ("launch-template/web", r#"aws_launch_template.tier["web"]"#, "id"),
    ("auto-scaling-group/web", r#"aws_autoscaling_group.tier["web"]"#, "name"),
    ("database", "aws_db_instance.master", "identifier"),
    ("db-parameter-group", "aws_db_parameter_group.this", "name"),
    ("db-subnet-group", "aws_db_subnet_group.this", "name"),
];

/// Types of the configuration's resources that are kinds which Lamplighter keeps too. The others (cache, files, buckets,
/// DNS, alarms, roles, keys, scaling policies) are made only where one of these names them.
const SHARED: [&str; 19] = [
    "aws_autoscaling_group",
    "aws_db_instance",
    "aws_db_parameter_group",
    "aws_db_subnet_group",
    "aws_eip",
    "aws_internet_gateway",
    "aws_launch_template",
    "aws_lb",
    "aws_lb_listener",
    "aws_lb_target_group",
    "aws_nat_gateway",
    "aws_route",
    "aws_route_table",
    "aws_route_table_association",
    "aws_security_group",
    "aws_subnet",
    "aws_vpc",
    "aws_vpc_security_group_egress_rule",
    "aws_vpc_security_group_ingress_rule",
];

/// An installed Terraform and its configuration.
#[derive(Clone, Debug)]
pub(super) struct Terraform {
    folder: PathBuf,
    mirror: PathBuf,
}

impl Terraform {
    /// Finds what a run needs beside the configuration in `folder`.
    pub(super) fn find(folder: &Path) -> Result<Self> {
        for (file, what) in
            [("terraform/main.tf", "configuration"), ("moto_patched.py", "change of moto for it")]
        {
            ensure!(folder.join(file).is_file(), "no {what}: {} is missing", folder.join(file).display());
        }
        for program in ["terraform", "openssl"] {
            let found =
                Command::new(program).arg("version").stdout(Stdio::null()).stderr(Stdio::null()).status();
            ensure!(found.is_ok_and(|status| status.success()), "{program} is not installed");
        }
        let named = std::env::var_os("TF_PLUGIN_MIRROR").map(PathBuf::from);
        let mut mirrors = named.into_iter().chain(MIRRORS.map(PathBuf::from));
        let mirror = mirrors.find(|mirror| mirror.join(PROVIDER).is_dir());
        let mirror =
            mirror.with_context(|| format!("no mirror has {PROVIDER}: name one in TF_PLUGIN_MIRROR"))?;
        Ok(Self { folder: folder.to_path_buf(), mirror })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A working copy for so many stacks in this account.
    pub(super) async fn start(&self, account: &Account, count: usize) -> Result<Run> {
        let proxy = Proxy::start(account.url()).await?;
        let work = tempfile::tempdir()?;
        copy(&self.folder.join("terraform"), work.path())?;
        let settings = format!(
            "disable_checkpoint = true\nprovider_installation {{\n  filesystem_mirror {{\n    path = {:?}\n  }}\n}}\n",
            self.mirror
        );
        fs::write(work.path().join("terraformrc"), settings)?;
        let targets = targets(&work.path().join("stack"), count)?;
        let run = Run { work, proxy, count, targets };
        run.make_certificate()?;
        let (status, _) = run.terraform(&["init", "-no-color", "-input=false"])?;
        ensure!(status.success(), "terraform init: {}", run.log());
        Ok(run)
    }
}

/// Terraform at work in one account.
pub(super) struct Run {
    work: TempDir,
    proxy: Proxy,
    count: usize,
    /// Flags that leave out what Lamplighter does not keep.
    targets: Vec<String>,
}

impl Run {
    /// Applies to nothing.
    pub(super) fn raise(&self) -> Result<Raised> {
        self.proxy.take();
        let (status, usage) = self.with_variables("apply", &["-auto-approve"])?;
        ensure!(status.success(), "terraform apply: {}", self.log());
        let tally = self.proxy.take();
        let resources = self.resources()?.iter().filter(|row| row["mode"] == "managed").count();
        Ok(Raised { calls: tally.total(), changes: tally.changes(), seconds: usage.seconds, resources })
    }

    /// The second of two plans: the first one warms the caches of the machine.
    pub(super) fn pass(&self) -> Result<Pass> {
        self.plan()?;
        self.proxy.take();
        let (found, usage) = self.plan()?;
        ensure!(!found, "there is something to do in a site that was just made: {}", self.log());
        let tally = self.proxy.take();
        Ok(Pass {
            calls: share(tally.total(), 1),
            changes: share(tally.changes(), 1),
            cpu_seconds: usage.cpu_seconds,
            peak_mib: usage.peak_mib,
            seconds: usage.seconds,
        })
    }

    /// Breaks one thing, runs a plan, and an apply if the plan found something. Afterwards the site is whole.
    pub(super) fn face(&self, account: &Account, drift: &Drift) -> Result<Faced> {
        let parts = self.parts()?;
        let whole = drift.spoil(account, &parts)?;
        self.proxy.take();
        let (found, plan) = self.plan()?;
        let mut seconds = plan.seconds;
        let mut said = String::new();
        if found {
            said = self.planned()?;
            let (status, apply) =
                self.terraform(&["apply", "-no-color", "-input=false", "-state=state", "plan"])?;
            ensure!(status.success(), "terraform apply: {}", self.log());
            seconds += apply.seconds;
        }
        let tally = self.proxy.take();
        let repaired = is_whole(account, drift, &parts, &whole);
        if !repaired {
            drift.mend(account, &parts)?;
        }
        Ok(Faced::new(found.then_some(plan.seconds), repaired.then_some(seconds), &tally, said))
    }

    /// Whether there is something to do.
    fn plan(&self) -> Result<(bool, Usage)> {
        let (status, usage) = self.with_variables("plan", &["-detailed-exitcode", "-out=plan"])?;
        match status.code() {
            Some(0) => Ok((false, usage)),
            Some(CHANGES) => Ok((true, usage)),
            _ => bail!("terraform plan: {}", self.log()),
        }
    }

    /// The first change of the plan, and how many more there are.
    fn planned(&self) -> Result<String> {
        let plan = self.shown("plan")?;
        let changes = plan["resource_changes"].as_array().into_iter().flatten();
        let changes: Vec<_> = changes.filter_map(change).collect();
        let more = changes.len().saturating_sub(1);
        let first = changes.first().cloned().unwrap_or_else(|| "outputs only".to_owned());
        Ok(if more == 0 { first } else { format!("{first}, and {more} more") })
    }

    /// The parts of the first stack.
    fn parts(&self) -> Result<Parts> {
        let resources = self.resources()?;
        let find = |address: &str| {
            let whole = format!("module.stack[\"lamp00\"].{address}");
            resources.iter().find(|row| row["address"] == whole.as_str())
        };
        ADDRESSES
            .iter()
            .map(|(part, address, attribute)| {
                let row = find(address).with_context(|| format!("the configuration has no {address}"))?;
                let id = row["values"][attribute].as_str().with_context(|| format!("{address} has no id"))?;
                Ok(((*part).to_owned(), id.to_owned()))
            })
            .collect()
    }

    fn resources(&self) -> Result<Vec<Value>> {
        let state = self.shown("state")?;
        let root = &state["values"]["root_module"];
        let modules = root["child_modules"].as_array().into_iter().flatten().chain([root]);
        Ok(modules.flat_map(|module| module["resources"].as_array().into_iter().flatten()).cloned().collect())
    }

    fn shown(&self, file: &str) -> Result<Value> {
        let output =
            self.command("terraform").args(["show", "-json", file]).stdout(Stdio::piped()).output()?;
        ensure!(output.status.success(), "terraform show: {}", String::from_utf8_lossy(&output.stderr));
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    fn with_variables(&self, verb: &str, more: &[&str]) -> Result<(ExitStatus, Usage)> {
        let stacks = format!("stacks={}", self.count);
        let (endpoint, region) = (format!("endpoint={}", self.proxy.url()), format!("region={REGION}"));
        let variables = ["-var", &stacks, "-var", &endpoint, "-var", &region];
        let common = [verb, "-no-color", "-input=false", "-state=state"];
        let targets: Vec<_> = self.targets.iter().map(String::as_str).collect();
        self.terraform(&[&common[..], &variables, more, &targets].concat())
    }

    fn terraform(&self, arguments: &[&str]) -> Result<(ExitStatus, Usage)> {
        let log = fs::File::create(self.work.path().join("log"))?;
        let mut command = self.command("terraform");
        usage::measured(command.args(arguments).stdout(log.try_clone()?).stderr(log))
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(self.work.path()).stdin(Stdio::null());
        command.env("TF_CLI_CONFIG_FILE", self.work.path().join("terraformrc"));
        command.env("TF_IN_AUTOMATION", "1").env("CHECKPOINT_DISABLE", "1");
        command
    }

    fn log(&self) -> String {
        let text = fs::read_to_string(self.work.path().join("log")).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// The configuration imports a certificate from files.
    fn make_certificate(&self) -> Result<()> {
        fs::create_dir_all(self.work.path().join("tls"))?;
        let request = "req -x509 -newkey rsa:2048 -nodes -keyout tls/key.pem -out tls/cert.pem -days 30 \
                       -subj /CN=lamp.example.com -addext subjectAltName=DNS:lamp.example.com";
        let output = self.command("openssl").args(request.split_whitespace()).output()?;
        ensure!(output.status.success(), "openssl: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }
}

/// A flag for each resource of a shared type, in each stack.
fn targets(module: &Path, count: usize) -> Result<Vec<String>> {
    let mut resources = Vec::new();
    for entry in fs::read_dir(module).with_context(|| format!("cannot read {}", module.display()))? {
        let text = fs::read_to_string(entry?.path())?;
        resources.extend(text.lines().filter_map(shared_resource));
    }
    let stacks = 0..count;
    let of_stack = |stack| {
        let target = move |resource: &String| format!("-target=module.stack[\"lamp{stack:02}\"].{resource}");
        resources.iter().map(target).collect::<Vec<_>>()
    };
    Ok(stacks.flat_map(of_stack).collect())
}

/// `aws_lb.web` of the line `resource "aws_lb" "web" {`, if Lamplighter keeps such things.
fn shared_resource(line: &str) -> Option<String> {
    let mut quoted = line.strip_prefix("resource ")?.split('"');
    let (_, kind, _, name) = (quoted.next()?, quoted.next()?, quoted.next()?, quoted.next()?);
    SHARED.contains(&kind).then(|| format!("{kind}.{name}"))
}

/// `update aws_lb.web`; nothing for what is only read or stays.
fn change(row: &Value) -> Option<String> {
    let actions = row["change"]["actions"].as_array()?.iter().filter_map(Value::as_str);
    let actions: Vec<_> = actions.filter(|action| !matches!(*action, "no-op" | "read")).collect();
    let address = row["address"].as_str()?.splitn(3, '.').nth(2)?;
    (!actions.is_empty()).then(|| format!("{} {address}", actions.join("/")))
}

/// Copies what is there, but not what an earlier run left: hidden folders hold its plug-ins.
fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let is_hidden = |name: &OsString| name.to_string_lossy().starts_with('.');
    for entry in fs::read_dir(from).with_context(|| format!("cannot read {}", from.display()))? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() && !is_hidden(&entry.file_name()) {
            copy(&entry.path(), &target)?;
        } else if entry.file_type()?.is_file() {
            fs::write(&target, fs::read(entry.path())?)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_says_what_it_changes() {
        let row = |actions: Value| json!({"address": "module.stack[\"lamp00\"].aws_lb.web", "change": {"actions": actions}});
        assert_eq!(change(&row(json!(["update"]))), Some("update aws_lb.web".to_owned()));
        assert_eq!(change(&row(json!(["delete", "create"]))), Some("delete/create aws_lb.web".to_owned()));
        assert_eq!(change(&row(json!(["no-op"]))), None);
    }

    #[test]
    fn only_what_lamplighter_keeps_too_is_a_target() {
        let module = tempfile::tempdir().unwrap();
        let text = "resource \"aws_lb\" \"web\" {\n}\nresource \"aws_s3_bucket\" \"assets\" {\n}\n";
        fs::write(module.path().join("all.tf"), text).unwrap();
        let expected = [0, 1].map(|stack| format!("-target=module.stack[\"lamp0{stack}\"].aws_lb.web"));
        assert_eq!(targets(module.path(), 2).unwrap(), expected);
    }

    #[test]
    fn without_a_configuration_it_is_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let why = Terraform::find(folder.path()).unwrap_err().to_string();
        assert!(why.contains("terraform/main.tf is missing"), "{why}");
    }
}
