"""Every public method has an example (pytest runs them all), and a name of its own."""

import doctest
import inspect
from types import ModuleType

import pytest

import raresim.analysis


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
