//! Sends and receives on a plain TCP connection.

use std::io;
use std::task::{Context, Poll};

use tokio::net::TcpStream;

/// Without the C library, which prepares each such call to be cancelled, and without asking tokio whether there is room
/// before a request goes out: there is.
#[cfg(target_os = "linux")]
mod calls {
    use std::task::ready;

    use rustix::net::{RecvFlags, SendFlags, recv, send};
    use tokio::io::Interest;

    use super::{Context, Poll, TcpStream, io};

    pub(in crate::load::http) fn poll_receive(
        tcp: &mut TcpStream,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        let tcp = &*tcp;
        loop {
            ready!(tcp.poll_read_ready(context))?;
            let mut received = None;
            let outcome = tcp.try_io(Interest::READABLE, || {
                let (_, count) = recv(tcp, &mut *buffer, RecvFlags::empty())?;
                received = Some(count);
                // Less than there was room for: the connection is empty, so tokio forgets that it was readable, which saves
                // a vain call per response.
                if 0 < count && count < buffer.len() {
                    return Err(io::ErrorKind::WouldBlock.into());
                }
                Ok(())
            });
            if let Some(count) = received {
                return Poll::Ready(Ok(count));
            }
            match outcome {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                    return Poll::Ready(Err(error));
                }
                Ok(()) | Err(_) => {}
            }
        }
    }

    #[expect(
        clippy::inline_always,
        reason = "each return after a system call is mispredicted"
    )]
    #[inline(always)]
    pub(in crate::load::http) fn poll_send(
        tcp: &mut TcpStream,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let tcp = &*tcp;
        let transmit = || send(tcp, bytes, SendFlags::NOSIGNAL).map_err(io::Error::from);
        let mut sent = transmit();
        while matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            ready!(tcp.poll_write_ready(context))?;
            sent = tcp.try_io(Interest::WRITABLE, transmit);
        }
        Poll::Ready(sent)
    }
}

#[cfg(not(target_os = "linux"))]
mod calls {
    use std::pin::Pin;

    use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

    use super::{Context, Poll, TcpStream, io};

    pub(in crate::load::http) fn poll_receive(
        tcp: &mut TcpStream,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<usize>> {
        // tokio forgets readiness after a read that did not fill the buffer, which saves a vain read per response.
        let mut buffer = ReadBuf::new(buffer);
        let read = Pin::new(tcp).poll_read(context, &mut buffer);
        read.map_ok(|()| buffer.filled().len())
    }

    pub(in crate::load::http) fn poll_send(
        tcp: &mut TcpStream,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(tcp).poll_write(context, bytes)
    }
}

pub(super) use calls::{poll_receive, poll_send};

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use tokio::net::TcpListener;

    use super::*;

    /// Two ends of one connection.
    async fn connection() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(address), listener.accept());
        (near.unwrap(), far.unwrap().0)
    }

    /// Sends all of it, then closes; returns how many calls that took.
    async fn send_all(mut tcp: TcpStream, bytes: &[u8]) -> usize {
        let (mut sent, mut calls) = (0, 0);
        while sent < bytes.len() {
            let rest = &bytes[sent..];
            sent += poll_fn(|context| poll_send(&mut tcp, context, rest))
                .await
                .unwrap();
            calls += 1;
        }
        calls
    }

    /// Receives until the other end closes, in pieces of `size` at most.
    async fn receive_all(mut tcp: TcpStream, size: usize) -> Vec<u8> {
        let (mut buffer, mut received) = (vec![0; size], Vec::new());
        loop {
            let count = poll_fn(|context| poll_receive(&mut tcp, context, &mut buffer))
                .await
                .unwrap();
            if count == 0 {
                return received;
            }
            received.extend_from_slice(&buffer[..count]);
        }
    }

    #[tokio::test]
    async fn what_is_longer_than_the_system_holds_arrives_whole() {
        let bytes: Vec<u8> = (0..16 << 20).map(|n: u32| (n % 251) as u8).collect();
        let (near, far) = connection().await;
        let (calls, received) = tokio::join!(send_all(near, &bytes), receive_all(far, 64 << 10));
        assert!(calls > 1, "sent in one piece");
        assert!(received == bytes);
    }

    #[tokio::test]
    async fn only_a_filled_buffer_is_read_again() {
        for size in [1, 7, 512, 1024, 4096] {
            let (mut near, far) = connection().await;
            let talk = async {
                for _ in 0..20 {
                    let sent = poll_fn(|context| poll_send(&mut near, context, &[7; 1024])).await;
                    assert_eq!(sent.unwrap(), 1024);
                    tokio::time::sleep(std::time::Duration::from_millis(1)).await;
                }
                drop(near);
            };
            let ((), received) = tokio::join!(talk, receive_all(far, size));
            assert_eq!(received, vec![7; 20 * 1024], "by {size}");
        }
    }

    #[tokio::test]
    async fn a_connection_that_was_reset_is_an_error_on_both_ways() {
        let (mut near, far) = connection().await;
        // What was not read is lost with the connection, which the other end is told by a reset.
        near.writable().await.unwrap();
        near.try_write(b"unread").unwrap();
        far.readable().await.unwrap();
        drop(far);
        let mut buffer = [0; 16];
        let received = poll_fn(|context| poll_receive(&mut near, context, &mut buffer)).await;
        let error = received.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let sent = poll_fn(|context| poll_send(&mut near, context, b"x")).await;
        assert_eq!(sent.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
