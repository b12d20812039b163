"""`python -m bench.audit`: which of the locked packages have known vulnerabilities.

pip-audit asks the package index for each package and version. Where that does not answer it passes
what it has not looked at, so what was looked at is counted here, and nothing unseen is called good.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, Final

from runtime.settings import PROJECT

_FILES: Final = ("requirements.txt", "requirements-dev.txt")
_PATIENCE_S: Final = 600
_SHOWN: Final = 5


def main() -> int:
    """Print what is known; 0: nothing against any, 1: something, 3: not all could be asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--lenient",
        action="store_true",
        help="let pass, with a warning, what nobody answered for (an isolated network)",
    )
    options = parser.parse_args()
    found = [each for file in _FILES for each in _asked(file)]
    if not found:
        print("audit: no package was audited; see above")
        return 0 if options.lenient else 3
    bad = {each["name"]: each for each in found if each.get("vulns")}
    unseen = sorted({each["name"] for each in found if "skip_reason" in each})
    seen = {each["name"] for each in found} - set(unseen)
    print(f"audit: {len(seen)} packages looked up, {len(unseen)} could not be, {len(bad)} bad")
    for each in bad.values():
        _say(each)
    if unseen:
        print(
            f"audit: the package index did not answer for {', '.join(unseen[:_SHOWN])}"
            f"{' and others' if len(unseen) > _SHOWN else ''}: run `make audit` where it does"
        )
    if bad:
        return 1
    return 3 if unseen and not options.lenient else 0


def _asked(file: str) -> Sequence[dict[str, Any]]:
    """Return what pip-audit says of each package of a hashed file; nothing where it broke."""
    done = subprocess.run(  # noqa: S603 - a program of the development packages
        [
            *(sys.executable, "-m", "pip_audit", "--requirement", str(PROJECT / file)),
            *("--disable-pip", "--require-hashes", "--format", "json", "--progress-spinner", "off"),
        ],
        capture_output=True,
        text=True,
        timeout=_PATIENCE_S,
        check=False,
    )
    try:
        return json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        print(f"audit: {file}: pip-audit says {last[:300]}", file=sys.stderr)
        return []


def _say(package: dict[str, Any]) -> None:
    for each in package["vulns"]:
        mended = ", ".join(each.get("fix_versions") or ["no version yet"])
        print(f"  {package['name']} {package['version']}: {each['id']}, mended in {mended}")


if __name__ == "__main__":
    sys.exit(main())
