//! What each request does: one file for each family.

mod attach;
mod attributes;
mod bind;
mod connect;
mod create;
mod data;
mod directory;
mod locks;
mod moves;
mod open;
mod walk;
mod watch;
mod xattr;

use abi::Errno;
use ninep::Request;
use ninep::version::Dialect;

use crate::session::{Answer, Session};

/// Carries out one request and writes its reply.
///
/// # Errors
/// What the client is told, if no reply was written.
pub(crate) fn handle(
    session: &mut Session,
    request: Request<'_>,
    answer: &mut Answer<'_>,
) -> Result<(), Errno> {
    use Request as R;
    // Nothing but the version request comes before the dialect is agreed on.
    let dialect = match (&request, session.dialect) {
        (R::Version(_), _) => Dialect::Base,
        (_, Some(dialect)) => dialect,
        (_, None) => return Err(Errno::EPROTO),
    };
    match request {
        R::Version(request) => attach::version(session, &request, answer),
        // No authentication is required: what diod's clients take it for.
        R::Auth(_) => Err(Errno::ENOENT),
        R::Attach(request) => attach::attach(session, &request, answer),
        R::Flush(request) => attach::flush(&request, answer),
        R::Clunk(request) => attach::clunk(session, &request, answer),
        R::StatFs(request) => attach::statfs(session, &request, answer),
        R::Walk(request) => walk::walk(session, &request, answer),
        R::Lopen(request) => open::open(session, &request, answer),
        R::Lcreate(request) => create::lcreate(session, &request, answer),
        R::Mkdir(request) => create::mkdir(session, &request, answer),
        R::Mknod(request) => create::mknod(session, &request, answer),
        R::Symlink(request) => create::symlink(session, &request, answer),
        R::Read(request) => data::read(session, &request, answer),
        R::Write(request) => data::write(session, &request, answer),
        R::Fsync(request) => data::fsync(session, &request, answer),
        R::Readdir(request) => directory::readdir(session, &request, answer),
        R::Readlink(request) => attributes::readlink(session, &request, answer),
        R::Getattr(request) => attributes::getattr(session, &request, answer),
        R::Setattr(request) => attributes::setattr(session, &request, answer),
        R::Link(request) => moves::link(session, &request, answer),
        R::Rename(request) => moves::rename(session, &request, answer),
        R::Renameat(request) => moves::renameat(session, &request, answer),
        R::Unlinkat(request) => moves::unlinkat(session, &request, answer),
        R::Remove(request) => moves::remove(session, &request, answer),
        R::Xattrwalk(request) => xattr::walk(session, &request, answer),
        R::Xattrcreate(request) => xattr::create(session, &request, answer),
        R::Lock(request) => locks::lock(session, &request, answer),
        R::Getlock(request) => locks::getlock(session, &request, answer),
        _ if dialect != Dialect::Extended => Err(Errno::EOPNOTSUPP),
        R::Walkattr(request) => walk::walkattr(session, &request, answer),
        R::Donate(request) => open::donate(session, &request, answer),
        R::Createfile(request) => create::createfile(session, &request, answer),
        R::Createunnamed(request) => create::createunnamed(session, &request, answer),
        R::Makenode(request) => create::makenode(session, &request, answer),
        R::Allocate(request) => data::allocate(session, &request, answer),
        R::Readdirattr(request) => directory::readdirattr(session, &request, answer),
        R::Renameat2(request) => moves::renameat2(session, &request, answer),
        R::Xattrget(request) => xattr::get(session, &request, answer),
        R::Xattrset(request) => xattr::set(session, &request, answer),
        R::Xattrlist(request) => xattr::list(session, &request, answer),
        R::Xattrremove(request) => xattr::remove(session, &request, answer),
        R::Clunks(request) => attach::clunks(session, &request, answer),
        R::Handover(request) => attach::handover(session, &request, answer),
        R::Connect(request) => connect::connect(session, &request, answer),
        R::Bind(request) => bind::bind(session, &request, answer),
        R::Watch(request) => watch::watch(session, &request, answer),
        R::Unwatch(request) => watch::unwatch(session, &request, answer),
        R::Syncfs(request) => data::syncfs(session, &request, answer),
        R::Removename(request) => moves::removename(session, &request, answer),
        R::Walkdonate(request) => open::walkdonate(session, &request, answer),
        R::Changeattr(request) => attributes::changeattr(session, &request, answer),
    }
}
