//! A stream that knows whether the other side has said anything yet.
//!
//! TLS 1.3 lets a client finish its handshake before the server has looked at its certificate. A server that refuses it
//! says so and hangs up, and it is chance whether this side meets the alert first or a pipe that is broken.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Goes on after what went wrong with a link on which nothing was heard.
const PERHAPS: &str = "before the server said anything; one side may not trust the other's certificate: \
                       check the CA (--ca) and the certificate (--cert)";

/// Makes errors that come before the first octet of the other side say what may be behind them.
pub(super) struct Heard<S> {
    stream: S,
    heard: bool,
}

impl<S: AsyncRead + Unpin> Heard<S> {
    pub(super) fn new(stream: S) -> Self {
        Self {
            stream,
            heard: false,
        }
    }

    fn explain(&self, error: io::Error) -> io::Error {
        if self.heard
            || error
                .get_ref()
                .is_some_and(|cause| cause.is::<rustls::Error>())
        {
            return error;
        }
        io::Error::new(error.kind(), format!("{error} {PERHAPS}"))
    }

    /// Why nothing more can be written: the other side may have said it before it hung up.
    fn why(&mut self, context: &mut Context<'_>, error: io::Error) -> io::Error {
        if self.heard {
            return error;
        }
        let mut octet = [0];
        let said = Pin::new(&mut self.stream).poll_read(context, &mut ReadBuf::new(&mut octet));
        match said {
            Poll::Ready(Err(alert)) => self.explain(alert),
            Poll::Ready(Ok(())) | Poll::Pending => self.explain(error),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Heard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let read = ready!(Pin::new(&mut self.stream).poll_read(context, buffer));
        let ended = read.is_ok() && buffer.filled().len() == before && room > 0;
        if ended && !self.heard {
            let end = io::Error::new(io::ErrorKind::UnexpectedEof, "the link ended");
            return Poll::Ready(Err(self.explain(end)));
        }
        self.heard |= read.is_ok() && !ended;
        Poll::Ready(read.map_err(|error| self.explain(error)))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Heard<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, octets));
        Poll::Ready(written.map_err(|error| self.why(context, error)))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = ready!(Pin::new(&mut self.stream).poll_write_vectored(context, slices));
        Poll::Ready(written.map_err(|error| self.why(context, error)))
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = ready!(Pin::new(&mut self.stream).poll_flush(context));
        Poll::Ready(flushed.map_err(|error| self.why(context, error)))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// A pipe of which only one end is in use, and an alert that may wait in it.
    struct Pipe(Option<rustls::Error>);

    impl AsyncRead for Pipe {
        fn poll_read(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            match self.0.take() {
                Some(alert) => Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, alert))),
                None => Poll::Pending,
            }
        }
    }

    impl AsyncWrite for Pipe {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    async fn writing(alert: Option<rustls::Error>) -> String {
        let mut link = Heard::new(Pipe(alert));
        link.write_all(b"preface").await.unwrap_err().to_string()
    }

    #[tokio::test]
    async fn a_pipe_that_breaks_before_the_first_word_says_what_may_be_behind_it() {
        let told = writing(None).await;
        assert!(
            told.starts_with("broken pipe before the server said anything"),
            "{told}"
        );
        assert!(told.contains("--ca") && told.contains("--cert"), "{told}");
    }

    #[tokio::test]
    async fn an_alert_that_waits_behind_the_broken_pipe_is_told_as_it_is() {
        let alert = rustls::Error::AlertReceived(rustls::AlertDescription::UnknownCA);
        assert_eq!(
            writing(Some(alert)).await,
            "received fatal alert: UnknownCA"
        );
    }

    #[tokio::test]
    async fn an_end_says_so_before_the_first_word_only() {
        let (near, far) = duplex(64);
        drop(far);
        let told = Heard::new(near).read_u8().await.unwrap_err().to_string();
        assert!(told.contains("--cert"), "{told}");

        let (near, mut far) = duplex(64);
        far.write_u8(7).await.unwrap();
        drop(far);
        let mut link = Heard::new(near);
        assert_eq!(link.read_u8().await.unwrap(), 7);
        assert!(link.read_to_end(&mut Vec::new()).await.is_ok());
        let told = link.write_all(b"more").await.unwrap_err().to_string();
        assert!(!told.contains("--cert"), "{told}");
    }
}
