"""What one run knows of the halts that hold it up."""

from dataclasses import dataclass, field

from temporalio import workflow

with workflow.unsafe.imports_passed_through():
    from domain.halts import Halt


@dataclass
class Held:
    """What one run knows of halts.

    Attributes:
        words: How often it was told that a halt was lifted.
        waits: A part of the run waits for that, and the others with it.
        told: Halts that were noted as holding it, by id; a lifted one is taken out.
    """

    words: int = 0
    waits: bool = False
    told: dict[str, Halt] = field(default_factory=dict[str, Halt])
