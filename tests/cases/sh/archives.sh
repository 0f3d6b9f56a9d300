# tar, gzip and xz, there and back.
cd /work; mkdir -p src/deep; seq 1 20000 >src/numbers; head -c 300000 /bin/bash >src/deep/binary; ln -s numbers src/link; ln src/numbers src/hard
mkfifo src/fifo; chmod 751 src/deep; chown 5:6 src/numbers; touch -d @1000000000 src/numbers
tar --sort=name -cf a.tar src; tar tvf a.tar --numeric-owner | awk '{print $1, $2, $3, $6, $7, $8}' | sort
for z in gz:z xz:J; do tar c${z#*:}f a.tar.${z%:*} src; rm -rf out; mkdir out; tar xpf a.tar.${z%:*} -C out; diff -r --no-dereference src/numbers out/src/numbers && (cd out && find src -printf '%p %m %U %G %y %l %n\n' | sort); done
gzip -k -9 src/deep/binary; zcat src/deep/binary.gz | cmp - src/deep/binary; gunzip -t src/deep/binary.gz; echo $?; rm src/deep/binary.gz
xz -k -1 src/deep/binary; xzcat src/deep/binary.xz | cmp - src/deep/binary; echo $?; rm src/deep/binary.xz; tar cf - src | tar xf - -C out; echo $?
tar --sort=name --mtime=@0 --owner=0 --group=0 -cf - src/deep | sha256sum
truncate -s 20M sparse; echo end >>sparse; tar cSf s.tar sparse; [ "$(stat -c %s s.tar)" -lt 100000 ] && echo small; tar xSf s.tar -C out; cmp sparse out/sparse; echo $?
tar tf /etc/hostname 2>/dev/null; echo $?
