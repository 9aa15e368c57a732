"""Every example in the documentation of `raresim.analysis` gives what it says."""

import doctest
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest

import raresim.analysis

MODULES = sorted(
    module.name for module in pkgutil.walk_packages(raresim.analysis.__path__, "raresim.analysis.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    module = importlib.import_module(name)
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_every_public_function_has_an_example() -> None:
    finder = doctest.DocTestFinder(exclude_empty=True)
    public = [*raresim.analysis.__all__, *(f"batch.{n}" for n in raresim.analysis.batch.__all__)]
    for name in public:
        thing: object = raresim.analysis
        for part in name.split("."):
            thing = getattr(thing, part)
        if inspect.isroutine(thing):
            assert any(test.examples for test in finder.find(thing, name)), name


@pytest.mark.parametrize("gathered", [raresim.analysis, raresim.analysis.batch])
def test_no_two_rooms_give_the_same_name(gathered: ModuleType) -> None:
    assert len(gathered.__all__) == len(set(gathered.__all__))
