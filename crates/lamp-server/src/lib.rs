//! The Kubernetes-style REST API over a store: kubectl, k9s and every Kubernetes client drive it.
//!
//! It decodes, defaults, validates and stores what people want, and streams what changed. It must not know AWS,
//! planning or reconciling: the controller is met in the store and nowhere else. axum lives here and nowhere else.
//!
//! | file | is |
//! |---|---|
//! | `connections`, `tls` | what requests come in on |
//! | `routes` | the whole URL table |
//! | `path`, `parameters`, `negotiate` | what a request asks for |
//! | `handlers` | one file per verb |
//! | `objects` | what happens to an object between the wire and the store |
//! | `patch`, `selector`, `table`, `watch` | the forms in which objects are changed, chosen, shown and streamed |
//! | `fields` | who owns which field of an object, and what an apply makes of it |
//! | `yaml` | an object as YAML |
//! | `access` | who may do what |
//! | `discovery`, `openapi` | what the API says about itself |
//! | `namespaces` | the life of namespaces |
//! | `error` | the only place where an error becomes HTTP |

mod access;
mod age;
mod connections;
mod continuation;
mod discovery;
mod error;
mod fields;
mod handlers;
mod limits;
mod listen;
mod metrics;
mod namespaces;
mod negotiate;
mod objects;
mod openapi;
mod parameters;
mod patch;
mod path;
mod protobuf;
mod respond;
mod routes;
mod selector;
mod server;
mod table;
mod tables;
mod tls;
mod watch;
mod yaml;

pub use connections::{Security, serve};
pub use limits::Limits;
pub use listen::{ListenError, check_listen};
pub use server::{Clock, Dependencies, MetricsText, Readiness, Server};
pub use tls::{CertificateFiles, OwnCertificates, ServerNames, Tls, TlsError, TlsSources};
