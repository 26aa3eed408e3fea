# Opens a TAP device in a network namespace of its own and passes frames over stdin and stdout, each after its length (three
# bytes, big-endian); the first message is the process id. Test use only. Arguments: name, 1 for virtio-net headers with offloads, then commands to run first.
import fcntl
import os
import select
import struct
import subprocess
import sys

TUNSETIFF = 0x400454CA
TUNSETOFFLOAD = 0x400454D0
IFF_TAP, IFF_NO_PI, IFF_VNET_HDR = 0x0002, 0x1000, 0x4000


def main():
    name, virtio, commands = sys.argv[1], sys.argv[2] == "1", sys.argv[3:]
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    flags = IFF_TAP | IFF_NO_PI | (IFF_VNET_HDR if virtio else 0)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), flags))
    if virtio:
        fcntl.ioctl(tap, TUNSETOFFLOAD, 1 | 2 | 4)
    for command in commands:
        subprocess.run(command, shell=True, check=True, stdout=sys.stderr)
    os.write(1, b"\0\0\4" + struct.pack(">I", os.getpid()))
    pending = b""
    while True:
        ready, _, _ = select.select([0, tap], [], [])
        if tap in ready:
            try:
                frame = os.read(tap, 70000)
            except BlockingIOError:
                frame = b""
            if frame:
                data = struct.pack(">I", len(frame))[1:] + frame
                while data:
                    data = data[os.write(1, data):]
        if 0 in ready:
            chunk = os.read(0, 1 << 20)
            if not chunk:
                return
            pending += chunk
            at = 0
            while len(pending) - at >= 3:
                size = int.from_bytes(pending[at:at + 3], "big")
                if len(pending) - at - 3 < size:
                    break
                try:
                    os.write(tap, pending[at + 3:at + 3 + size])
                except OSError:
                    pass
                at += 3 + size
            pending = pending[at:]


main()
