"""Contestants that look for labels where there should be none, and for ways out of their process."""

from __future__ import annotations

import ctypes
import errno
import gc
import json
import os
import socket
import sys

import numpy as np
import torch
from attempts import reached
from honest import NearestMean

from metabench.api import option

NEW_AND_MINE, REMOVE = 0o3600, 0


class Burgles(NearestMean):
    """Tries every way out, and tells which are open; answers with labels that it finds, or at random."""

    targets: str = option("", "where everything is that it is after, as JSON")
    has_searched = False

    def meta_train(self, session):
        planted = [np.zeros((3, 5), np.int64)]
        if labels_in_memory((3, 5), n_way=2) is None:
            raise RuntimeError(f"it does not find what it has itself, {planted}")
        self.break_out()
        session.commit()

    def predict(self, episodes):
        self.break_out()
        shape = tuple(episodes.query.shape[:2])
        found = None if self.has_searched else labels_in_memory(shape, episodes.n_way)
        self.has_searched = True  # it takes a second
        answers = torch.randint(episodes.n_way, shape) if found is None else found
        return torch.nn.functional.one_hot(answers, episodes.n_way).float()

    def break_out(self):
        targets = json.loads(self.targets)
        self.tell(reached(targets) + notes_of_others(targets))

    def tell(self, open_ways):
        if open_ways:
            raise RuntimeError(f"open: {', '.join(open_ways)}")


class PassesNotes(Burgles):
    """Lets a process find what another has left; what an audit asks could so be answered from the test."""

    def break_out(self):
        self.tell(notes_of_others(json.loads(self.targets)))


def labels_in_memory(shape, n_way):
    """Find numbers of classes of some shape: in variables of the callers, and in all that lives."""
    frame, variables = sys._getframe(), []
    while frame is not None:
        variables += frame.f_locals.values()
        frame = frame.f_back
    for one in (*variables, *(inner for outer in gc.get_objects() for inner in gc.get_referents(outer))):
        if isinstance(one, torch.Tensor | np.ndarray) and tuple(one.shape) == shape:
            numbers = torch.as_tensor(one)
            if not numbers.is_floating_point() and numbers.min() >= 0 and numbers.max() < n_way:
                return numbers.long()
    return None


LEFT = []


def notes_of_others(targets):
    """Leave notes wherever another process might look; where one is already, it is somebody else's."""
    if LEFT:
        return []
    LEFT.append("once in a process")
    found = []
    for name, leave in NOTES.items():
        try:
            LEFT.append(leave(targets["note"], targets["free_port"]))
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.EADDRINUSE):
                found.append(name)
    return found


def new_file(path):
    return os.open(path, os.O_CREAT | os.O_EXCL)


def bound(family, kind, address):
    one = socket.socket(family, kind)
    one.bind(address)
    return one


def new_segment(number):
    library = ctypes.CDLL(None, use_errno=True)
    if library.shmget(number, 1, NEW_AND_MINE) < 0:
        reason = ctypes.get_errno()
        library.shmctl(library.shmget(number, 1, 0), REMOVE, None)
        raise OSError(reason, "shmget")


NOTES = {
    "a file": lambda name, port: new_file(f"/tmp/{name}"),
    "a file in memory": lambda name, port: new_file(f"/dev/shm/{name}"),
    "a segment of memory": lambda name, port: new_segment(port),
    "a name": lambda name, port: bound(socket.AF_UNIX, socket.SOCK_DGRAM, f"\0{name}"),
    "a port": lambda name, port: bound(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", port)),
    "a port of datagrams": lambda name, port: bound(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", port)),
}
