"""Lineage: what each variable and outcome of a model is made of, down to its sources.

Nothing is stored by hand. Numbers are those that `disease.uncertain` lists, the laws they became
are described by the very objects that are sampled, parents of variables are those by which the
network is ordered, and outcomes read what their processes ask for (see `reads`). A number that
nothing owns is refused, so that none can be lost.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from raresim.cohort.becoming import becoming
from raresim.cohort.reads import inside, pairs, read_by
from raresim.disease import DiseaseModel, Parameters
from raresim.disease.spec import ModelSpec
from raresim.disease.uncertain import gaps, statements
from raresim.evidence import Statistic
from raresim.evidence.stated import Unpublished

Role = Literal["published", "assumed", "unpublished"]


@dataclass(frozen=True)
class Part:
    """One number, or a few printed together, that a variable or outcome is made of.

    `printed` is the statistic as printed, or pooled from `studies`; `becomes` the law or number
    that is sampled from; `sources` are keys of the model's sources, `seen` tells whether the number
    was read there.
    """

    what: str
    role: Role
    printed: str
    becomes: str
    sources: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    where: str = ""
    seen: bool = False
    derived: str = ""
    why: str = ""

    def plain(self) -> dict[str, Any]:
        """Return the part without what it does not have, ready for JSON."""
        found = {key: value for key, value in asdict(self).items() if value not in ("", (), False)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


@dataclass(frozen=True)
class Lineage:
    """What one variable or outcome is made of: its parts, and the others that it reads, and how."""

    name: str
    kind: str
    parts: tuple[Part, ...]
    reads: dict[str, str]

    def plain(self) -> dict[str, Any]:
        """Return plain data, ready for JSON."""
        parts = [part.plain() for part in self.parts]
        return {"kind": self.kind, "parts": parts, "reads": self.reads}


def lineage(model: DiseaseModel, numbers: Parameters | None = None) -> dict[str, Lineage]:
    """Return the lineage of every variable and outcome, in the order of the file.

    Parameters
    ----------
    model
        From `load_model`.
    numbers
        The parameters that were sampled from; the published ones if not given.

    Raises
    ------
    RuntimeError
        When a number of the model belongs to no variable and no outcome.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> found = lineage(load_model("friedreich-ataxia"))
    >>> found["age"].reads
    {'onset_age': 'summed', 'duration': 'summed'}
    >>> found["sex"].parts[0].becomes
    'male 0.53, female 0.47'
    """
    spec, numbers = model.spec, numbers or model.published
    reads = read_by(model, numbers)
    names = [*spec.patients, *spec.outcomes]
    parts: dict[str, list[Part]] = {name: [] for name in names}
    for owner, part in _parts(spec):
        parts[owner].append(replace(part, becomes=becoming(model, numbers, owner, part.what)))
    return {
        name: Lineage(name, _kind(spec, name), tuple(parts[name]), reads[name]) for name in names
    }


def rests_on(found: Mapping[str, Lineage], name: str) -> tuple[str, ...]:
    """Return a name and everything that it rests on, directly or through others, nearest first.

    >>> from raresim.disease import load_model
    >>> rests_on(lineage(load_model("friedreich-ataxia")), "age")
    ('age', 'onset_age', 'duration', 'gaa1')
    """
    known = [name]
    for one in known:  # grows while it is walked
        known += [other for other in found[one].reads if other not in known]
    return tuple(known)


def owner_of(names: Iterable[str], column: str) -> str | None:
    """Return of which variable or outcome a cohort's column tells; None where it is of none.

    >>> owner_of(["attack", "attack_rate"], "attack_rate_day"), owner_of(["attack"], "patient")
    ('attack_rate', None)
    """
    fitting = [name for name in names if column == name or column.startswith(f"{name}_")]
    return max(fitting, key=len, default=None)


def traced(
    model: DiseaseModel, columns: Iterable[str], numbers: Parameters | None = None
) -> dict[str, Any]:
    """Return the lineage of columns as plain data.

    `columns` holds for each column the names that it rests on, its own first; `made_of` what each
    of these is made of; `sources` the citations of the keys that stand there.

    >>> from raresim.disease import load_model
    >>> found = traced(load_model("sma-type-1"), ["event_day"])
    >>> found["columns"], list(found["sources"])
    ({'event_day': ['event', 'smn2_copies', 'age']}, ['str1veeu'])
    """
    found = lineage(model, numbers)
    owners = {column: owner_of(found, column) for column in columns}
    rest = {column: list(rests_on(found, name)) for column, name in owners.items() if name}
    needed = {name for names in rest.values() for name in names}
    keys = {key for name in needed for part in found[name].parts for key in part.sources}
    return {
        "columns": rest,
        "made_of": {name: one.plain() for name, one in found.items() if name in needed},
        "sources": {key: one.text() for key, one in model.spec.sources.items() if key in keys},
    }


def _kind(spec: ModelSpec, name: str) -> str:
    outcome = spec.outcomes.get(name)
    return outcome.kind if outcome is not None else type(spec.patients[name]).__name__.lower()


def _parts(spec: ModelSpec) -> Iterator[tuple[str, Part]]:
    """Yield every number of a model with the name that owns it, its law left open."""
    for what, statistic, published, why in statements(spec):
        yield _owner(spec, what), _of_statistic(what, statistic, published, why)
    support = {id(one.assumed): one.source for one in _unpublished(list(spec.outcomes.values()))}
    for what, interval, why in gaps(spec):
        source = support.get(id(interval), "")
        printed, sources = interval.text(), (source,) if source else ()
        yield _owner(spec, what), Part(what, "unpublished", printed, "", sources, why=why)


def _unpublished(part: Any) -> Iterator[Unpublished]:
    """Yield what nobody published in an outcome's block: it may name a source in its support."""
    if isinstance(part, Unpublished):
        yield part
        return
    for value in inside(part):
        yield from _unpublished(value)


def _of_statistic(what: str, statistic: Statistic, published: bool, why: str) -> Part:
    studies = statistic.parts
    pooled = studies != (statistic,)
    return Part(
        what,
        "published" if published else "assumed",
        statistic.text(),
        "",
        sources=statistic.sources,
        studies=tuple(f"{one.text()} ({one.source})" for one in studies) if pooled else (),
        where="; ".join(one.where for one in studies if one.where),
        seen=published and all(one.seen for one in studies),
        derived="; ".join(one.derived for one in studies if one.derived),
        why=why,
    )


def _owner(spec: ModelSpec, what: str) -> str:
    """Return the variable or outcome that a number belongs to; of a pair, the one that is tied."""
    for first, second in pairs(spec):
        if what == f"{first} and {second}":
            return second
    names = [*spec.patients, *spec.outcomes]
    fitting = [n for n in names if what == n or what.startswith((f"{n} where ", f"{n}: "))]
    if not fitting:
        raise RuntimeError(f"no variable and no outcome owns the number {what!r}")
    return max(fitting, key=len)
