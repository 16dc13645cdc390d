"""Attempts with what a job leaves and how it ends: odd files, late writes, time that runs out, floods of words.

`trait` names what the host finds in the folder of an unguarded container where the same program has run.
"""

from sandbox.attack.attempt import Family, Left
from sandbox.reason import Said

PLAIN = "plain\n"
_PLAIN = "open('/out/O1.txt', 'w').write('plain\\n')\n"


def _left(  # noqa: PLR0913 - a row of the table, each by name
    name: str,
    said: Said,
    code: str,
    *,
    trait: str = "",
    ends: str = "output_refused",
    takes: str = "",
    uncontrolled: str = "",
) -> Left:
    return Left(
        name=f"out.{name}",
        family=Family.OUTPUTS,
        does=said,
        code="import os\n" + code,
        trait=trait,
        ends=tuple(ends.split()),
        takes=takes,
        uncontrolled=uncontrolled,
    )


ODD: tuple[Left, ...] = (
    _left("link", Said(zh="输出是指向宿主机文件的链接", en="leaves a link to a file of the host"), "os.symlink('/etc/shadow', '/out/O1.txt')", trait="link", ends="output_refused failed"),
    _left("link_view", Said(zh="输出是指向视图的链接", en="leaves a link to the view"), "os.symlink('/data/CANARY/CANARY.csv', '/out/O1.csv')", trait="link", ends="output_refused failed"),
    _left("link_loop", Said(zh="输出是指向自身的链接", en="leaves a link to itself"), "os.symlink('O1.txt', '/out/O1.txt')", trait="link", ends="output_refused failed"),
    _left("link_up", Said(zh="输出是带 .. 的链接", en="leaves a link that climbs by .."), "os.symlink('../../../../etc/passwd', '/out/O1.txt')", trait="link", ends="output_refused failed"),
    _left("hard_link", Said(zh="一个文件两个名字", en="leaves one file by two names"), _PLAIN + "os.link('/out/O1.txt', '/out/O2.txt')", trait="hard link"),
    _left("pipe", Said(zh="输出是命名管道，让收集者等待", en="leaves a pipe, so that whoever reads it waits"), "os.mkfifo('/out/O1.txt')", trait="pipe", ends="output_refused failed finished"),
    _left("socket", Said(zh="输出是套接字", en="leaves a socket"), "import socket\nsocket.socket(socket.AF_UNIX).bind('/out/O1.txt')", trait="socket", ends="output_refused failed finished"),
    _left("device", Said(zh="输出是设备", en="leaves a device"), "import stat\nos.mknod('/out/O1.txt', 0o666 | stat.S_IFCHR, os.makedev(1, 5))", trait="device", ends="output_refused failed"),
    _left("folder", Said(zh="输出是目录", en="leaves a folder"), "os.makedirs('/out/O1.txt/deep')", trait="folder"),
    _left("sparse", Said(zh="稀疏文件，声称很大", en="leaves a file of holes, which claims to be large"), "f = open('/out/O1.bin', 'wb')\nf.truncate(900_000)", trait="holes"),
    _left("large", Said(zh="声称有 1 TiB 的稀疏文件", en="leaves a file that claims a tebibyte"), "open('/out/O1.bin', 'wb').truncate(1 << 40)", trait="holes", ends="output_refused failed"),
    _left("set_uid", Said(zh="带 setuid 位的输出", en="leaves a set-uid file"), _PLAIN + "os.chmod('/out/O1.txt', 0o4755)", trait="special mode"),
    _left("sticky", Said(zh="在权限位中夹带信息", en="carries bits in a file's mode"), _PLAIN + "os.chmod('/out/O1.txt', 0o1644)", trait="special mode"),
    _left("attribute", Said(zh="在扩展属性中夹带信息", en="carries words in an extended attribute"), _PLAIN + "os.setxattr('/out/O1.txt', 'user.note', b'words')", trait="attributes", ends="output_refused failed"),
    _left("modes", Said(zh="在普通权限位中夹带信息", en="carries bits in the plain bits of a mode"), _PLAIN + "os.chmod('/out/O1.txt', 0o641)", trait="mode", ends="finished", takes=PLAIN),
    _left("times", Said(zh="在修改时间中夹带信息", en="carries a number in a file's time"), _PLAIN + "os.utime('/out/O1.txt', (424242, 424242))", trait="time", ends="finished", takes=PLAIN),
    _left("undeclared", Said(zh="未申报的输出", en="leaves an output that was not declared"), "open('/out/O9.txt', 'w').write('x')", trait="other name"),
    _left("hidden", Said(zh="以点开头的文件", en="leaves a hidden file"), _PLAIN + "open('/out/.x', 'w').write('x')", trait="other name"),
    _left("long_name", Said(zh="在文件名中夹带信息", en="carries words in a file's name"), "open('/out/' + 'n' * 200 + '.txt', 'w')", trait="other name"),
    _left("control_name", Said(zh="文件名含换行和控制字符", en="leaves a name with line ends and escapes"), "open(b'/out/O1\\n\\x1b[2J.txt', 'w')", trait="other name"),
    _left("bytes_name", Said(zh="文件名不是 UTF-8", en="leaves a name that is no UTF-8"), "open(b'/out/\\xff\\xfe.txt', 'w')", trait="other name"),
    _left("look_alike", Said(zh="用形近字母仿冒已申报的名字", en="leaves a name that looks like a declared one"), "open('/out/\\u041e1.txt', 'w').write('x')", trait="other name"),
    _left("suffix", Said(zh="未知后缀的输出", en="leaves a file of an unknown kind"), "open('/out/O1.exe', 'wb').write(b'MZ')", trait="other name"),
    _left("suffix_case", Said(zh="以大小写夹带信息", en="carries a bit in the case of a suffix"), "open('/out/O1.TXT', 'w').write('x')", trait="other name"),
    _left("twice", Said(zh="一个输出两个文件", en="leaves two files for one output"), _PLAIN + "open('/out/O1.csv', 'w').write('x')", trait="two"),
    _left("many", Said(zh="文件多于上限", en="leaves more files than it may"), "for n in range(10): open(f'/out/x{n}.txt', 'w')", trait="two"),
    _left("late", Said(zh="主程序结束后由后台进程改写", en="writes again when its program has ended"), _PLAIN + "import time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(0.3)\n    open('/out/O1.txt', 'a').write('LATE')\n    time.sleep(5)\n    os._exit(0)", trait="plain", ends="finished", takes=PLAIN),
    _left("race", Said(zh="不停地在文件与链接之间调换", en="swaps a file and a link, over and over"), "if os.fork() == 0:\n    os.setsid()\n    while True:\n        open('/out/O1.txt', 'w').write('x')\n        os.remove('/out/O1.txt')\n        os.symlink('/etc/shadow', '/out/O1.txt')\n        os.remove('/out/O1.txt')\nimport time\ntime.sleep(0.3)", ends="output_refused finished", takes="x", uncontrolled="who wins a race is chance; the links alone are attempts of their own"),
)  # fmt: skip
ENDING: tuple[Left, ...] = (
    _left("spin", Said(zh="用满处理器直到超时", en="spins past its time"), "while True: pass", trait="runs on", ends="timed_out"),
    _left("sleep", Said(zh="休眠超过时限", en="sleeps past its time"), "import time\ntime.sleep(60)", trait="runs on", ends="timed_out"),
    _left("deaf", Said(zh="忽略一切可忽略的信号", en="ignores every signal that can be ignored"), "import signal, time\nfor n in range(1, 65):\n    try: signal.signal(n, signal.SIG_IGN)\n    except (OSError, ValueError): pass\ntime.sleep(60)", trait="runs on", ends="timed_out"),
    _left("daemon", Said(zh="留下脱离终端的后台进程，继续运行", en="leaves processes behind that go on"), _PLAIN + "import time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0: time.sleep(60)\n    os._exit(0)", trait="plain", ends="finished", takes=PLAIN),
    _left("flood", Said(zh="打印 20 MiB 日志", en="prints 20 MiB of words"), "for n in range(20): os.write(1, b'x' * (1 << 20))", trait="logged", ends="finished failed timed_out output_refused"),
    _left("flood_errors", Said(zh="向错误输出打印 20 MiB", en="prints 20 MiB of errors"), "for n in range(20): os.write(2, b'x' * (1 << 20))", trait="logged", ends="finished failed timed_out output_refused"),
    _left("forged_end", Said(zh="伪造容器协议中的结束消息", en="forges the word by which a container says that it ended"), "for fd in range(3, 256):\n    try: os.write(fd, b'ended 0\\n')\n    except OSError: pass\nos._exit(7)", ends="failed output_refused finished", uncontrolled="only the keeper's own containers have such a word"),
    _left("core", Said(zh="崩溃并留下内存转储", en="crashes and leaves its memory in a file"), "os.chdir('/out')\nos.abort()", ends="failed out_of_memory", uncontrolled="where a core goes is the host's own setting"),
)  # fmt: skip
OUTPUTS: tuple[Left, ...] = (*ODD, *ENDING)
"""Every attempt of the family."""
