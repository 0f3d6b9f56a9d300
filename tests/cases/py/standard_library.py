"""A walk through modules that lean on the kernel in their own ways."""
import ctypes, datetime, fnmatch, getpass, glob, grp, gzip, hashlib, importlib, json, locale, lzma, os, pathlib, platform, pwd, random, resource, shutil, socket, struct, sys, tarfile, time, uuid, zipfile, zlib

print(getpass.getuser(), pwd.getpwuid(0).pw_dir, grp.getgrgid(0).gr_name, platform.system(), platform.node(), os.cpu_count() > 0, socket.gethostname()); print(shutil.which("ls"), shutil.disk_usage("/work").total > 0, len(glob.glob("/etc/*.conf")), pathlib.Path("/usr/bin/../lib").resolve())
with tarfile.open("/work/t.tgz", "w:gz") as t: t.add("/etc/alternatives", "a")
with tarfile.open("/work/t.tgz") as t: print(len(t.getnames())); t.extractall("/work/out")
with zipfile.ZipFile("/work/z.zip", "w") as z: z.write("/etc/passwd")
print(zipfile.ZipFile("/work/z.zip").testzip(), hashlib.sha256(open("/bin/ls", "rb").read()).hexdigest(), zlib.crc32(b"x"), len(lzma.decompress(lzma.compress(b"x" * 10**6))))
print(ctypes.CDLL(None).getpid() == os.getpid(), datetime.datetime.fromtimestamp(0, datetime.timezone.utc), time.strftime("%Z", time.localtime(0)), abs(time.time() - os.stat("/work/out").st_ctime) < 60, time.clock_gettime(time.CLOCK_MONOTONIC) > 0, uuid.uuid4().version)
before = resource.getrusage(resource.RUSAGE_SELF).ru_utime; sum(i * i for i in range(3000000)); print(resource.getrusage(resource.RUSAGE_SELF).ru_utime > before, os.times().user > 0, os.sched_getaffinity(0) != set(), os.getloadavg() is not None, os.getpriority(os.PRIO_PROCESS, 0), os.nice(3))
names = ["curses", "dbm", "decimal", "email", "html", "http.server", "logging", "sqlite3", "ssl", "unittest", "xml.etree.ElementTree", "ctypes", "readline", "termios", "syslog", "selectors"]; print(all(importlib.import_module(n) for n in names)); print(ssl_version := __import__("ssl").OPENSSL_VERSION.split()[0], sys.getfilesystemencoding(), locale.getlocale())
