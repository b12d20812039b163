"""A dashboard as a picture: the same queries in the same places, drawn without Grafana."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import dates, pyplot

if TYPE_CHECKING:
    from bench.metrics.panels import Drawn

_UNITS: Final = {"percentunit": "%", "currencyUSD": "USD", "s": "s", "reqps": "1/s"}
_MOST_LEGEND: Final = 8
plt: Final[Any] = pyplot  # its own types are partly unknown
_COLOURS: Final[tuple[Any, ...]] = plt.get_cmap("tab10").colors + plt.get_cmap("Set2").colors


def picture(name: str, panels: "Sequence[Drawn]", folder: Path) -> Path:
    """Draw one dashboard and return its file."""
    numbers = [each for each in panels if each.kind != "lines"]
    lines = [each for each in panels if each.kind == "lines"]
    rows = -(-len(lines) // 3)
    heights = ([0.45] if numbers else []) + [1.0] * rows
    figure = plt.figure(figsize=(15, 2.9 * sum(heights)), layout="constrained")
    grid = figure.add_gridspec(len(heights), 12, height_ratios=heights)
    for at, panel in enumerate(numbers):
        width = 12 // len(numbers)
        _number(figure.add_subplot(grid[0, at * width : (at + 1) * width]), panel)
    for at, panel in enumerate(lines):
        row, column = divmod(at, 3)
        place = grid[row + bool(numbers), column * 4 : column * 4 + 4]
        _lines(figure.add_subplot(place), panel)
    path = folder / f"dashboard-{name}.png"
    figure.savefig(path, dpi=72)
    plt.close(figure)
    return path


def _number(axes: Any, panel: "Drawn") -> None:
    axes.set_axis_off()
    axes.set_title(panel.title, fontsize=9)
    found = [series for _, _, every in panel.queries for series in every]
    text = _said(float(found[0]["value"][1]), panel.unit) if found else "no data"
    axes.text(0.5, 0.45, text, ha="center", va="center", fontsize=20, color="#1f5fa8")


def _said(value: float, unit: str) -> str:
    if unit == "percentunit":
        return f"{value:.0%}"
    return f"{value:,.4f} USD" if unit == "currencyUSD" else f"{value:,.0f}"


def _lines(axes: Any, panel: "Drawn") -> None:
    axes.set_title(panel.title, fontsize=9)
    every = [(legend, series) for _, legend, found in panel.queries for series in found]
    every.sort(key=lambda each: -_last(each[1]))
    base: dict[float, float] = {}
    for number, (legend, series) in enumerate(every):
        name = _named(legend, series["metric"]) if number < _MOST_LEGEND else None
        colour = _COLOURS[number % len(_COLOURS)]
        points = _points(series, 100 if panel.unit == "percentunit" else 1)
        if panel.stacked:
            _stack(axes, points, base, label=name, color=colour)
        else:
            times = [datetime.fromtimestamp(at, UTC) for at, _ in points]
            values = [value for _, value in points]
            axes.plot(times, values, label=name, color=colour, linewidth=1.1)
    axes.xaxis.set_major_locator(plt.MaxNLocator(5))
    axes.xaxis.set_major_formatter(dates.DateFormatter("%H:%M:%S"))
    axes.tick_params(labelsize=7)
    axes.set_ylim(bottom=0)
    axes.set_ylabel(_UNITS.get(panel.unit, ""), fontsize=7)
    axes.grid(visible=True, alpha=0.25)
    if every:
        axes.legend(fontsize=6, loc="upper left", framealpha=0.6)
    else:
        axes.text(0.5, 0.5, "no data", ha="center", transform=axes.transAxes, color="grey")


def _points(series: Any, scale: float) -> list[tuple[float, float]]:
    every = ((float(at), float(value) * scale) for at, value in series["values"])
    return [(at, value) for at, value in every if not math.isnan(value)]


def _stack(
    axes: Any, points: list[tuple[float, float]], base: dict[float, float], **look: Any
) -> None:
    """Draw points on top of what is there, and raise it by them."""
    times = [datetime.fromtimestamp(at, UTC) for at, _ in points]
    low = [base.get(at, 0.0) for at, _ in points]
    high = [under + value for under, (_, value) in zip(low, points, strict=True)]
    base.update({at: value for (at, _), value in zip(points, high, strict=True)})
    axes.fill_between(times, low, high, alpha=0.75, linewidth=0, **look)


def _last(series: Any) -> float:
    value = float(series["values"][-1][1])
    return 0.0 if math.isnan(value) else value


def _named(legend: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{(\w+)\}\}", lambda found: labels.get(found[1], ""), legend) or "value"
