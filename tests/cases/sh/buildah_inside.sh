# buildah_inside.sh DRIVER: buildah inside: an image from scratch, from this another one, and one from a Containerfile.
. /cases/sh/engine_inside.sh
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER=$1
first=$(buildah from scratch) && echo "$first"
at=$(buildah mount "$first"); grep -c " $at $kind " /proc/mounts
cp -a image/. "$at"; mkdir "$at/var"; buildah unmount "$first" >/dev/null
buildah config --env COLOUR=blue --workingdir /tmp --entrypoint '["/bin/sh", "-c"]' --cmd 'echo "$COLOUR"' --label kind=small "$first"
buildah commit --quiet "$first" localhost/small >/dev/null && buildah rm "$first" >/dev/null
second=$(buildah from --pull-never localhost/small) && echo "$second"
buildah run "$second" -- sh -c 'id -u; pwd; echo "$COLOUR"; cat /etc/low; echo up >>/etc/low; rm /etc/passwd; mkdir /new; seq 20000 >/new/n; ln /new/n /new/m; ls /'
buildah run "$second" -- sh -c 'exit 3'; echo $?
echo copied >file; mkdir -p tree/a; echo deep >tree/a/b; chmod 640 tree/a/b; ln -s b tree/a/link
buildah copy --quiet --chown 5:6 "$second" file /etc/file >/dev/null; buildah copy --quiet "$second" tree /tree >/dev/null
buildah add --quiet "$second" image.tar /unpacked >/dev/null; buildah run "$second" -- cat /unpacked/etc/low
# Not what becomes of writes there: with this isolation buildah mounts it read-only most of the time, natively too.
buildah run --volume /tmp/tree:/mnt:ro "$second" -- cat /mnt/a/b
at=$(buildah mount "$second"); stat -c '%a %u %g %h' "$at/etc/file" "$at/tree/a/b" "$at/new/n"; readlink "$at/tree/a/link"; ls -A "$at/etc"; buildah unmount "$second" >/dev/null
buildah commit --quiet --rm "$second" localhost/second >/dev/null; buildah containers --quiet | wc -l
third=$(buildah from --pull-never localhost/second); buildah run "$third" -- sh -c 'cat /etc/low /etc/file; md5sum </new/m; ls /etc /tree/a'; buildah rm "$third" >/dev/null
buildah inspect --type image --format '{{.OCIv1.Config.Env}} {{.OCIv1.Config.Labels.kind}} {{.OCIv1.Config.WorkingDir}} {{len .OCIv1.RootFS.DiffIDs}}{{"\n"}}' localhost/second
printf 'FROM localhost/second AS first\nRUN ["/bin/sh", "-c", "echo built >/built && rm -r /new"]\nFROM localhost/small\nCOPY --from=first /built /tree/a/b /there/\nUSER 7:8\nENTRYPOINT ["/bin/sh"]\n' >Containerfile
buildah build --quiet --pull-never --layers --tag localhost/third . >/dev/null 2>build.log || cat build.log
fourth=$(buildah from --pull-never localhost/third); buildah run "$fourth" -- sh -c 'id -u; id -g; cat /there/built; ls /there'; buildah rm "$fourth" >/dev/null
buildah push --quiet localhost/third oci-archive:/tmp/third.tar && tar tf third.tar | grep -c blobs/sha256/.; buildah images --format '{{.Name}}' | sort
buildah rmi --all --force >/dev/null; buildah images --quiet | wc -l; mounted; ls c/storage/overlay
