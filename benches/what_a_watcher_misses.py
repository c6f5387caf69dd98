#!/usr/bin/env python3
"""Shows which edits of a file inotify tells nothing of, although a look at the file sees them.

    python3 benches/what_a_watcher_misses.py

Linux. For each way to write: the events of a watch on the file's directory, and by how much its time moved."""

import ctypes
import mmap
import os
import tempfile
import time

ALL_EVENTS = 0xFFF


def events(watch):
    """How many bytes of events there are."""
    try:
        return len(os.read(watch, 1 << 16))
    except BlockingIOError:
        return 0


def main():
    libc = ctypes.CDLL(None, use_errno=True)
    with tempfile.TemporaryDirectory() as root:
        watched, path = os.path.join(root, "data"), os.path.join(root, "data", "array.bin")
        os.mkdir(watched)
        with open(path, "wb") as file:
            file.write(bytes(8192))
        link = os.path.join(root, "link.bin")
        os.link(path, link)
        with open(path, "r+b") as file:
            # As numpy.memmap(path, mode="r+") does.
            mapped = mmap.mmap(file.fileno(), 0)
        os.sync()
        watch = libc.inotify_init1(os.O_NONBLOCK)
        if watch < 0 or libc.inotify_add_watch(watch, watched.encode(), ALL_EVENTS) < 0:
            raise OSError(ctypes.get_errno(), "no watch")

        def in_place():
            with open(path, "r+b") as file:
                file.write(b"x")

        def through_a_mapping():
            mapped[4096] = 1

        def through_another_link():
            with open(link, "r+b") as file:
                file.write(b"y")

        for write in (in_place, through_a_mapping, through_another_link):
            time.sleep(0.1)
            before = os.stat(path).st_mtime_ns
            write()
            time.sleep(0.1)
            moved = os.stat(path).st_mtime_ns - before
            print(f"{write.__name__:21} {events(watch):3} bytes of events, time moved by {moved / 1e6:.0f} ms")


if __name__ == "__main__":
    main()
