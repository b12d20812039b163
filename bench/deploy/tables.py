"""The tables of a drilled deploy, and whether it kept what is promised."""

from collections import Counter

from rich.console import Console
from rich.table import Table

from bench.deploy.rollout import Contrast, Rollout
from bench.deploy.workers import Ran


def rollout(console: Console, done: Rollout, count: int) -> None:
    """Print what a rolling deploy came to."""
    verdicts = done.verdicts
    table = _table("rolling deploy")
    table.add_row("runs", str(count))
    table.add_row("gate of the new build, before", _gate(done.before))
    table.add_row("gate of the breaking build, before", _gate(done.broken))
    for line in _reasons(done.broken):
        table.add_row("", line)
    table.add_row("old workers' exit codes", str(done.codes))
    table.add_row("seconds to replace all workers", f"{done.seconds:.0f}")
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    table.add_row("outcomes", ", ".join(f"{n} {name}" for name, n in outcomes.most_common()))
    table.add_row("lost or stuck", str(count - len(verdicts)))
    table.add_row("effects made twice", str(sum(verdict.twice for verdict in verdicts)))
    table.add_row("recorded calls made again", str(sum(each.repeated for each in verdicts)))
    asked = Counter(kind for verdict in verdicts for kind in verdict.asked)
    table.add_row("questions that it led to", str(dict(asked) or "none"))
    table.add_row("tasks that an old worker gave back", str(sum(v.faults for v in verdicts)))
    if done.after is not None:
        table.add_row("gate of the new build, after: all runs", _gate(done.after))
        for line in _reasons(done.after):
            table.add_row("", line)
    console.print(table)


def rolled_well(done: Rollout, count: int) -> bool:
    """Whether no run was lost, stuck or repeated, and both gates said what is true."""
    verdicts = done.verdicts
    all_well = len(verdicts) == count and all(verdict.ended_well for verdict in verdicts)
    nothing_twice = not any(verdict.twice or verdict.repeated for verdict in verdicts)
    gates = done.before.code == 0 and done.broken.code == 1
    after = done.after is not None and done.after.code == 0
    return all_well and nothing_twice and gates and after and not any(done.codes)


def contrast(console: Console, shown: Contrast) -> None:
    """Print what a breaking build did."""
    table = _table("a breaking build, deployed all the same")
    table.add_row("runs that wait for a person", str(shown.count))
    table.add_row("named by its gate before", f"{shown.named} (exit code {shown.gate.code})")
    table.add_row("the gate's words", shown.said)
    table.add_row("ended in 15 s after a person's answer", str(shown.ended))
    table.add_row("named by doctor", str(shown.stuck))
    table.add_row("the worker's words", shown.reason)
    ended = sum(verdict.ended_well for verdict in shown.verdicts)
    table.add_row("completed when code that fits served again", str(ended))
    table.add_row("effects made twice", str(sum(verdict.twice for verdict in shown.verdicts)))
    console.print(table)


def contrasted_well(shown: Contrast) -> bool:
    """Whether the gate had named every run, and every run was taken up again."""
    ended = sum(verdict.ended_well and not verdict.twice for verdict in shown.verdicts)
    return shown.named == shown.count == ended and not shown.ended


def _table(title: str) -> Table:
    table = Table("", "", title=title, title_justify="left", show_header=False)
    table.columns[0].no_wrap = True
    return table


def _gate(ran: Ran) -> str:
    said = ran.json
    bad = len(said["runs"])
    return (
        f"exit code {ran.code}: {said['go_on']} of {said['replayed']} runs go on, {bad} would not "
        f"({said['events']:,} events, {ran.seconds:.1f} s)"
    )


def _reasons(ran: Ran) -> list[str]:
    counted = Counter(f"{each['fate']}: {'; '.join(each['why'])}" for each in ran.json["runs"])
    return [f"{count} {why}" for why, count in counted.most_common(3)]
