# A program that is carried into a container as it is: no part of ours, and not to be judged as such.
# ruff: noqa: PGH004
# ruff: noqa
# fmt: off
# mypy: ignore-errors
# In-job attempts against the container's walls: run it as a job. No attempt sends anything off the machine.
# one program, many attempts; each prints  NAME | outcome | detail ; 'LEAK' = the attempt worked
import os,sys,socket,ctypes,errno,time,struct,subprocess,stat
libc=ctypes.CDLL(None,use_errno=True)
def sysc(n,*a):
    ctypes.set_errno(0); r=libc.syscall(ctypes.c_long(n),*[ctypes.c_void_p(x) if isinstance(x,int) else x for x in a]); e=ctypes.get_errno(); return r,e
def show(n,o,d=''): print(f'{n:26s} | {o:8s} | {str(d)[:150]}',flush=True)
def A(name,f):
    sys.stdout.flush(); pid=os.fork()
    if pid:
        _,w=os.waitpid(pid,0)
        if os.WIFSIGNALED(w): show(name,'killed',f'signal {os.WTERMSIG(w)}')
        return
    try:
        r=f()
        if isinstance(r,tuple) and len(r)==2 and r[0] in('LEAK','blocked','info','empty'): show(name,*r)
        else: show(name,'LEAK' if r else 'blocked',r)
    except BaseException as e: show(name,'blocked',f'{type(e).__name__} {e}')
    os._exit(0)
def s(n,*a):
    r,e=sysc(n,*a); return ('blocked',errno.errorcode.get(e,e)) if r<0 else ('LEAK',f'ret={r}')
def sock(fam,typ=socket.SOCK_STREAM,proto=0):
    def f(): socket.socket(fam,typ,proto).close(); return 'LEAK','created'
    return f
def tcp(h,p):
    def f():
        x=socket.create_connection((h,p),timeout=2); x.close(); return 'LEAK','connected'
    return f
A('net.route',lambda: ('LEAK','a route') if len(open('/proc/net/route').readlines())>1 else ('blocked','no route'))
A('net.interfaces',lambda: ('LEAK','an interface') if len([i for i in socket.if_nameindex() if i[1]!='lo']) else ('blocked','lo only'))
A('net.loopback_host',tcp('127.0.0.1',6379))
A('sock.AF_INET',sock(socket.AF_INET)); A('sock.AF_INET6',sock(socket.AF_INET6)); A('sock.AF_NETLINK',sock(16,socket.SOCK_RAW)); A('sock.AF_PACKET',sock(17,socket.SOCK_RAW)); A('sock.AF_ALG',sock(38,socket.SOCK_SEQPACKET)); A('sock.AF_VSOCK',sock(40)); A('sock.AF_KEY',sock(15,socket.SOCK_RAW,2)); A('sock.AF_BLUETOOTH',sock(31,socket.SOCK_RAW)); A('sock.AF_XDP',sock(44,socket.SOCK_RAW)); A('sock.AF_TIPC',sock(30)); A('sock.AF_CAN',sock(29,socket.SOCK_RAW)); A('sock.RAW_ICMP',sock(2,socket.SOCK_RAW,1)); A('sock.AF_UNIX_abstract',lambda: (lambda x:(x.connect('\0/tmp/.X11-unix/X0'),))(socket.socket(socket.AF_UNIX)))
for p in ('/var/run/docker.sock','/run/docker.sock','/run/containerd/containerd.sock'): A('docker_sock '+p,lambda p=p: os.stat(p) and 'present')
# kernel surface (x86_64 numbers)
A('sys.unshare_user',lambda: s(272,0x10000000)); A('sys.unshare_net',lambda: s(272,0x40000000)); A('sys.setns',lambda: s(308,0,0)); 
A('sys.clone3',lambda: s(435,0,0)); 
def clone_newuser():
    r,e=sysc(56,0x10000000|17,0,0,0,0)
    if r==0: os._exit(0)
    return ('blocked',errno.errorcode.get(e)) if r<0 else ('LEAK',r)
A('sys.clone_newuser',clone_newuser)
A('sys.mount',lambda: s(165,0,0,0,0,0)); A('sys.pivot_root',lambda: s(155,0,0)); A('sys.chroot',lambda: os.chroot('/tmp') or ('LEAK','')); A('sys.umount2',lambda: s(166,0,0)); A('sys.fsopen',lambda: s(430,ctypes.c_char_p(b'tmpfs'),0)); A('sys.open_tree',lambda: s(428,-100,ctypes.c_char_p(b'/'),1)); A('sys.mount_setattr',lambda: s(442,0,0,0,0,0))
A('sys.bpf',lambda: s(321,0,0,0)); A('sys.perf_event_open',lambda: s(298,ctypes.create_string_buffer(120),0,-1,-1,0)); A('sys.io_uring_setup',lambda: s(425,8,ctypes.create_string_buffer(120))); A('sys.userfaultfd',lambda: s(323,1)); A('sys.ptrace_traceme',lambda: s(101,0,0,0,0)); A('sys.process_vm_readv',lambda: s(310,os.getppid(),0,0,0,0,0)); A('sys.kcmp',lambda: s(312,1,1,0,0,0)); A('sys.pidfd_getfd',lambda: s(438,0,0,0))
A('sys.add_key',lambda: s(248,ctypes.c_char_p(b'user'),ctypes.c_char_p(b'x'),ctypes.c_char_p(b'payload'),7,-3)); A('sys.keyctl',lambda: s(250,0,-3,1)); A('sys.request_key',lambda: s(249,ctypes.c_char_p(b'user'),ctypes.c_char_p(b'x'),0,-3))
A('sys.memfd_create',lambda: s(319,ctypes.c_char_p(b'x'),0)); A('sys.memfd_secret',lambda: s(447,0)); A('sys.open_by_handle_at',lambda: s(304,-100,0,0)); A('sys.name_to_handle_at',lambda: s(303,-100,ctypes.c_char_p(b'/'),ctypes.create_string_buffer(128),ctypes.create_string_buffer(8),0))
A('sys.init_module',lambda: s(175,0,0,0)); A('sys.kexec_load',lambda: s(246,0,0,0,0)); A('sys.reboot',lambda: s(169,0,0,0,0)); A('sys.settimeofday',lambda: s(164,0,0)); A('sys.swapon',lambda: s(167,0,0)); A('sys.acct',lambda: s(163,0)); A('sys.quotactl',lambda: s(179,0,0,0,0)); A('sys.iopl',lambda: s(172,3)); A('sys.modify_ldt',lambda: s(154,0,0,0)); A('sys.syslog',lambda: s(103,10,0,0)); A('sys.personality',lambda: s(135,0x0040000)); A('sys.vmsplice',lambda: s(278,0,0,0,0)); A('sys.fanotify_init',lambda: s(300,0,0)); A('sys.shmget',lambda: s(29,0x1234,4096,0o1666)); A('sys.msgget',lambda: s(68,0x1234,0o1666)); A('sys.mq_open',lambda: s(240,ctypes.c_char_p(b'q'),0o102,0o666,0)); A('sys.sethostname',lambda: s(170,ctypes.c_char_p(b'x'),1)); A('sys.lookup_dcookie',lambda: s(212,0,0,0)); A('sys.mknod_blk',lambda: os.mknod('/tmp/blk',0o600|stat.S_IFBLK,os.makedev(254,0)) or ('LEAK','')); A('sys.mkfifo',lambda: os.mkfifo('/tmp/fifo') or ('LEAK','')); A('sys.setuid0',lambda: os.setuid(0) or ('LEAK','')); A('sys.setgroups',lambda: os.setgroups([0]) or ('LEAK',''))
A('sys.tiocsti',lambda: __import__('fcntl').ioctl(0,0x5412,b'x') is None or ('LEAK',''))
A('sys.rlimit_raise',lambda: __import__('resource').setrlimit(__import__('resource').RLIMIT_NOFILE,(1<<20,1<<20)) or ('LEAK',''))
A('sys.rlimit_core',lambda: __import__('resource').setrlimit(__import__('resource').RLIMIT_CORE,(1<<20,1<<20)) or ('LEAK',''))
A('sys.sched_fifo',lambda: os.sched_setscheduler(0,os.SCHED_FIFO,os.sched_param(50)) or ('LEAK',''))
A('sys.nice_-20',lambda: os.nice(-20) and ('LEAK',''))
# files
def rd(p,n=80):
    def f():
        b=open(p,'rb').read(n); return ('LEAK' if b.strip(b'\0') else 'empty'),b
    return f
for p in ('/proc/kcore','/proc/keys','/proc/sched_debug','/proc/timer_list','/proc/kallsyms','/proc/sysrq-trigger','/proc/1/environ','/proc/1/mem','/proc/self/mountinfo','/proc/self/cgroup','/proc/cmdline','/proc/version','/proc/meminfo','/proc/stat','/proc/loadavg','/proc/uptime','/proc/diskstats','/proc/net/arp','/proc/net/unix','/proc/interrupts','/proc/partitions','/proc/pressure/cpu','/proc/slabinfo','/proc/vmstat','/proc/schedstat','/proc/locks','/proc/sys/kernel/random/boot_id','/proc/sys/kernel/core_pattern','/sys/class/dmi/id/product_name','/sys/fs/cgroup/memory/memory.usage_in_bytes','/sys/kernel/notes','/sys/firmware/acpi/tables/DSDT','/sys/devices/system/cpu/vulnerabilities/meltdown','/etc/hostname','/etc/resolv.conf','/etc/hosts','/etc/shadow','/dev/mem','/dev/kmsg','/dev/vda','/dev/kvm','/dev/fuse','/dev/net/tun','/dev/vsock'): A('read '+p,rd(p))
def wr(p,d=b'x'):
    def f(): 
        fd=os.open(p,os.O_WRONLY); n=os.write(fd,d); os.close(fd); return 'LEAK',f'wrote {n}'
    return f
for p in ('/proc/sys/kernel/core_pattern','/proc/sys/vm/drop_caches','/proc/sysrq-trigger','/proc/self/oom_score_adj','/proc/1/oom_score_adj','/sys/fs/cgroup/memory/memory.limit_in_bytes','/sys/fs/cgroup/devices/devices.allow','/sys/kernel/uevent_helper','/sys/fs/cgroup/memory/release_agent'): A('write '+p,wr(p,b'-1' if 'oom' in p else b'0'))
def mk(p):
    def f(): open(p,'w').write('x'); os.remove(p); return 'LEAK','written'
    return f
for p in ('/x','/usr/lib/x','/opt/site/x.py','/etc/x','/var/tmp/x','/run/x','/dev/x','/dev/shm/x','/tmp/x','/data/x','/job/x','/proc/x','/mnt/x'): A('create '+p,mk(p))
def execmem():
    open('/tmp/a.sh','w').write('#!/bin/sh\necho run\n'); os.chmod('/tmp/a.sh',0o755); return 'LEAK',subprocess.run(['/tmp/a.sh'],capture_output=True).stdout
A('exec_from_tmp',execmem)
A('data.reopen_rw_via_procfd',lambda: (lambda fd:(os.open(f'/proc/self/fd/{fd}',os.O_RDWR),))(os.open('/data/A/t.parquet',os.O_RDONLY)) and ('LEAK','rw'))
A('data.chmod',lambda: os.chmod('/data/A/t.parquet',0o777) or ('LEAK',''))
A('data.utime',lambda: os.utime('/data/A/t.parquet') or ('LEAK',''))
A('data.hardlink_out',lambda: os.link('/data/A/t.parquet','/tmp/l') or ('LEAK',''))
A('data.setxattr',lambda: os.setxattr('/data/A/t.parquet','user.x',b'1') or ('LEAK',''))
A('data.flock_excl',lambda: (lambda f: __import__('fcntl').flock(f,6))(open('/data/A/t.parquet','rb')) or ('LEAK','cross-job lock = covert channel'))
A('data.atime_channel',lambda: (os.stat('/data/A/t.parquet').st_atime_ns,) and ('info',os.stat('/data/A/t.parquet').st_atime_ns))
sys.stdout.flush()
A('setuid_bins',lambda: ('info',[p for p in ('/bin/su','/usr/bin/passwd','/bin/mount','/usr/bin/newgrp','/usr/bin/chsh') if os.path.exists(p) and os.stat(p).st_mode&0o4000]))
A('su_exec',lambda: (lambda r:('LEAK' if b'uid=0' in r.stdout else 'blocked',r.stdout+r.stderr))(subprocess.run(['/bin/su','-c','id'],capture_output=True,timeout=5,stdin=subprocess.DEVNULL)))
st=open('/proc/self/status').read()
show('status','info',[l for l in st.splitlines() if l.startswith(('Uid','Cap','NoNew','Secc'))])
show('env','info',dict(os.environ)); show('hostname','info',os.uname()); show('cpus','info',(os.cpu_count(),len(os.sched_getaffinity(0))))
