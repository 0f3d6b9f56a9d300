# To be sourced: ninep() mounts a directory that a 9P server (diod) serves over a transport. Where the host's kernel knows no 9P the directory
# itself stands for the mount: it has to answer the same.

# diod wants to raise the limit of core files, which takes a capability that containers rarely have, and knows only users with names.
diod_server() { LD_PRELOAD=/work/unlimited.so exec diod --foreground --no-auth --no-userdb --logdest /work/diod.log --export /work/served "$@"; }

# Waits for what somebody else is about to do.
until_there() { while ! "$@" 2>/dev/null; do sleep 0.05; done; }

ninep() { # ninep TRANSPORT OPTIONS
  mkdir -p /work/served /work/mounted
  if ! grep -qw 9p /proc/filesystems; then
    mount --bind /work/served /work/mounted
    return
  fi
  echo 'int setrlimit() { return 0; } int setrlimit64() { return 0; }' | gcc -shared -o /work/unlimited.so -x c - || return
  local options=version=9p2000.L,uname=root,aname=/work/served,$2
  case $1 in
    fd) python3 /cases/py/ninep_fd.py "$options" ;;
    unix)
      (diod_server --listen /work/socket) &
      until_there test -S /work/socket
      mount -i -t 9p -o "trans=unix,$options" /work/socket /work/mounted
      ;;
    tcp)
      # It wants to know what its clients are called.
      echo 127.0.0.1 localhost >/etc/hosts
      (diod_server --listen 127.0.0.1:5640) &
      until_there bash -c '</dev/tcp/127.0.0.1/5640'
      mount -i -t 9p -o "trans=tcp,port=5640,$options" 127.0.0.1 /work/mounted
      ;;
  esac
}
