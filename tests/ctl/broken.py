"""Files that are no good: kernels, initrds and images with one thing wrong
each. What they are is in the documents that the loaders cite.
"""

import gzip
import struct

MIB = 1 << 20
CLUSTER = 65536


def bzimage(version=0x20f, high=1, setup=1, paragraphs=64, have=None,
            pref=16 * MIB, init=MIB, cmdline=2047, relocatable=1):
    """Linux, Documentation/arch/x86/boot.rst; have is how much of it is
    there."""
    head = bytearray(512 * (setup + 1))
    head[0x1f1] = setup
    struct.pack_into("<I", head, 0x1f4, paragraphs)
    struct.pack_into("<H", head, 0x1fe, 0xaa55)
    head[0x200:0x202] = b"\xeb\x70"
    struct.pack_into("<4sH", head, 0x202, b"HdrS", version)
    head[0x211] = high
    struct.pack_into("<I", head, 0x214, MIB)
    struct.pack_into("<I", head, 0x22c, 0x7fffffff)
    struct.pack_into("<IB", head, 0x230, 2 * MIB, relocatable)
    struct.pack_into("<H", head, 0x236, 3)
    struct.pack_into("<I", head, 0x238, cmdline)
    struct.pack_into("<QI", head, 0x258, pref, init)
    whole = bytes(head) + bytes(16 * paragraphs)
    return whole if have is None else whole[:have]


def elf(machine=62, kind=2, entry=MIB, segments=((MIB, 16, 16),), count=None,
        note=None, cut=None):
    """ELF-64; segments are (address, bytes in the file, bytes in memory)."""
    segments = [(1, at, n, m) for at, n, m in segments]
    body = bytes(max([s[2] for s in segments] + [0]))
    if note is not None:
        # PVH's: "Xen", type 18, an entry of 32 bits.
        body += struct.pack("<III4sI", 4, 4, 18, b"Xen\0", note)
        segments.append((4, 0, 20, 20))
    n = len(segments) if count is None else count
    head = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack(
        "<HHIQQQIHHHHHH", kind, machine, 1, entry, 64, 0, 0, 64, 56, n, 0, 0,
        0)
    start = 64 + 56 * len(segments)
    table = b""
    for type_, at, size, memory in segments:
        offset = start + (len(body) - 20 if type_ == 4 else 0)
        table += struct.pack("<IIQQQQQQ", type_, 7, offset, at, at, size,
                             memory, 4)
    return (head + table + body)[:cut]


def multiboot(flags=0x10000, header=MIB, load=MIB, load_end=0, bss_end=0,
              entry=MIB, size=4096):
    """Multiboot 0.6.96, 3.1: a flat file that says where it goes."""
    magic = 0x1badb002
    head = struct.pack("<III", magic, flags, -(magic + flags) & 0xffffffff)
    head += struct.pack("<IIIII", header, load, load_end, bss_end, entry)
    return head + bytes(size - len(head))


def cpio(name=b"init", data=b"x" * 1000, cut=None):
    """"newc": one file and the end."""
    def entry(name, data):
        fields = [1, 0o100755, 0, 0, 1, 0, len(data), 0, 0, 0, 0,
                  len(name) + 1, 0]
        text = b"070701" + b"".join(b"%08x" % f for f in fields) + name + b"\0"
        text += bytes(-len(text) % 4)
        return text + data + bytes(-len(data) % 4)
    return (entry(name, data) + entry(b"TRAILER!!!", b""))[:cut]


def qcow2(version=3, bits=16, size=MIB, encrypted=0, l1=None, l1_at=3 * CLUSTER,
          l1_entry=0, reftable_at=CLUSTER, reftable=1, reftable_entry=None,
          order=4, snapshots=0, snapshots_at=0, incompatible=0, backing=None,
          backing_at=None, format=None, data_file=None, compression=None,
          header=None, clusters=4, extra=b"", cut=None):
    """QEMU, docs/interop/qcow2.txt: header, refcount table, refcount block,
    L1 table, a cluster each."""
    length = 104 if compression is None else 112
    l1 = 1 if l1 is None else l1
    image = bytearray(clusters * CLUSTER)
    name = (backing or "").encode()
    extensions = b""
    for type_, text in ((0xe2792aca, format), (0x44415441, data_file)):
        if text is not None:
            text = text.encode()
            extensions += struct.pack(">II", type_, len(text)) + text
            extensions += bytes(-len(text) % 8)
    extensions += extra + bytes(8)
    at = length + len(extensions)
    struct.pack_into(
        ">4sIQIIQIIQQIIQ", image, 0, b"QFI\xfb", version,
        (at if backing_at is None else backing_at) if backing else 0,
        len(name), bits, size, encrypted, l1, l1_at, reftable_at, reftable,
        snapshots, snapshots_at)
    if version == 3:
        struct.pack_into(">QQQII", image, 72, incompatible, 0, 0, order,
                         length if header is None else header)
        if compression is not None:
            image[104] = compression
        image[length:at] = extensions
    image[at:at + len(name)] = name
    struct.pack_into(">Q", image, CLUSTER,
                     2 * CLUSTER if reftable_entry is None else reftable_entry)
    for n in range(4):
        struct.pack_into(">H", image, 2 * CLUSTER + 2 * n, 1)
    struct.pack_into(">Q", image, 3 * CLUSTER, l1_entry)
    return bytes(image)[:cut]


def feature(bit, name):
    """A feature's name, as an image has it for those who do not know it."""
    return struct.pack(">IIBB46s", 0x6803f857, 48, 0, bit, name.encode())


def packed(data, cut=None, spoil=False):
    text = bytearray(gzip.compress(data, 1, mtime=0))
    if spoil:
        text[-8] ^= 1  # of its checksum
    return bytes(text)[:cut]
