"""Hosts that refuse things, as container runtimes and older kernels do: a
seccomp filter, made with libseccomp, which whatever is started inherits.
"""

import ctypes
import errno

ALLOW = 0x7fff0000
NO_NEW_PRIVS = 3  # SCMP_FLTATR_CTL_NNP
MASKED_EQUAL = 7
CLONE_NEW = 0x7e020080  # every CLONE_NEW… there is
PR_SET_SECCOMP = 22


class Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int),
                ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


def equal(arg, value, mask=0xffffffff):
    return Compare(arg, MASKED_EQUAL, mask, value)


def new(bit):
    """clone() with that flag, and others or not."""
    return equal(0, bit, bit)


NAMESPACES = [("unshare", errno.EPERM), ("setns", errno.EPERM)] + [
    ("clone", errno.EPERM, new(1 << n)) for n in range(32)
    if CLONE_NEW & (1 << n)]
MOUNTS = [(call, errno.EPERM) for call in
          ("mount", "umount2", "pivot_root", "fsopen", "move_mount")]
LANDLOCK = [(call, errno.ENOSYS) for call in
            ("landlock_create_ruleset", "landlock_add_rule",
             "landlock_restrict_self")]
SECCOMP = [("seccomp", errno.ENOSYS),
           ("prctl", errno.EINVAL, equal(0, PR_SET_SECCOMP))]
IO_URING = [(call, errno.EPERM) for call in
            ("io_uring_setup", "io_uring_enter", "io_uring_register")]
# What Docker's own profile refuses of all that.
CONTAINER = NAMESPACES + MOUNTS + IO_URING
ROOT = [("chroot", errno.EPERM), ("setgroups", errno.EPERM),
        ("setresuid", errno.EPERM), ("setresgid", errno.EPERM),
        ("capset", errno.EPERM)]


def filter_for(refused):
    """A function for a child to call before exec: from there on it is so."""
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    lib.seccomp_attr_set.argtypes = [
        ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32]
    lib.seccomp_rule_add_array.argtypes = [
        ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint,
        ctypes.POINTER(Compare)]
    lib.seccomp_load.argtypes = [ctypes.c_void_p]
    ctx = lib.seccomp_init(ALLOW)
    for call, error, *when in refused:
        number = lib.seccomp_syscall_resolve_name(call.encode())
        if number == -1:
            continue  # a call that this library is too old for
        array = (Compare * max(1, len(when)))(*when)
        if lib.seccomp_rule_add_array(
                ctx, 0x00050000 | error, number, len(when), array) != 0:
            raise OSError("no filter for " + call)

    def load():
        if lib.seccomp_load(ctx) != 0:
            raise OSError("the filter was not taken")
    return load
