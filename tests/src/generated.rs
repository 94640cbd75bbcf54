//! Files that are made from the sources, and committed for those who use them without building anything.

use std::path::{Path, PathBuf};

use anyhow::Result;
use lamp_cloud::iam::{Policy, Scope};

use crate::schema;

/// Where each file is kept, and what it holds today.
///
/// # Errors
/// When one cannot be made.
pub fn files() -> Result<Vec<(PathBuf, String)>> {
    Ok(vec![
        (in_tree("specs/schema/lampstack.json"), schema::lampstack()?),
        // What `lamplighter iam-policy` prints.
        (in_tree("deploy/iam/policy.json"), Policy::new(&scope()).document()?),
        (in_tree("deploy/iam/adoption.json"), Policy::takeover(&scope()).document()?),
    ])
}

/// The installation `default`, in any region and account.
fn scope() -> Scope {
    Scope { install: "default".to_owned(), regions: Vec::new(), account: None }
}

fn in_tree(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}
