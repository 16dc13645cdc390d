"""Attempts on the kernel's surface: system calls that no computation needs, each with arguments that can do no harm."""

from sandbox.attack.attempt import OWN_KERNEL, Family, Inside
from sandbox.reason import Said


def _call(name: str, said: Said, code: str) -> Inside:
    return Inside(name=f"sys.{name}", family=Family.KERNEL, does=said, code=code, may=OWN_KERNEL)


NAMESPACES: tuple[Inside, ...] = (
    _call(
        "unshare_mounts",
        Said(zh="另立挂载命名空间", en="makes a mount namespace"),
        "call(272, 0x20000)",
    ),
    _call(
        "unshare_pids",
        Said(zh="另立进程命名空间", en="makes a process namespace"),
        "call(272, 0x20000000)",
    ),
    _call(
        "unshare_ipc",
        Said(zh="另立 IPC 命名空间", en="makes an IPC namespace"),
        "call(272, 0x8000000)",
    ),
    _call(
        "unshare_uts",
        Said(zh="另立主机名命名空间", en="makes a host name namespace"),
        "call(272, 0x4000000)",
    ),
    _call(
        "unshare_cgroup",
        Said(zh="另立控制组命名空间", en="makes a cgroup namespace"),
        "call(272, 0x2000000)",
    ),
    _call(
        "enter_init",
        Said(zh="进入一号进程的命名空间", en="enters the first process's namespace"),
        "fd = os.open('/proc/1/ns/uts', os.O_RDONLY)\ncall(308, fd, 0)",
    ),
    _call(
        "clone_namespaces",
        Said(zh="以 clone 新建带命名空间的进程", en="clones a process with namespaces of its own"),
        "got = call(56, 0x20000 | 0x4000000 | 17, 0, 0, 0, 0)\nif got == 0: os._exit(0)",
    ),
    _call(
        "clone3",
        Said(
            zh="以参数在内存中的 clone3 绕过过滤",
            en="clones by clone3, whose flags no filter can read",
        ),
        "call(435, text('\\0' * 88), 88)",
    ),
)
MOUNTING: tuple[Inside, ...] = (
    _call(
        "mount_tmpfs",
        Said(zh="挂载内存文件系统", en="mounts a file system in memory"),
        "os.makedirs('/tmp/m1', exist_ok=True)\ncall(165, text('t'), text('/tmp/m1'), text('tmpfs'), 0, 0)",
    ),
    _call(
        "mount_proc",
        Said(
            zh="重新挂载一份 /proc，去掉遮蔽",
            en="mounts /proc anew, without what hides parts of it",
        ),
        "os.makedirs('/tmp/m2', exist_ok=True)\ncall(165, text('p'), text('/tmp/m2'), text('proc'), 0, 0)",
    ),
    _call(
        "bind",
        Said(zh="把一个目录绑定到另一处", en="binds one folder over another"),
        "os.makedirs('/tmp/m3', exist_ok=True)\ncall(165, text('/etc'), text('/tmp/m3'), 0, 0x1000, 0)",
    ),
    _call(
        "remount_root",
        Said(zh="把根文件系统改为可写", en="makes the root file system writable"),
        "call(165, 0, text('/'), 0, 0x20 | 0x1000, 0)",
    ),
    _call(
        "unmount",
        Said(zh="卸载遮蔽之物", en="unmounts what hides something"),
        "call(166, text('/dev/shm'), 2)",
    ),
    _call(
        "fsopen",
        Said(zh="以新接口打开文件系统", en="opens a file system by the newer calls"),
        "call(430, text('tmpfs'), 0)",
    ),
    _call(
        "fspick",
        Said(zh="拾取已挂载的文件系统", en="picks a file system that is mounted"),
        "call(433, -100, text('/'), 0)",
    ),
    _call(
        "open_tree",
        Said(zh="克隆一棵挂载树", en="clones a tree of mounts"),
        "call(428, -100, text('/'), 1)",
    ),
    _call(
        "pivot_root",
        Said(zh="更换根目录", en="changes the root"),
        "call(155, text('/tmp'), text('/tmp'))",
    ),
    _call(
        "chroot",
        Said(zh="以 chroot 逃出根目录", en="leaves the root by chroot"),
        "call(161, text('/tmp'))",
    ),
    _call(
        "by_handle",
        Said(zh="以句柄打开任意文件", en="opens any file by its handle"),
        "call(303, -100, text('/'), text('\\x80' + '\\0' * 140), text('\\0' * 8), 0)",
    ),
)
REACHING: tuple[Inside, ...] = (
    _call(
        "bpf",
        Said(zh="载入 BPF 程序", en="loads a BPF program"),
        "call(321, 5, text('\\0' * 120), 120)",
    ),
    _call(
        "perf",
        Said(zh="观测处理器计数器", en="watches the processor's counters"),
        "call(298, text('\\0' * 120), 0, -1, -1, 0)",
    ),
    _call(
        "io_uring",
        Said(zh="以 io_uring 绕过系统调用过滤", en="goes round the filter by io_uring"),
        "call(425, 8, text('\\0' * 120))",
    ),
    _call(
        "userfaultfd",
        Said(zh="在用户态处理缺页，为竞态争取时间", en="handles page faults itself, to win races"),
        "call(323, 0)",
    ),
    _call("ptrace", Said(zh="跟踪另一进程", en="traces another process"), "call(101, 0, 0, 0, 0)"),
    _call(
        "read_process",
        Said(zh="读取另一进程的内存", en="reads another process's memory"),
        "call(310, os.getppid(), 0, 0, 0, 0, 0)",
    ),
    _call(
        "write_process",
        Said(zh="写入另一进程的内存", en="writes another process's memory"),
        "call(311, os.getppid(), 0, 0, 0, 0, 0)",
    ),
    _call(
        "take_descriptor",
        Said(zh="取走另一进程的描述符", en="takes another process's descriptor"),
        "call(438, os.pidfd_open(os.getppid()), 1, 0)",
    ),
    _call(
        "compare",
        Said(zh="比较内核对象的地址", en="compares addresses of kernel objects"),
        "call(312, os.getpid(), os.getpid(), 0, 0, 1)",
    ),
    _call(
        "add_key",
        Said(zh="写入内核密钥环", en="puts a key into the kernel's ring"),
        "call(248, text('user'), text('x'), text('y'), 1, -2)",
    ),
    _call("keyctl", Said(zh="加入会话密钥环", en="joins a session's key ring"), "call(250, 1, 0)"),
    _call(
        "fanotify", Said(zh="监视整个文件系统", en="watches a whole file system"), "call(300, 0, 0)"
    ),
    _call(
        "memfd",
        Said(zh="在内存中建无名可执行文件", en="makes a nameless file that can be executed"),
        "demand(call(319, text('x'), 0) >= 0)",
    ),
    _call(
        "vmsplice",
        Said(zh="把内存页拼入管道", en="splices pages into a pipe"),
        "r, w = os.pipe()\ncall(278, w, 0, 0, 0)",
    ),
    _call(
        "splice",
        Said(
            zh="在内核中搬运页面（脏管道一类漏洞）",
            en="moves pages in the kernel, as Dirty Pipe did",
        ),
        "call(275, -1, 0, -1, 0, 0, 0)",
    ),
    _call(
        "inotify",
        Said(zh="监视文件，窥探其他作业", en="watches files, to see what other jobs do"),
        "call(294, 0)",
    ),
    _call(
        "landlock",
        Said(zh="使用少见的安全接口", en="uses a security interface that few use"),
        "call(444, 0, 0, 1)",
    ),
    _call(
        "memory_policy",
        Said(zh="改变内存所在的节点", en="changes where memory lies"),
        "call(238, 0, 0, 0)",
    ),
    _call(
        "move_pages",
        Said(zh="查询页面所在的节点", en="asks where pages lie"),
        "call(279, 0, 0, 0, 0, 0, 0)",
    ),
)
COMMANDING: tuple[Inside, ...] = (
    _call(
        "reboot",
        Said(zh="以错误的口令重启", en="reboots, with a wrong password"),
        "call(169, 0, 0, 0, 0)",
    ),
    _call(
        "swap",
        Said(zh="启用不存在的交换文件", en="swaps to a file that is not there"),
        "call(167, text('/none'), 0)",
    ),
    _call(
        "accounting",
        Said(
            zh="把进程记账写入不存在的文件", en="accounts for processes in a file that is not there"
        ),
        "call(163, text('/none/x'))",
    ),
    _call(
        "kernel_log",
        Said(zh="读取内核日志的长度", en="asks how long the kernel's log is"),
        "call(103, 10, 0, 0)",
    ),
    _call(
        "clock",
        Said(zh="调整系统时钟（参数无效）", en="adjusts the clock, with a wrong argument"),
        "call(227, 99, 0)",
    ),
    _call("hostname", Said(zh="修改主机名", en="changes the host name"), "call(170, text('x'), 1)"),
    _call(
        "segments",
        Said(zh="读写局部描述符表", en="writes the local descriptor table"),
        "call(154, 0, text('\\0' * 64), 64)",
    ),
    _call(
        "personality",
        Said(zh="关闭地址随机化", en="turns address randomisation off"),
        "call(135, 0x0040000)",
    ),
    _call(
        "priority",
        Said(zh="抢占处理器的优先级", en="raises its priority on the processors"),
        "os.nice(-5)",
    ),
    _call(
        "quota",
        Said(zh="查询磁盘配额", en="asks for disk quotas"),
        "call(179, 0x80000100, 0, 0, 0)",
    ),
    _call("become_root", Said(zh="取得 root 身份", en="becomes root"), "call(117, 0, 0, 0)"),
    _call(
        "groups", Said(zh="加入其他用户组", en="joins other groups"), "os.setgroups([0, 6, 999])"
    ),
    _call(
        "ambient",
        Said(zh="保留环境能力", en="keeps a capability for its children"),
        "import struct\ncall(126, struct.pack('Ii', 0x20080522, 0), struct.pack('IIIIII', 1 << 21, 1 << 21, 0, 0, 0, 0))",
    ),
)
ABI: tuple[Inside, ...] = (
    Inside(
        name="sys.x32",
        family=Family.KERNEL,
        does=Said(zh="以 x32 编号绕过过滤", en="calls by x32 numbers, to miss the filter"),
        code="call(0x40000000 + 272, 0)",
        may=OWN_KERNEL,
        uncontrolled="most kernels are built without such numbers; where they exist, the filter kills their user",
    ),
    _call(
        "i386",
        Said(zh="以 32 位软中断调用内核", en="calls the kernel by the 32-bit interrupt"),
        # mov eax, 310 (unshare of i386); xor ebx, ebx; int 0x80; cdqe; ret
        "got = machine(bytes.fromhex('b83601000031dbcd804898c3'))\n"
        "demand(got not in (-1, -38), 'EPERM')",
    ),
)
KERNEL: tuple[Inside, ...] = (*NAMESPACES, *MOUNTING, *REACHING, *COMMANDING, *ABI)
"""Every attempt of the family."""
