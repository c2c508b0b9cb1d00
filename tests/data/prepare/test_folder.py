"""A dataset appears whole or not at all."""

import os
import signal
import subprocess
import sys
import time

import pytest

from recbole_pngnn.data.prepare import PrepareError
from recbole_pngnn.data.prepare.folder import MANIFEST, new_folder


def write(folder, text):
    (folder / MANIFEST).write_text(text)


def test_a_failure_leaves_nothing_and_the_old_one_untouched(tmp_path):
    with pytest.raises(RuntimeError), new_folder(tmp_path, "d") as folder:
        write(folder, "half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    with new_folder(tmp_path, "d") as folder:
        write(folder, "old")
    with pytest.raises(KeyboardInterrupt), new_folder(tmp_path, "d", overwrite=True) as folder:
        write(folder, "half")
        raise KeyboardInterrupt
    assert (tmp_path / "d" / MANIFEST).read_text() == "old"
    with new_folder(tmp_path, "d", overwrite=True) as folder:
        write(folder, "new")
    assert (tmp_path / "d" / MANIFEST).read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_disk_that_refuses_is_an_error_in_words(tmp_path):
    with (
        pytest.raises(PrepareError, match=r"cannot write .*d: No space left"),
        new_folder(tmp_path, "d"),
    ):
        raise OSError(28, "No space left on device")


def test_a_kill_leaves_nothing_under_the_final_name(tmp_path):
    code = (
        "import time; from pathlib import Path\n"
        "from recbole_pngnn.data.prepare.folder import new_folder\n"
        "with new_folder(Path('out'), 'd') as folder:\n"
        "    (folder / 'd.train.inter').write_text('half')\n"
        "    Path('ready').touch(); time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    deadline = time.monotonic() + 30
    while not (tmp_path / "ready").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "out" / "d").exists()
    with new_folder(tmp_path / "out", "d") as folder:
        write(folder, "whole")
    assert (tmp_path / "out" / "d" / MANIFEST).read_text() == "whole"
