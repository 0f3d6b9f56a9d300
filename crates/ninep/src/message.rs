//! The table of messages: number, request, reply, and their fields in the order of the wire.
//!
//! A reply's number is its request's plus one. The fields of the base protocol are those of Linux's `Documentation/filesystems/9p.rst`
//! and the protocol description of diod, the reference server of the dialect.

use crate::types::{Attr, Extent, Qid, SetAttr, StatFs, Target};
use crate::wire::{Data, Malformed, Reader, Text, Wire, Writer};

/// One kind of message.
pub trait Message<'a>: Wire<'a> {
    /// Its number on the wire.
    const TYPE: u8;
}

/// A request that a client can make.
pub trait Call {
    /// Its number on the wire.
    const TYPE: u8;
    /// What answers it.
    type Reply<'r>: Message<'r>;
    /// Its bytes, without the header.
    fn encode(&self, into: &mut Writer<'_>);
}

macro_rules! message {
    ([$($lifetime:lifetime)?] $number:expr, $(#[$doc:meta])* $name:ident { $($field:ident: $type:ty),* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name$(<$lifetime>)? {
            $(#[doc = concat!("`", stringify!($field), "`, as the protocol's description names it.")] pub $field: $type,)*
        }

        message! { @wire $($lifetime)?, $number, $name { $($field)* } }
    };
    (@wire $lifetime:lifetime, $number:expr, $name:ident { $($field:ident)* }) => {
        impl<$lifetime> Wire<$lifetime> for $name<$lifetime> { message! { @body $lifetime $($field)* } }
        impl<$lifetime> Message<$lifetime> for $name<$lifetime> { const TYPE: u8 = $number; }
    };
    (@wire , $number:expr, $name:ident { $($field:ident)* }) => {
        impl<'w> Wire<'w> for $name { message! { @body 'w $($field)* } }
        impl Message<'_> for $name { const TYPE: u8 = $number; }
    };
    (@body $lifetime:lifetime $($field:ident)*) => {
        fn get(_from: &mut Reader<$lifetime>) -> Result<Self, Malformed> {
            $(let $field = _from.get()?;)*
            Ok(Self { $($field,)* })
        }

        fn put(&self, _into: &mut Writer<'_>) {
            $(_into.put(&self.$field);)*
        }
    };
}

macro_rules! messages {
    (
        $whole:lifetime;
        error: $error_number:literal $error:ident { $($error_field:ident: $error_type:ty),* };
        $(
            $(#[$doc:meta])*
            $number:literal $variant:ident:
            $request:ident$(<$request_lifetime:lifetime>)? { $($request_field:ident: $request_type:ty),* $(,)? } =>
            $reply:ident$(<$reply_lifetime:lifetime>)? { $($reply_field:ident: $reply_type:ty),* $(,)? };
        )*
    ) => {
        message! { [] $error_number, /// The answer to any request that failed: the error number of Linux.
            $error { $($error_field: $error_type),* } }

        $(
            message! { [$($request_lifetime)?] $number, $(#[$doc])* $request { $($request_field: $request_type),* } }
            message! { [$($reply_lifetime)?] $number + 1, #[doc = concat!("Answers [`", stringify!($request), "`].")]
                $reply { $($reply_field: $reply_type),* } }

            impl$(<$request_lifetime>)? Call for $request$(<$request_lifetime>)? {
                const TYPE: u8 = $number;
                type Reply<'r> = messages!(@reply $reply $($reply_lifetime)?);
                fn encode(&self, into: &mut Writer<'_>) {
                    self.put(into);
                }
            }
        )*

        /// Any request.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "the variants are named after what they carry")]
        pub enum Request<$whole> { $($variant($request$(<$request_lifetime>)?),)* }

        /// Any reply.
        #[derive(Clone, Debug, PartialEq)]
        #[expect(missing_docs, reason = "the variants are named after what they carry")]
        pub enum Reply<$whole> { $error($error), $($variant($reply$(<$reply_lifetime>)?),)* }

        impl<$whole> Request<$whole> {
            /// The request of this number in these bytes, which it must fill.
            ///
            /// # Errors
            /// `Type`, `Truncated`, `Trailing`.
            pub fn decode(number: u8, body: &$whole [u8]) -> Result<Self, Malformed> {
                let mut reader = Reader::new(body);
                let message = match number {
                    $($number => Self::$variant(reader.get()?),)*
                    other => return Err(Malformed::Type(other)),
                };
                reader.finish()?;
                Ok(message)
            }

            /// Its number and, appended to `into`, its bytes.
            pub fn encode(&self, into: &mut Writer<'_>) -> u8 {
                match self { $(Self::$variant(message) => { message.put(into); $number })* }
            }
        }

        impl<$whole> Reply<$whole> {
            /// The reply of this number in these bytes, which it must fill.
            ///
            /// # Errors
            /// `Type`, `Truncated`, `Trailing`.
            pub fn decode(number: u8, body: &$whole [u8]) -> Result<Self, Malformed> {
                let mut reader = Reader::new(body);
                let message = match number {
                    $error_number => Self::$error(reader.get()?),
                    $(<$reply as Message<'_>>::TYPE => Self::$variant(reader.get()?),)*
                    other => return Err(Malformed::Type(other)),
                };
                reader.finish()?;
                Ok(message)
            }

            /// Its number and, appended to `into`, its bytes.
            pub fn encode(&self, into: &mut Writer<'_>) -> u8 {
                match self {
                    Self::$error(message) => { message.put(into); $error_number }
                    $(Self::$variant(message) => { message.put(into); $number + 1 })*
                }
            }
        }

        /// Every request's number and name.
        pub const NAMES: &[(u8, &str)] = &[$(($number, stringify!($request)),)*];
    };
    (@reply $reply:ident $lifetime:lifetime) => { $reply<'r> };
    (@reply $reply:ident) => { $reply };
}

messages! {
    'a;

    error: 7 Rlerror { ecode: u32 };

    /// Asks about the filesystem that holds a file.
    8 StatFs: Tstatfs { fid: u32 } => Rstatfs { statfs: StatFs };
    /// Opens the file of a fid.
    12 Lopen: Tlopen { fid: u32, flags: u32 } => Rlopen { qid: Qid, iounit: u32 };
    /// Makes a regular file in the directory `fid`, which then stands for the open file.
    14 Lcreate: Tlcreate<'a> { fid: u32, name: Text<'a>, flags: u32, mode: u32, gid: u32 } => Rlcreate { qid: Qid, iounit: u32 };
    /// Makes a symbolic link.
    16 Symlink: Tsymlink<'a> { dfid: u32, name: Text<'a>, target: Text<'a>, gid: u32 } => Rsymlink { qid: Qid };
    /// Makes a node of any kind.
    18 Mknod: Tmknod<'a> { dfid: u32, name: Text<'a>, mode: u32, major: u32, minor: u32, gid: u32 } => Rmknod { qid: Qid };
    /// Moves a file by its fid.
    20 Rename: Trename<'a> { fid: u32, dfid: u32, name: Text<'a> } => Rrename {};
    /// Reads a symbolic link.
    22 Readlink: Treadlink { fid: u32 } => Rreadlink<'a> { target: Text<'a> };
    /// Asks for attributes.
    24 Getattr: Tgetattr { fid: u32, mask: u64 } => Rgetattr { attr: Attr };
    /// Changes attributes.
    26 Setattr: Tsetattr { fid: u32, set: SetAttr } => Rsetattr {};
    /// Makes `newfid` a readable copy of an extended attribute, or of the list of their names if the name is empty.
    30 Xattrwalk: Txattrwalk<'a> { fid: u32, newfid: u32, name: Text<'a> } => Rxattrwalk { size: u64 };
    /// Turns a fid to an extended attribute that is written and takes effect when the fid is clunked.
    32 Xattrcreate: Txattrcreate<'a> { fid: u32, name: Text<'a>, size: u64, flags: u32 } => Rxattrcreate {};
    /// Reads directory entries ([`crate::entry`]).
    40 Readdir: Treaddir { fid: u32, offset: u64, count: u32 } => Rreaddir<'a> { data: Data<'a> };
    /// Brings a file to disk.
    50 Fsync: Tfsync { fid: u32, datasync: u32 } => Rfsync {};
    /// Sets or clears a POSIX record lock.
    52 Lock: Tlock<'a> { fid: u32, kind: u8, flags: u32, start: u64, length: u64, proc_id: u32, client_id: Text<'a> } =>
        Rlock { status: u8 };
    /// Asks who holds a record lock.
    54 Getlock: Tgetlock<'a> { fid: u32, kind: u8, start: u64, length: u64, proc_id: u32, client_id: Text<'a> } =>
        Rgetlock<'a> { kind: u8, start: u64, length: u64, proc_id: u32, client_id: Text<'a> };
    /// Makes a hard link.
    70 Link: Tlink<'a> { dfid: u32, fid: u32, name: Text<'a> } => Rlink {};
    /// Makes a directory.
    72 Mkdir: Tmkdir<'a> { dfid: u32, name: Text<'a>, mode: u32, gid: u32 } => Rmkdir { qid: Qid };
    /// Moves a file by its name.
    74 Renameat: Trenameat<'a> { olddirfid: u32, oldname: Text<'a>, newdirfid: u32, newname: Text<'a> } => Rrenameat {};
    /// Removes a name.
    76 Unlinkat: Tunlinkat<'a> { dirfid: u32, name: Text<'a>, flags: u32 } => Runlinkat {};
    /// Begins a session: message size and dialect.
    100 Version: Tversion<'a> { msize: u32, version: Text<'a> } => Rversion<'a> { msize: u32, version: Text<'a> };
    /// Asks for authentication.
    102 Auth: Tauth<'a> { afid: u32, uname: Text<'a>, aname: Text<'a>, n_uname: u32 } => Rauth { aqid: Qid };
    /// Makes `fid` the root.
    104 Attach: Tattach<'a> { fid: u32, afid: u32, uname: Text<'a>, aname: Text<'a>, n_uname: u32 } => Rattach { qid: Qid };
    /// Forgets a request.
    108 Flush: Tflush { oldtag: u16 } => Rflush {};
    /// Walks from a fid over names to `newfid`, at most 16.
    110 Walk: Twalk<'a> { fid: u32, newfid: u32, names: Vec<Text<'a>> } => Rwalk { qids: Vec<Qid> };
    /// Reads an open file.
    116 Read: Tread { fid: u32, offset: u64, count: u32 } => Rread<'a> { data: Data<'a> };
    /// Writes an open file.
    118 Write: Twrite<'a> { fid: u32, offset: u64, data: Data<'a> } => Rwrite { count: u32 };
    /// Gives a fid up.
    120 Clunk: Tclunk { fid: u32 } => Rclunk {};
    /// Removes the file of a fid, and gives the fid up even if that fails.
    122 Remove: Tremove { fid: u32 } => Rremove {};

    /// Walks over several names, making a fid for each file reached, and says what each of them is. The walk ends before a name that
    /// is not there, behind a symbolic link and behind anything else that is no directory; `stopped` is then `ENOENT`,
    /// `ELOOP`, `ENOTDIR` or whatever the host said, else 0. Without targets it describes the fid itself.
    160 Walkattr: Twalkattr<'a> { fid: u32, targets: Vec<Target<'a>> } => Rwalkattr { stopped: u32, attrs: Vec<Attr> };
    /// Asks for a host descriptor of a regular file, opened with the access mode in `flags` (`TRUNCATE`, `SYNC`, `DSYNC`, `DIRECT` and
    /// `NO_ATIME` count too). It comes with the reply; the fid stays as it was.
    162 Donate: Tdonate { fid: u32, flags: u32 } => Rdonate { attr: Attr };
    /// Makes a regular file that must not exist yet, and `newfid` for it. A descriptor with the access in `flags` comes with the reply.
    164 Createfile: Tcreatefile<'a> { dfid: u32, newfid: u32, name: Text<'a>, flags: u32, mode: u32, uid: u32, gid: u32 } =>
        Rcreatefile { attr: Attr };
    /// Makes a directory, a FIFO, a socket or a symbolic link (with its target), and `newfid` for it. The kind is in `mode`.
    166 Makenode: Tmakenode<'a> { dfid: u32, newfid: u32, name: Text<'a>, target: Text<'a>, mode: u32, uid: u32, gid: u32 } =>
        Rmakenode { attr: Attr };
    /// fallocate(2) on an open fid.
    168 Allocate: Tallocate { fid: u32, mode: u32, offset: u64, length: u64 } => Rallocate {};
    /// Reads directory entries with the attributes of each ([`crate::entry`]), of a directory that need not be open; `end` is 1 if
    /// none follow.
    170 Readdirattr: Treaddirattr { fid: u32, offset: u64, count: u32 } => Rreaddirattr<'a> { end: u8, data: Data<'a> };
    /// Moves a file by its name, with the flags of renameat2(2). Says which files that touched: the one that moved, and the one that
    /// was replaced or exchanged with it, if there was one.
    172 Renameat2: Trenameat2<'a> { olddirfid: u32, oldname: Text<'a>, newdirfid: u32, newname: Text<'a>, flags: u32 } => Rrenameat2 { touched: Vec<Qid> };
    /// An extended attribute's value, or its length alone if `size` is 0.
    174 Xattrget: Txattrget<'a> { fid: u32, size: u32, name: Text<'a> } => Rxattrget<'a> { length: u32, data: Data<'a> };
    /// Sets an extended attribute, with the flags of setxattr(2).
    176 Xattrset: Txattrset<'a> { fid: u32, flags: u32, name: Text<'a>, value: Data<'a> } => Rxattrset {};
    /// The names of the extended attributes, each with a zero byte behind it; or their length alone if `size` is 0.
    178 Xattrlist: Txattrlist { fid: u32, size: u32 } => Rxattrlist<'a> { length: u32, data: Data<'a> };
    /// Removes an extended attribute.
    180 Xattrremove: Txattrremove<'a> { fid: u32, name: Text<'a> } => Rxattrremove {};
    /// Gives several fids up; those that do not exist are passed over.
    182 Clunks: Tclunks { fids: Vec<u32> } => Rclunks {};
    /// Changes attributes, and says what they are then.
    184 Changeattr: Tchangeattr { fid: u32, set: SetAttr } => Rchangeattr { attr: Attr };
    /// Removes a name, and says which file it was. With a `newfid` it stays reachable by that.
    186 Removename: Tremovename<'a> { dirfid: u32, newfid: u32, name: Text<'a>, flags: u32 } => Rremovename { qid: Qid };
    /// syncfs(2) of the filesystem that holds a file.
    188 Syncfs: Tsyncfs { fid: u32 } => Rsyncfs {};
    /// As one [`Twalkattr`] step to `newfid` and [`Tdonate`] of that. If either fails, `newfid` does not come to be.
    190 Walkdonate: Twalkdonate<'a> { fid: u32, newfid: u32, name: Text<'a>, flags: u32 } => Rwalkdonate { attr: Attr };
    /// Asks for a host descriptor of the root, to work on its files without the server. It comes with the reply, which says whether changes are to
    /// be refused, and whose files are whose.
    192 Handover: Thandover { fid: u32 } => Rhandover { read_only: u8, users: Vec<Extent>, groups: Vec<Extent> };
    /// Asks for a connection to the host's socket that the file is, of this type (`SOCK_*`). It comes with the reply.
    194 Connect: Tconnect { fid: u32, kind: u32 } => Rconnect {};
    /// Makes a socket of the host of this type (`SOCK_*`), bound to a name that must not exist yet, and `newfid` for it. The socket comes with the reply.
    196 Bind: Tbind<'a> { dfid: u32, newfid: u32, name: Text<'a>, kind: u32, mode: u32, uid: u32, gid: u32 } =>
        Rbind { attr: Attr };
    /// Watches a file for changes that anybody makes: names in it that come, go and move, contents, attributes. What happens to it is then read, as
    /// inotify(7) has it, from a descriptor that comes with the reply to the first of these requests.
    198 Watch: Twatch { fid: u32 } => Rwatch { watch: u32 };
    /// Watches no more.
    200 Unwatch: Tunwatch { watch: u32 } => Runwatch {};
    /// Makes a regular file without a name, on the filesystem of a directory, and `newfid` for it, by which it can be given one ([`Tlink`]). A descriptor with
    /// the access in `flags`, which must write, comes with the reply.
    202 Createunnamed: Tcreateunnamed { dfid: u32, newfid: u32, flags: u32, mode: u32, uid: u32, gid: u32 } =>
        Rcreateunnamed { attr: Attr };
}

#[cfg(test)]
mod tests;
