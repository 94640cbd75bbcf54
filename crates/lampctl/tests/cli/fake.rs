//! A server that answers each request by a function, and remembers what it was asked.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) table: bool,
    /// Each header on a line, in lower case.
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Asked {
    pub(crate) fn is(&self, method: &str, path_end: &str) -> bool {
        self.method == method && self.path.ends_with(path_end)
    }

    pub(crate) fn is_watch(&self) -> bool {
        self.query.contains("watch=true")
    }
}

/// Code and lines of the body.
pub(crate) type Reply = (u16, Vec<Value>);

pub(crate) struct Fake {
    pub(crate) address: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// What a connection is answered by.
trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

impl Fake {
    /// Serves until the test ends.
    pub(crate) fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        Self::serve("http", |stream| Box::new(stream), answer)
    }

    /// Serves TLS with a certificate that stands for itself; gives it as well, in PEM.
    pub(crate) fn start_tls(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> (Self, String) {
        let issued = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let key = rustls::pki_types::PrivateKeyDer::try_from(issued.signing_key.serialize_der()).unwrap();
        let config = rustls::ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![issued.cert.der().clone()], key)
            .unwrap();
        let config = Arc::new(config);
        let secure = move |stream| -> Box<dyn Stream> {
            let session = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            Box::new(rustls::StreamOwned::new(session, stream))
        };
        (Self::serve("https", secure, answer), issued.cert.pem())
    }

    fn serve(
        scheme: &str,
        open: impl Fn(TcpStream) -> Box<dyn Stream> + Send + Sync + 'static,
        answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("{scheme}://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, answer, open) = (Arc::clone(&asked), Arc::new(answer), Arc::new(open));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (log, answer, open) = (Arc::clone(&log), Arc::clone(&answer), Arc::clone(&open));
                std::thread::spawn(move || serve(&mut *open(stream.unwrap()), &log, answer.as_ref()));
            }
        });
        Self { address, asked }
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: &mut dyn Stream, log: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked) -> Reply) {
    let Some(asked) = read(stream) else { return };
    log.lock().unwrap().push(asked.clone());
    let (code, lines) = answer(&asked);
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let length = body.len();
    let head = format!(
        "HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    // A client that went away, as after `| head`, is none of our business.
    let _ = stream.write_all((head + &body).as_bytes());
}

fn read(stream: &mut dyn Stream) -> Option<Asked> {
    let mut reader = BufReader::new(stream);
    let mut first = String::new();
    reader.read_line(&mut first).ok()?;
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut table, mut head) = (0, false, String::new());
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let line = line.trim().to_ascii_lowercase();
        if line.is_empty() {
            break;
        }
        if let Some(text) = line.strip_prefix("content-length:") {
            length = text.trim().parse().ok()?;
        }
        head += &format!("{line}\n");
        table |= line.starts_with("accept:") && line.contains("as=table");
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Asked { method, path: path.to_owned(), query: query.to_owned(), table, head, body })
}

pub(crate) fn ok(value: Value) -> Reply {
    (200, vec![value])
}

pub(crate) fn list(items: &[Value]) -> Reply {
    ok(json!({"kind": "LampStackList", "apiVersion": "lamplighter.dev/v1alpha1",
              "metadata": {"resourceVersion": "7"}, "items": items}))
}

/// A refusal as the API words it.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Reply {
    (
        code,
        vec![json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                       "message": message, "reason": reason, "code": code})],
    )
}

pub(crate) fn not_found() -> Reply {
    status(404, "NotFound", "lampstacks.lamplighter.dev \"shop\" not found")
}

/// A stack with these conditions.
pub(crate) fn stack(conditions: &[(&str, &str)]) -> Value {
    let conditions: Vec<Value> = conditions
        .iter()
        .map(|(kind, status)| {
            json!({"type": kind, "status": status, "reason": "Because", "message": "of the test",
                   "observedGeneration": 1, "lastTransitionTime": "2026-11-20T10:00:00Z"})
        })
        .collect();
    json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack",
           "metadata": {"name": "shop", "namespace": "default", "generation": 1, "resourceVersion": "7", "uid": "u"},
           "spec": {"region": "eu-central-1"},
           "status": {"observedGeneration": 1, "summary": "as the test says", "conditions": conditions,
                      "parts": [{"part": "vpc", "kind": "Vpc", "state": "Ready"}],
                      "waiting": [{"part": "vpc", "reason": "raise the quota", "blocked": true}]}})
}
