"""One style for every figure, and files whose bytes depend on what they show alone.

matplotlib is optional (``pip install "recbole-pngnn[plot]"``) and imported when a figure is made.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from recbole_pngnn.files import write_whole

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by colour-blind readers; yellow last, faint on white.
PALETTE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#000000",
    "#F0E442",
)
GREY = "#999999"
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
_STYLE: dict[str, Any] = {
    "svg.hashsalt": "recbole-pngnn",  # ids of an SVG are random without
    "svg.fonttype": "path",  # letters as outlines: the same on every screen
    "font.family": "DejaVu Sans",  # matplotlib brings it
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "figure.dpi": 150,
}
# No date, no version: the same figure is the same file.
_METADATA: dict[str, dict[str, None]] = {
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}


class MissingError(ValueError):
    """matplotlib is not installed."""


def require_matplotlib() -> None:
    """Find out that figures can be made, before any work for them.

    Raises:
        MissingError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise MissingError(
            'plots need matplotlib, which is not installed; pip install "recbole-pngnn[plot]"'
        ) from error


def plain(text: str) -> str:
    r"""Write a name so that a figure shows it: ``$`` is no mathematics, ``_`` hides no label.

    Without it ``$x^{`` ends the drawing, and a legend leaves out what begins with an underscore.
    """
    text = text.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text


@contextmanager
def style() -> Iterator[None]:
    """Draw inside this: matplotlib's defaults and this module's, whatever the user's own are."""
    require_matplotlib()
    import matplotlib.style
    from cycler import cycler

    with matplotlib.style.context(
        ["default", {**_STYLE, "axes.prop_cycle": cycler(color=PALETTE)}]
    ):
        yield


def new_figure(width: float, height: float, n_columns: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure with axes side by side.

    Args:
        width: Width in inches.
        height: Height in inches.
        n_columns: Number of axes.

    Returns:
        The figure, which belongs to no window, and its axes from left to right.

    Raises:
        ValueError: matplotlib is not installed.
    """
    with style():
        from matplotlib.figure import Figure

        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.subplots(1, n_columns, squeeze=False)
    return figure, list(axes[0])


def render(figure: Figure, kind: str) -> bytes:
    """Return a figure as the bytes of a file.

    Args:
        figure: The figure.
        kind: ``svg`` or ``png``.

    Raises:
        ValueError: Another kind.
    """
    if kind not in _METADATA:
        raise ValueError(f"figures are svg or png, found {kind!r}; give such a file name")
    buffer = io.BytesIO()
    with style():
        figure.savefig(buffer, format=kind, metadata=_METADATA[kind])
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write a figure: the same figure is the same bytes.

    Args:
        figure: The figure.
        path: A file that ends in ``.svg`` or ``.png``, in a folder that exists.

    Raises:
        ValueError: It ends in something else.
    """
    write_whole(path, render(figure, path.suffix.lstrip(".").lower()))
