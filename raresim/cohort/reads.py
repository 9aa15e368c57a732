"""Which variables and outcomes each of them reads, and how: the edges of a model's lineage.

Parents of variables are those by which the network is ordered. What an outcome reads is what its
process asks for while it is sampled once, on tables that note who asks, together with every name
that its block in the file holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from raresim.disease import DiseaseModel, Parameters
from raresim.disease.network import Patients, parents_of
from raresim.disease.outcomes import Horizon
from raresim.disease.spec import ModelSpec
from raresim.evidence import Interval, Statistic
from raresim.files import Expression
from raresim.files.schema import Spec
from raresim.streams import Luck

TIED, ROWS = "tied by a correlation", "its rows"
WORDS = frozenset({"label", "unit", "kind", "better", "why", "source", "when"})
"""Keys whose text names nothing that an outcome reads."""


def read_by(model: DiseaseModel, numbers: Parameters) -> dict[str, dict[str, str]]:
    """Return for each variable and outcome the others that it reads, and how.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> model = load_model("sma-type-1")
    >>> read_by(model, model.published)["event"]
    {'smn2_copies': 'its rows', 'age': 'clock'}
    """
    spec = model.spec
    found = {name: _reads_of_variable(spec, name) for name in spec.patients}
    return found | _reads_of_outcomes(model, numbers)


def pairs(spec: ModelSpec) -> list[tuple[str, str]]:
    """Return the pairs that are tied by a correlation, published or not; the second is tied."""
    links = [link.between for link in spec.links]
    return [(first, second) for first, second in links + [gap.between for gap in spec.unpublished]]


def inside(part: Any) -> list[Any]:
    """Return what stands in a block, a mapping or a list."""
    if isinstance(part, Spec):
        return [getattr(part, field) for field in type(part).model_fields]
    if isinstance(part, Mapping):
        return list(part.values())
    return list(part) if isinstance(part, (list, tuple)) else []


def _reads_of_variable(spec: ModelSpec, name: str) -> dict[str, str]:
    """Return the parents by which the network is ordered, in the order of the file."""
    variable, parents = spec.patients[name], parents_of(spec, name)
    ways = dict.fromkeys(getattr(variable, "sum_of", ()), "summed")
    ways[getattr(variable, "given", None) or ""] = ROWS
    other_way = "its formula" if hasattr(variable, "formula") else TIED
    return {other: ways.get(other, other_way) for other in spec.patients if other in parents}


def _reads_of_outcomes(model: DiseaseModel, numbers: Parameters) -> dict[str, dict[str, str]]:
    """Return what each outcome reads: what it asks for when sampled, and what its block names."""
    spec, asked = model.spec, _asked(model, numbers)
    known = [*spec.patients, *spec.outcomes]
    found = {}
    for name, outcome in spec.outcomes.items():
        ways = {first: TIED for first, second in pairs(spec) if second == name}
        ways |= {other: ROWS if key == "given" else key for other, key in _named(outcome)}
        enders = (n for n, o in spec.outcomes.items() if name in getattr(o, "ended", ()))
        ways |= dict.fromkeys(enders, "is ended by it")
        reads = {*ways, *asked[name]} - {name}
        found[name] = {other: ways.get(other, "read") for other in known if other in reads}
    return found


def _named(part: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the names that an outcome's block holds, each with the key where it stands."""
    if isinstance(part, (Statistic, Interval)):
        return
    if isinstance(part, Spec):
        for field in type(part).model_fields:
            value = getattr(part, field)
            if field != "ends" and not (field in WORDS and isinstance(value, str)):
                yield from _named(value, key if field in ("variable", "score") else field)
    elif isinstance(part, Expression):
        yield from ((name, key.replace("_", " ")) for name in part.names)
    elif isinstance(part, str):
        yield part, key.replace("_", " ")
    else:
        for value in inside(part):
            yield from _named(value, key)


class _Noting(dict[Any, Any]):
    """A table that notes which of its keys are asked for."""

    def __init__(self, table: Mapping[Any, Any]) -> None:
        super().__init__(table)
        self.asked: set[Any] = set()

    def __getitem__(self, key: Any) -> Any:
        self.asked.add(key)
        return super().__getitem__(key)

    def get(self, key: Any, default: Any = None) -> Any:
        """Return a value, or the default."""
        self.asked.add(key)
        return super().get(key, default)


def _asked(model: DiseaseModel, numbers: Parameters) -> dict[str, set[str]]:
    """Sample once, and return what each outcome's process asked for, by name."""
    luck = Luck(0, 0)
    baseline = model.sample(luck, 1, numbers)
    latents: dict[str, Any] = {}
    found: dict[str, set[str]] = {}
    for name, process in model.processes.items():
        values, scores = _Noting(baseline.values), _Noting(baseline.scores)
        counted, times = _Noting(numbers.numbers), _Noting(numbers.times)
        noting = replace(numbers, numbers=counted, times=times)
        patients = Patients(values, scores, baseline.site, baseline.sites, 1)
        linked = {other: latents[other] for other in process.reads}
        latents[name] = process.latent(luck, patients, noting, linked, Horizon(1.0))
        others = {owner for owner, _ in counted.asked | times.asked}
        found[name] = values.asked | scores.asked | others | set(process.reads)
    return found
