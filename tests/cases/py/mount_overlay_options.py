"""`mount -t overlay` with metacopy, index, xino and their like: what goes together, what /proc/mounts shows, and what they do."""
import os
import sys

sys.path.insert(0, "/cases/py")
from mounting import mount, told, tried, umount

PLAIN = "lowerdir=low,upperdir=up,workdir=work"


def shown():
    with open("/proc/mounts") as mounts:
        lines = [line.split()[3] for line in mounts if line.split()[1] == "/work/o/m"]
    # Older kernels have no uuid, newer ones another word for volatile.
    words = lines[-1].replace("fsync=volatile", "volatile").split(",") if lines else []
    return [word for word in words if not word.startswith("uuid")]


def put(path, text):
    with open(path, "w") as file:
        file.write(text)


def get(path):
    with open(path) as file:
        return file.read()


def fresh():
    os.system("rm -rf up work")
    os.makedirs("up")
    os.makedirs("work")


def overlay(options, plain=PLAIN):
    told(options, mount("overlay", "m", "overlay", 0, plain + options))


os.makedirs("/work/o/low/d")
os.makedirs("/work/o/m")
os.chdir("/work/o")
put("low/file", "content\n" * 1000)
put("low/other", "content\n" * 1000)
put("low/empty", "")
for name in ["b", "d/c"]:
    if name == "b":
        put("low/a", "shared\n")
    os.link("low/a", "low/" + name)

for options in [
    "", "metacopy=on", "metacopy=off", "metacopy=on,redirect_dir=on", "metacopy=on,redirect_dir=off", "metacopy=on,redirect_dir=follow",
    "metacopy=on,redirect_dir=nofollow", "metacopy=on,userxattr", "redirect_dir=on,userxattr", "userxattr", "index=on", "index=off",
    "index=on,userxattr", "index=on,metacopy=on", "nfs_export=off", "nfs_export=on,metacopy=on", "nfs_export=on,index=off", "xino=on",
    "xino=off", "xino=auto", "volatile", "redirect_dir=nofollow", "redirect_dir=follow", "default_permissions", "index=perhaps", "metacopy",
    "index", "xino", "xino=perhaps", "verity=off", "verity=perhaps",
]:
    fresh()
    result = mount("overlay", "m", "overlay", 0, PLAIN + "," + options if options else PLAIN)
    told(options or "nothing", result)
    if result == 0:
        print(shown())
        umount("m")

print("-- files without content")
fresh()
overlay(",metacopy=on,index=off")
reader = open("m/file")
os.chmod("m/file", 0o600)
os.chown("m/empty", 3, 4)
os.setxattr("m/other", "trusted.note", b"x")
before = os.stat("m/file")
for name in ["file", "other"]:
    above = os.stat("up/" + name)
    print(name, oct(above.st_mode), above.st_size, above.st_blocks, "trusted.overlay.metacopy" in os.listxattr("up/" + name))
    seen = os.stat("m/" + name)
    print(oct(seen.st_mode), seen.st_size, seen.st_blocks, len(get("m/" + name)), os.listxattr("m/" + name))
with open("m/file", "a") as file:
    file.write("more")
after = os.stat("m/file")
print(before.st_ino == after.st_ino, after.st_size, os.stat("up/file").st_blocks, "trusted.overlay.metacopy" in os.listxattr("up/file"))
print(len(reader.read()), get("m/file")[-12:])
reader.close()
os.truncate("m/other", 5)
print(get("m/other"), os.stat("up/other").st_size)
umount("m")

fresh()
overlay(",metacopy=on")
os.chmod("m/file", 0o640)
os.chmod("m/other", 0o604)
os.rename("m/other", "m/d/renamed")
os.link("m/file", "m/d/linked")
print(get("m/d/renamed") == get("low/other"), get("m/d/linked") == get("low/file"), os.stat("m/file").st_nlink)
umount("m")
overlay(",metacopy=on")
print("again", len(get("m/file")), len(get("m/d/renamed")), len(get("m/d/linked")), oct(os.stat("m/d/renamed").st_mode))
umount("m")
fresh()
overlay(",metacopy=on")
os.chmod("m/file", 0o640)
umount("m")
overlay("")
tried("not wanted", get, "m/file")
umount("m")
told("as a lower one", mount("overlay", "m", "overlay", 0, "lowerdir=up:low,metacopy=on"))
print(len(get("m/file")), oct(os.stat("m/file").st_mode))
umount("m")

print("-- names of one file")
fresh()
overlay(",index=on")
put("m/b", "changed\n")
print(get("m/a"), get("m/d/c"), os.stat("m/a").st_nlink, os.stat("m/a").st_ino == os.stat("m/d/c").st_ino)
os.remove("m/d/c")
print(os.stat("m/b").st_nlink)
umount("m")
overlay(",index=on")
print("again", get("m/a"), get("m/b"), os.stat("m/a").st_nlink, os.stat("m/a").st_ino == os.stat("m/b").st_ino)
put("m/a", "once more\n")
os.link("m/a", "m/e")
print(get("m/b"), os.stat("m/e").st_nlink)
for name in ["a", "b", "e"]:
    os.remove("m/" + name)
print(os.listdir("m/d"), sorted(os.listdir("m")))
umount("m")
overlay(",index=on")
print(sorted(os.listdir("m")))
umount("m")
