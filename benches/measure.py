"""What a command costs as a process of its own."""

import subprocess
import sys
from typing import NamedTuple

# The peak memory of a process counts that of the one which started it, until the command itself runs: a small one starts it.
STARTER = """
import os, sys, time
output, *command = sys.argv[1:]
flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
actions = [(os.POSIX_SPAWN_OPEN, 1, output, flags, 0o600), (os.POSIX_SPAWN_DUP2, 1, 2)]
begun = time.perf_counter()
child = os.posix_spawnp(command[0], command, os.environ, file_actions=actions)
_, status, usage = os.wait4(child, 0)
wall = time.perf_counter() - begun
print(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, os.waitstatus_to_exitcode(status))
"""


class Cost(NamedTuple):
    """Wall and CPU seconds, and peak memory in MB (at least the 8 of the process that starts it)."""

    wall: float
    cpu: float
    memory: float


def measure(command, directory, output, env=None):
    """Runs the command in the directory, what it says going to the file `output`: its cost and its exit code."""
    starter = [sys.executable, "-I", "-S", "-c", STARTER, str(output), *map(str, command)]
    said = subprocess.run(starter, cwd=directory, env=env, check=True, capture_output=True, text=True).stdout.split()
    return Cost(*map(float, said[:3])), int(said[3])
