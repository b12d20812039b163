"""`python -m bench`: what a turn costs, against the bare loop."""

import argparse
import tempfile
from pathlib import Path

from bench.overhead import run


def main() -> None:
    """Parse the shapes and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shapes", default="10x2000,30x2000,50x2000,200x2000")
    parser.add_argument("--repetitions", type=int, default=5)
    given = parser.parse_args()
    shapes = [tuple(map(int, shape.split("x"))) for shape in given.shapes.split(",")]
    with tempfile.TemporaryDirectory(prefix="holdfast-bench-") as home:
        run(Path(home), [(turns, size) for turns, size in shapes], given.repetitions)


if __name__ == "__main__":
    main()
