"""`mount -t overlay` with redirect_dir and userxattr: directories of lower layers are renamed, and marks are those of users."""
import os
from mounting import *

os.umask(0o022)
OFF = ",index=off,metacopy=off,xino=off"


def write(path, content):
    open("/work/" + path, "w").write(content)


def tree(top):
    """Every name below a directory, with the content of files."""
    found = []
    for where, directories, files in os.walk(top):
        directories.sort()
        for name in sorted(directories + files):
            path = os.path.join(where, name)
            found.append(path[len(top) + 1:] + ("" if name in directories else "=" + open(path).read()))
    return found


def mark(path, name="redirect", space="trusted"):
    try:
        return os.getxattr("/work/" + path, f"{space}.overlay.{name}")
    except OSError as error:
        return errno.errorcode[error.errno]


for name in ("low1", "low2", "up", "work", "m", "up2", "work2", "m2", "user", "userwork", "um"):
    os.mkdir("/work/" + name)
for layer in ("low1", "low2"):
    for name in ("a/deep/deeper", "b", "c"):
        os.makedirs(f"/work/{layer}/{name}")
    write(f"{layer}/a/of-{layer}", layer)
    write(f"{layer}/a/both", layer)
    write(f"{layer}/a/deep/deeper/file", layer)
    write(f"{layer}/b/{layer}", layer)

PLAIN = "lowerdir=/work/low1:/work/low2,upperdir=/work/up,workdir=/work/work"
told("on", mount("overlay", "/work/m", "overlay", 0, PLAIN + ",redirect_dir=on" + OFF))
print("redirect_dir=on" in open("/proc/self/mounts").read())
os.chdir("/work/m")
tried("beside", os.rename, "a", "renamed")
print(tree("/work/m"))
print(mark("up/renamed"), os.path.exists("/work/up/a"), os.stat("/work/up/a").st_rdev)
tried("again", os.rename, "renamed", "again")
print(mark("up/again"))
tried("elsewhere", os.rename, "again/deep", "c/deep")
print(mark("up/c/deep"), mark("up/again"))
tried("the one moved, elsewhere", os.rename, "again", "b/again")
print(mark("up/b/again"), tree("/work/m"))
write("m/b/again/both", "changed")
write("m/b/again/new", "new")
os.unlink("b/again/of-low2")
os.mkdir("a")
write("m/a/fresh", "fresh")
print(tree("/work/m"), mark("up/a", "opaque"))
tried("over a full one", os.rename, "a", "b/again")
os.mkdir("empty")
tried("over an empty one", os.rename, "c/deep", "empty")
print(tree("/work/m"))
os.mkdir("plain")
tried("not of a lower one", os.rename, "plain", "c/plain")
print(mark("up/c/plain"), mark("up/c/plain", "opaque"))
tried("removed", os.rename, "empty", "b/x")
tried("the mark is not seen", os.getxattr, "b/x", "trusted.overlay.redirect")
tried("that of another one", os.setxattr, "b/x", "trusted.overlay.redirect", b"c")
print(os.getxattr("b/x", "trusted.overlay.redirect"), [name for name in os.listxattr("b/x")], mark("up/b/x"), mark("up/b/x", "overlay.redirect"))
tried("no more", os.removexattr, "b/x", "trusted.overlay.redirect")
os.chdir("/work")
told("unmount", umount("/work/m"))

print("again, on top of other layers")
told("mount", mount("overlay", "/work/m", "overlay", 0, PLAIN + ",redirect_dir=on" + OFF))
print(tree("/work/m"))
told("unmount", umount("/work/m"))
told("as a lower one", mount("overlay", "/work/m2", "overlay", 0, "lowerdir=/work/up:/work/low1:/work/low2,upperdir=/work/up2,workdir=/work/work2,redirect_dir=on" + OFF))
print(tree("/work/m2"))
os.rename("/work/m2/b/again", "/work/m2/back")
print(tree("/work/m2"), mark("up2/back"))
told("unmount", umount("/work/m2"))
told("not followed", mount("overlay", "/work/m", "overlay", 0, PLAIN + ",redirect_dir=nofollow" + OFF))
tried("look", os.stat, "/work/m/b/again")
print(open("/work/m/b/low1").read())
tried("not renamed", os.rename, "/work/m/c", "/work/m/d")
told("unmount", umount("/work/m"))
told("followed only", mount("overlay", "/work/m", "overlay", 0, PLAIN + ",redirect_dir=follow" + OFF))
print(tree("/work/m/b"))
tried("not renamed", os.rename, "/work/m/c", "/work/m/d")
told("unmount", umount("/work/m"))
os.setxattr("/work/up/b/again", "trusted.overlay.redirect", b"../a")
told("a mark that makes no sense", mount("overlay", "/work/m", "overlay", 0, PLAIN + ",redirect_dir=on" + OFF))
tried("look", os.stat, "/work/m/b/again")
told("unmount", umount("/work/m"))

print("marks of users")
USER = "lowerdir=/work/low1:/work/low2,upperdir=/work/user,workdir=/work/userwork,userxattr"
told("with redirects", mount("overlay", "/work/um", "overlay", 0, USER + ",redirect_dir=on"))
told("user", mount("overlay", "/work/um", "overlay", 0, USER + OFF))
os.chdir("/work/um")
tried("rename", os.rename, "a", "d")
os.unlink("a/both")
os.rename("b/low1", "b/moved")
for name in ("low2",):
    os.unlink("b/" + name)
os.unlink("b/moved")
os.rmdir("b")
os.mkdir("b")
print(tree("/work/um"), mark("user/b", "opaque", "user"), mark("user/b", "opaque"))
tried("not seen", os.getxattr, "b", "user.overlay.opaque")
os.setxattr("b", "trusted.overlay.opaque", b"x")
print(mark("user/b", "opaque"))
os.chdir("/work")
told("unmount", umount("/work/um"))
for option in ("metacopy=maybe", "redirect_dir=perhaps", "volatile=1", "xino=perhaps"):
    told(option, mount("overlay", "/work/um", "overlay", 0, USER + "," + option))
