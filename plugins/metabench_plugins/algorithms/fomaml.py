"""First-order MAML: MAML that treats the inner gradients as constants."""

from __future__ import annotations

from metabench.api import option
from metabench_plugins.algorithms.maml import MAML


class FOMAML(MAML):
    """MAML without second derivatives. Finn et al. 2017, section 5.2.

    The gradient of an adapted weight goes to the weight that it was adapted from, which is all that is left
    when the inner gradients are constants.

    Source: Finn et al., "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", ICML 2017.

    Differs from the paper: as `maml` does.

    Expected: omniglot-5w1s, conv4: 92.53 % [92.04, 93.02], by `metabench evaluate fomaml --benchmark
    omniglot-5w1s --budget 5m` on two CPU cores. That is worse than `maml`, paired on the same episodes: −0.84
    [−1.26, −0.42], `metabench compare`. clinc150-10w1s, bilstm: 55.09 % [54.45, 55.74], by `metabench
    evaluate fomaml --benchmark clinc150-10w1s --budget 5m`: there, too, worse than `maml`, −8.04 [−8.55,
    −7.52]. Longer training does not help it there: on the first 60 episodes it has 58.5 % after a sixteenth
    of the budget and 53.4 % after half.
    """

    second_order: bool = option(False, "differentiate through the inner steps")
