# podman_inside.sh DRIVER: Podman inside, whose images and containers lie on the kernel's overlay or on fuse-overlayfs.
. /cases/sh/engine_inside.sh
podman import --quiet image.tar localhost/small >/dev/null || exit 1
podman info --format '{{.Store.GraphDriverName}} {{.Host.OCIRuntime.Name}}'
podman run --rm localhost/small sh -c 'id -u; cat /etc/low; echo up >/etc/low; cat /etc/low; mount | grep -o "^[^ ]* on / type [^ ]*"; exit 7'; echo $?
podman create --name kept localhost/small sh -c 'echo more >>/etc/low; rm /etc/passwd; mkdir /new; seq 20000 >/new/n; md5sum </new/n; cat /etc/low' >/dev/null
podman start --attach kept; podman start --attach kept; podman diff kept | grep -v ' /\(dev\|proc\|sys\|run\)' | sort
at=$(podman mount kept); grep -c " $at $kind " /proc/mounts; cat "$at/etc/low"; echo outside >"$at/etc/low"; podman unmount kept >/dev/null
podman start --attach kept; podman commit --quiet kept localhost/other >/dev/null; podman rm kept >/dev/null
podman run --rm localhost/other sh -c 'cat /etc/low; wc -l </new/n; ls /etc'; podman run --rm --volume /tmp/image:/image:ro localhost/other sh -c 'cat /image/etc/low; touch /image/x 2>/dev/null || echo refused'
printf 'FROM localhost/other\nRUN echo built >/etc/built && rm /new/n\nUSER 5\n' >Containerfile
podman build --quiet --isolation=chroot --tag localhost/built . >/dev/null 2>build.log || cat build.log; podman run --rm localhost/built sh -c 'id -u; cat /etc/built; ls /new | wc -l'
podman run --detach --name long localhost/small sh -c 'trap "exit 3" TERM; echo up; while :; do sleep 0.1; done' >/dev/null
until podman logs long | grep -q up; do sleep 0.1; done; podman exec long sh -c 'echo $$ | wc -l; cat /etc/low; exit 4'; echo $?; podman stop --time 60 long >/dev/null; podman wait long; podman logs long; podman rm long >/dev/null
podman images --format '{{.Repository}}' | sort; podman rmi --all --force >/dev/null; podman ps --all --quiet | wc -l; mounted
