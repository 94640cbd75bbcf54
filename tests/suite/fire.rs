//! The store under fire, for a moment. `cargo xtask store-fire` does it for longer.

use std::process::Command;

use anyhow::{Result, ensure};
use lamp_tests::daemon::binary;

#[test]
fn kills_full_disks_and_flipped_bits_lose_nothing_that_was_acknowledged() -> Result<()> {
    let output = Command::new(binary("store-fire")?)
        .args(["--kills", "20", "--full-disks", "3", "--flips", "50"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    print!("{said}");
    ensure!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    ensure!(said.contains(": 0 failures"), "{said}");
    Ok(())
}
