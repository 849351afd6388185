"""How large the conformance kit's toy problems are, and what may be asked of them."""

from __future__ import annotations

from metabench.errors import UsageError
from metabench.spec.protocol import Protocol, parse_protocol

N_CLASSES = 40
N_EXAMPLES = 24
N_QUERY = 5
# Meta-training episodes within which a toy problem must be learned, unless told otherwise.
MOST_EPISODES = 1000


def parse_toy_protocol(text: str) -> Protocol:
    """Read what a learner is built for, e.g. "5w1s".

    Raises:
        UsageError: It is no such protocol, or more than the toy problems have.
    """
    protocol = parse_protocol(text, n_query=N_QUERY)
    if not isinstance(protocol, Protocol):
        raise UsageError(f"Protocol {text!r} has no fixed ways and shots; expected some. Name e.g. 5w1s.")
    if protocol.n_way > N_CLASSES or protocol.n_per_class > N_EXAMPLES:
        raise UsageError(
            f"Protocol {text!r} is more than the toy problems have; expected at most {N_CLASSES} ways and "
            f"{N_EXAMPLES - N_QUERY} shots. Name e.g. 20w5s."
        )
    return protocol
