//! The master password of a database, and the secret that keeps it. Nothing here can be printed.

use lamp_cloud::{CloudError, ErrorClass};
use rand::TryRngCore;
use rand::rngs::OsRng;
use serde::{Deserialize, Serialize};

/// RDS for MySQL takes 8 to 41 characters; of 64 kinds each, 40 hold 240 bits.
const LENGTH: usize = 40;

/// 64 characters, so that six bits choose one evenly. RDS refuses `/`, `@`, `"` and spaces.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What the secret holds: the form that AWS's own rotation functions and drivers read.
#[derive(Serialize, Deserialize)]
pub(crate) struct Login {
    username: String,
    password: String,
}

impl Login {
    /// A new password, drawn from the operating system's randomness.
    pub(crate) fn generate(operation: &str, username: &str) -> Result<Self, CloudError> {
        let mut bytes = [0; LENGTH];
        OsRng.try_fill_bytes(&mut bytes).map_err(|error| {
            CloudError::new(ErrorClass::State, operation, "NoRandomness", error.to_string())
        })?;
        let password = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 63)])).collect();
        Ok(Self { username: username.to_owned(), password })
    }

    /// The secret's text.
    pub(crate) fn to_secret(&self, operation: &str) -> Result<String, CloudError> {
        serde_json::to_string(self).map_err(|_| unreadable(operation))
    }

    /// Reads a secret's text. The parser's complaint is dropped: it may quote what it read.
    pub(crate) fn from_secret(operation: &str, text: &str) -> Result<Self, CloudError> {
        serde_json::from_str(text).map_err(|_| unreadable(operation))
    }

    pub(crate) fn password(&self) -> &str {
        &self.password
    }
}

fn unreadable(operation: &str) -> CloudError {
    let message = "the secret does not hold a JSON object with the strings username and password";
    CloudError::new(ErrorClass::Invalid, operation, "SecretUnreadable", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_long_plain_and_never_the_same() {
        let draw = || Login::generate("CreateSecret", "admin").expect("randomness").password;
        let first = draw();
        assert_eq!(first.len(), LENGTH);
        assert!(first.bytes().all(|byte| ALPHABET.contains(&byte)), "an odd character");
        assert!(first != draw(), "drawn twice");
    }

    #[test]
    fn a_secret_reads_back_as_it_was_written() {
        let login = Login::generate("CreateSecret", "admin").expect("randomness");
        let text = login.to_secret("CreateSecret").expect("text");
        let read = Login::from_secret("GetSecretValue", &text).expect("login");
        assert!(read.password == login.password && read.username == "admin");
    }

    #[test]
    fn an_unreadable_secret_is_not_quoted() {
        let error = Login::from_secret("GetSecretValue", "hunter2").err().expect("an error");
        assert!(!format!("{error:?} {error}").contains("hunter2"));
    }
}
