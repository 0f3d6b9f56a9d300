# Fifty packages are installed in a root that is layers: what comes with the machine below, memory above.
. /cases/sh/filesystem.sh
mkdir -p /work/layers/{upper,work,m} && layers lowerdir=/,upperdir=/work/layers/upper,workdir=/work/layers/work || exit
cd /work/layers/m && mkdir -p tmp/made && cp /bin/true tmp/made/true || exit
mount -t proc proc proc
for i in $(seq -w 50); do
  p=tmp/made/p$i
  mkdir -p $p/DEBIAN $p/usr/share/many/$i $p/usr/bin $p/etc/many
  printf 'Package: many%s\nVersion: 1.%s\nArchitecture: all\nMaintainer: t <t@t>\nDescription: one of many\n' "$i" "$i" >$p/DEBIAN/control
  printf '#!/bin/sh\necho "$1" >>/var/lib/many.log\n' >$p/DEBIAN/postinst
  chmod 755 $p/DEBIAN/postinst
  echo "/etc/many/$i" >$p/DEBIAN/conffiles
  echo "setting $i" >$p/etc/many/$i
  for n in $(seq 20); do echo "$i $n" >"$p/usr/share/many/$i/file$n"; done
  ln -s "../share/many/$i/file1" "$p/usr/bin/many$i"
  ln "$p/usr/share/many/$i/file1" "$p/usr/share/many/$i/same"
  dpkg-deb -Znone --root-owner-group -b $p tmp/made/$i.deb >/dev/null
done
chroot . sh -c 'dpkg -i /tmp/made/*.deb >/tmp/said 2>&1; echo $?; grep -c "^Setting up" /tmp/said'
chroot . sh -c 'dpkg -l "many*" | grep -c ^ii; wc -l </var/lib/many.log; cat /usr/bin/many17; dpkg --verify "many*"; dpkg --audit; echo $?'
chroot . sh -c 'dpkg -r many01 many02 >/dev/null 2>&1; dpkg -P many03 >/dev/null 2>&1; dpkg -l "many*" | grep -c ^ii; ls /etc/many | head -n 3; ls /usr/share/many | wc -l'
find /work/layers/upper/usr/share/many | wc -l
ls /usr/share/many 2>&1
