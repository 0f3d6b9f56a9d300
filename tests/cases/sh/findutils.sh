# find and xargs.
cd /work; mkdir -p a/b/c; touch a/1 a/b/2 a/b/c/3; ln -s ../1 a/b/link; printf hello >a/b/c/text
find . | sort; find . -type f -size +0; find . -name '[12]' | sort; find . -maxdepth 1; find -L a -type f | sort
find . -type l -printf '%p %l\n'; find a -depth | tail -n 1; touch -d @1 a/1; touch -d @2 a/b/2 a/b/c/3; find a -newer a/1 -name "[0-9]" | sort
find a -type f -exec wc -c {} + | tail -n 1; find a -type f -print0 | sort -z | xargs -0 -n 2 echo
seq 1 5000 | xargs -n 100 echo | wc -l; seq 20 | xargs -P 4 -n 1 sh -c 'echo $0' | sort -n | md5sum
echo 1 2 3 | xargs -n1 sh -c 'exit $0'; echo $?
find a -name 3 -delete; find a | sort; find /etc -xdev -type f | sort | md5sum
find / -xdev -perm -4000 | sort; find /usr/share -xdev -type d | wc -l
