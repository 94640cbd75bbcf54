//! How many calls a pass makes that finds nothing to do.

use std::time::Duration;

use crate::support::{Site, lamp};

/// The most calls of ten passes over `stacks` sites that are as they should be.
async fn most_calls(stacks: usize) -> u64 {
    let site = Site::new();
    for number in 0..stacks {
        site.apply(&format!("shop-{number}"), lamp()).await;
    }
    for number in 0..stacks {
        site.come_up(&format!("shop-{number}")).await;
    }
    site.stays(20).await;
    let mut most = 0;
    for _ in 0..10 {
        site.clock.advance(Duration::from_secs(15));
        let before = site.calls();
        site.pass().await;
        most = most.max(site.calls() - before);
    }
    most
}

#[tokio::test]
async fn a_pass_over_one_site_makes_at_most_thirty_calls() {
    assert!(most_calls(1).await <= 30);
}

#[tokio::test]
async fn five_sites_cost_hardly_more_than_one() {
    assert!(most_calls(5).await <= 35);
}

#[tokio::test]
async fn twenty_sites_cost_less_than_three_each() {
    assert!(most_calls(20).await <= 60);
}
