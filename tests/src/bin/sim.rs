//! Random faults against the simulated region.
use std::time::{Duration, Instant};
use lamp_tests::{Site, SiteOptions, specs};
fn main() -> anyhow::Result<()> {
    let name = std::env::args().nth(1).unwrap_or("lamp".into());
    let mut options = SiteOptions::calm(1);
    options.settings = options.settings.sequential();
    let mut site = Site::new(options)?;
    let key = site.apply(&specs::load(&name)?)?;
    let began = Instant::now();
    let took = site.run_until(Duration::from_secs(15), Duration::from_secs(7200), |site| site.is_ready(&key));
    println!("{}", site.story()?);
    println!("{:?} in {:?}; mutations {:?}", took, began.elapsed(), site.mutations());
    println!("{:?}", site.census());
    let before = site.mutations();
    let began = Instant::now();
    site.run_for(Duration::from_secs(600), Duration::from_secs(7*86400))??;
    println!("seven days in {:?}: {}", began.elapsed(), before == site.mutations());
    for (op, count) in site.mutations() { if before.get(&op) != Some(&count) { println!("{op} {count}"); } }
    println!("{:?}", site.region.world().violations());
    Ok(())
}
