# ninep_files.sh TRANSPORT OPTIONS: what can be done with files, in a mount of 9P.
. /cases/sh/ninep_mount.sh
ninep "$1" "$2" && cd /work/mounted || exit
umask 022

echo "== names"
mkdir -p a/b/c "with space" && echo one >a/one && echo two >"with space/two"
ln a/one a/b/hard && ln -s ../one a/b/link && ln -s nowhere dangling && mkfifo fifo
ls /work/mounted/none; cat a/b/link; readlink dangling
mkdir a; rmdir a; mv -T a "with space"
mv a/one a/b/c/moved && mv a/b/c a/d && cat a/d/moved a/b/hard && rm a/b/hard && stat -c '%h %n' a/d/moved
mkdir replaced && mv -T a/b replaced && ls replaced
find . -printf '%p %y %m %U %G %n ' \( -type d -printf '- ' -o -printf '%s ' \) -printf '%l\n' | sort

echo "== content"
seq 100000 >large && cp large copy && cmp large copy && sha256sum <copy
printf x | dd of=copy bs=1 seek=1000000 conv=notrunc 2>/dev/null && stat -c %s copy && tail -c 2 copy | od -c
truncate -s 10 copy && cat copy && echo more >>copy && tail -n 1 copy
exec 5<>copy && rm copy && echo unlinked >&5 && exec 5>&-
head -c 5000000 /dev/urandom >random && cmp random /work/served/random && cp random back && cmp random back
cmp --ignore-initial=4500000 random /work/served/random && rm random back large

echo "== attributes"
echo content >file && chmod 640 file && chown 1000:100 file && touch -d '2001-02-03 04:05:06.789' file
stat -c '%a %u %g %s %Y %y' file
ln -s file link && chown -h 5:6 link && stat -c '%u %g' link
setfattr -n user.colour -v blue file && setfattr -n user.large -v "$(printf %03000d 7)" file
getfattr -d file | md5sum; getfattr -n user.none file; setfattr -x user.colour file && getfattr file
cp /bin/true program && chmod 755 program && ./program && echo ran

echo "== others"
mkdir mine && chmod 700 mine && echo secret >mine/secret && mkdir all && chmod 1777 all
as() { setpriv --reuid 1234 --regid 1234 --clear-groups -- "$@"; }
as cat mine/secret; as sh -c 'echo theirs >all/theirs'; stat -c '%u %g' all/theirs; as rm -r mine; as rm all/theirs && ls all
as cat file; as sh -c 'echo >file'

echo "== many"
mkdir many && (cd many && seq 1500 | xargs touch) && ls many | wc -l && ls many | sort -n | md5sum
rm -r many && ls
sync -f . && stat -f -c %l .
cd / && umount /work/mounted && find /work/served | sort
