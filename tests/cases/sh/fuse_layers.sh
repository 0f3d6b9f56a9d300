# Servers that lay one directory over another: unionfs and fuse-overlayfs.
cd /tmp; mkdir low up work mnt; echo low >low/f; mkdir low/d; echo deep >low/d/x
unionfs -o cow up=RW:low=RO mnt || exit 1
cat mnt/f; echo up >mnt/f; cat up/f low/f; rm mnt/d/x; ls mnt/d | wc -l; ls low/d; fusermount3 -u mnt
rm -rf up work; mkdir up work
fuse-overlayfs -o lowerdir=low,upperdir=up,workdir=work mnt 2>/dev/null || exit 1
cat mnt/f; echo up >mnt/f; cat up/f low/f; mkdir mnt/new; mv mnt/f mnt/new/g; find mnt | sort; rm -r mnt/d; ls mnt; ls low
seq 50000 >mnt/n; md5sum <mnt/n; cp -r /etc/dpkg mnt/copy && diff -r /etc/dpkg mnt/copy && echo same
stat -c '%n %F %s' up/n; umount mnt
