"""Every query of the dashboards against a Prometheus that holds the mix, and drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from bench.metrics.prometheus import Prometheus
from runtime.settings import PROJECT

PANELS: Final = PROJECT / "deploy" / "grafana" / "panels.yml"
_VARIABLES: Final = {"$agent": ".+", "$tool": ".+", "$tenant": ".+", "$__rate_interval": "1m"}

Series = list[dict[str, Any]]


@dataclass(frozen=True)
class Drawn:
    """One panel, and what each of its queries has returned: over time, or now."""

    dashboard: str
    title: str
    unit: str
    kind: str
    stacked: bool
    queries: tuple[tuple[str, str, Series], ...]

    @property
    def empty(self) -> list[str]:
        """The queries that returned nothing, or nothing that is a number."""
        return [query for query, _, found in self.queries if not _says(found)]


def _says(found: Series) -> bool:
    return any(
        value not in {"NaN", "+Inf", "-Inf"}
        for series in found
        for _, value in series.get("values", [series.get("value", [0, "NaN"])])
    )


def panels() -> Iterator[tuple[str, dict[str, Any]]]:
    """Return every panel with its dashboard's name."""
    for name, given in yaml.safe_load(PANELS.read_text()).items():
        for panel in given["panels"]:
            yield name, panel


async def drawn(running: Prometheus, since: float, until: float) -> list[Drawn]:
    """Run every query as Grafana would."""
    found: list[Drawn] = []
    for name, panel in panels():
        kind = str(panel.get("kind", "lines"))
        queries: list[tuple[str, str, Series]] = []
        for query, legend in panel["queries"].items():
            asked = str(query)
            for variable, value in _VARIABLES.items():
                asked = asked.replace(variable, value)
            if kind == "lines":
                series = await running.over(asked, since, until, max(1, (until - since) / 200))
            else:
                series = await running.ask(asked)
            queries.append((asked, str(legend or ""), series))
        found.append(
            Drawn(
                name, panel["title"], panel.get("unit", "short"), kind,
                bool(panel.get("stacked")), tuple(queries),
            )
        )  # fmt: skip
    return found


def plotted(found: list[Drawn], folder: Path) -> list[Path]:
    """Draw each dashboard as a picture, and return the files."""
    from bench.metrics.plots import picture  # noqa: PLC0415 - a plotting library, when wanted

    folder.mkdir(parents=True, exist_ok=True)
    names = dict.fromkeys(each.dashboard for each in found)
    return [
        picture(name, [each for each in found if each.dashboard == name], folder) for name in names
    ]
