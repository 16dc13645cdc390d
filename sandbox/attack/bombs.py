"""Attempts to take more of the host than a job may: each counts up to a bound of its own, which is past the job's limit.

The bounds are what a small machine survives without walls: 400 MiB, 600 threads, 20,000 files.
"""

from types import MappingProxyType

from sandbox.attack.attempt import NOTHING, RUNSC, Family, Inside
from sandbox.reason import Said


def _bomb(name: str, said: Said, code: str) -> Inside:
    return Inside(
        name=f"bomb.{name}",
        family=Family.BOMBS,
        does=said,
        code=code,
        alone=name in _ALONE,
        may=_SENTRY if name in _INSIDE else NOTHING,
    )


_ALONE = frozenset({"fork", "threads", "memory", "sockets", "mapped", "memory_shm", "memory_tmp"})
_INSIDE = frozenset({"inodes_tmp", "deep", "threads"})
_SENTRY = MappingProxyType(
    {
        RUNSC: "gVisor has its own inodes and threads, in memory that is bounded; the host's count decides"
    }
)
BOMBS: tuple[Inside, ...] = (
    _bomb(
        "fork",
        Said(zh="创建 300 个进程", en="makes 300 processes"),
        "import signal\npids = []\ntry:\n    for _ in range(300):\n        pid = os.fork()\n"
        "        if pid == 0:\n            time.sleep(20)\n            os._exit(0)\n        pids.append(pid)\n"
        "finally:\n    for pid in pids: os.kill(pid, signal.SIGKILL)",
    ),
    _bomb(
        "threads",
        Said(zh="创建 600 个线程", en="makes 600 threads"),
        "import threading\nend = threading.Event()\ntry:\n    for _ in range(600):\n"
        "        threading.Thread(target=end.wait, daemon=True).start()\nfinally:\n    end.set()",
    ),
    _bomb(
        "memory",
        Said(zh="占用 400 MiB 内存", en="takes 400 MiB of memory"),
        "held = [b'x' * (1 << 20) for _ in range(400)]",
    ),
    _bomb(
        "mapped",
        Said(zh="预先填充 400 MiB 的映射", en="maps 400 MiB, filled beforehand"),
        "import mmap\nheld = mmap.mmap(-1, 400 << 20, flags=mmap.MAP_PRIVATE | 0x8000 | 0x20)\n"
        "held[::4096] = bytes(len(held) // 4096)",
    ),
    _bomb(
        "memory_shm",
        Said(zh="在共享内存中写入 150 MiB", en="writes 150 MiB to shared memory"),
        "try:\n    with open('/dev/shm/b', 'wb') as f:\n        for _ in range(150): f.write(bytes(1 << 20))\n"
        "finally:\n    os.remove('/dev/shm/b')",
    ),
    _bomb(
        "memory_tmp",
        Said(zh="在临时目录写入 150 MiB", en="writes 150 MiB to the temporary folder"),
        "try:\n    with open('/tmp/b', 'wb') as f:\n        for _ in range(150): f.write(bytes(1 << 20))\n"
        "finally:\n    os.remove('/tmp/b')",
    ),
    _bomb(
        "inodes_tmp",
        Said(zh="在临时目录建 20000 个文件", en="makes 20,000 files in the temporary folder"),
        "os.mkdir('/tmp/i')\nfor n in range(20_000): os.close(os.open(f'/tmp/i/{n}', os.O_CREAT))",
    ),
    _bomb(
        "disk_out",
        Said(
            zh="输出目录写入超过上限的字节", en="writes more bytes to its outputs than it may leave"
        ),
        "try:\n    with open('/out/b', 'wb') as f: f.write(bytes(8 << 20))\nfinally:\n    os.remove('/out/b')",
    ),
    _bomb(
        "inodes_out",
        Said(zh="输出目录建超过上限的文件", en="makes more files in its outputs than it may leave"),
        "made = []\ntry:\n    for n in range(200):\n        os.close(os.open(f'/out/i{n}', os.O_CREAT))\n"
        "        made.append(n)\nfinally:\n    for n in made: os.remove(f'/out/i{n}')",
    ),
    _bomb(
        "descriptors",
        Said(zh="打开 5000 个文件", en="opens 5,000 files"),
        "import resource\nhard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))\n"
        "held = [os.open('/dev/null', os.O_RDONLY) for _ in range(5000)]",
    ),
    _bomb(
        "sockets",
        Said(zh="在套接字缓冲区中存放 300 MiB", en="parks 300 MiB in the buffers of sockets"),
        "import socket\nheld, parked, block = [], 0, bytes(1 << 15)\nwhile parked < 300 << 20:\n    a, b = socket.socketpair()\n"
        "    a.setblocking(False)\n    held += [a, b]\n"
        "    try:\n        while True: parked += a.send(block)\n    except BlockingIOError: pass",
    ),
    _bomb(
        "deep",
        Said(zh="建 20000 层目录", en="makes folders 20,000 deep"),
        "os.mkdir('/tmp/deep')\nos.chdir('/tmp/deep')\n"
        "for _ in range(20_000):\n    os.mkdir('d')\n    os.chdir('d')",
    ),
)
"""Every attempt of the family that runs inside one container; those about time and logs are beside the outputs."""
