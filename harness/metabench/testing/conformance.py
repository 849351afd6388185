"""Whether an algorithm does what the harness expects of one: all checks, on each backbone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench.contestant.failure import one_line
from metabench.spec.toy import MOST_EPISODES, parse_toy_protocol
from metabench.testing.answers import ANSWER_CHECKS, FIRST_CHECKS
from metabench.testing.backbones import TinyImage, TinyText
from metabench.testing.finding import Check, Finding, fail
from metabench.testing.learning import LEARNING_CHECKS, TRAINING_CHECK
from metabench.testing.report import ConformanceError, Report
from metabench.testing.trial import Subject, Trial, arithmetic_put_back
from metabench.wire.reports import Checked, PluginAddress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from metabench.api.algorithm import Algorithm
    from metabench.api.backbone import Backbone
    from metabench.spec.plan import OptionValue

CHECKS = (*FIRST_CHECKS, TRAINING_CHECK, *ANSWER_CHECKS, *LEARNING_CHECKS)


def check_algorithm(
    algorithm: type[Algorithm],
    *,
    backbones: Sequence[type[Backbone]] = (),
    options: Mapping[str, OptionValue] | None = None,
    protocol: str = "5w1s",
    episodes: int = MOST_EPISODES,
) -> Report:
    """Check that an algorithm does what the harness expects of one, on toy problems, within seconds.

    Args:
        algorithm: Its class.
        backbones: Classes of backbones to check it on; a small one of each modality that it takes if there
            are none.
        options: Values to set, by name; defaults for the others.
        protocol: Ways and shots that it is built for. It is asked others, too.
        episodes: Meta-training episodes within which it must learn the toy problem; most need a tenth.

    Returns:
        What each check has found; there may be notes.

    Raises:
        ConformanceError: A check has failed; it is an AssertionError that lists those that have.
        UsageError: The toy problems have no such episodes.
    """
    asked = parse_toy_protocol(protocol)
    subjects = [
        Subject(one.__name__, algorithm, one, (address_of(algorithm, options), address_of(one)), asked)
        for one in backbones or default_backbones(algorithm)
    ]
    results = [result for subject in subjects for result in run_checks(subject, episodes)]
    report = Report(algorithm.__name__, tuple(results))
    if report.failed:
        raise ConformanceError(report)
    return report


def default_backbones(algorithm: type[Algorithm]) -> list[type[Backbone]]:
    """The kit's own backbones, of the modalities that an algorithm takes."""
    return [one for one in (TinyImage, TinyText) if one.modality in algorithm.modalities]


def run_checks(subject: Subject, most_episodes: int = MOST_EPISODES) -> Iterator[Checked]:
    """Check an algorithm on one backbone, and tell of each check when it is done."""
    trial = Trial(subject, most_episodes)
    missing = ""
    for check in CHECKS:
        found = Finding("not run", f"it needs {missing!r}") if missing else _run(check, trial)
        if check.is_needed and found.status == "fail":
            missing = check.name
        yield Checked(
            check=check.name,
            backbone=subject.name,
            status=found.status,
            message=found.message,
        )


def _run(check: Check, trial: Trial) -> Finding:
    with arithmetic_put_back():
        try:
            return check.find(trial)
        except (Exception, SystemExit) as error:
            return fail(one_line(error))


def address_of(plugin: type, options: Mapping[str, OptionValue] | None = None) -> PluginAddress:
    """Where a class comes from, as far as it can be told, and the options that it gets."""
    return PluginAddress(
        target=f"{plugin.__module__}:{plugin.__qualname__}",
        search_path=None,
        options=dict(options or {}),
        model=None,
    )
