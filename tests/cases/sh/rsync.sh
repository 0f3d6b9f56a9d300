# rsync.sh FILE-SYSTEM: a tree with all that files can have goes there and back.
. /cases/sh/filesystem.sh
mkdir /work/tree && cd /work/tree || exit
umask 022
mkdir -p a/b/c empty "with space"
echo one >a/one
ln a/one a/b/hard
ln -s ../one a/b/link
ln -s nowhere dangling
mkfifo fifo
truncate -s 1M a/sparse
printf x | dd of=a/sparse bs=1 seek=500000 conv=notrunc 2>/dev/null
head -c 300000 /dev/zero | tr '\0' y >"with space/big"
chmod 4755 a/one
chmod 1777 empty
chown 65534:65534 a/b/c "with space/big"
chown -h 1:1 dangling
setfattr -n user.colour -v blue a/one
setfattr -n user.direct -v "$(printf %0200d 7)" a/b
setfacl -m u:daemon:rw-,g:nogroup:r-- "with space/big"
setfacl -d -m u:nobody:rwx,o::--- a
for i in $(seq 200); do echo "$i" >"a/b/c/$i"; done
# Times of this moment would differ from run to run, and rsync takes those of one second for the same.
find . -depth -exec touch -h -d '2001-02-03 04:05:06.789' {} +
touch -h -d '1999-12-31 23:59:59.000000001' a dangling

shown() { # shown DIRECTORY: everything about each file in it
  (cd "$1" && find . -printf '%p %y %m %U %G %n %l ' \( -type d -printf '- ' -o -printf '%s ' \) -printf '%T@\n' | sort
    find . ! -type l | sort | xargs -d '\n' getfacl -P -n -s 2>&1 | sed '/^$/d'
    find . ! -type l ! -type p | sort | xargs -d '\n' getfattr -d -h 2>&1
    find . -type f | sort | xargs -d '\n' sha256sum)
}

shown /work/tree >/tmp/before
at "$1" || exit
umask 022
rsync -aHAX --numeric-ids /work/tree/ there/
echo there $?
shown there >/tmp/there
diff /tmp/before /tmp/there && echo equal
rsync -aHAXnci --numeric-ids --delete /work/tree/ there/
echo more >>"there/with space/big"
rm there/fifo
touch -d '2002-02-02' "there/with space/big" there
setfacl -x u:daemon "there/with space/big"
setfattr -x user.colour there/a/one
rsync -aHAXi --numeric-ids --delete there/ /work/back/ | wc -l
shown there >/tmp/there
shown /work/back >/tmp/back
diff /tmp/there /tmp/back && echo equal
sha256sum </tmp/back
rsync -aHAXi --numeric-ids --delete --checksum /work/tree/ there/
shown there | diff /tmp/before - && echo equal
