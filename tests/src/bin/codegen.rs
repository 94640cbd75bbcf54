//! Writes the files that are made from the sources: the schema for editors, the IAM policy.

use anyhow::{Context, Result};

fn main() -> Result<()> {
    for (path, text) in lamp_tests::generated::files()? {
        std::fs::write(&path, text).with_context(|| path.display().to_string())?;
        println!("{}", path.display());
    }
    Ok(())
}
