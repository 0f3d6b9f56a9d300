# coreutils_own.sh FILE-SYSTEM user|root: coreutils' own tests of the programs that work on files, from Debian's source package, with the
# installed programs: those that want to be root, or all others as somebody else. How each ends is compared, not what it says.
. /cases/sh/filesystem.sh
own=/usr/src/coreutils
as=$2

chosen() {
  # About memory, the names of months, and what is expensive or wants a debugger or a device: not about files, or skipped.
  local left_out='dd/no-allocate|ls/abmon-align|rm/r-root|du/2g|cp/perm|rm/ext3-perf|tail-2/big-4gb'
  # Against the clock, which natively too loses on a busy machine: who follows a file, a second for stat, signals for dd.
  left_out+='|tail-2/(inotify-.*|.*-vs-.*|F-headers|pid|wait|retry|symlink|follow-.*|assert.*|tail-n0f|pipe-f2?|flush-initial|overlay-headers)'
  left_out+='|cp/sparse-perf|ls/readdir-mountpoint-inode|dd/stats'
  # On files of the host nobody can give programs capabilities: the file server cannot.
  [[ $1 != disk ]] || left_out+='|(cp|ls)/capability'
  (cd $own/tests && ls {chgrp,chmod,chown,cp,dd,df,du,install,ln,ls,mkdir,mv,readlink,rm,rmdir,tail-2,touch}/*.{sh,pl,xpl} \
    misc/{ls-,mknod,readlink,realpath,shred,stat-,sync,truncate,xattr}*.{sh,pl} 2>/dev/null) |
    grep -vE "^($left_out)\\." | while read -r name; do
      # They trace calls.
      ! grep -q '^ *require_strace_ ' $own/tests/"$name" || continue
      if grep -q '^require_root_' $own/tests/"$name"; then echo "root $name"; else echo "user $name"; fi
    done | sed -n "s/^$as //p"
}

one() { # one TEST: its name and how it ends
  local file=tests/$1 status
  local perl=(perl -w -I$own/tests -MCuSkip -MCoreutils -M"CuTmpdir qw(${1##*/})")
  case $1 in
    *.sh) set -- "$1" bash ;;
    *.pl) set -- "$1" "${perl[@]}" ;;
    *.xpl) set -- "$1" "${perl[@]}" -T ;;
  esac
  timeout 100 "${@:2}" "$file" >"$said" 2>&1 9>&1 </dev/null
  status=$?
  case $status in
    0) echo "$1 passed" ;;
    77) echo "$1 skipped"; grep -ah skip "$said" >&2 ;;
    *) echo "$1 failed $status"; tail -n 30 "$said" >&2 ;;
  esac
}

if [[ ! -v said ]]; then
  at "$1" || exit
  chmod 1777 .
  # What the tests want to find where it would have been built: the installed programs, under the names that they have there.
  mkdir src && ln -s $own/tests tests
  dpkg -L coreutils | grep bin/ | while read -r program; do ln -s "$program" src/; done
  ln -s /usr/bin/install src/ginstall
  cat >src/getlimits <<'LIMITS'
#!/usr/bin/python3
types = {"CHAR": (8, 1), "SCHAR": (8, 1), "UCHAR": (8, 0), "SHRT": (16, 1), "INT": (32, 1), "UINT": (32, 0), "LONG": (64, 1), "ULONG": (64, 0),
    "SIZE": (64, 0), "SSIZE": (64, 1), "TIME_T": (64, 1), "UID_T": (32, 0), "GID_T": (32, 0), "PID_T": (32, 1), "OFF_T": (64, 1), "INTMAX": (64, 1), "UINTMAX": (64, 0)}
for name, (bits, signed) in types.items():
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    print(f"{name}_MAX={high}\n{name}_OFLOW={high + 1}")
    if signed: print(f"{name}_MIN={low}\n{name}_UFLOW={low - 1}")
LIMITS
  chmod 755 src/getlimits
  # What Debian's were configured with.
  printf '#define %s 1\n' HAVE_UTIMENSAT HAVE_LUTIMES HAVE_LINKAT USE_XATTR HAVE_CAP USE_ACL HAVE_INOTIFY HAVE_PTHREAD_T >/tmp/config.h
  export said=/tmp/said srcdir=$own top_srcdir=$own abs_srcdir=$own abs_top_srcdir=$own abs_top_builddir=$PWD CONFIG_HEADER=/tmp/config.h TMPDIR=/tmp VERSION=9.1 PACKAGE_VERSION=9.1
  export built_programs=$(ls src | tr '\n' ' ')
  export host_os=linux-gnu host_triplet=x86_64-pc-linux-gnu LC_ALL=C AWK=awk EGREP='grep -E' CC=gcc PERL=perl SHELL=/bin/bash MAKE=make fail=0
  if [[ $as == user ]]; then
    # Somebody who is in two groups.
    exec setpriv --reuid games --regid games --groups games,users -- bash "$0" "$@"
  fi
fi
umask 022
: >"$said" && chosen "$1" | while read -r test; do one "$test"; done
