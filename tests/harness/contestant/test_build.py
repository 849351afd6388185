"""From an address to a learner: what can go wrong is told in one line."""

import random
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from metabench.api import Algorithm, Backbone
from metabench.api.options import OptionError
from metabench.contestant.build import build_learner, import_plugin, prepare_arithmetic
from metabench.contestant.failure import PluginError
from metabench.wire.reports import PluginAddress


def test_a_learner_is_built_as_assigned(assign, write_plugin):
    learner = build_learner(
        assign(
            algorithm=write_plugin(outer_lr=0.5),
            backbone=write_plugin(name="Flat", module="demo_backbone", width=7),
            n_way=4,
        )
    )

    assert type(learner).__name__ == "Nearest"
    assert (learner.outer_lr, learner.n_way, learner.n_shot, learner.n_query) == (0.5, 4, 1, 2)
    assert learner.backbone.layer.weight.shape == (7, 6)
    assert learner.training


def test_the_seed_gives_the_first_weights(assign):
    first, again, other = (build_learner(assign(seed=seed)).backbone.layer.weight for seed in (1, 1, 2))

    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("seed", [0, 2**32, 2**40 + 1])
def test_every_generator_is_seeded_whatever_the_seed(assign, seed):
    def numbers():
        build_learner(assign(seed=seed))
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    assert numbers() == numbers()


def test_arithmetic_is_prepared(assign):
    build_learner(assign(n_threads=2))

    assert torch.get_num_threads() == 2
    assert torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(("mib", "fraction"), [(4096, 0.25), (99999, 1.0)])
def test_the_allocator_of_a_gpu_refuses_what_is_beyond_the_budget(assign, monkeypatch, mib, fraction):
    limited = []
    gpu = SimpleNamespace(total_memory=16384 * 2**20)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda device: gpu)
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *told: limited.append(told))
    prepare_arithmetic(assign(device="cuda:1", device_memory_mib=mib))

    assert limited == [(fraction, torch.device("cuda:1"))]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("no_such_module_x:A", r"importing 'no_such_module_x:A' raises ModuleNotFoundError: No module named"),
        ("json:NoSuchClass", r"importing 'json:NoSuchClass' raises AttributeError: module 'json' has no"),
        ("json", r"importing 'json' raises AttributeError"),
        ("", r"importing '' raises ValueError"),
        (
            "json:JSONDecoder",
            r"'json:JSONDecoder' is no Algorithm; expected a subclass of metabench\.api\.Algo",
        ),
        ("json:loads", r"'json:loads' is no Algorithm"),
        ("metabench.api:Backbone", r"'metabench.api:Backbone' is no Algorithm"),
    ],
)
def test_an_address_where_no_algorithm_is_is_refused(target, message):
    with pytest.raises(PluginError, match=message):
        import_plugin(PluginAddress(target=target, search_path=None, options={}, model=None), Algorithm)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("raise ValueError('at import')", r"raises ValueError: at import \(broken\.py line \d+\)$"),
        ("raise SystemExit(3)", r"raises SystemExit: 3 \(broken\.py line \d+\)$"),
        ("import no_such_module_x", r"raises ModuleNotFoundError: .* \(broken\.py line \d+\)$"),
        ("def f(:", r"raises SyntaxError: invalid syntax \(broken\.py, line \d+\)$"),
    ],
)
def test_a_plugin_that_cannot_be_imported_is_told_with_its_line(write_plugin, text, message):
    with pytest.raises(PluginError, match=r"^importing 'broken:Nearest' " + message):
        import_plugin(write_plugin(text, module="broken"), Algorithm)


def test_a_one_file_plugin_is_found_in_its_folder_and_the_folder_is_listed_once(write_plugin, tmp_path):
    for name, kind in (("Nearest", Algorithm), ("Flat", Backbone)):
        assert import_plugin(write_plugin(name=name), kind).__name__ == name
    assert sys.path.count(str(tmp_path)) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "class A(Nearest):\n  def setup(self): self.x = 1 / 0",
            r"ZeroDivisionError: .* \(own\.py line \d+\)$",
        ),
        ("class A(Algorithm):\n  def loss(self, episodes): ...", r"TypeError: .*abstract.*predict"),
        ("class A(Nearest):\n  def setup(self): self.x = self.backbone.depth", r"AttributeError: .*'depth'"),
    ],
)
def test_a_plugin_that_cannot_be_built_is_told(assign, write_plugin, text, message):
    with pytest.raises(PluginError, match=r"^building the learner raises " + message):
        build_learner(assign(algorithm=write_plugin(text, name="A", module="own")))


@pytest.mark.parametrize("part", ["algorithm", "backbone"])
def test_an_option_that_is_not_declared_is_refused(assign, write_plugin, part):
    name, module = {"algorithm": ("Nearest", "demo_plugin"), "backbone": ("Flat", "demo_backbone")}[part]
    with pytest.raises(OptionError, match=r"^Unknown option 'depth'\."):
        build_learner(assign(**{part: write_plugin(name=name, module=module, depth=1)}))


def test_a_backbone_that_does_not_suit_the_examples_says_so(assign):
    target = "metabench_plugins.backbones.conv4:Conv4"
    conv4 = PluginAddress(target=target, search_path=None, options={}, model=None)
    with pytest.raises(
        PluginError, match=r"ValueError: conv4 is given examples of shape \(1, 8, 8\); expected"
    ):
        build_learner(assign(backbone=conv4, example_shape=(1, 8, 8)))
