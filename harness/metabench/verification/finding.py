"""What one level of verification has found, and what each level can prove."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal[0, 1, 2, 3]
Outcome = Literal["verified", "does not verify", "not compared"]

PROVES: dict[Level, str] = {
    0: "the record and its files are those that were written: an edit by hand, or by accident, of any digit "
    "breaks the seal. A seal is a checksum, no signature: it does not prove who wrote the record, and who "
    "makes it anew is found by higher levels, as far as these compute the number again.",
    1: "scores and curve are those of the stored predictions, a bundle's scores those of its outcomes, and a "
    "table is that of its results. It does not prove that a method gave these predictions.",
    2: "the stored weights, in the method as it is installed here, give the stored predictions. It does not "
    "prove how the weights came about, nor what they cost.",
    3: "the same plan, run again on this machine, has the same outcome. It does not prove what the first run "
    "spent, nor when it took place.",
}


@dataclass(frozen=True)
class Finding:
    """What one level has found.

    Attributes:
        level: Which.
        checked: What was compared and agrees where there is no problem; "" where nothing was compared.
        problems: What does not verify, a sentence each.
        remarks: What could not be compared, and what a reader should know besides, a sentence each.
    """

    level: Level
    checked: str
    problems: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """What it comes to."""
        if self.problems:
            return "does not verify"
        return "verified" if self.checked else "not compared"
