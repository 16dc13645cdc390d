"""Attempts to reach anything at all by a socket; where one could be heard, the host's canary listener listens for it."""

from sandbox.attack.attempt import OWN_KERNEL, Family, Inside
from sandbox.reason import Said


def _knock(name: str, said: Said, code: str) -> Inside:
    body = f"import socket\n{code}"
    return Inside(
        name=f"net.{name}", family=Family.NETWORK, does=said, code=body, may=OWN_KERNEL, knocks=True
    )


def _open(name: str, said: Said, code: str) -> Inside:
    body = f"import socket\n{code}"
    return Inside(name=f"net.{name}", family=Family.NETWORK, does=said, code=body, may=OWN_KERNEL)


def _netlink(name: str, protocol: int, said: Said) -> Inside:
    return _open(name, said, f"socket.socket(16, socket.SOCK_RAW, {protocol}).bind((0, 0))")


def _sent(family: str, place: str) -> str:
    return (
        f"s = socket.socket(socket.{family}, socket.SOCK_DGRAM)\n"
        f"s.sendto(facts['name'].encode(), {place})"
    )


def _connected(socket: str, place: str) -> str:
    return f"s = socket.socket({socket})\ns.settimeout(2)\ns.connect({place})\ns.sendall(facts['name'].encode())"


NETWORK: tuple[Inside, ...] = (
    _knock(
        "tcp4",
        Said(
            zh="连接宿主机回环地址的 TCP 监听",
            en="connects to a TCP listener on the host's loopback",
        ),
        _connected("socket.AF_INET", "('127.0.0.1', facts['tcp4'])"),
    ),
    _knock(
        "tcp6",
        Said(zh="经 IPv6 连接宿主机监听", en="connects to the host's listener over IPv6"),
        _connected("socket.AF_INET6", "('::1', facts['tcp6'])"),
    ),
    _knock(
        "tcp_mapped",
        Said(
            zh="以 IPv4 映射的 IPv6 地址连接",
            en="connects by an IPv6 address that maps an IPv4 one",
        ),
        _connected("socket.AF_INET6", "('::ffff:127.0.0.1', facts['tcp4'])"),
    ),
    _knock(
        "udp4",
        Said(zh="向宿主机发送一个 UDP 报文", en="sends one UDP datagram to the host"),
        _sent("AF_INET", "('127.0.0.1', facts['udp4'])"),
    ),
    _knock(
        "udp6",
        Said(zh="经 IPv6 发送一个 UDP 报文", en="sends one UDP datagram over IPv6"),
        _sent("AF_INET6", "('::1', facts['udp6'])"),
    ),
    _knock(
        "fast_open",
        Said(
            zh="在握手的第一个报文中夹带数据", en="carries data in the first packet of a handshake"
        ),
        "s = socket.socket()\n"
        "s.sendto(facts['name'].encode(), socket.MSG_FASTOPEN, ('127.0.0.1', facts['tcp4']))",
    ),
    _knock(
        "any_address",
        Said(zh="以 0.0.0.0 指代本机连接", en="connects by 0.0.0.0, which means this host"),
        _connected("socket.AF_INET", "('0.0.0.0', facts['tcp4'])"),
    ),
    _knock(
        "abstract",
        Said(
            zh="连接宿主机的抽象 unix 套接字", en="connects to an abstract unix socket of the host"
        ),
        _connected("socket.AF_UNIX", "'\\0' + facts['abstract']"),
    ),
    _knock(
        "by_name",
        Said(zh="经名称解析后发送报文", en="resolves a name, then sends a datagram there"),
        _sent("AF_INET", "('localhost', facts['udp4'])"),
    ),
    _open(
        "listen",
        Said(zh="在所有地址上监听", en="listens on every address"),
        "s = socket.socket()\ns.bind(('0.0.0.0', 0))\ns.listen()",
    ),
    _open(
        "broadcast",
        Said(zh="打开可广播的 UDP 套接字", en="opens a UDP socket that may broadcast"),
        "s = socket.socket(2, 2)\ns.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)",
    ),
    _open(
        "raw_ip",
        Said(zh="打开可自写报头的原始套接字", en="opens a raw socket that writes its own headers"),
        "socket.socket(socket.AF_INET, socket.SOCK_RAW, 255)",
    ),
    _open(
        "packet",
        Said(zh="打开链路层套接字", en="opens a socket of the link layer"),
        "socket.socket(17, socket.SOCK_DGRAM, 8)",
    ),
    _open(
        "interface_up",
        Said(zh="启用一个网络接口", en="brings a network interface up"),
        "import fcntl, struct\ns = socket.socket(2, 2)\n"
        "fcntl.ioctl(s, 0x8914, struct.pack('16sh14s', b'lo', 1, b''))",
    ),
    _open(
        "second_stack",
        Said(zh="以系统调用直接创建套接字，绕过库", en="makes a socket by the bare system call"),
        "demand(call(41, 2, 1, 0) >= 0)",
    ),
    _netlink("links", 0, Said(zh="向内核询问网络接口", en="asks the kernel for its links")),
    _netlink("sock_diag", 4, Said(zh="向内核询问所有套接字", en="asks the kernel for all sockets")),
    _netlink(
        "uevents", 15, Said(zh="监听内核设备事件", en="listens to the kernel's device events")
    ),
    _netlink("generic", 16, Said(zh="打开通用 netlink", en="opens the generic netlink")),
    _open(
        "leave_namespace",
        Said(zh="进入另一个网络命名空间", en="enters another network namespace"),
        "call(272, 0x40000000)",
    ),
)
"""Every attempt of the family."""
