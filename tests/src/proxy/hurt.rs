//! A wire that hurts a share of all calls, each in a way drawn from a seed.

use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use hyper::body::Bytes;
use hyper::{Response, StatusCode};
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Call, Verdict};

/// How a call is hurt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hurt {
    /// AWS refuses it, as there were too many.
    Throttled,
    /// It takes longer than usual.
    Slow,
    /// AWS never hears of it.
    LostRequest,
    /// AWS carries it out, and the reply is lost.
    LostReply,
    /// AWS carries it out, and the connection ends in the middle of the reply.
    CutReply,
    /// A server of AWS fails before it does anything.
    ServerError,
    /// Something between answers in AWS's stead, with success.
    Nonsense,
}

impl Hurt {
    /// Every way.
    pub const ALL: [Self; 7] = [
        Self::Throttled,
        Self::Slow,
        Self::LostRequest,
        Self::LostReply,
        Self::CutReply,
        Self::ServerError,
        Self::Nonsense,
    ];

    /// What becomes of a call that is hurt so.
    pub fn verdict(self, call: &Call) -> Verdict {
        match self {
            Self::Throttled => Verdict::Answer(throttled(&call.service)),
            Self::Slow => Verdict::Delay(Duration::from_millis(300)),
            Self::LostRequest => Verdict::DropRequest,
            Self::LostReply => Verdict::DropReply,
            Self::CutReply => Verdict::CutReply,
            Self::ServerError => Verdict::Answer(answer(StatusCode::INTERNAL_SERVER_ERROR, "")),
            Self::Nonsense => Verdict::Answer(answer(StatusCode::OK, "<html><p>Please log in.</p></html>")),
        }
    }
}

/// Draws who is hurt, and how. The same seed draws the same for the same order of calls.
pub struct Dice {
    share: f64,
    random: Mutex<ChaCha8Rng>,
}

impl fmt::Debug for Dice {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dice").field("share", &self.share).finish_non_exhaustive()
    }
}

impl Dice {
    /// `share` of all calls is hurt, from 0 to 1.
    pub fn new(seed: u64, share: f64) -> Self {
        Self { share: share.clamp(0.0, 1.0), random: Mutex::new(ChaCha8Rng::seed_from_u64(seed)) }
    }

    /// How the next call is hurt, if it is.
    pub fn draw(&self) -> Option<Hurt> {
        let mut random = self.random.lock().unwrap_or_else(PoisonError::into_inner);
        let hurt = random.random_bool(self.share);
        if hurt { Hurt::ALL.choose(&mut *random).copied() } else { None }
    }
}

fn answer(status: StatusCode, body: &'static str) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::from_static(body.as_bytes()));
    *answer.status_mut() = status;
    answer
}

/// In the words of the service's protocol: EC2, JSON, CBOR (of which the status alone says it), and AWS query.
fn throttled(service: &str) -> Response<Bytes> {
    match service {
        "ec2" => answer(
            StatusCode::SERVICE_UNAVAILABLE,
            "<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>Request limit exceeded.</Message>\
             </Error></Errors><RequestID>1</RequestID></Response>",
        ),
        "secretsmanager" => answer(
            StatusCode::BAD_REQUEST,
            r#"{"__type": "ThrottlingException", "message": "Rate exceeded"}"#,
        ),
        "monitoring" => answer(StatusCode::TOO_MANY_REQUESTS, ""),
        _ => answer(
            StatusCode::BAD_REQUEST,
            "<ErrorResponse><Error><Type>Sender</Type><Code>Throttling</Code><Message>Rate exceeded</Message></Error>\
             <RequestId>1</RequestId></ErrorResponse>",
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn about_the_share_is_hurt_and_every_way_is_drawn() {
        let dice = Dice::new(1, 0.2);
        let drawn: Vec<_> = (0..10_000).filter_map(|_| dice.draw()).collect();
        assert!((1_900..2_100).contains(&drawn.len()), "{}", drawn.len());
        assert_eq!(drawn.iter().collect::<BTreeSet<_>>().len(), Hurt::ALL.len());
    }

    #[test]
    fn a_seed_draws_the_same_again() {
        let draws = |seed| {
            let dice = Dice::new(seed, 0.5);
            (0..100).map(|_| dice.draw()).collect::<Vec<_>>()
        };
        assert_eq!(draws(7), draws(7));
        assert_ne!(draws(7), draws(8));
    }
}
