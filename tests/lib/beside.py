"""Tests beside each other: most wait more than they work."""

import os
import struct
import sys


def run(works, jobs):
    """Calls each of works, functions that print and say whether all is good,
    in as many processes as jobs, in their order. What one prints stays
    together. Returns whether all are good."""
    if jobs <= 1:
        return all([work() for work in works])
    sys.stdout.flush()
    # The numbers of what is to be done: who is free takes the next.
    left, fill = os.pipe()
    children = [fork(works, left, fill) for _ in range(jobs)]
    os.close(left)
    try:
        for number in range(len(works)):
            os.write(fill, struct.pack("i", number))
    except BrokenPipeError:  # nobody is left, and their status says why
        pass
    os.close(fill)
    return all([os.waitpid(child, 0)[1] == 0 for child in children])


def fork(works, left, fill):
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        os.close(fill)
        status = 0
        while number := os.read(left, 4):
            if not works[struct.unpack("i", number)[0]]():
                status = 1
            sys.stdout.flush()
    except BaseException:  # the parent's frames are none of a child's
        status = 1
        import traceback
        traceback.print_exc()
    finally:
        os._exit(status)
