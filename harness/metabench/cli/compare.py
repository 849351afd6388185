"""`metabench compare`: two results on the same episodes."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING

import click
from tabulate import tabulate

from metabench.cli.output import as_json, plain
from metabench.cli.state import State, pass_state
from metabench.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.leaderboards.compare import ClassDifference, MetricDifference, PairedResults
    from metabench.results.folder import Stored
    from metabench.scoring.metric import Metric

_FOLDER = click.Path(path_type=Path)
_N_EACH_WAY = 10
_SMALLEST_P = 1e-300


@click.command("compare")
@click.argument("first", metavar="A", type=_FOLDER)
@click.argument("second", metavar="B", type=_FOLDER)
@click.option("--all", "show_all", is_flag=True, help=f"All classes, not only {_N_EACH_WAY} each way.")
@click.option("--plot", "plot_file", type=_FOLDER, metavar="FILE.svg|.png", help="Draw the differences.")
@as_json
@pass_state
def compare(  # noqa: PLR0913 - one parameter per option is click's way
    state: State, *, first: Path, second: Path, show_all: bool, plot_file: Path | None, as_json: bool
) -> None:
    """Compare the results in folders A and B, episode by episode: paired differences and their p-values.

    Both must be of one benchmark. A p-value is that of the paired t-test on one metric alone, without
    correction for the number of metrics; of several runs of a method, a leaderboard takes account.
    """
    # Imported here, as it loads what `list` and `--help` do without.
    from metabench.leaderboards.compare import pair_results  # noqa: PLC0415

    if plot_file is not None:
        _check_format(plot_file)
    stored = _stored(first), _stored(second)
    paired = pair_results(*stored, state.extensions.metrics)
    if paired.unequal:
        click.echo(plain(f"Warning: Not on equal terms: {'; '.join(paired.unequal)}."), err=True)
    n_each_way = None if show_all else _N_EACH_WAY
    if as_json:
        click.echo(json.dumps(_as_record(stored, paired), indent=2))
    else:
        click.echo(_shown(stored, paired, n_each_way))
    if plot_file is not None:
        _write_plot(plot_file, paired, n_each_way)


def _check_format(file: Path) -> None:
    from metabench.leaderboards.drawing import FORMATS  # noqa: PLC0415

    if file.suffix not in FORMATS:
        raise UsageError(
            f"Plot {str(file)!r} has the format {file.suffix!r}; expected {' or '.join(FORMATS)}. Name "
            "another file with --plot."
        )


def _stored(folder: Path) -> Stored:
    from metabench.results.files import read_record  # noqa: PLC0415
    from metabench.results.folder import Stored  # noqa: PLC0415

    return Stored(folder, read_record(folder))


def _write_plot(file: Path, paired: PairedResults, n_each_way: int | None) -> None:
    from metabench.leaderboards.compare_plot import plot  # noqa: PLC0415

    try:
        file.write_bytes(plot(paired, file.suffix, n_each_way=n_each_way))
    except OSError as error:
        raise UsageError(
            f"Plot {str(file)!r} cannot be written ({error.strerror}); expected a folder with room. Name "
            "another file with --plot."
        ) from error


# As text ---------------------------------------------------------------------------------------------


def _shown(stored: Sequence[Stored], paired: PairedResults, n_each_way: int | None) -> str:
    both = zip("AB", paired.names, stored, strict=True)
    named = [plain(f"{letter}: {name} ({one.folder})") for letter, name, one in both]
    about = (
        f"{paired.benchmark}, {len(paired.differences)} episodes that both were asked; differences are A − B"
    )
    header = ["metric", "A", "B", "A − B [95 % interval]", "p", "A better", "equal", "B better"]
    rows = [_metric_cells(one) for one in paired.metrics]
    parts = ["\n".join([*named, plain(about)]), _table(header, rows), _shown_classes(paired, n_each_way)]
    return "\n\n".join(parts)


def _shown_classes(paired: PairedResults, n_each_way: int | None) -> str:
    from metabench.leaderboards.compare import most_different  # noqa: PLC0415

    if not paired.classes:
        return "Classes are not compared: a result of old does not name them."
    metric, n_classes = paired.metrics[0].metric, len(paired.classes)
    ahead, behind = most_different(paired.classes, n_classes if n_each_way is None else n_each_way)
    rows = [_class_cells(one, metric) for one in (*ahead, *behind)]
    n_between = n_classes - len(rows)
    if n_between:
        rows.insert(len(ahead), [f"… {n_between} more (--all)", *[""] * 4])
    return _table([f"class, by {_title(metric)}", "episodes", "A", "B", "A − B"], rows)


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    cells = [[plain(cell) for cell in row] for row in rows]
    aligned = ("left", *["right"] * (len(header) - 1))
    return tabulate(cells, header, tablefmt="simple", disable_numparse=True, colalign=aligned)


def _metric_cells(told: MetricDifference) -> list[str]:
    metric, difference = told.metric, told.paired.difference
    shown = [_number(one, metric, sign="+") for one in (difference.mean, difference.low, difference.high)]
    return [
        _title(metric),
        _number(told.first, metric),
        _number(told.second, metric),
        f"{shown[0]} [{shown[1]}, {shown[2]}]",
        _p_value(told.paired.p_value),
        *map(str, (told.wins, told.ties, told.losses)),
    ]


def _class_cells(told: ClassDifference, metric: Metric) -> list[str]:
    means = [_number(one, metric) for one in (told.first, told.second)]
    return [told.name, str(told.n_episodes), *means, _number(told.difference, metric, sign="+")]


def _title(metric: Metric) -> str:
    return f"{metric.title} in %" if metric.as_percent else metric.title


def _number(value: float, metric: Metric, *, sign: str = "") -> str:
    factor, digits = (100, 2) if metric.as_percent else (1, 4)
    # Whatever rounds to zero is neither above nor below it.
    rounded = round(factor * value, digits) + 0.0
    return f"{rounded:{sign if rounded else ''}.{digits}f}"


def _p_value(value: float) -> str:
    if value < _SMALLEST_P:
        return f"<{_SMALLEST_P:g}"
    return f"{value:.3f}" if value >= 0.001 else f"{value:.1e}"


# As JSON ---------------------------------------------------------------------------------------------


def _as_record(stored: Sequence[Stored], paired: PairedResults) -> dict[str, object]:
    first, second = (
        {"name": name, "folder": str(one.folder), "identity": one.record.identity}
        for name, one in zip(paired.names, stored, strict=True)
    )
    return {
        "benchmark": paired.benchmark,
        "n_episodes": len(paired.differences),
        "first": first,
        "second": second,
        "unequal": list(paired.unequal),
        "metrics": [_metric_record(one) for one in paired.metrics],
        "classes": [_class_record(one) for one in paired.classes],
    }


def _metric_record(told: MetricDifference) -> dict[str, object]:
    interval = told.paired.difference
    return {
        "metric": told.metric.name,
        "first": told.first,
        "second": told.second,
        "difference": interval.mean,
        # JSON has no infinity, which is where the interval of a single episode ends.
        "low": interval.low if math.isfinite(interval.low) else None,
        "high": interval.high if math.isfinite(interval.high) else None,
        "p_value": told.paired.p_value,
        "wins": told.wins,
        "ties": told.ties,
        "losses": told.losses,
    }


def _class_record(told: ClassDifference) -> dict[str, object]:
    means = {"first": told.first, "second": told.second, "difference": told.difference}
    return {"class": told.name, "n_episodes": told.n_episodes} | means
