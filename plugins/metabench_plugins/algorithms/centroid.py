"""Nearest class mean on a backbone that nobody has trained: the floor that learning must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from metabench_plugins.algorithms.protonet import ProtoNet

if TYPE_CHECKING:
    from metabench.api import Session


class Centroid(ProtoNet):
    """Classify by the nearest class mean of features as the backbone's first weights give them.

    It shows what of a score comes from the data and the architecture, before any meta-training. It is no
    published method: `protonet` (Snell et al. 2017, equations 1 and 2) without its training.

    Expected: omniglot-5w1s, conv4: 52.45 % [51.53, 53.37], by `metabench evaluate centroid --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores; clinc150-10w1s, bilstm: 50.42 % [49.90, 50.94], by `metabench
    evaluate centroid --benchmark clinc150-10w1s --budget 5m`, and clinc150-10w1s, bag: 48.38 % [47.76,
    49.01], with `--backbone bag` besides.
    """

    distance = "squared-euclidean"
    cosine_scale = 1.0
    outer_lr = 0.0
    meta_batch = 1
    train_n_way = train_n_shot = train_n_query = 0
    clip_norm = 0.0

    def meta_train(self, session: Session) -> None:
        """Learn nothing."""
        session.commit()
