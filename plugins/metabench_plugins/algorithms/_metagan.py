"""What MetaGAN adds to a few-shot classifier: fakes made for an episode, and the losses of both players."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class Generator(nn.Module):
    """Make features that might be those of an episode's examples (Zhang et al. 2018).

    A dataset encoder sums up the support set: a layer for each example, then the mean over all. Of that and
    noise a second network makes a fake. As pixels lie between black and white, each feature of a fake lies
    between the least and the greatest in the support set; a generator without bounds finds fakes of any
    size that a linear layer takes for real. Features are read as constants.

    Args:
        n_features: Of an example, and of a fake.
        n_fakes: Fakes for each episode.
        width: Size of the summary, of the noise and of the hidden layer.
    """

    test_noise: Tensor

    def __init__(self, n_features: int, n_fakes: int, width: int) -> None:
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(n_features, width), nn.ReLU())
        self.decode = nn.Sequential(nn.Linear(2 * width, width), nn.ReLU(), nn.Linear(width, n_features))
        self.register_buffer("test_noise", torch.randn(n_fakes, width))

    def forward(self, support: Tensor) -> Tensor:
        """Make fakes of support sets; in evaluation mode, of the same noise for each.

        Args:
            support: (n_episodes, n_support, n_features).

        Returns:
            (n_episodes, n_fakes, n_features).
        """
        support = support.detach()
        summary = self.encode(support).mean(1, keepdim=True)
        noise = self.test_noise.expand(len(support), -1, -1)
        if self.training:
            noise = torch.randn_like(noise)
        made: Tensor = self.decode(torch.cat([summary.expand_as(noise), noise], dim=2))
        least, greatest = support.amin(1, keepdim=True), support.amax(1, keepdim=True)
        return least + (greatest - least) * made.sigmoid()


def discriminator_loss(real: Tensor, labels: Tensor, fake: Tensor, *, fake_weight: float) -> Tensor:
    """What the discriminator minimises: L_supervised + w · L_unsupervised (Zhang et al. 2018, with w = 1).

    The former is −log p(y | x, y ≤ N) of real examples, the latter −log p(y ≤ N | x) of real examples and
    −log p(N + 1 | x) of fakes, as in semi-supervised learning (Salimans et al., "Improved Techniques for
    Training GANs", NeurIPS 2016, section 5).

    Args:
        real: (…, n_way + 1) logits, the fake class last.
        labels: (…), int64 in 0 … n_way − 1.
        fake: (…, n_way + 1) logits.
        fake_weight: w.

    Returns:
        A scalar, of each term the mean over examples.
    """
    supervised = functional.cross_entropy(real[..., :-1].flatten(0, -2), labels.flatten())
    detected = (fake.logsumexp(-1) - fake[..., -1]).mean()
    return supervised + fake_weight * (realness_loss(real) + detected)


def realness_loss(logits: Tensor) -> Tensor:
    """−log p(y ≤ N | x): of its fakes, this is what the generator minimises.

    Args:
        logits: (…, n_way + 1), the fake class last.

    Returns:
        A scalar, the mean over examples.
    """
    return (logits.logsumexp(-1) - logits[..., :-1].logsumexp(-1)).mean()
