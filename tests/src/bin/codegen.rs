//! Writes what is generated from the API types: `specs/schema/lampstack.json`, for editors.

use anyhow::Result;

fn main() -> Result<()> {
    let path = lamp_tests::schema::path();
    std::fs::create_dir_all(path.parent().unwrap_or(&path))?;
    std::fs::write(&path, lamp_tests::schema::lampstack()?)?;
    println!("{}", path.display());
    Ok(())
}
