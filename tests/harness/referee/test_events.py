import threading

from metabench.referee import events
from metabench.referee.events import Broadcast, Listener


class Noting(Listener):
    def __init__(self) -> None:
        self.heard = []

    def sweep_started(self, n_runs, n_done):
        self.heard.append(("sweep started", n_runs, n_done))

    def run_started(self, plan):
        self.heard.append(("run started", plan))

    def phase_started(self, plan, phase):
        self.heard.append(("phase", plan, phase))

    def meta_training(self, plan, progress):
        self.heard.append(("meta-training", plan, progress))

    def tested(self, plan, n_episodes):
        self.heard.append(("tested", plan, n_episodes))

    def run_finished(self, plan, record):
        self.heard.append(("run finished", plan, record))

    def sweep_finished(self):
        self.heard.append(("sweep finished",))


class Failing(Listener):
    def tested(self, plan, n_episodes):
        raise ValueError("no disk")


def tell_everything(listener: Listener) -> None:
    listener.sweep_started(3, 1)
    listener.run_started("plan")
    listener.phase_started("plan", "test")
    listener.meta_training("plan", "progress")
    listener.tested("plan", 20)
    listener.run_finished("plan", "record")
    listener.sweep_finished()


def test_every_listener_hears_every_event_in_order():
    one, other = Noting(), Noting()
    tell_everything(Broadcast([one, other], print))
    assert one.heard == other.heard
    assert [event[0] for event in one.heard] == [
        "sweep started",
        "run started",
        "phase",
        "meta-training",
        "tested",
        "run finished",
        "sweep finished",
    ]


def test_a_listener_that_raises_is_reported_once_and_told_no_more():
    reports, other = [], Noting()
    broadcast = Broadcast([Failing(), other], reports.append)
    tell_everything(broadcast)
    tell_everything(broadcast)
    assert reports == ["Listener 'Failing' raises ValueError: no disk; it is told no more."]
    assert len(other.heard) == 14


def test_events_of_concurrent_runs_are_told_one_at_a_time():
    inside, most = [0], [0]

    class Counting(Listener):
        def tested(self, plan, n_episodes):
            inside[0] += 1
            most[0] = max(most[0], inside[0])
            inside[0] -= 1

    broadcast = Broadcast([Counting()], print)
    tellers = [
        threading.Thread(target=lambda: [broadcast.tested("plan", n) for n in range(200)]) for _ in range(4)
    ]
    for teller in tellers:
        teller.start()
    for teller in tellers:
        teller.join()
    broadcast.sweep_finished()
    assert most == [1]


def test_a_listener_that_waits_holds_up_nobody(monkeypatch):
    released, reports, other = threading.Event(), [], Noting()

    class Waiting(Listener):
        def run_started(self, plan):
            released.wait()

    monkeypatch.setattr(events, "PATIENCE_S", 0.05)
    broadcast = Broadcast([Waiting(), other], reports.append)
    tell_everything(broadcast)
    assert reports == ["A listener has not come to its end within 0.05 s; it is left behind."]
    released.set()
    monkeypatch.setattr(events, "PATIENCE_S", 30.0)
    broadcast.sweep_finished()
    assert len(other.heard) == 8


def test_a_listener_that_overrides_nothing_hears_everything_in_silence():
    tell_everything(Listener())
