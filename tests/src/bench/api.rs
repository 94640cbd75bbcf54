//! Durable writes through the API. The clients run in the same process, and share its processors.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use reqwest::Client;
use tokio::task::JoinSet;

use super::Figures;
use super::serving::{Serving, annotate};

/// Connections at once, each with a stack of its own.
const WRITERS: usize = 16;
const WARM_UP: Duration = Duration::from_millis(500);
const SPAN: Duration = Duration::from_secs(5);

/// Sixteen clients write as fast as they are answered.
///
/// # Errors
/// When a write is refused.
pub async fn measure() -> Result<Figures> {
    let serving = Serving::start().await?;
    let start = Instant::now() + WARM_UP;
    let mut writers = JoinSet::new();
    for number in 0..WRITERS {
        let url = serving.create(&format!("shop-{number}")).await?;
        writers.spawn(write(url, start));
    }
    let mut latencies = Vec::new();
    while let Some(written) = writers.join_next().await {
        latencies.extend(written??);
    }
    latencies.sort_unstable();
    let mut figures = Figures::default();
    #[allow(clippy::cast_precision_loss)]
    figures.add("api.writes_per_s", latencies.len() as f64 / SPAN.as_secs_f64());
    figures.add("api.write_p50_ms", percentile(&latencies, 50)?);
    figures.add("api.write_p99_ms", percentile(&latencies, 99)?);
    Ok(figures)
}

/// Latencies of the writes that began within the span.
async fn write(url: String, start: Instant) -> Result<Vec<Duration>> {
    let client = Client::new();
    let mut latencies = Vec::new();
    for number in 0_u64.. {
        let began = Instant::now();
        if began >= start + SPAN {
            break;
        }
        annotate(&client, &url, &number.to_string()).await?;
        if began >= start {
            latencies.push(began.elapsed());
        }
    }
    Ok(latencies)
}

/// In milliseconds, of sorted values.
fn percentile(sorted: &[Duration], per_cent: usize) -> Result<f64> {
    let index = (sorted.len() * per_cent / 100).min(sorted.len().saturating_sub(1));
    Ok(sorted.get(index).context("nothing was written")?.as_secs_f64() * 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_sorted_values() {
        let values: Vec<Duration> = (1..=200).map(Duration::from_millis).collect();
        assert!((percentile(&values, 50).unwrap() - 101.0).abs() < 1e-9);
        assert!((percentile(&values, 99).unwrap() - 199.0).abs() < 1e-9);
        assert!(percentile(&[], 99).is_err());
    }
}
