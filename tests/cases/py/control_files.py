"""Files of control groups, as their test programs use them."""
import os, time


def written(path, what):
    """In one call, as the kernel wants it."""
    fd = os.open(path, os.O_WRONLY)
    try:
        return os.write(fd, what.encode()) == len(what)
    finally:
        os.close(fd)


def waits(condition, seconds=100):
    """Until something is so, which it must become."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()
