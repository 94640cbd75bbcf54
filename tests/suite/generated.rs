//! Files that are generated and committed are as the generator makes them today.

use anyhow::{Result, ensure};

#[test]
fn the_schema_for_editors_is_that_of_the_api() -> Result<()> {
    let path = lamp_tests::schema::path();
    let committed = std::fs::read_to_string(&path)?;
    ensure!(committed == lamp_tests::schema::lampstack()?, "{}: run `cargo xtask codegen`", path.display());
    Ok(())
}
