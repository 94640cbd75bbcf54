//! A TCP connection that becomes one of TLS, or is told why not.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;

use super::{ClientCertificate, Tls};

/// How long a client may take for it.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// The first byte of each TLS connection: a record of type handshake (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 0x16;

/// What Go's servers say, and what Kubernetes clients therefore know.
const PLAIN_REFUSED: &[u8] =
    b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";

/// How long a client that was refused may take to go away.
const FAREWELL: Duration = Duration::from_secs(1);

/// Makes a TLS connection, and says who the client is if it showed a certificate that names somebody.
///
/// # Errors
/// The client went away, speaks no TLS 1.3, or shows a certificate that we do not trust.
pub(crate) async fn handshake(
    tls: &Tls,
    stream: TcpStream,
) -> io::Result<(TlsStream<TcpStream>, Option<ClientCertificate>)> {
    let mut first = [0];
    if stream.peek(&mut first).await? == 1 && first[0] != HANDSHAKE_RECORD {
        refuse_plain(stream).await?;
        return Err(io::Error::other("the client speaks plain HTTP"));
    }
    let stream = tls.acceptor().accept(stream).await?;
    let certificate = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let client = certificate.and_then(|certificate| match ClientCertificate::read(certificate) {
        Ok(client) => Some(client),
        Err(error) => {
            tracing::debug!(%error, "a client's certificate names nobody");
            None
        }
    });
    Ok((stream, client))
}

/// Answers, and waits until the client has read it: what it sent and nobody read would else break the connection off
/// before the answer is there.
async fn refuse_plain(mut stream: TcpStream) -> io::Result<()> {
    let mut unread = [0; 4096];
    let _ = stream.read(&mut unread).await?;
    stream.write_all(PLAIN_REFUSED).await?;
    stream.shutdown().await?;
    let gone = async { while stream.read(&mut unread).await.is_ok_and(|read| read > 0) {} };
    // One that stays is cut off.
    let _ = timeout(FAREWELL, gone).await;
    Ok(())
}
