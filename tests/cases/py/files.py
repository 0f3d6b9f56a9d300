"""Files and directories through the os module."""
import errno, fcntl, os, shutil, stat, tempfile

os.chdir("/work"); fd = os.open("a", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o640); print(os.write(fd, b"0123456789"), os.lseek(fd, 2, 0), os.read(fd, 3), os.pread(fd, 3, 7), os.pwrite(fd, b"XY", 0))
os.ftruncate(fd, 5); print(os.fstat(fd).st_size, oct(os.fstat(fd).st_mode), os.readv(fd, [bytearray(2)]), os.writev(fd, [b"a", b"b"]))
for f in (lambda: os.open("a", os.O_CREAT | os.O_EXCL), lambda: os.open("a/b", os.O_RDONLY), lambda: os.open(".", os.O_WRONLY), lambda: os.rmdir("/"), lambda: os.mkdir("x" * 300), lambda: os.read(99, 1), lambda: os.lseek(fd, -1, 0), lambda: os.unlink("."), lambda: os.rename("none", "b"), lambda: os.listdir("a"), lambda: os.readlink("a"), lambda: os.link("a", "/dev/shm/a"), lambda: os.chdir("a"), lambda: os.open("a", os.O_DIRECTORY), lambda: os.open("n", os.O_RDONLY | os.O_NOFOLLOW)):
    try: print("no error", f())
    except OSError as e: print(errno.errorcode[e.errno])
os.symlink("a", "l"); os.link("a", "h"); print(os.stat("l").st_nlink, os.lstat("l").st_size, os.readlink("l"), os.path.samefile("h", "l"))
os.makedirs("d/e/f"); os.rename("d/e", "d/g"); print(sorted(os.walk("d")), [e.name for e in os.scandir("d")]); os.rename("a", "d/g/a"); shutil.rmtree("d"); os.replace("h", "b"); print(sorted(os.listdir()))
os.utime("b", ns=(1, 999999999)); print(os.stat("b").st_atime_ns, os.stat("b").st_mtime_ns); os.chmod("b", 0o4755); print(stat.filemode(os.stat("b").st_mode)); os.truncate("b", 100); print(os.access("b", os.X_OK), os.stat("b").st_blksize > 0)
os.setxattr("b", "user.k", b"v"); print(os.listxattr("b"), os.getxattr("b", "user.k")); dfd = os.open(".", os.O_RDONLY); print(os.stat("b", dir_fd=dfd).st_size); os.mkdir("m", dir_fd=dfd); os.rmdir("m", dir_fd=dfd)
with tempfile.TemporaryFile() as t: t.write(b"x" * 100); print(t.tell()); fcntl.flock(t, fcntl.LOCK_EX); fcntl.lockf(t, fcntl.LOCK_EX, 10)
r = os.open("b", os.O_RDONLY); w = os.open("c", os.O_WRONLY | os.O_CREAT); print(os.sendfile(w, r, 0, 50), os.copy_file_range(r, w, 10), os.fstat(w).st_size, os.posix_fallocate(w, 0, 8192), os.fstat(w).st_size); os.fsync(w)
e = os.dup2(r, 50); print(e, os.get_inheritable(50), fcntl.fcntl(50, fcntl.F_GETFL) & os.O_ACCMODE); os.close(50); print(os.statvfs("/work").f_namemax, os.getcwd()); f = os.open("u", os.O_RDWR | os.O_CREAT); os.write(f, b"still"); os.unlink("u"); print(os.pread(f, 9, 0), os.fstat(f).st_nlink)
s = os.open("sparse", os.O_RDWR | os.O_CREAT); os.pwrite(s, b"end", 1 << 20); print(os.lseek(s, 0, os.SEEK_HOLE), os.lseek(s, 0, os.SEEK_DATA) > 0, os.path.getsize("sparse")); m = os.memfd_create("m"); os.write(m, b"mem"); print(os.pread(m, 3, 0))
