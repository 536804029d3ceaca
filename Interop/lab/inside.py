#!/usr/bin/env python3
"""What has to run inside a namespace.

inside.py wire MS   carries frames between the interfaces `near` and `far`, each after that delay, where the kernel has no netem
inside.py plain IF  gives up checksums in hardware on an interface: a wire carries the frames as they are
"""

import array
import fcntl
import heapq
import select
import socket
import struct
import sys
import time

ETH_P_ALL = 3
SIOCETHTOOL, ETHTOOL_STXCSUM = 0x8946, 0x17
PACKET_OUTGOING = 4
LONGEST_FRAME = 65_600


def wire(delay):
    ends = []
    for name in ("near", "far"):
        end = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        end.bind((name, 0))
        end.setblocking(False)
        ends.append(end)
    across = {ends[0]: ends[1], ends[1]: ends[0]}
    underway, number = [], 0
    while True:
        patience = max(0, underway[0][0] - time.monotonic()) if underway else None
        for end in select.select(ends, [], [], patience)[0]:
            frame, (_, _, kind, *_) = end.recvfrom(LONGEST_FRAME)
            if kind != PACKET_OUTGOING:
                number += 1
                heapq.heappush(underway, (time.monotonic() + delay, number, across[end], frame))
        while underway and underway[0][0] <= time.monotonic():
            _, _, end, frame = heapq.heappop(underway)
            try:
                end.send(frame)
            except OSError:
                pass  # An interface that is down loses what it is given.


def plain(name):
    value = array.array("B", struct.pack("II", ETHTOOL_STXCSUM, 0))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sP16x", name.encode(), value.buffer_info()[0])
        fcntl.ioctl(control, SIOCETHTOOL, request)


if __name__ == "__main__":
    if sys.argv[1] == "wire":
        wire(float(sys.argv[2]) / 1000)
    else:
        plain(sys.argv[2])
