# A small package built, installed, listed and removed.
cd /work; mkdir -p p/DEBIAN p/usr/bin p/etc; printf '#!/bin/sh\necho from the package\n' >p/usr/bin/tiny; chmod 755 p/usr/bin/tiny; echo conf >p/etc/tiny.conf
printf 'Package: tiny\nVersion: 1.0\nArchitecture: all\nMaintainer: t <t@t>\nDescription: tiny\n' >p/DEBIAN/control; echo /etc/tiny.conf >p/DEBIAN/conffiles
printf '#!/bin/sh\necho configured "$1"\n' >p/DEBIAN/postinst; chmod 755 p/DEBIAN/postinst
dpkg-deb --root-owner-group -b p tiny.deb >/dev/null; dpkg-deb -c tiny.deb | awk '{print $1, $2, $6}'
dpkg -i tiny.deb 2>&1 | grep -v 'Reading database'; tiny; dpkg -s tiny | grep Status; dpkg -L tiny | sort
dpkg -r tiny 2>&1 | grep -v 'Reading database'; ls /usr/bin/tiny 2>/dev/null; echo $?; dpkg -P tiny 2>&1 | grep -v 'Reading database'; ls /etc/tiny.conf 2>/dev/null; echo $?; dpkg --audit; echo $?
