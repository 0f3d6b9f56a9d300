# gcc and make -j2 on a program of several files.
cd /work; mkdir p; cd p
for i in 1 2 3 4 5 6; do printf '#include "all.h"\nint f%d(int x) { return x * %d + 1; }\n' $i $i >f$i.c; echo "int f$i(int);"; done >all.h
printf '#include <stdio.h>\n#include <math.h>\n#include "all.h"\nint main(void) { printf("%%d %%.3f\\n", f1(f2(f3(f4(f5(f6(2)))))), sqrt(2)); return 0; }\n' >main.c
cat >Makefile <<'M'
OBJS = main.o f1.o f2.o f3.o f4.o f5.o f6.o
CFLAGS = -O2 -Wall
prog: $(OBJS) ; $(CC) -o $@ $(OBJS) -lm
%.o: %.c all.h ; $(CC) $(CFLAGS) -c -o $@ $<
clean: ; rm -f prog *.o
M
make -s -j2 && ./prog; make -q; echo "up to date: $?"; touch f3.c; make -n | grep -c f3.c; make -s -j2 && ./prog
gcc -O2 -shared -fPIC -o libf.so f1.c f2.c && gcc -o dyn main.c f3.c f4.c f5.c f6.c -L. -lf -lm -Wl,-rpath,/work/p && ./dyn
gcc -static -o stat main.c f[1-6].c -lm && ./stat; echo 'int main(void) { return x; }' | gcc -x c - 2>/dev/null; echo $?
ar rc libf.a f1.o f2.o; nm libf.a | grep -c ' T '; make -s clean; ls
