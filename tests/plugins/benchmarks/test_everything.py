"""The suite `all` holds what the others of one modality hold."""

from metabench_plugins.benchmarks import everything, standard, text


def test_it_holds_the_benchmarks_of_images_and_of_texts():
    (suite,) = everything.metabench_suites()
    _, image = standard.metabench_suites()
    (texts,) = text.metabench_suites()

    assert suite.name == "all"
    assert set(suite.benchmarks) == {*image.benchmarks, *texts.benchmarks}
    assert suite.budget == image.budget == texts.budget
