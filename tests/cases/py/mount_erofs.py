"""`mount -t erofs` of a file: each layout of what is not compressed, and what is refused."""
import hashlib
import mmap
import os
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, "/cases/py")
from mounting import mount, told, tried, umount

os.chdir("/work")
os.makedirs("tree/directory/deep")
os.makedirs("tree/many")
os.makedirs("m")
for name, size in [("empty", 0), ("small", 100), ("block", 4096), ("more", 9000), ("large", 300_000)]:
    with open("tree/" + name, "wb") as file:
        file.write(b"".join(hashlib.sha256(b"%d" % i).digest() for i in range(size // 32 + 1))[:size])
    os.utime("tree/" + name, ns=(0, 1_000_000_000_000_000_000 + size))
with open("tree/sparse", "wb") as file:
    file.seek(500_000)
    file.write(b"end")
for number in range(600):
    open(f"tree/many/a-rather-long-name-{number:04}", "w").close()
os.link("tree/small", "tree/directory/linked")
os.symlink("../small", "tree/directory/link")
os.mkfifo("tree/fifo")
os.mknod("tree/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
os.chmod("tree/more", 0o4750)
os.chown("tree/more", 7, 100_000)
os.setxattr("tree/small", "user.note", b"of a file")
os.setxattr("tree/directory", "trusted.note", b"of a directory")
os.setxattr("tree/more", "security.note", b"\0\1")
with open("/bin/true", "rb") as source, open("tree/program", "wb") as target:
    target.write(source.read())
os.chmod("tree/program", 0o755)
for directory, directories, files in os.walk("tree", topdown=False):
    for path in [os.path.join(directory, name) for name in files] + [directory]:
        os.utime(path, ns=(0, 1_000_000_000_123_456_789 + len(path)), follow_symlinks=False)


def made(*options):
    for image in ("/tmp/image", "/mnt/image"):
        if os.path.exists(image):
            os.remove(image)
    # Beside its temporary file, as chunks are moved from that by copy_file_range(2), which does not go from one filesystem to another.
    subprocess.run(["mkfs.erofs", *options, "/tmp/image", "tree"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    shutil.copyfile("/tmp/image", "/mnt/image")


def show(top):
    for directory, directories, files in os.walk(top):
        directories.sort()
        for name in [""] + sorted(files):
            path = os.path.join(directory, name)
            found = os.lstat(path)
            line = [path, oct(found.st_mode), found.st_uid, found.st_gid, found.st_nlink, found.st_rdev, found.st_mtime_ns]
            if not stat.S_ISDIR(found.st_mode):
                line += [found.st_size, found.st_blocks]
            if stat.S_ISREG(found.st_mode):
                with open(path, "rb") as file:
                    line.append(hashlib.sha256(file.read()).hexdigest()[:12])
            line += [(name, os.getxattr(path, name, follow_symlinks=False)) for name in sorted(os.listxattr(path, follow_symlinks=False))]
            if "many" not in path or path.endswith("97"):
                print(*line)
    print(len(os.listdir(top + "/many")), os.readlink(top + "/directory/link"))


for options in [(), ("-Enoinline_data",), ("-Eforce-inode-extended",), ("-x-1",), ("--chunksize=4096",), ("--chunksize=65536",), ("--chunksize=8192", "-Eforce-chunk-indexes")]:
    print("--", *options)
    made("-U00000000-0000-0000-0000-000000000000", *options)
    if told("mount", mount("/mnt/image", "m", "erofs")) < 0:
        continue
    show("m")
    found = os.statvfs("m")
    print(found.f_bsize, found.f_blocks, found.f_bfree, found.f_files - found.f_ffree, found.f_namemax, found.f_flag & 1)
    print(subprocess.run(["m/program"]).returncode)
    with open("m/large", "rb") as file:
        with mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped:
            print(hashlib.sha256(mapped).hexdigest()[:12], hashlib.sha256(mapped[70_000:200_000]).hexdigest()[:12])
        file.seek(299_990)
        print(len(file.read()), os.pread(file.fileno(), 10, 299_995).hex(), os.pread(file.fileno(), 10, 300_000))
    tried("write", os.open, "m/small", os.O_WRONLY)
    tried("make", os.mkdir, "m/new")
    tried("remove", os.remove, "m/small")
    tried("change", os.chmod, "m/small", 0)
    tried("missing", os.stat, "m/many/a-rather-long-name-06000")
    tried("no attribute", os.getxattr, "m/small", "user.other")
    with open("m/small") as kept:
        told("busy", umount("m"))
    # What was mapped before keeps nothing busy.
    told("unmount", umount("m"))

print("-- layers")
os.makedirs("up")
os.makedirs("work")
made("-U00000000-0000-0000-0000-000000000000")
told("mount", mount("/mnt/image", "m", "erofs", 0, "user_xattr,acl"))
told("overlay", mount("overlay", "m", "overlay", 0, "lowerdir=m,upperdir=up,workdir=work"))
with open("m/small", "a") as file:
    file.write("and more")
print(os.stat("m/small").st_size, os.listxattr("m/small"), len(os.listdir("m/many")))
told("unmount", umount("m"))
told("unmount", umount("m"))

print("-- refused")
told("missing", mount("/work/none", "m", "erofs"))
told("an option", mount("/mnt/image", "m", "erofs", 0, "colour=red"))
with open("/mnt/image", "r+b") as image:
    image.seek(1024 + 40)
    image.write(b"\xff")
told("changed", mount("/mnt/image", "m", "erofs"))
with open("/mnt/image", "r+b") as image:
    image.seek(1024)
    image.write(b"\xff")
told("no image", mount("/mnt/image", "m", "erofs"))
os.truncate("/mnt/image", 0)
told("empty", mount("/mnt/image", "m", "erofs"))
