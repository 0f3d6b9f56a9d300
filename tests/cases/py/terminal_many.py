# A hundred terminals at once; the lowest number is used again; names come and go.
import os

before = set(os.listdir("/dev/pts"))
pairs = [os.openpty() for _ in range(100)]
names = [os.ttyname(s) for _, s in pairs]
print(len(set(names)), len(set(os.listdir("/dev/pts")) - before))
for i, (m, s) in enumerate(pairs):
    os.write(s, b"%d\n" % i)
print(all(os.read(m, 100) == b"%d\r\n" % i for i, (m, _) in enumerate(pairs)))
freed = names[40]
for fd in pairs[40]:
    os.close(fd)
m, s = os.openpty()
print(os.ttyname(s) == freed)
m2, s2 = pairs[50]
os.close(m2)
# The number is in use as long as the slave is open.
m3, s3 = os.openpty()
print(os.ttyname(s3) == names[50], os.path.exists(names[50]))
for fd in (m, s, s2, m3, s3):
    os.close(fd)
for i, pair in enumerate(pairs):
    if i not in (40, 50):
        for fd in pair:
            os.close(fd)
print(set(os.listdir("/dev/pts")) == before)
