"""The built wheel, installed beside nothing of the checkout, in an empty folder."""

import email
import importlib.metadata
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parent.parent
SOURCES = ("recbole_pngnn", "properties", "setup.py", "pyproject.toml", "README.md", "LICENSE")


def python(*words, **options):
    done = subprocess.run(
        [sys.executable, *map(str, words)], capture_output=True, text=True, timeout=300, **options
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, source / name)
    pip = ["-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation"]
    python(*pip, source, "-w", folder, cwd=folder)
    (file,) = folder.glob("*.whl")
    return file


def test_every_file_of_properties_is_installed(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    yamls = {file.relative_to(ROOT).as_posix() for file in (ROOT / "properties").rglob("*.yaml")}
    assert {"properties/overall.yaml", "properties/model/PNGNN.yaml"} <= yamls
    assert {f"recbole_pngnn/{name}" for name in yamls} <= names
    assert "recbole_pngnn/augment/templates/history-v1.txt" in names
    assert not [name for name in names if name.startswith(("tests", "properties", "dataset"))]


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
def test_what_pip_installs(wheel, version):
    """RecBole where pip can take it whole, else all that it needs but Ray."""
    (name,) = (n for n in zipfile.ZipFile(wheel).namelist() if n.endswith(".dist-info/METADATA"))
    metadata = email.message_from_bytes(zipfile.ZipFile(wheel).read(name))
    environment = {"python_version": version, "extra": ""}

    def installed(requirements):
        found = map(Requirement, requirements)
        return {
            r.name.replace("_", "-")
            for r in found
            if r.marker is None or r.marker.evaluate(environment)
        }

    ours = installed(metadata.get_all("Requires-Dist"))
    recboles = installed(importlib.metadata.requires("recbole"))
    assert "ray" in recboles
    assert ("recbole" in ours) == (version == "3.11")
    if version != "3.11":
        assert recboles - {"ray"} <= ours


def test_it_runs_in_an_empty_folder(wheel, tmp_path):
    site = tmp_path / "site"
    python("-m", "pip", "install", "-q", "--no-deps", "--target", site, wheel)
    empty = tmp_path / "empty"
    empty.mkdir()
    options = {"cwd": empty, "env": {**os.environ, "PYTHONPATH": str(site)}}
    where = python("-c", "import recbole_pngnn; print(recbole_pngnn.__file__)", **options)
    assert Path(where.strip()).is_relative_to(site)
    words = ["run", "--epochs=1", "--result_file=r.json"]
    python("-m", "recbole_pngnn", *words, **options)
    record = json.loads((empty / "r.json").read_text())
    assert record["options"]["n_layers"] == 4
    assert record["commit"] is None
    assert (site / "bin" / "recbole-pngnn").is_file()
    code = (
        "import json, recbole_pngnn\n"
        "from recbole.quick_start import run_recbole\n"
        "options = {'epochs': 1, 'show_progress': False, 'state': 'WARNING'}\n"
        "result = run_recbole(model='PNGNN', dataset='ml-100k', config_dict=options)\n"
        "print(json.dumps({key: float(value) for key, value in result['test_result'].items()}))"
    )
    result = json.loads(python("-c", code, **options).splitlines()[-1])
    assert result == record["test_result"]
