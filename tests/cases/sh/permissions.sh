# Users, modes, sticky and set-id bits, as checked for somebody who is not root.
cd /work; chmod 755 .; echo secret >s; chmod 600 s; echo open >o; chmod 644 o; mkdir -m 1777 t; mkdir -m 700 p
as() { setpriv --reuid "$1" --regid "$1" --clear-groups -- sh -c "$2"; }
as 1000 'cat s'; as 1000 'cat o'; as 1000 'echo x >o'; as 1000 'ls p'; as 1000 'touch t/mine'; as 2000 'rm -f t/mine; echo $?'
as 1000 'id; rm t/mine; mkdir x'; chown 1000:1000 s; as 1000 'cat s; chmod 400 s; echo y >s; chown 2000 s'
stat -c '%a %u %g' s t; cp /usr/bin/id suid; chown 7:8 suid; chmod 6755 suid; stat -c %a suid
as 1000 './suid'; mkdir -m 2775 g; chown 0:44 g; touch g/f; stat -c %g g/f; mkdir g/d; stat -c '%a %g' g/d
setpriv --bounding-set -all --inh-caps -all -- sh -c 'grep ^CapBnd /proc/self/status'; grep -E '^Cap(Eff|Prm|Bnd|Amb)' /proc/self/status
setpriv --no-new-privs -- grep NoNewPrivs /proc/self/status; as 65534 'kill -0 1'; umask 027; touch u; mkdir v; stat -c %a u v
