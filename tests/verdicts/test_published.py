"""The published results that come with the package."""

import pytest

from cifar_repro.core.recipe import RECIPES
from cifar_repro.verdicts.published import published


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_has_a_published_result_with_its_source(name: str) -> None:
    """What was published for a recipe names it, and says where it is from."""
    found = published(name)
    assert found is not None
    assert found["recipe"] == name
    sources = [found["source"]] if "source" in found else [run["source"] for run in found["runs"]]
    assert sources
    assert all(sources)


def test_nothing_is_published_for_another_name() -> None:
    """A name that is no recipe's has no published result."""
    assert published("mnist") is None
