# Servers of whole filesystems in image files: fuse2fs and ntfs-3g.
cd /tmp; mkdir mnt
work() { # everyday work on the mount
  mkdir -p mnt/d/e; seq 20000 >mnt/n; md5sum <mnt/n; mv mnt/n mnt/d/e/m; ln mnt/d/e/m mnt/hard; stat -c '%h %s %F' mnt/hard
  cp -r /etc/dpkg mnt/copy && diff -r /etc/dpkg mnt/copy && echo same
  ln -s d/e/m mnt/link; readlink mnt/link; head -n 1 mnt/link; truncate -s 5 mnt/hard; od -c mnt/d/e/m; rm mnt/hard
  for i in $(seq 60); do echo $i >mnt/d/$i; done; ls mnt/d | wc -l; cat mnt/d/[0-9]* | awk '{s += $1} END {print s}'; rm mnt/d/[0-9]*
  find mnt -mindepth 1 -not -name 'lost+found' | sort; rmdir mnt/d 2>&1; df --output=target mnt | tail -n 1
}
truncate -s 24M ext.img; mke2fs -q -F -t ext4 ext.img
fuse2fs -o fakeroot ext.img mnt >/dev/null || exit 1
grep -o 'fuse[a-z0-9.]* ' /proc/mounts | sort -u; work; umount mnt
for i in $(seq 600); do e2fsck -fn ext.img >/dev/null 2>&1 && break; sleep 0.1; done; e2fsck -fn ext.img 2>/dev/null | grep -c 'Pass'
fuse2fs -o ro ext.img mnt >/dev/null; cat mnt/copy/dpkg.cfg | md5sum; echo x 2>/dev/null >mnt/x || echo refused; umount mnt
truncate -s 24M ntfs.img; mkntfs -q -Q -F ntfs.img >/dev/null 2>&1
ntfs-3g ntfs.img mnt || exit 1
grep -o 'fuse[a-z0-9.]* ' /proc/mounts | sort -u; work; umount mnt
for i in $(seq 600); do ntfsinfo -m ntfs.img >/dev/null 2>&1 && break; sleep 0.1; done; ntfsls ntfs.img | sort
