"""Groups of methods that cannot be told apart: what tables show as letters, and diagrams as bars."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def tie_groups(tied: NDArray[np.bool_], order: NDArray[np.intp]) -> list[tuple[int, ...]]:
    """Gather methods so that two have a group in common if and only if they cannot be told apart.

    To be tied is not transitive, so groups overlap, as in a compact letter display (Piepho 2004). No
    method can be added to a group. Where ties are runs of the order, as with a critical difference,
    the groups are all such runs; else they need not be all sets that could be formed, whose number may
    grow exponentially: for each tie that no group shows yet, one is formed, best methods first.

    Args:
        tied: (n_methods, n_methods), symmetric: cannot these two be told apart. The diagonal is not read.
        order: (n_methods,) the methods, best first.

    Returns:
        Groups of methods, each best first, in the order of their best members.
    """
    ties = tied[np.ix_(order, order)] & ~np.eye(len(order), dtype=bool)
    shown = np.zeros_like(ties)
    groups: set[tuple[int, ...]] = {(place,) for place in np.flatnonzero(~ties.any(axis=1)).tolist()}
    for one in range(len(order)):
        while (missing := np.flatnonzero(ties[one] & ~shown[one])).size:
            group = _grown(ties, [one, int(missing[0])])
            shown[np.ix_(group, group)] = True
            groups.add(tuple(group))
    return [tuple(order[list(group)].tolist()) for group in sorted(groups)]


def _grown(ties: NDArray[np.bool_], group: list[int]) -> list[int]:
    """A group to which whoever is tied with all of it was added, best first."""
    candidates = ties[group].all(axis=0)
    while candidates.any():
        group = [*group, int(np.argmax(candidates))]
        candidates &= ties[group[-1]]
    return sorted(group)
