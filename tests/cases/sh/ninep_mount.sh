# To be sourced: ninep() mounts a directory that a 9P server (diod) serves over a transport. Where the host's kernel knows no 9P the directory
# itself stands for the mount: it has to answer the same.

# Waits for what somebody else is about to do.
until_there() { while ! "$@" 2>/dev/null; do sleep 0.05; done; }

ninep() { # ninep TRANSPORT OPTIONS
  mkdir -p /work/served /work/mounted
  if ! grep -qw 9p /proc/filesystems; then
    mount --bind /work/served /work/mounted
    return
  fi
  local options=version=9p2000.L,uname=root,aname=/work/served,$2 log=/work/diod.log
  case $1 in
    fd) python3 /cases/py/ninep_fd.py /work/served /work/mounted "$options" ;;
    unix)
      diod -f -n -L $log -e /work/served -l /work/socket &
      until_there test -S /work/socket
      mount -i -t 9p -o "trans=unix,$options" /work/socket /work/mounted
      ;;
    tcp)
      diod -f -n -L $log -e /work/served -l 127.0.0.1:5640 &
      until_there bash -c '</dev/tcp/127.0.0.1/5640'
      mount -i -t 9p -o "trans=tcp,port=5640,$options" 127.0.0.1 /work/mounted
      ;;
  esac
}
