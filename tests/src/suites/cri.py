"""What a kubelet asks of a container runtime, over the socket of one: CRI, version 1. Prints what it sees, so that two runtimes can be compared.

Messages are written and read by the numbers of their fields, which api.proto of Kubernetes' cri-api names.
"""
import os
import sys
import time

import grpc

SOCKET, HANDLER, IMAGE, DIRECTORY, GROUP = sys.argv[1:]
# Of NamespaceMode.
POD, CONTAINER, NODE, TARGET = range(4)
STATES = ["created", "running", "exited", "unknown"]
WAITS = "trap 'echo got term; exit 3' TERM; echo up; while :; do sleep 0.1; done"


def varint(number):
    out = bytearray()
    number &= (1 << 64) - 1
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes(out + bytes([number]))


def message(fields):
    """A message from its fields: numbers, texts, messages, and lists of them."""
    out = b""
    for tag, value in fields.items():
        for one in value if isinstance(value, list) else [value]:
            if isinstance(one, int):
                out += varint(tag << 3) + varint(one)
            else:
                one = message(one) if isinstance(one, dict) else one.encode()
                out += varint(tag << 3 | 2) + varint(len(one)) + one
    return out


def fields(data):
    """The fields of a message: lists of numbers and of bytes."""
    at, found = 0, {}

    def number():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            length = {1: 8, 5: 4}.get(key & 7) or number()
            value, at = data[at:at + length], at + length
        found.setdefault(key >> 3, []).append(value)
    return found


channel = grpc.insecure_channel("unix:" + SOCKET)


def call(method, request, seconds=240):
    path = "/runtime.v1.RuntimeService/" + method
    answer = channel.unary_unary(path, None, None)(message(request), timeout=seconds, wait_for_ready=True)
    return fields(answer)


def text(answer, tag):
    return answer.get(tag, [b""])[0].decode()


class Pod:
    def __init__(self, name, pids=CONTAINER):
        # On the node's network: that wants no plug-in.
        self.pids = pids
        self.config = {
            1: {1: name, 2: "uid-" + name, 3: "default", 4: 0},
            3: DIRECTORY,
            8: {1: GROUP, 2: {1: {1: NODE, 2: pids}}},
        }
        self.id = text(call("RunPodSandbox", {1: self.config, 2: HANDLER}), 1)

    def create(self, name, program, pids=None, target="", memory=0):
        options = {1: NODE, 2: self.pids if pids is None else pids, 4: target}
        config = {
            1: {1: name, 2: 0}, 2: {1: IMAGE}, 3: ["sh", "-c", program], 11: name + ".log",
            15: {1: {4: memory}, 2: {3: options}},
        }
        return text(call("CreateContainer", {1: self.id, 2: config, 3: self.config}), 1)

    def run(self, *arguments, **options):
        container = self.create(*arguments, **options)
        call("StartContainer", {1: container})
        return container

    def end(self):
        call("StopPodSandbox", {1: self.id})
        ready = fields(call("PodSandboxStatus", {1: self.id})[1][0]).get(3, [0])[0] == 0
        call("RemovePodSandbox", {1: self.id})
        return "ready" if ready else "not ready"


def status(container):
    found = fields(call("ContainerStatus", {1: container})[1][0])
    state = STATES[found.get(3, [0])[0]]
    return f"{state} {found.get(7, [0])[0]} {text(found, 10)}".strip() if state == "exited" else state


def until(wanted, look):
    deadline = time.monotonic() + 240
    while (seen := look()) != wanted:
        if time.monotonic() > deadline:
            print("waited for", repr(wanted), "and saw", repr(seen))
            sys.exit(1)
        time.sleep(0.05)


def log(name):
    """What a container wrote: the lines of its log begin with time, stream and whether they are whole."""
    try:
        with open(os.path.join(DIRECTORY, name + ".log")) as lines:
            return [line.rstrip("\n").split(" ", 3)[1:] for line in lines]
    except FileNotFoundError:
        return []


def ask(container, program, seconds=0):
    answer = call("ExecSync", {1: container, 2: ["sh", "-c", program], 3: seconds})
    return text(answer, 1), text(answer, 2), answer.get(3, [0])[0]


print("version", text(call("Version", {}), 1))

pod = Pod("apart")
a, b = pod.create("a", WAITS), pod.run("b", "echo $$; " + WAITS)
print("a", status(a))
call("StartContainer", {1: a})
for name, container, first in [("a", a, []), ("b", b, [["stdout", "F", "1"]])]:
    until(first + [["stdout", "F", "up"]], lambda: log(name))
    print(name, status(container), ask(container, "tr '\\0' ' ' </proc/1/cmdline | cut -c 1-40"))
print("exec", ask(a, "echo out; echo err >&2; exit 5"))
try:
    print("exec too long", ask(a, "exec sleep 1000", 1))
except grpc.RpcError as error:
    print("exec too long", error.code().name)
until("", lambda: ask(a, "grep -l ^sleep.100[0] /proc/[0-9]*/cmdline")[0])
print("files", ask(a, "echo mine >/tmp/x; cat /tmp/x"), ask(b, "ls /tmp"))
# As kubectl debug does it.
looks = pod.run("looks", WAITS, pids=TARGET, target=b)
print("looks", ask(looks, "tr '\\0' ' ' </proc/1/cmdline | cut -c 1-14"))
call("StopContainer", {1: looks, 2: 20})
print("looks", status(looks))
# Processor time in nanoseconds and memory in bytes of each, as a kubelet asks for them.
eats = pod.run("eats", "x=$(head -c 33554432 /dev/zero | tr '\\0' x); echo eaten; while :; do sleep 0.1; done")
until([["stdout", "F", "eaten"]], lambda: log("eats"))
for name, container in [("b", b), ("eats", eats)]:
    used = fields(call("ContainerStats", {1: container})[1][0])
    time_used, memory = (fields(fields(used[tag][0])[2][0])[1][0] for tag in (2, 3))
    print(name, "has much" if memory > 32 << 20 else "has little", time_used > 0)
call("StopContainer", {1: eats, 2: 0})
limited = pod.run("limited", "exit 7", memory=256 << 20)
until("exited 7 Error", lambda: status(limited))
call("StopContainer", {1: a, 2: 20})
print("a", status(a), log("a"), "b", status(b))
call("RemoveContainer", {1: a})
call("StopContainer", {1: b, 2: 0})
print("b", status(b))
print("listed", len(call("ListContainers", {}).get(1, [])))
print("pod", pod.end())

pod = Pod("together", POD)
c = pod.run("c", "echo $$ | grep -vx 1 >/dev/null && echo not the first; " + WAITS)
until([["stdout", "F", "not the first"], ["stdout", "F", "up"]], lambda: log("c"))
print("c sees", ask(c, "tr '\\0' ' ' </proc/1/cmdline | cut -c 1-20"))
print("pod", pod.end())
print("left", len(call("ListContainers", {}).get(1, [])), len(call("ListPodSandbox", {}).get(1, [])))
