"""FC100: superclasses as its paper splits them. How images are read is tested with `cifar-fs`."""

from collections import Counter

from metabench_plugins.datasets import cifar_fs
from metabench_plugins.datasets._class_split import read_split
from metabench_plugins.datasets.fc100 import FC100, SPLIT_FILE, metabench_datasets


def test_the_split_is_complete():
    split = read_split(SPLIT_FILE)

    assert Counter(split.values()) == {"meta_train": 12, "meta_val": 4, "meta_test": 4}
    assert set(split) == {name.split("/")[0] for name in read_split(cifar_fs.SPLIT_FILE)}
    assert split["people"] == "meta_test"


def test_the_hook_declares_fc100_with_the_files_of_cifar_fs():
    assert metabench_datasets() == [FC100]
    assert FC100.sources == cifar_fs.CIFAR_FS.sources
