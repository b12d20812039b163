"""Writes the dashboards: `python deploy/grafana/generate.py`; the files are committed.

Built with Grafana's own builder (grafana-foundation-sdk, a development dependency), so that a field
that Grafana does not know is an error here and not an empty panel there. What is shown stands in
`panels.yml`; `python -m bench.metrics` runs each of its queries against a real Prometheus.
"""  # noqa: INP001 - a script; the folder is Grafana's, no package

import argparse
from collections.abc import Callable
from pathlib import Path
from string import ascii_uppercase
from typing import Any, Final

import yaml
from grafana_foundation_sdk.builders import (
    bargauge,
    common,
    dashboard,
    prometheus,
    stat,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
)
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption

HERE: Final = Path(__file__).parent
SOURCE: Final = DataSourceRef(type_val="prometheus", uid="holdfast")
_KINDS: Final[dict[str, Callable[[], Any]]] = {
    "lines": timeseries.Panel,
    "number": stat.Panel,
    "bars": bargauge.Panel,
}
_WIDTHS: Final = {"lines": 8, "number": 4, "bars": 8}
_HEIGHTS: Final = {"lines": 8, "number": 4, "bars": 8}


def _panel(number: int, given: dict[str, Any]) -> Any:
    """Return the builder of one panel."""
    kind = given.get("kind", "lines")
    panel = (
        _KINDS[kind]()
        .id(number)
        .title(given["title"])
        .description(given.get("about", ""))
        .datasource(SOURCE)
        .unit(given.get("unit", "short"))
        .span(_WIDTHS[kind])
        .height(_HEIGHTS[kind])
    )
    for letter, (expression, legend) in zip(
        ascii_uppercase, given["queries"].items(), strict=False
    ):
        query = _query(expression, legend or "", instant=kind != "lines")
        panel = panel.with_target(query.ref_id(letter))
    if kind == "lines":
        panel = _as_lines(panel, stacked=bool(given.get("stacked")))
    if kind == "number":
        panel = panel.graph_mode(BigValueGraphMode.NONE)
    return panel


def _query(expression: str, legend: str, *, instant: bool) -> Any:
    query = prometheus.Dataquery().expr(expression).legend_format(legend or "__auto")
    return query.instant() if instant else query.range()


def _as_lines(panel: Any, *, stacked: bool) -> Any:
    legend = (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
    )
    panel = panel.fill_opacity(20 if stacked else 8).line_width(1).legend(legend).min(0)
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(StackingMode.NORMAL))
    return panel


def built(name: str, given: dict[str, Any]) -> str:
    """Return a dashboard as Grafana reads it."""
    made = (
        dashboard.Dashboard(f"Holdfast: {given['title']}")
        .uid(f"holdfast-{name}")
        .description(given["about"])
        .tags(["holdfast"])
        .time("now-6h", "now")
        .refresh("30s")
        .timezone("browser")
        .readonly()
    )
    for variable, query in given.get("variables", {}).items():
        made = made.with_variable(_variable(variable, query))
    for number, panel in enumerate(given["panels"], 1):
        made = made.with_panel(_panel(number, panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def _variable(name: str, query: str) -> Any:
    return (
        dashboard.QueryVariable(name)
        .label(name.capitalize())
        .datasource(SOURCE)
        .query(query)
        .multi(True)
        .include_all(True)
        .all_value(".+")
        .current(VariableOption(text="All", value="$__all"))
    )


def main() -> None:
    """Write a file for each dashboard."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE / "dashboards")
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for name, given in yaml.safe_load((HERE / "panels.yml").read_text()).items():
        (out / f"{name}.json").write_text(built(name, given))


if __name__ == "__main__":
    main()
