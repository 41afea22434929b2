//! Frames with descriptors over a pair of connected sockets.
//!
//! The sockets keep message boundaries (SOCK_SEQPACKET): a frame comes whole or not at all, so that
//! a child that writes half a frame cannot make its parent wait.

use rustix::io::Errno;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Largest frame in either direction; longer results belong into the output file. Below the
/// smallest send buffer that Linux gives by default (208 KiB), because a frame is sent whole.
pub const FRAME_BYTES_MAX: usize = 128 * 1024;

/// Files that an executor may be given to read for one request.
pub const INPUT_COUNT_MAX: usize = 2;

/// Descriptors that may come with one frame: output and inputs, or a command's three.
const DESCRIPTOR_COUNT_MAX: usize = 1 + INPUT_COUNT_MAX;

/// One end of the pair.
#[derive(Debug)]
pub(crate) struct Channel {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

/// A frame as it came.
#[derive(Debug)]
pub(crate) enum Received<'a> {
    Frame(&'a [u8], Vec<OwnedFd>),
    /// The other end is closed.
    Closed,
}

impl Channel {
    pub(crate) fn new(socket: OwnedFd) -> Channel {
        Channel { socket, buffer: vec![0; FRAME_BYTES_MAX] }
    }

    /// This end, and the socket for the other one.
    pub(crate) fn pair() -> io::Result<(Channel, OwnedFd)> {
        let flags = SocketFlags::CLOEXEC;
        let (ours, theirs) =
            rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
        for socket in [&ours, &theirs] {
            // Some machines are set to a smaller default.
            rustix::net::sockopt::set_socket_send_buffer_size(socket, 2 * FRAME_BYTES_MAX)?;
        }
        Ok((Channel::new(ours), theirs))
    }

    pub(crate) fn send(&self, parts: &[&[u8]], descriptors: &[BorrowedFd<'_>]) -> io::Result<()> {
        let length = parts.iter().map(|part| part.len()).sum::<usize>();
        if length > FRAME_BYTES_MAX {
            let what =
                format!("a frame of {length} bytes, more than the {FRAME_BYTES_MAX} allowed");
            return Err(io::Error::new(io::ErrorKind::InvalidInput, what));
        }
        let slices = parts.iter().map(|part| IoSlice::new(part)).collect::<Vec<_>>();
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTOR_COUNT_MAX))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            let fits = control.push(SendAncillaryMessage::ScmRights(descriptors));
            assert!(fits, "more descriptors than a frame may carry");
        }
        rustix::io::retry_on_intr(|| {
            rustix::net::sendmsg(&self.socket, &slices, &mut control, SendFlags::NOSIGNAL)
        })?;
        Ok(())
    }

    /// The next frame; waits for it.
    pub(crate) fn receive(&mut self) -> io::Result<Received<'_>> {
        let mut space =
            [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(DESCRIPTOR_COUNT_MAX))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let message = rustix::io::retry_on_intr(|| {
            let mut slices = [IoSliceMut::new(&mut self.buffer)];
            let flags = RecvFlags::CMSG_CLOEXEC;
            rustix::net::recvmsg(&self.socket, &mut slices, &mut control, flags)
        })?;
        let mut descriptors = Vec::new();
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(passed) = message {
                descriptors.extend(passed);
            }
        }
        if message.flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return Err(too_long());
        }
        // No frame is empty, so this is the end.
        match message.bytes {
            0 => Ok(Received::Closed),
            length => Ok(Received::Frame(&self.buffer[..length], descriptors)),
        }
    }

    /// The next frame if one is there already, without descriptors: the kernel drops any that a
    /// child sends along.
    pub(crate) fn try_receive(&mut self) -> io::Result<Option<Received<'_>>> {
        let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        let received = rustix::io::retry_on_intr(|| {
            rustix::net::recv(&self.socket, &mut self.buffer[..], flags)
        });
        match received {
            Ok((_, 0)) | Err(Errno::CONNRESET) => Ok(Some(Received::Closed)),
            Ok((_, length)) if length > self.buffer.len() => Err(too_long()),
            Ok((_, length)) => Ok(Some(Received::Frame(&self.buffer[..length], Vec::new()))),
            Err(Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for Channel {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn too_long() -> io::Error {
    let what = format!("a frame above {FRAME_BYTES_MAX} bytes, or with too many descriptors");
    io::Error::new(io::ErrorKind::InvalidData, what)
}
