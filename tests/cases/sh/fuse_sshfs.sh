# sshfs, whose sftp server is at the other end of a pipe.
cd /tmp; mkdir src mnt; echo hello >src/a
cat >ssh <<'S'
#!/bin/sh
exec /usr/lib/openssh/sftp-server
S
chmod +x ssh
sshfs -o ssh_command=/tmp/ssh host:/tmp/src mnt || exit 1
cat mnt/a; echo more >mnt/b; cat src/b; mkdir mnt/d; mv mnt/b mnt/d/c; find mnt | sort; seq 100000 >mnt/n; md5sum <mnt/n; md5sum <src/n
rm -r mnt/d; ls src; fusermount3 -u mnt
