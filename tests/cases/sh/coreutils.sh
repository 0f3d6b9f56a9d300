# Everyday coreutils on files of all kinds.
cd /work
seq 1 10 >n; shuf --random-source=/bin/ls n | sort -n | md5sum
cp n m; cp -a /etc/alternatives . ; ls alternatives | wc -l
mkdir -p d/e/f; touch d/e/f/x; mv d/e g; find g; rm -r d g
ln n hard; ln -s n soft; stat -c '%h %F' n soft; readlink -f soft
chmod 640 n; stat -c '%a %U %G %s' n; chown 12:34 n; stat -c '%u %g' n
touch -d '2001-02-03 04:05:06.789 UTC' n; stat -c '%y' n; TZ=UTC ls -l --time-style=full-iso n | cut -d' ' -f3-
truncate -s 1M sparse; stat -c '%s' sparse; du -k --apparent-size sparse
dd if=/dev/zero of=blocks bs=4096 count=8 2>/dev/null; wc -c blocks
dd if=n of=blocks bs=1 seek=100 conv=notrunc 2>/dev/null; cksum blocks
split -l 3 n part.; cat part.* | cmp - n; ls part.*
paste n n | tail -n 1; join n n | wc -l; comm -12 n n | wc -l; cut -c1 n | uniq | wc -l
tac n | head -n 2; nl n | tail -n 1; fold -w 5 <<<"abcdefghij"; expand <<<"	x" | od -c | head -n 1
sha256sum n; md5sum n; base64 <n; od -x n | head -n 2
date -u -d @0; basename /a/b.c .c; dirname /a/b; seq -s, 5; expr 6 \* 7; factor 360
test -r n -a ! -e none; echo $?; mktemp -u x.XXX | wc -c
df /work | wc -l; sync; nice -n 5 nice; env -i A=1 env; timeout 0.2 sleep 5; echo $?
pwd; (cd /usr/lib; pwd -P; cd ..; pwd); tty; echo $?; whoami; groups; printenv HOME
mkfifo p; stat -c %F p; mknod c c 1 3; stat -c '%F %t %T' c; [ -c c ] && echo char
install -m 700 n i; stat -c %a i; rm -f i; unlink hard; stat -c %h n; realpath --relative-to=/usr /work
