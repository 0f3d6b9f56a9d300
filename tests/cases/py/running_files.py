"""Programs that run, and those who would write to their files: ETXTBSY."""
import os, shutil, subprocess
from mounting import *

for place in "/work/p", "/tmp/p":
    os.makedirs(place, exist_ok=True)
    program = place + "/sleep"
    shutil.copy("/bin/sleep", program)
    os.link(program, place + "/link")
    print(place)
    writer = os.open(program, os.O_WRONLY)
    tried("open for writing", subprocess.run, [program, "0"])
    reader = os.open(program, os.O_RDONLY)
    os.close(writer)
    print("open for reading", subprocess.run([program, "0"]).returncode)
    os.close(reader)
    running = subprocess.Popen([program, "100"])
    for name in program, place + "/link":
        tried("write", os.open, name, os.O_WRONLY)
        tried("read and write", os.open, name, os.O_RDWR | os.O_CREAT)
        tried("cut", os.open, name, os.O_RDONLY | os.O_TRUNC)
        tried("append", os.open, name, os.O_WRONLY | os.O_APPEND)
        tried("truncate", os.truncate, name, 0)
        tried("chmod", os.chmod, name, 0o750)
        os.close(os.open(name, os.O_RDONLY))
    os.rename(program, program + "2")
    print("size kept", os.stat(program + "2").st_size == os.stat("/bin/sleep").st_size)
    again = subprocess.Popen([program + "2", "100"])
    running.kill()
    running.wait()
    tried("another runs", os.open, program + "2", os.O_WRONLY)
    again.kill()
    again.wait()
    os.close(os.open(program + "2", os.O_WRONLY))
    print("nobody runs it")
    # A script is read by another program: nothing keeps writers away.
    script = place + "/script"
    open(script, "w").write("#!/bin/sh\necho start >> %s; echo script\n" % script)
    os.chmod(script, 0o755)
    print(subprocess.run([script], capture_output=True).stdout)
    # A child of fork runs it too, and one of vfork until it has a program of its own.
    child = subprocess.Popen(["/bin/sh", "-c", f"cp /bin/sh {place}/sh; {place}/sh -c 'exec sleep 0'; echo > {place}/sh; echo $?"], stdout=subprocess.PIPE)
    print(child.communicate()[0], child.returncode)
    shutil.rmtree(place)
# Memory without a name may be executed while it is open for writing.
memory = os.memfd_create("program", 0)
os.write(memory, open("/bin/true", "rb").read())
print(subprocess.run([f"/proc/self/fd/{memory}"], pass_fds=[memory]).returncode)
# It knows itself, and can start itself again.
memory = os.memfd_create("python", 0)
os.write(memory, open(os.path.realpath("/usr/bin/python3"), "rb").read())
itself = """
import os, subprocess
print(os.readlink("/proc/self/exe"), os.stat("/proc/self/exe").st_size > 1000)
print(subprocess.run(["python3", "-c", "print('again')"], executable="/proc/self/exe", capture_output=True).stdout)
"""
program = [f"/proc/self/fd/{memory}", "-c", itself]
print(subprocess.run(program, pass_fds=[memory], capture_output=True, env={"PYTHONHOME": "/usr"}))
