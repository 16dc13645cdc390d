"""Attempts on /proc and /sys: what they tell of the host, and what of the host they would change.

Nothing is changed in a control either: a setting is written back as it was read, and a trigger is only opened.
"""

from sandbox.attack.attempt import OWN_KERNEL, Family, Inside
from sandbox.reason import Said

_READ = "with open({!r}, 'rb') as file:\n    demand(file.read(64).strip(b'\\0'), 'empty')"
_BACK = (
    "with open({!r}, 'r+') as file:\n    was = file.read()\n    file.seek(0)\n    file.write(was)"
)
_OPEN = "os.close(os.open({!r}, os.O_WRONLY))"


def _tried(verb: str, path: str, said: Said, form: str) -> Inside:
    name = path.strip("/").replace("/", ".")
    code = form.format(path)
    return Inside(name=f"{verb}.{name}", family=Family.PROC, does=said, code=code, may=OWN_KERNEL)


def _reads(path: str, zh: str, en: str) -> Inside:
    return _tried("reads", path, Said(zh=f"读取{zh}", en=f"reads {en}"), _READ)


def _sets(path: str, zh: str, en: str) -> Inside:
    return _tried("sets", path, Said(zh=f"写入{zh}", en=f"writes {en}"), _BACK)


def _pulls(path: str, zh: str, en: str) -> Inside:
    return _tried("pulls", path, Said(zh=f"以写方式打开{zh}", en=f"opens {en} to write"), _OPEN)


PROC: tuple[Inside, ...] = (
    _reads("/proc/softirqs", "软中断计数", "the counts of soft interrupts"),
    _reads("/proc/zoneinfo", "内存区状况", "how the host's memory zones fare"),
    _reads("/proc/buddyinfo", "空闲内存分布", "where the host's memory is free"),
    _reads("/proc/iomem", "物理内存布局", "the layout of physical memory"),
    _reads("/proc/swaps", "交换区", "the host's swap areas"),
    _reads("/proc/crypto", "内核密码算法", "the kernel's ciphers"),
    _reads("/proc/consoles", "控制台", "the host's consoles"),
    _reads("/proc/vmallocinfo", "内核内存分配地址", "where the kernel allocates"),
    _reads("/proc/tty/drivers", "终端驱动", "the host's terminals"),
    _reads("/proc/key-users", "密钥用户", "who has keys in the kernel"),
    _reads("/proc/sysvipc/shm", "共享内存段", "segments of shared memory"),
    _reads("/proc/sys/kernel/random/uuid", "内核设置目录", "the folder of the kernel's settings"),
    _reads(
        "/proc/sys/fs/file-nr",
        "打开文件总数，可作隐蔽信道",
        "how many files all jobs have open, a covert channel",
    ),
    _reads("/proc/sys/fs/inode-nr", "索引节点总数", "how many inodes all jobs have"),
    _reads("/proc/timer_list", "定时器", "every timer of the host"),
    _sets(
        "/proc/sys/kernel/core_pattern", "内核转储程序", "which program the host runs at a crash"
    ),
    _sets("/proc/sys/kernel/panic", "崩溃后的重启时间", "when the host restarts after a panic"),
    _sets("/proc/sys/kernel/printk", "内核日志级别", "what the kernel logs"),
    _sets("/proc/sys/kernel/randomize_va_space", "地址随机化", "address randomisation"),
    _sets("/proc/sys/vm/overcommit_memory", "内存超额分配", "how memory is overcommitted"),
    _sets("/proc/sys/vm/swappiness", "交换倾向", "how the host swaps"),
    _sets("/proc/sys/fs/file-max", "打开文件上限", "how many files may be open"),
    _sets("/proc/sys/fs/suid_dumpable", "特权程序转储", "whether privileged programs dump"),
    _sets("/proc/sys/kernel/threads-max", "线程上限", "how many threads there may be"),
    _pulls("/proc/sys/vm/drop_caches", "清空缓存的开关", "the switch that drops caches"),
    _pulls("/proc/sys/vm/compact_memory", "整理内存的开关", "the switch that compacts memory"),
    Inside(
        name="proc.oom_score",
        family=Family.PROC,
        does=Said(zh="使自己免于内存不足时被杀", en="exempts itself from being killed for memory"),
        code="open('/proc/self/oom_score_adj', 'w').write('-500')",
        may={
            **OWN_KERNEL,
            "runc": "no lower than the engine's own, and its own control group is what is short",
        },
    ),
    Inside(
        name="proc.other_memory",
        family=Family.PROC,
        does=Said(zh="经 /proc 读取上级进程的内存", en="reads its parent's memory through /proc"),
        code="fd = os.open(f'/proc/{os.getppid()}/mem', os.O_RDONLY)\n"
        "line = open(f'/proc/{os.getppid()}/maps').readline()\n"
        "os.pread(fd, 8, int(line.split('-')[0], 16))",
        may={**OWN_KERNEL, "runc": "its parent is a process of the same job, of the same user"},
    ),
    Inside(
        name="sys.debug",
        family=Family.PROC,
        does=Said(zh="挂载内核调试文件系统", en="mounts the kernel's debugging file system"),
        code="os.makedirs('/tmp/debug', exist_ok=True)\n"
        "call(165, text('d'), text('/tmp/debug'), text('debugfs'), 0, 0)",
        may=OWN_KERNEL,
    ),
    Inside(
        name="sys.cgroup_escape",
        family=Family.PROC,
        does=Said(
            zh="以控制组的释放程序在宿主机上执行命令",
            en="has the host run a program by a cgroup's release agent",
        ),
        code="os.makedirs('/tmp/cg', exist_ok=True)\n"
        "call(165, text('c'), text('/tmp/cg'), text('cgroup2'), 0, 0)",
        may=OWN_KERNEL,
    ),
    Inside(
        name="sys.cgroup_limits",
        family=Family.PROC,
        does=Said(zh="经 /sys 抬高自己的内存上限", en="raises its own memory limit through /sys"),
        code="base = '/sys/fs/cgroup'\n"
        "os.makedirs('/tmp/cg1', exist_ok=True)\n"
        "call(165, text('c'), text('/tmp/cg1'), text('tmpfs'), 0, 0)\n"
        "call(165, 0, text(base), 0, 0x20 | 0x1000, 0)",
        may=OWN_KERNEL,
    ),
)
"""Every attempt of the family."""
