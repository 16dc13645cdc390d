"""Attempts on what is mounted: the view, the code, the root, the masks, and what may be executed or raised from them."""

from collections.abc import Mapping

from sandbox.attack.attempt import NOTHING, OWN_KERNEL, Family, Inside
from sandbox.reason import Said

_VIEW = (
    "view = '/data/CANARY/CANARY.csv'\n"
    "if facts.get('isolated'): open(view, 'w').write('x')\n"  # an earlier one may have worked there
)


def _file(name: str, said: Said, code: str, may: Mapping[str, str] = NOTHING) -> Inside:
    return Inside(name=f"fs.{name}", family=Family.MOUNTS, does=said, code=code, may=may)


def _view(name: str, said: Said, code: str) -> Inside:
    return _file(f"view_{name}", said, _VIEW + code)


MOUNTS: tuple[Inside, ...] = (
    _view("append", Said(zh="在视图文件末尾追加", en="appends to a file of the view"), "open(view, 'ab').write(b'x')"),
    _view("empty", Said(zh="清空视图文件", en="empties a file of the view"), "os.truncate(view, 0)"),
    _view("remove", Said(zh="删除视图文件", en="deletes a file of the view"), "os.remove(view)"),
    _view("rename", Said(zh="重命名视图文件", en="renames a file of the view"), "os.rename(view, view + '.x')"),
    _view("add", Said(zh="在视图目录中新建文件", en="makes a file in the view's folder"), "open('/data/CANARY/x', 'w')"),
    _view("link", Said(zh="在视图目录中放置符号链接", en="puts a link into the view's folder"), "os.symlink('/etc/passwd', '/data/CANARY/l')"),
    _view("nameless", Said(zh="在视图目录中建无名文件", en="makes a nameless file in the view's folder"), "os.open('/data/CANARY', os.O_TMPFILE | os.O_RDWR)"),
    _view("map", Said(zh="以共享写方式映射视图", en="maps the view, shared and writable"), "import mmap\nfd = os.open(view, os.O_RDWR)\nmmap.mmap(fd, 1)[0] = 105"),
    _view("punch", Said(zh="在视图文件中打洞", en="punches a hole into a file of the view"), "fd = os.open(view, os.O_RDWR)\nos.posix_fallocate(fd, 0, 1)"),
    _view("lease", Said(zh="对视图文件取得租约", en="takes a lease on a file of the view"), "import fcntl\nfcntl.fcntl(os.open(view, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)"),
    _view("owner", Said(zh="更改视图文件的属主", en="changes who owns a file of the view"), "os.chown(view, 1, 1)"),
    _view("remount", Said(zh="把视图重新挂载为可写", en="mounts the view writable"), "call(165, 0, text('/data/CANARY'), 0, 0x20 | 0x1000, 0)"),
    _view("unmount", Said(zh="卸载视图", en="unmounts the view"), "call(166, text('/data/CANARY'), 2)"),
    _file("root", Said(zh="写入根目录", en="writes into the root folder"), "open('/x', 'w')"),
    _file("program", Said(zh="改写系统程序", en="writes over a program of the system"), "open('/usr/bin/env', 'r+b')"),
    _file("library", Said(zh="替换共享库配置", en="changes which libraries are loaded"), "open('/etc/ld.so.preload', 'a')"),
    _file("code", Said(zh="改写挂载的作业代码", en="writes over the job's mounted code"), "open('/job/attempts.py', 'ab')"),
    _file("users", Said(zh="在用户表中添加用户", en="adds a user to the table of users"), "open('/etc/passwd', 'a')"),
    _file("hide", Said(zh="在作业目录上覆盖挂载", en="mounts over the job's folder"), "call(165, text('t'), text('/job'), text('tmpfs'), 0, 0)"),
    _file("unmask", Said(zh="卸载 /proc 上的遮蔽", en="unmounts what hides a file of /proc"), "call(166, text('/proc/kcore'), 2)"),
    _file("device", Said(zh="创建字符设备", en="makes a character device"), "import stat\nos.mknod('/tmp/d', 0o600 | stat.S_IFCHR, os.makedev(1, 3))", OWN_KERNEL),
    _file("whiteout", Said(zh="创建覆盖层的删除标记", en="makes a whiteout, by which an overlay hides files"), "import stat\nos.mknod('/tmp/w', stat.S_IFCHR, 0)", OWN_KERNEL),
    _file("execute_out", Said(zh="执行写入输出目录的程序", en="executes what it wrote to its outputs"), "import shutil, subprocess\nshutil.copy('/bin/true', '/out/e')\nos.chmod('/out/e', 0o755)\ntry:\n    subprocess.run(['/out/e'], check=True)\nfinally:\n    os.remove('/out/e')"),
    _file("execute_shm", Said(zh="执行写入共享内存的程序", en="executes what it wrote to shared memory"), "import shutil, subprocess\nshutil.copy('/bin/true', '/tmp/e')\nos.chmod('/tmp/e', 0o755)\nsubprocess.run(['/tmp/e'], check=True)"),
    _file("loader", Said(zh="借装载器执行不可执行处的程序", en="has the loader execute what lies where nothing may be"), "import shutil, subprocess\nshutil.copy('/bin/true', '/tmp/l')\nsubprocess.run(['/lib64/ld-linux-x86-64.so.2', '/tmp/l'], check=True)", OWN_KERNEL),
    _file("map_code", Said(zh="把临时文件映射为代码", en="maps a temporary file as code"), "import mmap\nf = open('/tmp/c', 'w+b')\nf.write(bytes(4096))\nf.flush()\nmmap.mmap(f.fileno(), 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC)", OWN_KERNEL),
    _file("file_powers", Said(zh="给文件加上能力", en="gives a file capabilities"), "open('/tmp/k', 'w')\nos.setxattr('/tmp/k', 'security.capability', bytes.fromhex('0100000201000000000000000000000000000000'))"),
    _file("trusted", Said(zh="写入受信任的扩展属性", en="writes a trusted attribute"), "open('/tmp/t', 'w')\nos.setxattr('/tmp/t', 'trusted.x', b'1')"),
    _file("give_away", Said(zh="把文件交给 root", en="gives a file to root"), "f = os.open('/tmp/g', os.O_CREAT | os.O_WRONLY)\nos.fchown(f, 0, 0)"),
    _file("handle", Said(zh="以句柄打开文件，绕过挂载", en="opens a file by its handle, past all mounts"), "call(304, -100, text('\\x08' + '\\0' * 20), 0)", OWN_KERNEL),
)  # fmt: skip
"""Every attempt of the family."""
