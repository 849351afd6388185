"""Contestants that make more processes and threads, and that turn against their guard."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
import time
from pathlib import Path

from honest import NearestMean


def child(work) -> None:
    if os.fork() == 0:
        try:
            work()
        finally:
            os._exit(0)


def sleep_for_long():
    time.sleep(3600)


def deaf_daemon():
    """A process that has left its parent, its session and all its descriptors."""
    os.setsid()
    for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
        signal.signal(number, signal.SIG_IGN)
    child(lambda: (os.closerange(0, 256), sleep_for_long()))


def talking_daemon():
    """The same, but it keeps the connection to the referee open."""
    os.setsid()
    child(sleep_for_long)


class LeavesMuchBehind(NearestMean):
    def meta_train(self, session):
        child(sleep_for_long)
        child(deaf_daemon)
        for daemon in (True, False):
            threading.Thread(target=sleep_for_long, daemon=daemon).start()
        time.sleep(0.2)
        session.commit()
        bury_folder()


def bury_folder():
    """Make the work folder deep and forbid to look into it."""
    Path("link").symlink_to("/")
    for _ in range(1500):
        Path("deeper").mkdir()
        os.chdir("deeper")
    Path("file").write_text("at the bottom")
    Path(os.environ["HOME"], "deeper", "deeper").chmod(0)


class SleepsBesideDaemons(NearestMean):
    def meta_train(self, session):
        child(deaf_daemon)
        child(talking_daemon)
        session.commit()
        time.sleep(3600)


class KillsGuard(NearestMean):
    def meta_train(self, session):
        child(deaf_daemon)
        child(talking_daemon)
        time.sleep(0.2)
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(3600)


class Flees(NearestMean):
    """Lives in a process for an instant, then in the next one."""

    def meta_train(self, session):
        child(self.flee)
        time.sleep(3600)

    def flee(self):
        while True:
            if os.fork():
                os._exit(0)
            os.setsid()


class Multiplies(NearestMean):
    def meta_train(self, session):
        for _ in range(400):
            os.posix_spawn("/bin/sleep", ["sleep", "3600"], os.environ)
        time.sleep(3600)


def compute_on_all_cores():
    """In many sessions, which systems give equal parts of the cores, however busy these are otherwise."""
    for _ in range(40):
        child(lambda: (os.setsid(), compute_for_long()))
    threading.Thread(target=compute_for_long, daemon=True).start()
    time.sleep(3600)


def compute_for_long():
    """Without holding the interpreter's lock."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


class ComputesOnAllCores(NearestMean):
    def meta_train(self, session):
        session.commit()
        compute_on_all_cores()


class AnswersOnAllCores(NearestMean):
    def predict(self, episodes):
        if not self.training and len(episodes) > 1:
            compute_on_all_cores()
        return super().predict(episodes)
