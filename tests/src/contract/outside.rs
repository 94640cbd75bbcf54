//! What the port cannot be asked for: time, and what other people do.

use std::future::Future;

use anyhow::Result;
use lamp_cloud::{HistoryQuery, MetricQuery, ResourceId};

use super::Which;

/// The world outside the port: one implementation for each region that the story is told to.
pub trait Outside {
    /// The region that this is the outside of.
    fn which(&self) -> Which;

    /// Lets a little time pass, simulated or real; false when none is left.
    fn wait(&mut self) -> impl Future<Output = bool>;

    /// The ARN of a certificate that the account has.
    ///
    /// # Errors
    /// When the account cannot be reached. So with all that follow.
    fn certificate(&mut self) -> Result<String>;

    /// Somebody makes a VPC that is none of ours.
    ///
    /// # Errors
    /// As above.
    fn make_vpc(&mut self) -> Result<()>;

    /// Somebody suspends processes of an Auto Scaling group.
    ///
    /// # Errors
    /// As above.
    fn suspend_processes(&mut self, group: &str, processes: &[&str]) -> Result<()>;

    /// Somebody terminates an instance.
    ///
    /// # Errors
    /// As above.
    fn terminate(&mut self, instance: &str) -> Result<()>;

    /// Somebody takes from an instance all tags but those of AWS.
    ///
    /// # Errors
    /// As above.
    fn take_tags(&mut self, instance: &str) -> Result<()>;

    /// Somebody puts a network interface into a subnet; its id.
    ///
    /// # Errors
    /// As above.
    fn make_interface(&mut self, subnet: &str, description: &str) -> Result<ResourceId>;

    /// Somebody removes a network interface.
    ///
    /// # Errors
    /// As above.
    fn remove_interface(&mut self, id: &str) -> Result<()>;

    /// CloudWatch gets a datapoint. A simulated region measures by itself, and takes none.
    ///
    /// # Errors
    /// As above.
    fn measure(&mut self, query: &MetricQuery, value: f64) -> Result<()>;

    /// CloudWatch gets a datapoint of an hour ago. A simulated region measures by itself, and takes none.
    ///
    /// # Errors
    /// As above.
    fn measure_past(&mut self, query: &HistoryQuery, value: f64) -> Result<()>;
}
