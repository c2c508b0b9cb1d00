"""What importing does: register whole or not at all, and keep the promises of a module."""

import subprocess
import sys
import zipfile

import pytest

# A package of RecBole's name that is there at once, and a registration that counts.
PACKAGE = {
    "recbole/__init__.py": "__version__ = 'fake'\n",
    "recbole/config/__init__.py": "from recbole.config.configurator import Config\n",
    "recbole/config/configurator.py": "class Config:\n"
    "    def __init__(self, model):\n"
    "        self.model = model\n",
    "recbole/data.txt": "data\n",
    "recbole/__main__.py": "print('main')\n",
}
STUB = """
import sys, types
registered, fail = [], []
def register():
    import recbole.config
    if fail:
        raise fail.pop()
    from recbole.config.configurator import Config
    init = getattr(Config.__init__, "__wrapped__", Config.__init__)
    Config.__init__ = lambda self, model: init(self, model + ", registered")
    registered.append(sys.modules["recbole"])
stub = types.ModuleType("recbole_pngnn.plugin.registration")
stub.register, stub.is_of_this_recbole = register, lambda: True
plugin = types.ModuleType("recbole_pngnn.plugin")
plugin.__path__ = []
sys.modules.update({"recbole_pngnn.plugin": plugin, stub.__name__: stub})
"""


@pytest.fixture
def fake(tmp_path):
    """Run code where ``recbole`` is a package of a few lines, in a folder or in a zip file."""
    folder = tmp_path / "packages"
    for name, text in PACKAGE.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    archive = tmp_path / "packages.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name, text in PACKAGE.items():
            file.writestr(name, text)

    def run(code, zipped=False):
        where = archive if zipped else folder
        return run_python(f"import sys\nsys.path.insert(0, {str(where)!r})\n{STUB}\n{code}")

    return run


def run_python(code):
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("zipped", [False, True])
def test_a_module_keeps_the_promises_of_its_loader(fake, zipped):
    out = fake(
        "import importlib.util, inspect, pickle, pkgutil, recbole_pngnn\n"
        "spec = importlib.util.find_spec('recbole')\n"
        "assert 'recbole' not in sys.modules and not registered\n"
        "kind = type(spec.loader).__name__\n"
        "assert spec.loader.is_package('recbole')\n"
        "import recbole\n"
        "assert registered == [recbole]\n"
        "loader = recbole.__loader__\n"
        "assert loader is recbole.__spec__.loader and type(loader).__name__ == kind\n"
        "assert 'exec_module' not in vars(loader)\n"
        "assert 'fake' in loader.get_source('recbole') and loader.get_code('recbole')\n"
        "assert loader.is_package('recbole')\n"
        "assert pkgutil.get_data('recbole', 'data.txt') == b'data\\n'\n"
        "import importlib.resources\n"
        "files = importlib.resources.files('recbole')\n"
        "assert files.joinpath('data.txt').read_text() == 'data\\n'\n"
        "names = [m.name for m in pkgutil.walk_packages(recbole.__path__, 'recbole.')]\n"
        "assert 'recbole.config.configurator' in names, names\n"
        "assert 'fake' in inspect.getsource(recbole)\n"
        f"assert {zipped} or pickle.loads(pickle.dumps(recbole.__spec__)) == recbole.__spec__\n"
        "from recbole.config import Config\n"
        "print(Config('model').model, kind)",
        zipped,
    )
    assert out == f"model, registered {'zipimporter' if zipped else 'SourceFileLoader'}"


@pytest.mark.parametrize("error", ["KeyboardInterrupt()", "OSError('full')"])
def test_an_import_that_is_broken_off_is_made_again(fake, error):
    out = fake(
        "import recbole_pngnn\n"
        f"fail.append({error})\n"
        "try:\n"
        "    from recbole.config import Config\n"
        "except BaseException as seen:\n"
        "    print(type(seen).__name__)\n"
        "print([name for name in sys.modules if name.split('.')[0] == 'recbole'])\n"
        "from recbole.config import Config\n"  # without naming the package itself
        "print(Config('model').model)"
    )
    assert out.splitlines() == [error.split("(")[0], "[]", "model, registered"]


def test_a_config_of_a_registration_that_failed_is_refused(fake):
    out = fake(
        "import recbole_pngnn\n"
        "import recbole_pngnn._hook as hook\n"
        "fail.append(OSError('full'))\n"
        "kept = []\n"
        "before = hook._guard_config\n"
        "hook._guard_config = lambda: (before(), kept.append(sys.modules[hook._CONFIGURATOR]))\n"
        "try:\n"
        "    import recbole\n"
        "except OSError:\n"
        "    try:\n"
        "        kept[0].Config('model')\n"
        "    except RuntimeError as error:\n"
        "        print(error)"
    )
    assert "could not register" in out


def test_registered_again_after_a_reload_or_a_deletion(fake):
    fake(
        "import importlib, recbole_pngnn, recbole, recbole.config.configurator as configurator\n"
        "importlib.reload(recbole)\n"
        "assert len(registered) == 2\n"
        "importlib.reload(configurator)\n"
        "assert configurator.Config('model').model == 'model, registered'\n"
        "importlib.reload(recbole_pngnn)\n"
        "finders = [f for f in sys.meta_path if type(f).__name__ == '_RecBoleFinder']\n"
        "assert len(finders) == 1\n"
        "for name in [n for n in sys.modules if n.split('.')[0] == 'recbole']:\n"
        "    del sys.modules[name]\n"
        "from recbole.config import Config\n"
        "assert Config('model').model == 'model, registered'\n"
        "del sys.modules['recbole_pngnn'], sys.modules['recbole_pngnn._hook']\n"
        "import recbole_pngnn\n"
        "finders = [f for f in sys.meta_path if type(f).__name__ == '_RecBoleFinder']\n"
        "assert len(finders) == 1\n"
    )


def test_threads_that_import_at_once_all_find_it_registered(fake):
    out = fake(
        "import threading, time, recbole_pngnn\n"
        "slow = stub.register\n"
        "def register():\n"
        "    import recbole.config\n"
        "    time.sleep(0.3)\n"
        "    slow()\n"
        "stub.register = register\n"
        "found = []\n"
        "def use(delay):\n"
        "    time.sleep(delay)\n"
        "    from recbole.config import Config\n"
        "    found.append(Config('model').model)\n"
        "threads = [threading.Thread(target=use, args=(n / 40,)) for n in range(8)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]\n"
        "print(len(found), set(found))"
    )
    assert out == "8 {'model, registered'}"


def test_a_loader_that_takes_no_attributes_still_registers(fake):
    out = fake(
        "import importlib.abc, importlib.machinery, recbole_pngnn\n"
        "class Loader(importlib.abc.InspectLoader):\n"
        "    @classmethod\n"
        "    def create_module(cls, spec): return None\n"
        "    @classmethod\n"
        "    def exec_module(cls, module): module.__path__ = [sys.path[0] + '/recbole']\n"
        "    @classmethod\n"
        "    def get_source(cls, name): return 'source'\n"
        "class Finder(importlib.abc.MetaPathFinder):\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == 'recbole':\n"
        "            return importlib.machinery.ModuleSpec(name, Loader, is_package=True)\n"
        "sys.meta_path.insert(1, Finder())\n"
        "import importlib.util\n"
        "assert importlib.util.find_spec('recbole').loader.get_source('recbole') == 'source'\n"
        "import recbole\n"
        "print(recbole.__loader__ is Loader is recbole.__spec__.loader, len(registered))"
    )
    assert out == "True 1"


def test_real_import_broken_off_in_each_half_then_in_the_other_order():
    """One process for all: each import of RecBole takes seconds."""
    out = run_python(
        "import sys, recbole_pngnn, recbole_pngnn.cli\n"
        "light = [name for name in ('torch', 'recbole', 'ray') if name in sys.modules]\n"
        "import recbole_pngnn._hook\n"
        "class Stop:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name == self.name:\n"
        "            sys.meta_path.remove(self)\n"
        "            raise KeyboardInterrupt\n"
        # in the middle of RecBole's import, and of the plugin's
        "for stop in ('recbole.evaluator.metrics', 'recbole_pngnn.plugin.fast_graph'):\n"
        "    finder = Stop()\n"
        "    finder.name = stop\n"
        "    sys.meta_path.insert(0, finder)\n"
        "    try:\n"
        "        import recbole\n"
        "    except KeyboardInterrupt:\n"
        "        print('stopped')\n"
        "    assert not [name for name in sys.modules if name.split('.')[0] == 'recbole']\n"
        "import recbole.data.dataset.dataset as dataset\n"
        "from recbole.config import Config\n"
        "from recbole.utils import get_model\n"
        "from recbole_pngnn.model.pngnn import PNGNN\n"
        "assert get_model('PNGNN') is PNGNN\n"
        "config = Config('PNGNN', 'ml-100k')\n"
        "assert config['like_threshold'] == {'rating': 3.5}\n"
        "assert type(dataset.Dataset(config)).__name__ == 'SignedDataset'\n"
        "assert type(dataset.Dataset(Config('BPR', 'ml-100k'))) is dataset.Dataset\n"
        # the plugin forgotten and imported anew, RecBole being there
        "init = Config.__init__\n"
        "for name in [n for n in sys.modules if n.split('.')[0] == 'recbole_pngnn']:\n"
        "    del sys.modules[name]\n"
        "import recbole_pngnn\n"
        "from recbole_pngnn.plugin.patching import original\n"
        "assert Config.__init__ is not init\n"
        "assert original(Config.__init__) is original(init)\n"
        "assert get_model('PNGNN') is not PNGNN\n"
        "assert Config('PNGNN', 'ml-100k')['like_threshold'] == {'rating': 3.5}\n"
        "print(light)"
    )
    assert out.splitlines() == ["stopped", "stopped", "[]"]
