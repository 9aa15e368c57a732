"""The evidence behind a run as rows: a number never travels without its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from raresim.disease.score_block import ReadAtVisits
from raresim.disease.spec import LeftOut, ModelSpec, Target
from raresim.disease.uncertain import gaps, statements
from raresim.disease.variable_block import Number
from raresim.evidence import (
    Difference,
    EventFree,
    EventRate,
    Quantiles,
    QuantileTable,
    Ratio,
    Share,
    Source,
    Statistic,
)
from raresim.evidence.pooled import Pooled, PooledRate, spelt_out
from raresim.report.drives import move_rows
from raresim.report.folder import RunFolder
from raresim.report.words import MINUS, NONE, NOTHING, Cell, duration, number, percent, plain
from raresim.trial.grammar.effect import EffectSpec

SEEN, NOT_SEEN, ASSUMED = "seen", "not seen", "assumed"


@dataclass(frozen=True)
class Printed:
    """A statistic as it was printed, with its source and whether that was read."""

    what: str
    numbers: str
    n: str
    source: str
    where: str
    mark: str
    remark: str


def sources(run: RunFolder) -> dict[str, Source]:
    """Return the sources of model and scenario by their keys."""
    return {**run.scenario.model.spec.sources, **run.scenario.spec.sources}


def cited(known: Mapping[str, Source], key: str) -> str:
    """Return the citation of a key, the key itself where the file does not explain it."""
    return known[key].text() if key in known else key or NONE


def inputs(run: RunFolder) -> list[Printed]:
    """Return every statistic that the model takes in."""
    known, spec = sources(run), run.scenario.model.spec
    unit_of = units(spec)
    rows = []
    for about, stated, published, why in statements(spec):
        unit = unit_of.get(about, unit_of.get(about.split(":")[0].split(" where ")[0], ""))
        for what, statistic in spelt_out(about, stated):
            row = _printed(plain(what), statistic, published, why, known)
            rows.append(replace(row, numbers=f"{row.numbers} {unit}") if unit else row)
    return rows


def units(spec: ModelSpec) -> dict[str, str]:
    """Return the unit of each statement or, under a bare name, of a variable or score."""
    found = {name: v.unit for name, v in spec.patients.items() if isinstance(v, Number)}
    for name, outcome in spec.outcomes.items():
        if isinstance(outcome, ReadAtVisits):
            found[name] = outcome.unit
            for faster in getattr(outcome, "faster_with", []):
                found[f"{name}: slope by {faster.variable}"] = faster.unit
    return found


def effects(run: RunFolder) -> list[Printed]:
    """Return the effects of the hypothesis that was simulated."""
    known, found = sources(run), []
    for outcome, arms in run.scenario.spec.truth.hypotheses[run.hypothesis].items():
        for arm, stated in arms.items():
            what = f"effect of {arm} on {plain(outcome)}"
            found += _effect(what, stated, known)
    return found


def _effect(what: str, stated: EffectSpec, known: Mapping[str, Source]) -> list[Printed]:
    read = stated.evidence is not None
    parts = spelt_out(what, stated.statistic)
    why = "; ".join(part for part in (how_it_acts(stated), stated.why) if part)
    return [_printed(name, part, read, why, known) for name, part in parts]


def how_it_acts(stated: EffectSpec) -> str:
    """Return how fast and in whom an effect acts, "" where it grows, is kept, and acts in all."""
    parts = []
    if stated.half_life is not None:
        parts.append(f"comes and goes with a half-life of {duration(stated.half_life)}")
    if stated.lasts is not None:
        parts.append(f"lasts {duration(stated.lasts)} beyond treatment")
    if stated.responders < 1:
        parts.append(f"acts in {percent(stated.responders)} of patients, who have all of it")
    if stated.on_top_of:
        parts.append(f"on top of the effect of {plain(stated.on_top_of)}")
    if stated.only_where is not None:
        parts.append(f"acts only where {stated.only_where.text}")
    return "; ".join(parts)


def targets(run: RunFolder) -> list[Printed]:
    """Return the published values to which nothing was fitted."""
    known = sources(run)
    return [
        _printed(_subject(target), target.evidence, True, target.why_not_input, known)
        for target in run.scenario.model.spec.targets
    ]


def _subject(target: Target) -> str:
    """Return what a target speaks of."""
    key = next(key for key in target.keys if getattr(target, key) is not None)
    value = getattr(target, key)
    name = " and ".join(value) if isinstance(value, list) else str(value)
    words = {"number": "", "free_of": "share free of "}.get(key, f"{plain(key)} ")
    text = f"{words}{plain(name)}"
    if target.at is not None:
        text += f" at {duration(target.at)}"
    if target.during is not None:
        text += f" during {duration(target.during)}"
    return text + (f", where {target.among.text}" if target.among else "")


def _printed(
    what: str, statistic: Statistic, published: bool, why: str, known: Mapping[str, Source]
) -> Printed:
    remarks = [why, statistic.note]
    if statistic.derived:
        remarks.append(f"derived: {statistic.derived}")
    return Printed(
        what=what,
        numbers=numbers(statistic),
        n="" if statistic.n is None else f"{statistic.n:,}",
        source="; ".join(cited(known, key) for key in statistic.sources) or NONE,
        where=statistic.where,
        mark=(SEEN if statistic.seen else NOT_SEEN) if published else ASSUMED,
        remark="; ".join(remark for remark in remarks if remark),
    )


def numbers(statistic: Statistic) -> str:
    """Return the printed numbers with their printed standard error or confidence interval."""
    text = _core(statistic)
    if isinstance(statistic, Pooled):
        return f"{text}, pooled from {len(statistic.studies)}, SE {number(statistic.error)}"
    se = getattr(statistic, "se", None)
    if se is not None:
        text += f", SE {number(se)}"
    if isinstance(statistic, (Ratio, Difference)) and statistic.ci is not None:
        low, high = statistic.ci
        text += f", 95 % CI {number(low)} to {number(high)}"
    if isinstance(statistic, Difference):
        text += f", after {duration(statistic.after)}"
    return text.replace(" -", f" {MINUS}")


def _core(statistic: Statistic) -> str:
    """Return the numbers without n; rates and shares as the file states them."""
    found = statistic.numbers()
    if isinstance(statistic, Share):
        if not isinstance(statistic.share, dict):
            return f"{number(100 * statistic.share)} %"
        return ", ".join(f"{plain(name)} {number(100 * p)} %" for name, p in found.items())
    if isinstance(statistic, Quantiles):
        return f"median {number(statistic.median)}, quartiles {found['q1']:g} to {found['q3']:g}"
    if isinstance(statistic, QuantileTable):
        return ", ".join(f"{name} below {number(value)}" for name, value in found.items())
    if isinstance(statistic, PooledRate):
        return f"{number(found['rate'])} per patient-year"
    if isinstance(statistic, EventRate):
        years, rate = f"{statistic.exposure / 365.25:.4g} patient-years", number(found["rate"])
        if statistic.events is None:
            return f"{rate} per patient-year, over {years}"
        return f"{number(statistic.events)} events in {years}, that is {rate} per patient-year"
    if isinstance(statistic, EventFree):
        return ", ".join(f"{number(100 * p)} % free at {time}" for time, p in found.items())
    names = {"sd": "SD"}
    return ", ".join(f"{names.get(k, plain(k))} {number(v)}" for k, v in found.items())


@dataclass(frozen=True)
class Gap:
    """What nobody published: its interval, the value that the run took, and why it is open."""

    what: str
    interval: str
    taken: str
    lower: Cell
    upper: Cell
    why: str


def unpublished(run: RunFolder) -> list[Gap]:
    """Return the intervals of what nobody published."""
    place = str(run.settings["place"])
    moves = {row.what: row for row in move_rows(run) if row.kind == "unpublished"}
    found = []
    for what, i, why in gaps(run.scenario.model.spec):
        interval = f"{number(i.lower)} to {number(i.upper)}, centre {number(i.centre)}"
        taken, move = f"{number(i.at(place))} ({place})", moves.get(plain(what))
        ends = (move.lower, move.upper) if move else (NOTHING, NOTHING)
        found.append(Gap(plain(what), interval, taken, *ends, why=why))
    return found


def left_out(run: RunFolder) -> list[tuple[LeftOut, str]]:
    """Return the published numbers that the model does not use, with their citations."""
    known = sources(run)
    return [(item, cited(known, item.source)) for item in run.scenario.model.spec.left_out]
