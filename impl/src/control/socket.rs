//! The socket itself: where it is, and who may use it.

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use rustix::fs::{Mode, fchmod};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use rustix::net::{bind, connect, listen, socket_with};

use super::SOCKET;

/// How many connections may wait to be accepted.
const BACKLOG: i32 = 64;

/// Where the socket of a directory is: a name that is not too long for the system, as long as the
/// open directory that comes with it is kept.
fn address(directory: &Path) -> io::Result<(SocketAddrUnix, Option<File>)> {
    if let Ok(address) = SocketAddrUnix::new(directory.join(SOCKET)) {
        return Ok((address, None));
    }
    let open = File::open(directory)?;
    let short = format!("/proc/self/fd/{}/{SOCKET}", open.as_raw_fd());
    Ok((SocketAddrUnix::new(short)?, Some(open)))
}

fn new(flags: SocketFlags) -> io::Result<OwnedFd> {
    let flags = flags | SocketFlags::CLOEXEC;
    Ok(socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?)
}

/// Listens in this directory, in place of whoever did before. Only for the process that holds its
/// lock.
pub(super) fn listener(directory: &Path) -> io::Result<UnixListener> {
    match std::fs::remove_file(directory.join(SOCKET)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let socket = new(SocketFlags::NONBLOCK)?;
    // Before it has a name: so there is no moment at which others may use it.
    fchmod(&socket, Mode::RUSR | Mode::WUSR)?;
    let (address, _open) = address(directory)?;
    bind(&socket, &address)?;
    listen(&socket, BACKLOG)?;
    Ok(socket.into())
}

/// Connects to the node of this directory. It never waits, not even for a node that is stopped.
pub(crate) fn stream(directory: &Path) -> io::Result<UnixStream> {
    let socket = new(SocketFlags::NONBLOCK)?;
    let (address, _open) = address(directory)?;
    connect(&socket, &address)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}
