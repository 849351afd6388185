"""MetaGAN on a Relation Network: generated features are to go together with no class."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from torch import Tensor
from torch.func import functional_call
from torch.nn import functional

from metabench.api import Episodes, option
from metabench_plugins.algorithms._metagan import Generator, discriminator_loss, realness_loss
from metabench_plugins.algorithms.relation import RelationNet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import nn


class MetaGANRelation(RelationNet):
    """Compare queries with classes, and know fakes by their going with none. Zhang et al. 2018.

    The class of fakes has the score 0, and a softmax over it and the N relation scores takes the place of
    equation 2 of Sung et al.: an example is a fake where no class is related to it. An answer has the
    relation scores alone.

    Source: Zhang et al., "MetaGAN: An Adversarial Approach to Few-Shot Learning", NeurIPS 2018.

    Differs from the paper: the unsupervised loss counts a tenth, as it holds up learning at first; the
    generator makes features, not images, so that texts are treated likewise; the loss of fakes reaches the
    backbone through the classes that they are compared with. The generator reads features of the backbone in
    place of an image encoder of its own, and its fakes are bounded by them. Both players step at the same
    time, on the same fakes, with one Adam. There are no unlabelled examples: labelled ones stand for them in
    the unsupervised loss. BatchNorm takes no statistics from fakes: they are normalised as queries are in
    testing. What `relation` does otherwise than its paper holds here, but for the loss.

    Expected: omniglot-5w1s, conv4: 94.84 % [94.36, 95.31], by `metabench evaluate metagan-relation
    --benchmark omniglot-5w1s --budget 5m` on two CPU cores. Within this budget it is worse than `relation`,
    paired on the same episodes: −2.16 [−2.49, −1.84], `metabench compare`. clinc150-10w1s, bilstm: 43.36 %
    [42.65, 44.06], by `metabench evaluate metagan-relation --benchmark clinc150-10w1s --budget 5m`: less than
    a bag of words has (`centroid` on `bag`: 48.38) and, paired on the same episodes, than `relation` has,
    −8.56 [−9.12, −8.01]. It makes nearly as many steps as that (2,943 and 3,203): it is the game against the
    generator that costs, not its time.
    """

    fake_weight: float = option(
        0.1, "factor of the discriminator's unsupervised loss; the paper has 1", at_least=0
    )
    n_fakes: int = option(16, "fakes for each episode", at_least=1)
    generator_width: int = option(64, "size of the generator's layers and of its noise", at_least=1)

    def setup(self) -> None:
        """Make the relation module and the generator."""
        super().setup()
        self.generator = Generator(self.backbone.n_features, self.n_fakes, self.generator_width)

    def forward(self, episodes: Episodes) -> Tensor:
        """Relation scores of each query, the fake class last: (n_episodes, n_query_total, n_way + 1)."""
        return functional.pad(self.predict(episodes), (0, 1))

    def loss(self, episodes: Episodes) -> Tensor:
        """The sum of both players' losses, each of which reaches that player's weights alone."""
        assert isinstance(episodes.support, Tensor)
        fakes, real = self.generator(episodes.support), self(episodes)
        with _as_in_testing(self.relation):
            detected = self(replace(episodes, query=fakes.detach()))
            constants = {name: weight.detach() for name, weight in self.relation.named_parameters("relation")}
            judged = replace(episodes, support=episodes.support.detach(), query=fakes)
            fooled = functional_call(self, constants, (judged,))
        discriminator = discriminator_loss(real, episodes.targets, detected, fake_weight=self.fake_weight)
        return discriminator + realness_loss(fooled)


@contextmanager
def _as_in_testing(module: nn.Module) -> Iterator[None]:
    """Within the block BatchNorm uses the running statistics, and leaves them as they are."""
    training = module.training
    module.eval()
    try:
        yield
    finally:
        module.train(training)
