# What programs say when calls fail.
cat /no/such; echo $?
cat /etc; echo $?
/etc/passwd; echo $?
no-such-command; echo $?
cd /nowhere; echo $?
ls /root/none /etc/passwd; echo $?
mkdir /work/a /work/a; echo $?
rmdir /work; echo $?
ln -s loop /work/loop; cat /work/loop; echo $?
mv /work/a /work/a/b; echo $?
printf '#!/no/interpreter\n' >/work/s; chmod +x /work/s; /work/s; echo $?
printf 'echo no interpreter line\n' >/work/t; chmod +x /work/t; /work/t; echo $?
touch /proc/none; echo $?
kill -0 99999; echo $?
sh -c 'kill -SEGV $$'; echo $?
