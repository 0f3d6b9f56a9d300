"""Perl's own tests of what it does with files, from Debian's source package, with the installed perl: how each of them ends."""

import os
import re
import shutil
import subprocess
import sys

SOURCE = "/usr/src/perl"

# Tests of the language that lie in t, of its modules in lib, and of those that have a directory of their own.
T = """
io/argv io/binmode io/bom io/closepid io/crlf io/data io/defout io/dup io/errno io/fflush io/fs io/inplace io/iofile io/iprefix io/layers io/nargv io/open
io/openpid io/paragraph_mode io/perlio io/perlio_fail io/perlio_open io/pipe io/print io/pvbm io/read io/say io/tell io/utf8
op/append op/chdir op/dbm op/exec op/fh op/filehandle op/filetest op/filetest_stack_ok op/filetest_t op/glob op/lfs op/mkdir op/print op/read op/readdir
op/readline op/select op/stat op/stat_errors op/sysio op/unlink op/write
""".split()
LIB = "AnyDBM_File DirHandle FileHandle File/Basename File/Compare File/Copy File/stat File/stat-7896 filetest".split()
MODULES = """
ext/Fcntl ext/File-Find ext/File-Glob ext/FileCache ext/GDBM_File ext/NDBM_File ext/ODBM_File ext/PerlIO-scalar ext/SDBM_File
dist/IO dist/PathTools dist/Tie-File cpan/Archive-Tar cpan/DB_File cpan/File-Path cpan/File-Temp cpan/IO-Zlib
""".split()
# Of these, what is about sockets, other systems, and this suite's own texts.
OTHERS = "sock|udp|tcp|unix|multihomed|win32|pod|leak|poll|cachepropagate"


def tests():
    """The tests: the directory that each runs in, and its name there."""
    for name in T:
        yield "t", f"{name}.t"
    for name in LIB:
        yield "t", f"../lib/{name}.t"
    for module in MODULES:
        for path in sorted(os.listdir(f"{SOURCE}/{module}/t")):
            if path.endswith(".t") and not re.search(OTHERS, path):
                yield module, f"t/{path}"


def run(directory, path):
    up = "/".join([".."] * (directory.count("/") + 1))
    with open(os.path.join(directory, path), errors="replace") as file:
        first = file.readline()
    switches = re.match(r"#!.*perl\s+(-.*)", first)
    command = ["perl", *(switches[1].split() if switches else []), f"-I{up}/lib", path]
    environment = dict(os.environ, PERL_CORE="1", PERL_SKIP_TTY_TEST="1", LC_ALL="C")
    try:
        ended = subprocess.run(command, cwd=directory, env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=200)
    except subprocess.TimeoutExpired as late:
        print(late.stdout, late.stderr, file=sys.stderr)
        return "late", {}, []
    lines = ended.stdout.decode(errors="replace").splitlines()
    counts = {"passed": 0, "failed": 0, "skipped": 0, "todo": 0}
    told = []
    for line in lines:
        result = re.match(r"(not )?ok\b *(\d*)", line)
        if not result:
            continue
        marked = re.search(r"#\s*(skip|todo)", line, re.I)
        how = {"skip": "skipped", "todo": "todo"}[marked[1].lower()] if marked else "failed" if result[1] else "passed"
        counts[how] += 1
        if how == "failed":
            told.append(result[2])
    if told or ended.returncode:
        print(directory, path, ended.stdout[-1500:].decode(errors="replace"), ended.stderr[-3000:].decode(errors="replace"), sep="\n", file=sys.stderr)
    if lines and lines[0].startswith("1..0"):
        told.append(lines[0])
    return ended.returncode, counts, told


# As it is where perl was built, with the installed perl and its modules.
for directory in ["t", *MODULES]:
    shutil.copytree(f"{SOURCE}/{directory}", directory, symlinks=True)
    if directory != "t" and not os.path.exists(f"{directory}/lib"):
        os.symlink(f"{SOURCE}/lib", f"{directory}/lib")
for name, source in [("lib", f"{SOURCE}/lib"), ("MANIFEST", f"{SOURCE}/MANIFEST"), ("perl", "/usr/bin/perl")]:
    os.symlink(source, name)
for directory, path in tests():
    status, counts, told = run(directory, path)
    print(directory, path, status, *(f"{how} {number}" for how, number in counts.items() if number), *told, flush=True)
