"""`metabench evaluate`: referee runs, store their results, print the leaderboard."""

from __future__ import annotations

import os
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from metabench.cli.output import as_json, plain, print_rows
from metabench.cli.state import State, pass_state
from metabench.errors import UsageError, unknown_name
from metabench.results.calibration import STEADY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metabench.cli.output import Cell
    from metabench.cli.sweep import Sweep
    from metabench.referee.calibration import Calibrator
    from metabench.results.produce import Producer
    from metabench.results.record import Record
    from metabench.spec.plan import Precision, RunPlan

RESULTS = Path("results")
_LARGEST_SEED = 2**63


@click.command("evaluate")
@click.argument("algorithms", nargs=-1)
@click.option("--benchmark", "benchmarks", multiple=True, metavar="B", help="Benchmark or suite [smoke].")
@click.option(
    "--backbone", "backbones", multiple=True, metavar="N", help="Backbone [the method's or dataset's own]."
)
@click.option("--budget", metavar="NAME|60s|10m|2000ep", help="What a run may spend [the suite's, or small].")
@click.option("--seeds", default="0", show_default=True, help="Seeds, one run each, e.g. 0,1,2.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu or cuda:N.")
@click.option("--precision", type=click.Choice(["auto", "fp32", "bf16"]), default="auto", show_default=True)
@click.option("--set", "settings", multiple=True, metavar="[PLUGIN.]OPTION=VALUE", help="Set an option.")
@click.option("--executor", default="local", show_default=True, help="What places the runs.")
@click.option("--jobs", type=click.IntRange(min=1), default=1, show_default=True, help="Runs at once.")
@click.option("--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True)
@click.option("--dry-run", is_flag=True, help="Only show what would be run.")
@as_json
@pass_state
def evaluate(  # noqa: PLR0913 - one parameter per option is click's way
    state: State,
    *,
    algorithms: tuple[str, ...],
    benchmarks: tuple[str, ...],
    backbones: tuple[str, ...],
    budget: str | None,
    seeds: str,
    device: str,
    precision: str,
    settings: tuple[str, ...],
    executor: str,
    jobs: int,
    results: Path,
    dry_run: bool,
    as_json: bool,
) -> int:
    """Referee ALGORITHMS (names, PACKAGE:NAME or PATH.py:CLASS) and print the leaderboard.

    With no arguments, compare a few algorithms on the embedded image benchmark, in about a minute.
    Runs whose results are there already are not made again.
    """
    # Imported here, as they load what `list` and `--help` do without.
    from metabench.cli.sweep import Request, plan_sweep  # noqa: PLC0415
    from metabench.referee.calibration import Calibrator  # noqa: PLC0415

    request = Request(
        algorithms=algorithms,
        benchmarks=benchmarks,
        backbones=backbones,
        budget=budget,
        seeds=_parse_seeds(seeds),
        device=choose_device(device),
        precision="fp32" if precision == "auto" else cast("Precision", precision),
        settings=settings,
        n_threads=max(1, n_cores() // jobs),
    )
    if executor not in state.extensions.executors:
        raise unknown_name("executor", executor, state.extensions.executors)
    if executor == "local":
        _check_present(request.device)
    sweep = plan_sweep(request, state.extensions, state.places)
    with Calibrator() as calibrator:
        producer = _producer(state, sweep, results, calibrator)
        if dry_run:
            _print_plans(sweep, producer, as_json=as_json)
            return 0
        records = _execute(state, sweep, producer, executor, jobs)
    _report(state, records, results, as_json=as_json)
    return int(any(record.status != "ok" for record in records))


def _producer(state: State, sweep: Sweep, results: Path, calibrator: Calibrator) -> Producer:
    from metabench.referee.events import Broadcast  # noqa: PLC0415
    from metabench.results.produce import Producer  # noqa: PLC0415

    listener = Broadcast(state.extensions.listeners, lambda line: click.echo(line, err=True))
    metrics, pooled = state.extensions.metrics, state.extensions.pooled_metrics
    return Producer(sweep.arenas, metrics, pooled, results, state.places, listener, calibrator)


def _execute(state: State, sweep: Sweep, producer: Producer, executor: str, jobs: int) -> list[Record]:
    """Make the results that are not there."""
    datasets = {arena.dataset.name: arena.dataset for arena in sweep.arenas.values()}
    for name, dataset in datasets.items():
        if not dataset.expected_content:
            click.echo(
                f"Warning: dataset {name!r} has other content than published results, as this "
                "machine's image libraries decode it otherwise. Install the versions of constraints.txt.",
                err=True,
            )
    n_done = sum(producer.stored(plan) is not None for plan in sweep.plans)
    producer.listener.sweep_started(len(sweep.plans), n_done)
    try:
        return state.extensions.executors[executor].execute(producer.produce, sweep.plans, jobs)
    finally:
        producer.listener.sweep_finished()


def _report(state: State, records: Sequence[Record], results: Path, *, as_json: bool) -> None:
    """Print the runs of this sweep as leaderboards, or as JSON."""
    from metabench.leaderboards.build import build  # noqa: PLC0415
    from metabench.results.folder import read_all  # noqa: PLC0415

    _warn_of_unsteady(records)
    if as_json:
        click.echo("[" + ",\n".join(record.model_dump_json(indent=2) for record in records) + "]")
        return
    identities = {record.identity for record in records}
    stored = [one for one in read_all(results)[0] if one.record.identity in identities]
    click.echo(state.extensions.renderers["terminal"].render(build(stored, state.extensions.metrics)))
    click.echo(f"\nResults: {results}. Show them again with `metabench leaderboard show`.")
    for record in records:
        if record.failure is not None:
            message = plain(record.failure.message)
            click.echo(f"{record.title}: {record.status} in {record.failure.phase}: {message}.", err=True)


def _warn_of_unsteady(records: Sequence[Record]) -> None:
    """Say of how many runs the seconds compare badly, if of any."""
    measured = [one.calibration for one in records if one.calibration is not None]
    unsteady = [one for one in measured if not one.is_steady]
    if unsteady:
        click.echo(
            f"Warning: around {len(unsteady)} of {len(records)} runs this machine's speed changed by up to "
            f"{max(one.drift for one in unsteady):.0%}; more than {STEADY:.0%} makes seconds compare badly. "
            "Run fewer at once, and nothing besides.",
            err=True,
        )


def _print_plans(sweep: Sweep, producer: Producer, *, as_json: bool) -> None:
    rows = [_plan_row(plan, sweep, is_done=producer.stored(plan) is not None) for plan in sweep.plans]
    print_rows(rows, as_json=as_json)
    for plugin, reason in sweep.broken.items():
        click.echo(plain(f"{plugin.kind.capitalize()} {plugin.name!r} cannot run: {reason}."), err=True)


def _plan_row(plan: RunPlan, sweep: Sweep, *, is_done: bool) -> dict[str, Cell]:
    is_broken = not sweep.broken.keys().isdisjoint((plan.algorithm.plugin, plan.backbone.plugin))
    return {
        "state": "done" if is_done else "broken" if is_broken else "to run",
        "benchmark": plan.benchmark.name,
        "algorithm": plan.algorithm.plugin.name,
        "backbone": plan.backbone.plugin.name,
        "budget": plan.budget.name,
        "seed": plan.seed,
        "device": plan.device,
        "precision": plan.precision,
    }


def _parse_seeds(text: str) -> tuple[int, ...]:
    try:
        seeds = tuple(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError as error:
        raise UsageError(
            f"Seeds {text!r} are no numbers; expected e.g. 0,1,2. Separate by commas."
        ) from error
    if min(seeds) < 0:
        raise UsageError(f"Seeds {text!r} have a negative one; expected 0 or more. Name e.g. 0,1,2.")
    if max(seeds) >= _LARGEST_SEED:
        raise UsageError(f"Seeds {text!r} have one too large; expected less than 2**63. Name e.g. 0,1,2.")
    return seeds


def choose_device(device: str) -> str:
    """The device that "auto" means here: a GPU where the driver and a torch for it are installed."""
    if device == "auto":
        usable = Path("/dev/nvidia0").exists() and "+cpu" not in version("torch")
        return "cuda:0" if usable else "cpu"
    if device != "cpu" and not (device.startswith("cuda:") and device[5:].isdigit()):
        raise UsageError(f"Device {device!r} is no device; expected auto, cpu or cuda:N. Name e.g. cuda:0.")
    return device


def _check_present(device: str) -> None:
    """Refuse a GPU that is certainly not here: else each method would be blamed for it."""
    torch, n_gpus = version("torch"), len(list(Path("/dev").glob("nvidia[0-9]*")))
    if device != "cpu" and ("+cpu" in torch or 0 < n_gpus <= int(device.removeprefix("cuda:"))):
        raise UsageError(
            f"Device {device!r} is not here; this machine has {n_gpus} GPUs and torch {torch}. Name another "
            "one, or install a torch for GPUs."
        )


def n_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
