"""How an episode is composed: N-way K-shot, or of varied ways and shots."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING

from metabench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PATTERN = re.compile(r"(\d+)w(\d+)s")


@dataclass(frozen=True)
class Protocol:
    """N-way K-shot episodes with an equal number of queries per class.

    Attributes:
        n_way: Classes per episode.
        n_shot: Support examples per class.
        n_query: Query examples per class.
    """

    n_way: int
    n_shot: int
    n_query: int

    def __post_init__(self) -> None:
        """Refuse what no episode can have.

        Raises:
            UsageError: Fewer than two classes, or no support or query example.
        """
        if self.n_way < 2:
            raise UsageError(f"n_way is {self.n_way}; an episode needs at least 2 classes. Name e.g. 5w1s.")
        for name in ("n_shot", "n_query"):
            if getattr(self, name) < 1:
                raise UsageError(f"{name} is {getattr(self, name)}; expected at least 1. Name e.g. 5w1s.")

    @property
    def n_support_total(self) -> int:
        """Support examples of the whole episode."""
        return self.n_way * self.n_shot

    @property
    def n_query_total(self) -> int:
        """Query examples of the whole episode."""
        return self.n_way * self.n_query

    @property
    def n_per_class(self) -> int:
        """Examples that a class must have."""
        return self.n_shot + self.n_query

    @property
    def short_name(self) -> str:
        """The protocol as it stands in benchmark names, e.g. "5w1s"."""
        return f"{self.n_way}w{self.n_shot}s"


@dataclass(frozen=True)
class Vary:
    """Episodes of any way and shot, with more support of some classes than of others.

    Triantafillou et al. 2020 (Meta-Dataset), section 3.2 and appendix: ways uniform, queries the same for
    each class, a support whose size and division over the classes are drawn.

    Attributes:
        min_way: Fewest classes.
        max_way: Most classes, if there are so many.
        max_query: Most queries per class; at most half of the smallest class of the episode.
        max_support: Most support examples of the whole episode.
        max_counted: A class counts as having no more than so many when the size of the support is drawn.
    """

    min_way: int = 5
    max_way: int = 50
    max_query: int = 10
    max_support: int = 500
    max_counted: int = 100

    def __post_init__(self) -> None:
        """Refuse what no episode can have.

        Raises:
            UsageError: There is something of the kind.
        """
        _check_varied(self)

    @property
    def short_name(self) -> str:
        """The protocol as it stands in benchmark names."""
        return "vary"


@dataclass(frozen=True)
class AnyWay:
    """Episodes of any way and any shot, the same shot for all classes of an episode.

    The any-way any-shot rules of the cross-domain MetaDL challenge (Carrión-Ojeda et al. 2022).

    Attributes:
        min_way: Fewest classes.
        max_way: Most classes, if there are so many.
        min_shot: Fewest support examples per class.
        max_shot: Most, if the smallest class of the episode has so many besides the queries.
        n_query: Queries per class; at most half of the smallest class of the episode.
    """

    min_way: int = 2
    max_way: int = 20
    min_shot: int = 1
    max_shot: int = 20
    n_query: int = 20

    def __post_init__(self) -> None:
        """Refuse what no episode can have.

        Raises:
            UsageError: There is something of the kind.
        """
        _check_varied(self)

    @property
    def short_name(self) -> str:
        """The protocol as it stands in benchmark names."""
        return "anyway"


def _check_varied(protocol: Vary | AnyWay) -> None:
    told = asdict(protocol)
    least = {"min_way": 2, "max_way": protocol.min_way, "max_shot": told.get("min_shot", 1)}
    for name, value in told.items():
        if value < least.get(name, 1):
            raise UsageError(
                f"{name} of {protocol.short_name} is {value}; expected at least {least.get(name, 1)}. "
                "Leave it out for the usual one."
            )


AnyProtocol = Protocol | Vary | AnyWay
# What is meta-trained on where the episodes of the benchmark have no one shape.
VARIED_TRAINING = Protocol(5, 5, 5)


def training_protocol(protocol: AnyProtocol) -> Protocol:
    """The meta-training episodes of a method that says nothing of its own."""
    return protocol if isinstance(protocol, Protocol) else VARIED_TRAINING


def parse_protocol(text: str, *, n_query: int = 15) -> AnyProtocol | None:
    """Read "5w1s", "vary" or "anyway"; None if `text` is no protocol.

    Raises:
        UsageError: It is one, but no episode can be composed so.
    """
    for varied in (Vary(), AnyWay()):
        if text == varied.short_name:
            return varied
    match = _PATTERN.fullmatch(text)
    return Protocol(int(match[1]), int(match[2]), n_query) if match else None


def told_protocol(short_name: str, parameters: Mapping[str, int]) -> AnyProtocol:
    """The protocol that a record tells of.

    Raises:
        UsageError: There is none with this name and these parameters.
    """
    varied: dict[str, type[AnyProtocol]] = {"vary": Vary, "anyway": AnyWay}
    kind = varied.get(short_name, Protocol)
    if {field.name for field in fields(kind)} == parameters.keys():
        protocol = kind(**parameters)
        if protocol.short_name == short_name:
            return protocol
    raise UsageError(
        f"Protocol {short_name!r} has the parameters {dict(parameters)}; expected others. "
        "Take the record that was written."
    )
