"""What is free, and how it is asked."""

import resource

import psutil
import pytest
import torch

from recbole_pngnn.nn import memory

CPU = torch.device("cpu")


def test_the_least_of_the_limits_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(memory, "_CGROUPS", ())
    assert memory.available_bytes(CPU) == pytest.approx(psutil.virtual_memory().available, rel=0.2)
    most, used = tmp_path / "most", tmp_path / "used"
    monkeypatch.setattr(memory, "_CGROUPS", ((str(most), str(used)),))
    assert memory.available_bytes(CPU) > 2**20  # there are no such files
    used.write_text("3000\n")
    most.write_text("max\n")
    assert memory.available_bytes(CPU) > 2**20
    most.write_text("7096\n")
    assert memory.available_bytes(CPU) == 4096
    most.write_text("2000\n")
    assert memory.available_bytes(CPU) == 0


def test_the_limit_of_the_process_counts(monkeypatch):
    monkeypatch.setattr(memory, "_CGROUPS", ())
    here = psutil.Process().memory_info().vms
    monkeypatch.setattr(resource, "getrlimit", lambda kind: (here + 2**22, -1))
    assert 0 <= memory.available_bytes(CPU) <= 2**22


def test_it_says_what_it_takes_and_what_to_do(monkeypatch):
    monkeypatch.setattr(memory, "available_bytes", lambda device: 5 * 2**20)
    memory.check_memory("a table", 5 * 2**20, CPU, "no matter")
    message = "a table takes 3.0 GiB of memory, and 5 MiB are free on cpu: use a smaller one"
    with pytest.raises(ValueError, match=message):
        memory.check_memory("a table", 3 * 2**30, CPU, "use a smaller one")
