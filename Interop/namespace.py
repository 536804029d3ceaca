"""Network namespaces of a test's own: links that lead nowhere, so that no packet reaches a network that anybody uses."""

import os
import shutil
import subprocess
import time
import uuid
from contextlib import contextmanager

CARRIER_WITHIN = 20.0
# Of one end of a cable. Not by sysctl(8), which small systems are without.
SETTINGS_6 = "/proc/sys/net/ipv6/conf/ice0"


def absence():
    """Why there can be no namespaces here; empty when there can."""
    if os.name != "posix" or not shutil.which("ip"):
        return "there is no ip (iproute2)"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with link():
            return ""
    except (OSError, subprocess.CalledProcessError) as error:
        words = (getattr(error, "stderr", None) or b"").decode().strip() or error
        return f"network namespaces with a cable between them can't be made here ({words})"


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@contextmanager
def namespace():
    """A namespace with nothing but loopback in it, which goes at the end with all its links."""
    name = f"ice-{uuid.uuid4().hex[:8]}"
    ip("netns", "add", name)
    try:
        ip("-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        subprocess.run(["ip", "netns", "delete", name], capture_output=True)


@contextmanager
def link(default_route=False):
    """Two namespaces with a cable between them, each with an IPv4 address, and a link-local IPv6 one where the kernel has IPv6.

    Browsers that may not list the interfaces ask for the default route, which leads to the other end of the cable and no further.
    """
    with namespace() as a, namespace() as b:
        ip("-n", a, "link", "add", "ice0", "type", "veth", "peer", "name", "ice0", "netns", b)
        for name, address in ((a, "192.168.77.1/24"), (b, "192.168.77.2/24")):
            # An address that is still looked for twice can't be bound.
            subprocess.run(inside(name, ["sh", "-c", f"echo 0 >{SETTINGS_6}/accept_dad"]), capture_output=True)
            ip("-n", name, "address", "add", address, "dev", "ice0")
            ip("-n", name, "link", "set", "ice0", "up", "multicast", "on")
            if default_route:
                ip("-n", name, "route", "add", "default", "dev", "ice0")
        for name in (a, b):
            wait_for_carrier(name)
        yield a, b


def wait_for_carrier(name):
    """The kernel takes up to a second to see that both ends of a cable are plugged in."""
    end = time.monotonic() + CARRIER_WITHIN
    wanted = ["LOWER_UP"] + (["inet6 fe80:"] if has_ipv6(name) else [])
    while time.monotonic() < end:
        shown = subprocess.run(["ip", "-n", name, "address", "show", "ice0"], check=True, capture_output=True, text=True)
        if all(word in shown.stdout for word in wanted) and "tentative" not in shown.stdout:
            return
        time.sleep(0.05)
    raise OSError(f"the link of {name} does not come up")


def has_ipv6(name):
    """A kernel may have been started without IPv6, or with it turned off for every interface."""
    shown = subprocess.run(inside(name, ["cat", f"{SETTINGS_6}/disable_ipv6"]), capture_output=True, text=True)
    return shown.stdout.strip() == "0"


def inside(name, command):
    """The command, run in a namespace."""
    return ["ip", "netns", "exec", name, *command]
