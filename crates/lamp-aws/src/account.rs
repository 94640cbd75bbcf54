//! Whose account the credentials are of.
//!
//! In another account nothing of ours is found, and would be made again. So an adapter that was told its account asks
//! STS, and calls nothing while the answer is another one. `GetCallerIdentity` needs no permission, and cannot be
//! denied: <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>.

use std::time::Duration;

use lamp_cloud::{CloudError, ErrorClass, Read};
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::answer::{Answer, required};
use crate::errors::failure;

const OPERATION: &str = "GetCallerIdentity";
/// Credentials change in the life of a process: roles are assumed anew, files are written. What only lists waits so
/// long until it is asked again.
const LISTED: Duration = Duration::from_secs(3600);
/// What changes AWS, and what decides that something is gone for good.
const DECIDED: Duration = Duration::from_secs(60);

/// Lets calls pass while the credentials are of the account that is expected.
#[derive(Debug)]
pub(crate) struct Guard {
    expected: String,
    /// The last answer. Who waits for the lock finds that of the one before.
    last: Mutex<Option<(Instant, String)>>,
}

impl Guard {
    pub(crate) fn of(expected: String) -> Self {
        Self { expected, last: Mutex::default() }
    }

    /// # Errors
    /// When the credentials are of another account, or STS does not say.
    pub(crate) async fn before_read(&self, sts: &aws_sdk_sts::Client, read: &Read) -> Result<(), CloudError> {
        let age = if matches!(read, Read::One { .. }) { DECIDED } else { LISTED };
        self.confirm(sts, age).await
    }

    /// # Errors
    /// As [`Guard::before_read`].
    pub(crate) async fn before_change(&self, sts: &aws_sdk_sts::Client) -> Result<(), CloudError> {
        self.confirm(sts, DECIDED).await
    }

    async fn confirm(&self, sts: &aws_sdk_sts::Client, age: Duration) -> Result<(), CloudError> {
        let mut last = self.last.lock().await;
        let known = last.as_ref().filter(|(at, found)| {
            // Nobody waits an hour to be believed again.
            let age = if *found == self.expected { age } else { DECIDED };
            at.elapsed() < age
        });
        let found = match known {
            Some((_, found)) => found.clone(),
            None => {
                let found = ask(sts).await?;
                *last = Some((Instant::now(), found.clone()));
                found
            }
        };
        drop(last);
        if found == self.expected { Ok(()) } else { Err(self.other(&found)) }
    }

    fn other(&self, found: &str) -> CloudError {
        let message = format!(
            "the credentials are of account {found}, and this data directory was made for account {}: nothing is \
             read or changed until they are those of its account again",
            self.expected
        );
        CloudError::new(ErrorClass::Denied, OPERATION, "OtherAccount", message)
    }
}

/// The account that the credentials are of: twelve digits.
///
/// # Errors
/// When STS does not say.
pub(crate) async fn ask(sts: &aws_sdk_sts::Client) -> Answer<String> {
    let answer = sts.get_caller_identity().send().await.map_err(|error| failure(OPERATION, error))?;
    required(OPERATION, "Account", answer.account().map(str::to_owned))
}
