"""What is asked for before it is allocated: a large array is refused, not killed for."""

from __future__ import annotations

import sys
from pathlib import Path

import psutil
import torch

# Numbers of a dense table that are worked on at a time.
ENTRIES_AT_ONCE = 2**22

_CGROUPS = (  # version 2, version 1: what may be used, what is
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    (
        "/sys/fs/cgroup/memory/memory.limit_in_bytes",
        "/sys/fs/cgroup/memory/memory.usage_in_bytes",
    ),
)


def available_bytes(device: torch.device) -> int:
    """Return the memory that a device has left.

    On a CPU the least of the machine's, the container's and the process's own limit (``ulimit
    -v``).
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    left = [psutil.virtual_memory().available]
    for most, used in _CGROUPS:
        try:
            left.append(int(Path(most).read_text()) - int(Path(used).read_text()))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    left.append(_addresses_left())
    return max(0, min(left))


def _addresses_left() -> int:
    try:
        import resource
    except ModuleNotFoundError:  # not a Unix
        return sys.maxsize
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    if most == resource.RLIM_INFINITY:
        return sys.maxsize
    return most - int(psutil.Process().memory_info().vms)


def check_memory(what: str, n_bytes: int, device: torch.device, remedy: str) -> None:
    """Refuse what does not fit into the memory that is left.

    Args:
        what: What is computed, with its sizes.
        n_bytes: The most that it holds at a time.
        device: Where.
        remedy: What to do instead.

    Raises:
        ValueError: It does not fit.
    """
    if device.type == "meta":  # nothing is allocated
        return
    left = available_bytes(device)
    if n_bytes > left:
        raise ValueError(
            f"{what} takes {gibibytes(n_bytes)} of memory, and {gibibytes(left)} are free on "
            f"{device.type}: {remedy}"
        )


def gibibytes(n_bytes: int) -> str:
    """Write a number of bytes in GiB, small ones in MiB."""
    if n_bytes < 2**30:
        return f"{n_bytes / 2**20:.0f} MiB"
    return f"{n_bytes / 2**30:.1f} GiB"
