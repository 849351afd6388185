"""Linear probe: the optimum against SciPy's, and that nothing is meta-trained."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from metabench.api import Episodes
from metabench.api.options import OptionError, declared_options, resolve_options
from metabench_plugins.algorithms.linear_probe import LinearProbe, logistic_regression


def problem(n=12, n_features=4, n_way=3, noise=1.0):
    labels = torch.arange(n) % n_way
    centres = torch.randn(n_way, n_features, dtype=torch.float64)
    return centres[labels] + noise * torch.randn(n, n_features, dtype=torch.float64), labels


def optimum_by_scipy(features, labels, n_way, l2):
    """Minimise with a trust region and the exact second derivatives."""
    targets = np.eye(n_way)[labels]
    rows = np.hstack([features, np.ones((len(features), 1))])
    penalised = np.repeat([*[l2] * features.shape[1], 0.0], n_way)

    def value(flat):
        fit = -(targets * log_softmax(rows @ flat.reshape(-1, n_way), axis=1)).sum()
        return fit + 0.5 * (penalised * flat**2).sum()

    def slope(flat):
        errors = softmax(rows @ flat.reshape(-1, n_way), axis=1) - targets
        return (rows.T @ errors).ravel() + penalised * flat

    def curvature(flat):
        p = softmax(rows @ flat.reshape(-1, n_way), axis=1)
        blocks = np.einsum("nw,wv->nwv", p, np.eye(n_way)) - np.einsum("nw,nv->nwv", p, p)
        return np.einsum("nf,nwv,ng->fwgv", rows, blocks, rows).reshape(
            2 * [rows.shape[1] * n_way]
        ) + np.diag(penalised)

    start = np.zeros(rows.shape[1] * n_way)
    found = minimize(
        value, start, jac=slope, hess=curvature, method="trust-exact", options={"gtol": 1e-9}
    ).x.reshape(-1, n_way)
    return found[:-1], found[-1] - found[-1].mean()


@pytest.mark.parametrize("l2", [0.01, 1.0, 30.0])
@pytest.mark.parametrize("noise", [0.1, 3.0])
def test_the_optimum_is_that_of_another_optimiser(l2, noise):
    features, labels = problem(noise=noise)
    weight, bias = logistic_regression(features, labels, 3, l2=l2)
    expected = optimum_by_scipy(features.numpy(), labels.numpy(), 3, l2)

    np.testing.assert_allclose(weight.numpy(), expected[0], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose((bias - bias.mean()).numpy(), expected[1], rtol=1e-4, atol=1e-6)


def test_at_the_optimum_the_penalty_holds_the_errors():
    """l2 · W = Xᵀ (Y − P), and the errors of each class sum to 0; with few examples too."""
    features, labels = problem(n=5, n_features=300, n_way=5)
    weight, bias = logistic_regression(features, labels, 5, l2=0.5)
    errors = torch.eye(5, dtype=torch.float64)[labels] - (features @ weight + bias).softmax(1)

    torch.testing.assert_close(0.5 * weight, features.T @ errors, rtol=0, atol=1e-6)
    torch.testing.assert_close(errors.sum(0), torch.zeros(5, dtype=torch.float64), rtol=0, atol=1e-6)


def test_answers_are_those_of_the_fit_to_each_support(toy):
    learner, episodes = toy.learner(LinearProbe, l2=0.3), toy.episodes(n=3)
    with torch.no_grad():
        support, query = (learner.backbone(x).double().numpy() for x in (episodes.support, episodes.query))
    support, query = (x / np.sqrt((x**2).sum(-1, keepdims=True)) for x in (support, query))

    answer = learner.answer(episodes).numpy()
    for e in range(3):
        weight, bias = optimum_by_scipy(support[e], episodes.support_labels[e].numpy(), 3, 0.3)
        logits = query[e] @ weight + bias
        centred = answer[e] - answer[e].mean(1, keepdims=True)
        np.testing.assert_allclose(centred, logits - logits.mean(1, keepdims=True), rtol=1e-3, atol=1e-4)


def test_features_of_any_size_can_be_fitted(toy):
    """An example whose features are all 0 too."""
    learner = toy.learner(LinearProbe)
    support = torch.tensor([[[1e6, 0, 0, 0], [0, 1e-6, 0, 0], [0, 0, 0, 0]]])
    answer = learner.predict(Episodes(support, torch.tensor([[0, 1, 2]]), support, None, 3))

    assert answer.argmax(-1).tolist() == [[0, 1, 2]]


class Session:
    """Counts commits; whatever else is asked of it is an error."""

    n_commits = 0

    def commit(self):
        self.n_commits += 1


def test_it_commits_once_and_learns_nothing(toy):
    learner, session = toy.learner(LinearProbe), Session()
    before = {name: value.clone() for name, value in learner.state_dict().items()}
    learner.meta_train(session)

    assert session.n_commits == 1
    assert all(torch.equal(value, before[name]) for name, value in learner.state_dict().items())


def test_it_has_no_options_of_meta_training():
    assert set(declared_options(LinearProbe)) == {"l2"}


def test_without_a_penalty_it_is_refused():
    """Separable classes would have no optimum."""
    with pytest.raises(OptionError, match=r"'l2' is 0\.0; expected at least 1e-06"):
        resolve_options(declared_options(LinearProbe), {"l2": 0.0})
