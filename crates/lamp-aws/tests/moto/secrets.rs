//! Secrets.

use lamp_cloud::kinds::secret::Secret;
use lamp_cloud::{DeleteOptions, ErrorClass, Kind};

use crate::account::{Account, body, tags};

fn wanted() -> Secret {
    Secret { description: "master password".into(), username: "admin".into() }
}

#[tokio::test]
async fn secret() {
    let account = Account::new("sa-east-1").await;
    let id = account.create("secret", "ll-shop-db", wanted()).await;
    let row = account.one(Kind::Secret, &id).await;
    assert_eq!((row.name.as_str(), &row.tags), ("ll-shop-db", &tags("secret")));
    assert_eq!(body!(row, Secret).description, "master password");

    let text = account.python(
        "import boto3; print(boto3.client('secretsmanager').get_secret_value(SecretId='ll-shop-db')['SecretString'])",
    );
    let login: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(login["username"], "admin");
    assert_eq!(login["password"].as_str().map(str::len), Some(40));

    account.tag(Kind::Secret, &id).await;
    assert!(account.one(Kind::Secret, &id).await.tags.contains_key("extra"));

    let again = account.try_create("secret", "ll-shop-db", wanted()).await.expect_err("it exists");
    assert_eq!(again.class, ErrorClass::AlreadyExists);

    account.delete(Kind::Secret, &id).await;
    assert!(account.find(Kind::Secret, &id).await.is_none(), "one that waits for its deletion is left out");
}

#[tokio::test]
async fn a_secret_can_be_deleted_at_once() {
    let account = Account::new("ca-central-1").await;
    let id = account.create("secret", "ll-shop-db", wanted()).await;
    let options = DeleteOptions { without_recovery: true, ..DeleteOptions::default() };
    account.try_delete(Kind::Secret, &id, options).await.expect("deleted");
    account.create("secret", "ll-shop-db", wanted()).await;
}

#[tokio::test]
async fn another_installations_secret_is_not_listed() {
    let account = Account::new("ap-northeast-3").await;
    account.python("import boto3; boto3.client('secretsmanager').create_secret(Name='x', SecretString='y')");
    assert!(account.list(Kind::Secret).await.is_empty());
}
