"""The stock kernel with four cpus and 4 GiB: clocks, a second serial port, and
a triple fault.
"""

import subprocess

from linux import Failure, Linux, big

CONFIG = """
[vm four]
memory = {big}
cpus = 4
serial2 = yes
kernel = /guest/vmlinuz
initrd = /guest/initrd
cmdline = console=ttyS0 quiet hostname=four
disk = /guest/tools.img, readonly
"""


def test_cpus(lab):
    """a guest of four cpus and 4 GiB has them, and each cpu works"""
    console = lab.start("four")
    console.want("nproc", "^4$")
    for cpu in range(4):
        console.sh(f"taskset -c {cpu} seq 500 >/dev/null")
    if big() == "4G":
        console.want("cat /proc/iomem", r"^100000000-13fffffff : System RAM$")


def test_modules(lab):
    """its virtio drivers are modules"""
    console = lab.consoles["four"]
    for name in ("virtio_pci", "virtio_blk", "virtio_rng"):
        console.want("lsmod", rf"^{name} ")


def test_clock(lab):
    """it has KVM's clock, and knows of time stolen from its cpus"""
    console = lab.consoles["four"]
    console.want("dmesg | grep kvm-clock", "Using msrs")
    console.want("cat /sys/devices/system/clocksource/clocksource0/"
                 "current_clocksource", "^kvm-clock$")
    # Four busy cpus on the rig's one.
    console.want("for i in 1 2 3 4; do timeout 3 sh -c 'while :; do :; done' "
                 "& done; wait; head -n 1 /proc/stat",
                 r"^cpu +(?:\d+ ){7}[1-9]\d+ ")


def serial2(lab, *args):
    return subprocess.run(
        [lab.binary, "console", "--port", "ttyS1", *args, "four"],
        env=lab.env, input="", check=True, stdout=subprocess.PIPE,
        text=True).stdout


def test_serial2(lab):
    """its second serial port is ttyS1, and another console"""
    console = lab.consoles["four"]
    console.want("dmesg | grep ttyS1", r"0x2f8 \(irq = 3.*16550A")
    console.sh("echo over there >/dev/ttyS1")
    if "over there" not in serial2(lab, "--history"):
        raise Failure("nothing came of what the guest wrote to ttyS1")
    console.want("cat /proc/interrupts", r"^ *3: [ 0]*[1-9]\d* .*3-edge")


def test_login(lab):
    """one can log in on its second serial port"""
    console = lab.consoles["four"]
    console.sh("(setsid getty -L 115200 ttyS1 vt100 &)")
    second = Linux(lab, "four", port="ttyS1")
    try:
        second.expect("four login: ", 120)
        second.type("root\r")
        second.expect("# ", 120)
        second.want("tty", "^/dev/ttyS1$")
        second.type("exit\r")
    finally:
        second.close()


def test_alarm(lab):
    """the clock's alarm comes when it was set for"""
    console = lab.consoles["four"]
    alarm = "/sys/class/rtc/rtc0/wakealarm"
    console.sh(f"echo +3 >{alarm} && test -n \"$(cat {alarm})\"")
    console.want("for i in $(seq 120); do grep -E '^ *8:' /proc/interrupts | "
                 "grep '[1-9][0-9]* .*rtc0' && break; sleep 0.5; done", "rtc0")
    console.sh(f"test -z \"$(cat {alarm})\"")


def test_triple_fault(lab):
    """a triple fault ends the guest, and status says so"""
    console = lab.consoles["four"]
    console.no_error()
    console.sh("echo triple >/sys/kernel/reboot/type")
    console.type("reboot -f\r")
    state = lab.wait_state("four", "crashed", 180)
    if "triple fault" not in state["reason"]:
        raise Failure(f"the reason is {state['reason']!r}")
