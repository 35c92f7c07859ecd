"""A folder of images is read by label and name, from whatever form of image, and only as a whole."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from cifar_repro.core import layouts
from cifar_repro.core.data import load_cifar10
from cifar_repro.core.errors import InputError
from tests.core.layouts.reading import assert_holds, assert_same
from tests.make_data import TinySet, write_image_folder


def test_image_folder_is_read_by_label_and_then_name(tmp_path: Path) -> None:
    """Images come in the order of their labels and then of their names, however the folder lists them."""
    names = {"truck": ["a.png", "b.png"], "airplane": ["10.png", "9.png", "A.PNG"], "cat": ["z.png"]}
    values = iter(range(100))
    for part in ("train", "test"):
        for label, files in names.items():
            folder = tmp_path / part / label
            folder.mkdir(parents=True)
            for name in reversed(files):
                Image.new("RGB", (32, 32), (next(values), 0, 0)).save(folder / name, format="PNG")
    loaded = load_cifar10(tmp_path)
    # Written as truck b 0, a 1, then airplane A 2, 9 3, 10 4, then cat 5; the test part goes on from 6.
    assert loaded.train.labels.tolist() == [0, 0, 0, 3, 9, 9]
    assert loaded.train.images[:, 0, 0, 0].tolist() == [4, 3, 2, 5, 1, 0]
    assert loaded.test.images[:, 0, 0, 0].tolist() == [10, 9, 8, 11, 7, 6]


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [("RGB", ".jpg"), ("RGB", ".jpeg"), ("RGB", ".JPG"), ("L", ".png"), ("P", ".png"), ("RGBA", ".png")],
)
def test_image_files_of_every_form_become_three_planes(tmp_path: Path, data: TinySet, mode: str, suffix: str) -> None:
    """JPEG files, and grey, palette and transparent PNG files, give the red, green and blue that Pillow decodes."""
    image = Image.fromarray(data.train_images[0].transpose(1, 2, 0)).convert(mode)
    for part in ("train", "test"):
        path = tmp_path / part / "frog" / f"only{suffix}"
        path.parent.mkdir(parents=True)
        image.save(path)
    with Image.open(path) as saved:
        wanted = np.asarray(saved.convert("RGB")).transpose(2, 0, 1)[None]
    loaded = load_cifar10(tmp_path)
    assert_same(loaded.train, wanted, np.array([6]))
    assert_same(loaded.test, wanted, np.array([6]))


def test_what_programs_hide_is_no_class_and_no_image(tmp_path: Path, data: TinySet) -> None:
    """Jupyter's folders of checkpoints, and what macOS leaves beside files, do not count."""
    folder = write_image_folder(tmp_path / "set", data)
    (folder / "train" / ".ipynb_checkpoints").mkdir()
    (folder / "train" / ".DS_Store").write_bytes(b"")
    next((folder / "test").iterdir()).joinpath("._0000.png").write_bytes(b"no image")
    assert_holds(load_cifar10(folder), data.by_label())


def test_a_train_folder_alone_is_no_layout(tmp_path: Path, data: TinySet) -> None:
    """An image folder needs its test part: `train` alone does not count as a data set."""
    folder = write_image_folder(tmp_path / "set", data)
    (folder / "test").rename(tmp_path / "elsewhere")
    assert layouts.find(folder) is None


def test_a_folder_of_no_class_is_told_with_the_classes(tmp_path: Path, data: TinySet) -> None:
    """The error names the folder and the ten classes in label order."""
    folder = write_image_folder(tmp_path / "set", data)
    (folder / "train" / "zebra").mkdir()
    classes = "airplane, automobile, bird, cat, deer, dog, frog, horse, ship, truck"
    with pytest.raises(InputError) as error:
        load_cifar10(folder)
    assert str(error.value) == f"{folder / 'train' / 'zebra'}: is no class: give folders named {classes}"
