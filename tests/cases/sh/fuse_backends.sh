# Servers that keep files elsewhere: fuse-zip in an archive, rclone behind its own cache.
cd /tmp; mkdir src mnt; seq 20000 >src/big; mkdir src/dir; echo x >src/dir/x; (cd src && zip -q -r ../a.zip .)
fuse-zip a.zip mnt || exit 1
find mnt | sort; md5sum <mnt/big; echo new >mnt/new; mkdir mnt/sub; mv mnt/new mnt/sub/moved; echo more >>mnt/dir/x; cat mnt/dir/x; rm mnt/big; umount mnt
for i in $(seq 600); do python3 -m zipfile -l a.zip 2>/dev/null | grep -q moved && break; sleep 0.1; done
python3 -c 'import zipfile; z = zipfile.ZipFile("a.zip"); print(sorted(z.namelist()), z.read("sub/moved"), z.read("dir/x"))'
export HOME=/tmp RCLONE_CONFIG=/tmp/rclone.conf; printf '[there]\ntype = local\n' >rclone.conf
rclone mount there:/tmp/src mnt --vfs-cache-mode writes --vfs-write-back 0s --dir-cache-time 0s --daemon || exit 1
find mnt | sort; md5sum <mnt/big; stat -c '%s %F' mnt/big; seq 5000 >mnt/n; md5sum <mnt/n; mkdir mnt/d2; mv mnt/n mnt/d2/n; echo more >>mnt/dir/x; cat mnt/dir/x
for i in $(seq 600); do [ "$(md5sum <src/d2/n 2>/dev/null)" = "$(md5sum <mnt/d2/n)" ] && grep -q more src/dir/x && break; sleep 0.1; done
md5sum <src/d2/n; cat src/dir/x; rm mnt/big; rmdir mnt/dir 2>/dev/null || echo kept; ls src; umount mnt; ls mnt | wc -l
