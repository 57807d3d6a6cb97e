//! The standard streams without a thread in between, where they are what clients make them: pipes or sockets.
//!
//! tokio reads and writes standard streams in threads of its own, which takes two wake-ups more in each direction. Files and
//! terminals cannot be waited for in any other way.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// Where messages come from.
pub(crate) type Input = Box<dyn AsyncRead + Send + Unpin>;
/// Where answers go.
pub(crate) type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Both, until this is dropped. Whoever else holds the other end of a pipe notices nothing; who has the same end, such as a
/// shell that started this in its own pipeline, finds it as it was.
pub(crate) struct Streams {
    before: Vec<(OwnedFd, OFlags)>,
}

impl Streams {
    /// Open stdin and stdout.
    ///
    /// # Errors
    /// One of them is closed.
    pub(crate) fn open() -> io::Result<(Input, Output, Self)> {
        let mut streams = Self { before: Vec::new() };
        let (stdin, stdout) = (io::stdin(), io::stdout());
        let input: Input = match streams.kind(stdin.as_fd())? {
            FileType::Fifo => Box::new(pipe::Receiver::from_owned_fd(stdin.as_fd().try_clone_to_owned()?)?),
            FileType::Socket => Box::new(socket(stdin.as_fd())?),
            _ => Box::new(tokio::io::stdin()),
        };
        let output: Output = match streams.kind(stdout.as_fd())? {
            FileType::Fifo => Box::new(pipe::Sender::from_owned_fd(stdout.as_fd().try_clone_to_owned()?)?),
            FileType::Socket => Box::new(socket(stdout.as_fd())?),
            _ => Box::new(tokio::io::stdout()),
        };
        Ok((input, output, streams))
    }

    /// What a stream is, if it may be told not to block. How it was is kept before.
    fn kind(&mut self, stream: BorrowedFd<'_>) -> io::Result<FileType> {
        let own = fstat(stream)?;
        // Without a stderr nothing is written to it.
        let log = fstat(io::stderr()).map(|log| (log.st_dev, log.st_ino));
        if log == Ok((own.st_dev, own.st_ino)) {
            // The log goes there, too (`2>&1`), and whoever writes it expects to wait.
            return Ok(FileType::Unknown);
        }
        let kind = FileType::from_raw_mode(own.st_mode);
        if matches!(kind, FileType::Fifo | FileType::Socket) {
            self.before.push((stream.try_clone_to_owned()?, fcntl_getfl(stream)?));
        }
        Ok(kind)
    }
}

impl Drop for Streams {
    fn drop(&mut self) {
        // The last first: both may be one socket, and the first saw it as it was.
        for (stream, flags) in self.before.iter().rev() {
            let _ = fcntl_setfl(stream, *flags);
        }
    }
}

fn socket(stream: BorrowedFd<'_>) -> io::Result<UnixStream> {
    let stream = std::os::unix::net::UnixStream::from(stream.try_clone_to_owned()?);
    stream.set_nonblocking(true)?;
    UnixStream::from_std(stream)
}
