# To be sourced, with the driver of the storage as the first argument: settings for engines inside a container, in /tmp/c, and what makes an
# image, in /tmp/image and /tmp/image.tar.
mount -t sysfs sysfs /sys 2>/dev/null; mount -t cgroup2 cgroup2 /sys/fs/cgroup 2>/dev/null
export TMPDIR=/tmp; mkdir -p /tmp/c /tmp/image/bin /tmp/image/etc /tmp/image/proc /tmp/image/tmp /tmp/image/dev /tmp/image/sys; cd /tmp
cat >c/storage.conf <<'C'
[storage]
driver = "overlay"
graphroot = "/tmp/c/storage"
runroot = "/tmp/c/run"
C
kind=overlay
if [[ $1 == fuse-overlayfs ]]; then
  kind=fuse.fuse-overlayfs
  printf '[storage.options.overlay]\nmount_program = "/usr/bin/fuse-overlayfs"\n' >>c/storage.conf
fi
cat >c/containers.conf <<'C'
[containers]
cgroups = "disabled"
netns = "none"
[engine]
runtime = "crun"
cgroup_manager = "cgroupfs"
events_logger = "file"
C
# How many more such mounts there are than now: what it runs in may be one.
at_first=$(grep -c " $kind " /proc/mounts); mounted() { echo $(($(grep -c " $kind " /proc/mounts) - at_first)); }
export CONTAINERS_STORAGE_CONF=/tmp/c/storage.conf CONTAINERS_CONF=/tmp/c/containers.conf
cp /bin/busybox image/bin/; for name in sh cat ls echo id mount grep touch rm mkdir sleep md5sum seq wc hostname; do ln -s busybox image/bin/$name; done
echo root:x:0:0:root:/:/bin/sh >image/etc/passwd; echo low >image/etc/low
tar -C image -cf image.tar .