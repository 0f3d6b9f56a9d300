# Descriptors opened, duplicated, moved and closed.
cd /work
echo one >a; echo two >>a; cat <a
exec 3<a; read -r x <&3; read -r y <&3; echo "$x $y"; exec 3<&-
{ echo out; echo err >&2; } >both 2>&1; sort both
exec 5>&1; echo to five >&5; exec 5>&-
(echo closed >&7) 2>/dev/null; echo "bad descriptor: $?"
set -C; (echo x >a) 2>/dev/null; echo "no clobber: $?"; set +C
exec 8<>rw; echo written >&8; exec 8<&-; cat rw
(echo x >/no/such/dir/f) 2>/dev/null; echo "no directory: $?"
cat /dev/null; echo "null: $?"
echo dropped >/dev/null
echo full 2>/dev/null >/dev/full; echo "full: $?"
head -c 5 /dev/zero | od -An -tx1
ls -l /dev/stdin >/dev/null && echo "stdin there"
echo via stdout >/dev/stdout
mkfifo fifo; (echo through fifo >fifo) & cat fifo; wait
echo "$(<a)"
