# Many files in one directory, in memory.
cd /work; mkdir many; for i in $(seq 3000); do echo $i >many/$i; done; ls many | wc -l; cat many/* | sort -n | md5sum
find many -type f | wc -l; mv many more; rm more/*7*; ls more | wc -l; rm -r more; ls
