"""Meta-Transformer by Reptile: Reptile with a choice of its own."""

from metabench.api.options import declared_options
from metabench_plugins.algorithms.meta_transformer import MetaTransformer
from metabench_plugins.algorithms.meta_transformer_reptile import MetaTransformerReptile
from metabench_plugins.algorithms.reptile import Reptile


def test_it_stands_on_the_backbones_that_meta_transformer_does():
    assert MetaTransformerReptile.default_backbones == MetaTransformer.default_backbones


def test_it_is_reptile_but_for_the_inner_learning_rate():
    ours, theirs = declared_options(MetaTransformerReptile), declared_options(Reptile)

    assert {name for name in theirs if ours[name] != theirs[name]} == {"inner_lr"}
    assert ours.keys() == theirs.keys()
    assert MetaTransformerReptile.meta_train is Reptile.meta_train
    assert MetaTransformerReptile.predict is Reptile.predict
