"""What plots show: which points of which methods."""

from dataclasses import replace

import pytest

from metabench.site import plots
from metabench.site.drawing import Frame, Series
from metabench.site.plots import number_of, plots_of


@pytest.fixture
def drawn(site, monkeypatch: pytest.MonkeyPatch):
    """The plots of a leaderboard by name: what is drawn in, and the methods."""

    def of(beginning: str) -> dict[str, tuple[Frame, list[Series]]]:
        told = {}

        def keep(frame, series):
            told[frame.name] = (frame, list(series))
            return ""

        monkeypatch.setattr(plots, "draw", keep)
        named = zip(site.contents.board_names, site.contents.boards, strict=True)
        plots_of(next(board for name, board in named if name.startswith(beginning)), site.contents)
        return told

    return of


def test_a_line_in_time_ends_with_the_result(site, drawn) -> None:
    _, series = drawn("omniglot-5w1s-60s")["anytime"]
    board = next(one for one in site.contents.boards if one.track.budget.seconds == 60)
    best = board.rows[0]
    assert [point.x for point in series[0].points] == pytest.approx([3.75, 7.5, 15, 30, best.spent_s])
    assert series[0].points[-1].y == pytest.approx(100 * best.score.mean)
    assert len(series) == len(board.rows)


def test_points_in_time_are_means_over_seeds(site, drawn) -> None:
    _, series = drawn("grocery")["anytime"]
    board = next(one for one in site.contents.boards if one.track.benchmark.name == "grocery-5w5s")
    place = next(i for i, row in enumerate(board.rows) if row.algorithm == "maml")
    runs = site.contents.runs_of(board.rows[place])
    assert len(runs) == 3
    mean = sum(run.record.curve[0].mean for run in runs) / 3
    told = next(one for one in series if one.number == number_of(place))
    assert told.points[0].y == pytest.approx(100 * mean)


def test_cost_is_that_of_the_reference_machine_with_its_interval(site, drawn) -> None:
    frame, series = drawn("grocery")["cost"]
    board = next(one for one in site.contents.boards if one.track.benchmark.name == "grocery-5w5s")
    assert frame.x_label == "seconds of meta-training on the reference machine"
    (point,) = series[0].points
    assert point.x == board.rows[0].cost_s != board.rows[0].spent_s
    assert (point.low, point.high) == pytest.approx(
        (100 * board.rows[0].score.low, 100 * board.rows[0].score.high)
    )


def test_methods_without_a_cost_are_counted(site) -> None:
    board = next(one for one in site.contents.boards if one.track.benchmark.name == "grocery-5w5s")
    n_scored = sum(row.score is not None for row in board.rows)

    def about(*costs: float | None) -> str:
        rows = [replace(row, cost_s=cost) for row, cost in zip(board.rows, costs, strict=False)]
        changed = replace(board, rows=(*rows, *board.rows[len(rows) :]))
        return next(one.about for one in plots_of(changed, site.contents) if one.title == "By cost")

    assert about().endswith("Further left is cheaper, further up is better.")
    assert about(None, None).endswith(
        f" Not drawn: 2 of {n_scored} methods with a score, as their cost is not known."
    )
    assert "Not drawn" not in about(*[None] * len(board.rows))


def test_methods_are_followed_through_all_budgets(drawn) -> None:
    frame, series = drawn("omniglot-5w1s-300s")["budget"]
    assert frame.ticks == (60.0, 300.0)
    assert len(series) == 10
    assert all([point.x for point in one.points] == [60.0, 300.0] for one in series)


def test_where_one_budget_was_run_no_plot_compares_budgets(drawn) -> None:
    assert drawn("clinc150").keys() == {"anytime", "cost"}


def test_the_first_methods_have_colours_of_their_own() -> None:
    assert [number_of(place) for place in (0, 1, 7, 8, 100)] == [1, 2, 8, 0, 0]
