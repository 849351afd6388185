"""Contestants that take or remove what they should not."""

from __future__ import annotations

import os
import shutil
import time
from pathlib import Path

import torch
from honest import NearestMean

from metabench.api import option


class Allocates(NearestMean):
    at_once_mib: int = option(4, "MiB per allocation")

    def meta_train(self, session):
        held = []
        while True:
            held.append(torch.ones(self.at_once_mib, 2**18))
            time.sleep(0.005)


class DeletesItself(NearestMean):
    def meta_train(self, session):
        session.commit()
        Path(__file__).unlink()
        shutil.rmtree(os.environ["HOME"], ignore_errors=True)
