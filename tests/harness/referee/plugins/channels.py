"""Contestants that misuse their connection to the referee."""

from __future__ import annotations

import os
import socket
import threading
import time
from pathlib import Path

from honest import NearestMean

from metabench.wire.message import Message, encode


def connection() -> int:
    """Descriptor of the socket that leads to the referee."""
    links = {
        int(link.name): str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()
    }
    return next(number for number, target in links.items() if target.startswith("socket:"))


def send(message: Message) -> None:
    for piece in encode(message):
        os.write(connection(), piece)


class WritesGarbage(NearestMean):
    def meta_train(self, session):
        os.write(connection(), b"\x10\x00\x00\x00" + bytes(range(128, 256)) * 100)
        time.sleep(3600)


class PromisesTooMuch(NearestMean):
    def meta_train(self, session):
        header = b'["commit", {}, [["weights", "uint8", [4000000000000]]]]'
        os.write(connection(), len(header).to_bytes(4, "little") + header)
        time.sleep(3600)


class Floods(NearestMean):
    """Reports without end, past its deadline."""

    def meta_train(self, session):
        while True:
            session._link.report(session.spent)


class HangsUp(NearestMean):
    """Closes its connection and goes on."""

    def meta_train(self, session):
        os.close(connection())
        time.sleep(3600)


class StopsReading(NearestMean):
    """Answers once, then reads no more and floods whoever still listens."""

    def predict(self, episodes):
        answer = super().predict(episodes)
        socket.socket(fileno=os.dup(connection())).shutdown(socket.SHUT_RD)
        threading.Thread(target=self.flood).start()
        return answer

    def flood(self):
        time.sleep(1.0)  # by when the answer is out
        while True:
            send(Message("predictions"))


class SpeaksOutOfTurn(NearestMean):
    """Answers questions that nobody has asked."""

    def meta_train(self, session):
        session.commit()
        send(Message("predictions"))
        time.sleep(3600)


class CommitsForEver(NearestMean):
    """Leaves meta-training to a thread that goes on handing over states when all is said."""

    def meta_train(self, session):
        session.commit()
        threading.Thread(target=self.go_on, args=(session,)).start()

    def go_on(self, session):
        while True:
            session.commit()
