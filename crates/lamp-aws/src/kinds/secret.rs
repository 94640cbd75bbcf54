//! Secrets, named by ARN. A secret is made with a password of our own drawing, which is read once more to make the
//! database, and is known to nobody else. See [`crate::password`].

use aws_sdk_secretsmanager::types::{Filter, FilterNameStringType, SecretListEntry};
use data_encoding::HEXLOWER;
use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::{Applied, DeleteOptions, Page, Resource, State, Tags, tag};
use sha2::{Digest, Sha256};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, page_of, required, timestamp};
use crate::errors::failure;
use crate::password::Login;
use crate::tags::{self, Whose};

const LIST: &str = "ListSecrets";
const DESCRIBE: &str = "DescribeSecret";
const READ: &str = "GetSecretValue";
const CREATE: &str = "CreateSecret";

/// How long a deleted secret can be restored.
const RECOVERY_DAYS: i64 = 7;

/// Secrets that wait for their deletion are left out.
pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let filter = |key, value: &str| Filter::builder().key(key).values(value).build();
    let ours = || {
        let (key, value) = (FilterNameStringType::TagKey, FilterNameStringType::TagValue);
        vec![filter(key, tag::INSTALL), filter(value, &cloud.install)]
    };
    let call = cloud
        .reads
        .secrets
        .list_secrets()
        .set_filters((whose == Whose::Ours).then(ours))
        .max_results(100)
        .set_next_token(page);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    let kept = answer.secret_list().iter().filter(|row| row.deleted_date().is_none());
    let rows = kept.map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know; one that is deleted, but can be restored, is none.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let call = cloud.reads.secrets.describe_secret().secret_id(id);
    let answer = call.send().await.map_err(|error| failure(DESCRIBE, error))?;
    if answer.deleted_date().is_some() {
        return Ok(Vec::new());
    }
    let row = SecretListEntry::builder()
        .set_arn(answer.arn)
        .set_name(answer.name)
        .set_description(answer.description)
        .set_tags(answer.tags)
        .set_created_date(answer.created_date)
        .build();
    Ok(vec![resource(&row)?])
}

/// The user name stays in the secret: to show it would mean to read the password.
fn resource(row: &SecretListEntry) -> Answer<Resource> {
    let id = required(LIST, "ARN", row.arn.clone())?;
    let body = Secret { description: row.description.clone().unwrap_or_default(), username: String::new() };
    Ok(Resource {
        name: row.name.clone().unwrap_or_else(|| id.clone()),
        id,
        tags: tags::from_secrets(row.tags()),
        state: State::Ready,
        body: body.into(),
        created_at: timestamp(row.created_date()),
    })
}

/// Reads what a secret holds. For the creation of a database, and for nothing else.
pub(super) async fn login(cloud: &AwsCloud, id: &str) -> Answer<Login> {
    let call = cloud.reads.secrets.get_secret_value().secret_id(id);
    let answer = call.send().await.map_err(|error| failure(READ, error))?;
    Login::from_secret(READ, required(READ, "SecretString", answer.secret_string())?)
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &Secret) -> Answer<Applied> {
    let login = Login::generate(CREATE, &body.username)?;
    let call = cloud
        .mutations
        .secrets
        .create_secret()
        .name(creation.name)
        .description(&body.description)
        .client_request_token(client_token(creation.token))
        .secret_string(login.to_secret(CREATE)?)
        .set_tags(Some(tags::to_secrets(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.arn(), &answer)
}

/// Secrets Manager takes tokens of 32 to 64 characters; others are made into one by their digest.
fn client_token(token: &str) -> String {
    match token.len() {
        32..=64 => token.to_owned(),
        _ => HEXLOWER.encode(&Sha256::digest(token)),
    }
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str, options: &DeleteOptions) -> Answer<Applied> {
    let call = cloud.mutations.secrets.delete_secret().secret_id(id);
    let call = match options.without_recovery {
        true => call.force_delete_without_recovery(true),
        false => call.recovery_window_in_days(RECOVERY_DAYS),
    };
    let answer = call.send().await.map_err(|error| failure("DeleteSecret", error))?;
    Ok(done(&answer))
}

pub(crate) async fn write_tags(cloud: &AwsCloud, id: &str, tags: &Tags) -> Answer<Applied> {
    let call = cloud.mutations.secrets.tag_resource().secret_id(id).set_tags(Some(tags::to_secrets(tags)));
    let answer = call.send().await.map_err(|error| failure("TagResource", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_fit_secrets_manager_and_stay_the_same() {
        let ours = "a".repeat(32);
        assert_eq!(client_token(&ours), ours);
        for odd in ["short", &"x".repeat(65)] {
            let token = client_token(odd);
            assert_eq!((token.len(), &token), (64, &client_token(odd)));
        }
    }
}
