"""Rules, alerts and dashboards: checked by the programs that will read them, where they are."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from domain.measures import MEASURES
from runtime.fleet import GAUGES
from runtime.metrics import Meters
from runtime.settings import PROJECT

DEPLOY = PROJECT / "deploy"
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
# What workflows count through the SDK, and what Prometheus itself adds.
_OTHERS = {
    "temporal_workflow_task_execution_latency_bucket",
    "temporal_activity_schedule_to_start_latency_bucket",
    "temporal_worker_task_slots_used",
}


def _alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((DEPLOY / "prometheus" / "rules" / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _run(program: str, *arguments: str, cwd: Path = PROJECT) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed (Debian: prometheus, prometheus-alertmanager)")
    done = subprocess.run(  # noqa: S603 - a checker, over our own files
        [found, *arguments], cwd=cwd, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_the_configuration_and_the_rules() -> None:
    """`promtool check` has nothing to say."""
    for name in ("prometheus.yml", "local.yml"):
        _run("promtool", "check", "config", f"deploy/prometheus/{name}")
    _run("promtool", "check", "rules", *map(str, RULES))


def test_each_alert_fires_on_its_cause_and_on_a_quiet_day_none_does() -> None:
    """`promtool test rules`: every alert has a test of both kinds."""
    folder = DEPLOY / "prometheus" / "tests"
    tested = {path.name: path.read_text() for path in sorted(folder.glob("*.yml"))}
    for alert in _alerts():
        fires = rf"alertname: {alert['alert']}\n\s+exp_alerts:\n"
        silent = rf"alertname: {alert['alert']}\n\s+exp_alerts: \[\]"
        assert any(re.search(fires, text) for text in tested.values()), alert["alert"]
        assert re.search(silent, tested["a_quiet_day.yml"]), alert["alert"]

    _run("promtool", "test", "rules", *tested, cwd=folder)


def test_alertmanager_takes_its_configuration() -> None:
    """`amtool check-config` has nothing to say."""
    _run("amtool", "check-config", "deploy/alertmanager/alertmanager.yml")


def test_the_runbook_has_a_section_for_each_alert_and_none_for_others() -> None:
    """And each alert names its own."""
    headings = re.findall(
        r"^## (Holdfast\w+)$", (PROJECT / "docs/runbook.md").read_text(), re.MULTILINE
    )

    assert sorted(headings) == sorted(alert["alert"] for alert in _alerts())
    for alert in _alerts():
        anchor = alert["annotations"]["runbook"]
        assert anchor == f"docs/runbook.md#{alert['alert'].lower()}"


def test_the_dashboards_are_as_they_are_generated(tmp_path: Path) -> None:
    """A change of the list is written into Grafana's files with it."""
    subprocess.run(  # noqa: S603 - our own script
        [sys.executable, "deploy/grafana/generate.py", "--out", str(tmp_path)],
        cwd=PROJECT, check=True, timeout=60,
    )  # fmt: skip

    kept = DEPLOY / "grafana" / "dashboards"
    names = sorted(path.name for path in kept.iterdir())
    assert names == sorted(path.name for path in tmp_path.iterdir())
    for name in names:
        assert (kept / name).read_text() == (tmp_path / name).read_text(), name


def test_every_query_asks_for_a_number_that_there_is() -> None:
    """A renamed metric must not leave an empty panel or an alert that cannot fire."""
    recorded = {
        rule["record"]
        for path in RULES
        for group in yaml.safe_load(path.read_text())["groups"]
        for rule in group["rules"]
        if "record" in rule
    }
    known = _OTHERS | recorded | _families()

    for where, query in _queries():
        for name in re.findall(r"\b(?:holdfast|temporal)[_:]\w[\w:]*", query):
            assert name in known, f"{where}: {name}"


def _families() -> set[str]:
    """Return the names that a worker's page can have."""
    meters = Meters()
    page = meters.render().decode()
    names = set(re.findall(r"^# TYPE (\w+) (?:counter|gauge|histogram)", page, re.MULTILINE))
    for measure in MEASURES:
        names |= {measure.name, f"{measure.name}_total"}
    names |= set(GAUGES)
    return names | {f"{name}_{part}" for name in names for part in ("bucket", "sum", "count")}


def _queries() -> list[tuple[str, str]]:
    found = [(f"alert {alert['alert']}", str(alert["expr"])) for alert in _alerts()]
    for path in sorted((DEPLOY / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            where = f"{path.name}: {panel['title']}"
            found += [(where, target["expr"]) for target in panel["targets"]]
    for path in RULES:
        for group in yaml.safe_load(path.read_text())["groups"]:
            found += [(path.name, str(rule["expr"])) for rule in group["rules"]]
    return found
