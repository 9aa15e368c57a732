"""Names in a model file that must lead somewhere: sources, variables, states, outcomes."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from raresim.disease import network
from raresim.disease.checker import Checker, Steps
from raresim.disease.outcome_block import Recurrent, TimeOfEvent, TimeToEvent
from raresim.disease.score_block import (
    CALENDAR,
    RANDOMISATION,
    Curved,
    Diary,
    Longitudinal,
    ReadAtVisits,
    States,
    Trajectory,
)
from raresim.disease.spec import ModelSpec
from raresim.disease.uncertain import rows_given
from raresim.disease.variable_block import Category, Computed, LookedUp, Number, Sum
from raresim.errors import Fault, InputError, Problem, did_you_mean
from raresim.evidence import Interval, fit, fit_time
from raresim.evidence.stated import Unpublished
from raresim.files.document import Document
from raresim.files.expressions import Expression, ExpressionError
from raresim.files.units import DAYS, days_in

_DRAWN = "a number with a statistic of its own or a category with 'ordered: true'"
_LINKED = "a number with one statistic, without rows, or a category with 'ordered: true'"


def check_references(document: Document, spec: ModelSpec) -> list[Problem]:
    """Return a problem for every name that leads nowhere, each at its line."""
    check = _Checker(document, spec)
    check.sources()
    for name, variable in spec.patients.items():
        check.variable(name, variable)
    for name, outcome in spec.outcomes.items():
        check.outcome(name, outcome)
    check.pairs()
    check.conditions()
    if not check.problems:
        try:
            network.order(spec)
        except InputError as error:
            check.problems += [document.placed(problem) for problem in error.problems]
    return in_order(check.problems)


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return problems by their lines, each once."""
    return sorted(dict.fromkeys(problems), key=lambda problem: (problem.line, problem.column))


def source_names(data: Any, steps: Steps = ()) -> Iterator[tuple[Steps, str]]:
    """Yield the place and value of every `source` key below some data."""
    if isinstance(data, dict):
        for key, value in data.items():
            if key == "source" and isinstance(value, str):
                yield (*steps, key), value
            else:
                yield from source_names(value, (*steps, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from source_names(value, (*steps, index))


class _Checker(Checker):
    def __init__(self, document: Document, spec: ModelSpec) -> None:
        super().__init__(document, spec)
        self.spec = spec
        self.states = {n: v.names for n, v in spec.patients.items() if isinstance(v, Category)}
        read = {n for n, o in spec.outcomes.items() if isinstance(o, ReadAtVisits)}
        self.baseline = frozenset(set(spec.patients) - set(self.states))
        self.numeric = self.baseline | read

    def sources(self) -> None:
        for steps, name in source_names(self.document.data):
            if name:
                self.known(steps, "source", name, self.spec.sources)

    def variable(self, name: str, variable: Any) -> None:
        steps: Steps = ("patients", name)
        taken = {"site": "is taken: study sites", CALENDAR: "is taken: the trial's calendar"}
        if name in self.spec.outcomes or name in taken:
            message = taken.get(name, "is the name of an outcome too")
            self.add(steps, message, "choose another name")
        if isinstance(variable, Category) and len(set(variable.names)) < len(variable.names):
            self.add((*steps, "states"), "a state stands here twice", "keep one of the two")
        numbers = [n for n, v in self.spec.patients.items() if not isinstance(v, Category)]
        if isinstance(variable, Sum):
            for part in variable.sum_of:
                self.named((*steps, "sum_of"), "number", part, numbers)
            return
        if isinstance(variable, LookedUp):
            self.named((*steps, "table_of"), "number", variable.table_of, numbers)
            return
        if isinstance(variable, Computed):
            self.formula((*steps, "formula"), variable.formula, self.baseline)
            return
        self.named((*steps, "given"), "categorical variable", variable.given, self.states)
        if variable.given in self.states and variable.rows is not None:
            self.rows((*steps, "rows"), variable)
        statements: list[tuple[Steps, Any]] = [(steps, variable)]
        if variable.rows:
            statements = [((*steps, "rows", k), row) for k, row in enumerate(variable.rows)]
        for place, statement in statements:
            word = "evidence" if statement.evidence is not None else "assumed"
            statistic = getattr(statement, word)
            if isinstance(variable, Category):
                self.shares((*place, word), name, variable.names, statistic)
            else:
                self.fits((*place, word), variable, statistic)

    def formula(self, steps: Steps, formula: Expression, numeric: frozenset[str]) -> None:
        """Check that a formula is a number made of known names."""
        try:
            formula.check_number(self.states, numeric)
        except ExpressionError as error:
            known = [*self.states, *sorted(numeric)]
            self.add(steps, str(error), unknown_name(self.states, error, known))

    def rows(self, steps: Steps, variable: Any) -> None:
        """Check that each state of the parent has one row."""
        wanted = self.states[variable.given]
        for index, row in enumerate(variable.rows):
            self.known((*steps, index, "when"), "state", row.when, wanted)
        whens = [row.when for row in variable.rows]
        if set(whens) <= set(wanted) and sorted(whens) != sorted(set(wanted)):
            message = f"rows need each state of {variable.given} once: {', '.join(wanted)}"
            lacking = [f"add '- {{when: {state}, ...}}'" for state in wanted if state not in whens]
            twice = [f"keep one row of {state}" for state in wanted if whens.count(state) > 1]
            self.add(steps, message, "; ".join([*lacking, *twice]))

    def shares(self, steps: Steps, name: str, states: tuple[str, ...], statistic: Any) -> None:
        """Check that a share is stated for every state, and for nothing else."""
        stated = statistic.numbers()
        for state in stated:
            self.known((*steps, "share", state), f"state of {name}", state, states)
        for state in states:
            if state not in stated and set(stated) <= set(states):
                mend = f"add '{state}: ...' or '{state}: rest'"
                self.add((*steps, "share"), f"no share is stated for the state {state!r}", mend)

    def fits(self, steps: Steps, variable: Number, statistic: Any) -> None:
        """Check that a distribution on the variable's range has the numbers."""
        try:
            fit(statistic, variable.range, None, variable.family)
        except InputError as error:
            for problem in error.problems:
                self.add(steps, problem.message, problem.mend)

    def outcome(self, name: str, outcome: Any) -> None:
        steps: Steps = ("outcomes", name)
        if isinstance(outcome, TimeToEvent):
            others = [n for n, o in self.spec.outcomes.items() if o.kind == "recurrent"]
            where = (*steps, "shares_frailty_with")
            self.named(where, "recurrent outcome", outcome.shares_frailty_with, others)
            self.clock((*steps, "clock"), outcome)
            if outcome.time is not None:
                self.time((*steps, "time"), outcome.time)
            self.scores_of(steps, outcome)
        if isinstance(outcome, Curved):
            self.curve(steps, outcome)
        if isinstance(outcome, States):
            self.course(steps, outcome)
        if isinstance(outcome, Longitudinal):
            for index, faster in enumerate(outcome.faster_with):
                numbers = [n for n, v in self.spec.patients.items() if not isinstance(v, Category)]
                where = (*steps, "faster_with", index, "variable")
                self.named(where, "number", faster.variable, numbers)
            if outcome.change_after < 1:
                self.add((*steps, "change_after"), "expected a day or more", "write '48 weeks'")
            if math.isinf(outcome.range[1]):
                self.add(
                    (*steps, "range"), "a score needs a range with two ends", "write '0 to 93'"
                )
            if outcome.at_screening.statistic.sd is None:
                self.add((*steps, "at_screening"), "needs the SD beside its mean", "add 'sd'")

        self.intervals(steps, outcome)

    def scores_of(self, steps: Steps, outcome: TimeToEvent) -> None:
        """Check the scores that an event follows, crosses or ends."""
        outcomes = self.spec.outcomes.items()
        scores = [n for n, o in outcomes if isinstance(o, (Longitudinal, Trajectory))]
        for index, follows in enumerate(outcome.follows):
            where = (*steps, "follows", index, "score")
            self.named(where, "score", follows.score, scores)
        if outcome.when is not None:
            curves = [n for n, o in outcomes if isinstance(o, Trajectory)]
            where = (*steps, "when", "score")
            self.named(where, "score", outcome.when.score, curves, "a score that follows a curve")
        for name in outcome.ended:
            self.named((*steps, "ends"), "score", name, scores)

    def curve(self, steps: Steps, outcome: Curved) -> None:
        """Check names, clock, range and step of an outcome that follows a curve."""
        self.clock((*steps, "clock"), outcome)
        taken = {"t", *self.spec.patients, *self.spec.outcomes}
        for own in sorted(taken & set(outcome.numbers)):
            self.add((*steps, "numbers", own), "the name is taken", "choose another name")
        known = self.baseline | {"t", *outcome.numbers}
        if isinstance(outcome, Diary):
            self.formula((*steps, "rate"), outcome.rate, known)
        elif isinstance(outcome, Trajectory):
            self.formula((*steps, "curve"), outcome.curve, known)
            if math.isinf(outcome.range[1]):
                mend = "write '0 to 48'"
                self.add((*steps, "range"), "a score needs a range with two ends", mend)

    def course(self, steps: Steps, outcome: States) -> None:
        """Check where a course through states starts, and where its moves lead."""
        where = (*steps, "starts")
        known = self.named(where, "categorical variable", outcome.starts, self.states)
        listed = ", ".join(outcome.states)
        if known and (own := ", ".join(self.states[outcome.starts])) != listed:
            message = f"{outcome.starts!r} has other states: {own}"
            self.add(where, message, f"list them as here: {listed}")
        for index, move in enumerate(outcome.moves):
            for key, state in (("from", move.origin), ("to", move.to)):
                self.known((*steps, "moves", index, key), "state", state, outcome.states)

    def clock(self, steps: Steps, outcome: TimeToEvent | Curved) -> None:
        """Check that a clock is a number in a unit of time."""
        if outcome.clock == RANDOMISATION or (
            outcome.clock == CALENDAR and isinstance(outcome, Curved)
        ):
            return
        numbers = {n: v for n, v in self.spec.patients.items() if not isinstance(v, Category)}
        wanted = "'randomisation', or a number of the patients'"
        if self.named(steps, "clock", outcome.clock, numbers, wanted):
            unit = numbers[outcome.clock].unit
            if unit.removesuffix("s") not in DAYS:
                message = f"the clock {outcome.clock!r} has the unit {unit!r}"
                self.add(steps, message, "state that variable in days, weeks, months or years")

    def time(self, steps: Steps, block: TimeOfEvent) -> None:
        """Check rows and numbers of the law of a time."""
        self.named((*steps, "given"), "categorical variable", block.given, self.states)
        if block.given in self.states and block.rows is not None:
            self.rows((*steps, "rows"), block)
        for index, (_, statement) in enumerate(rows_given(block)):
            place = (*steps, "rows", index) if block.rows else steps
            word = "evidence" if statement.evidence is not None else "assumed"
            try:
                fit_time(getattr(statement, word), days_in(block.unit), None)
            except Fault as fault:
                self.add((*place, word), str(fault), fault.mend)

    def intervals(self, steps: Steps, outcome: Any) -> None:
        """Check that what nobody published lies where such a number can lie."""
        if isinstance(outcome, Longitudinal):
            self.inside((*steps, "visit_noise_share"), outcome.visit_noise_share.assumed, 0, 1)
            self.inside((*steps, "level_and_slope"), outcome.level_and_slope.assumed, -1, 1)
        if isinstance(outcome, Curved) and outcome.wanders is not None:
            spread = outcome.wanders.spread
            if isinstance(spread, Unpublished):
                self.inside((*steps, "wanders", "spread"), spread.assumed, 0, math.inf)
        if isinstance(outcome, Trajectory) and isinstance(outcome.noise, Unpublished):
            self.inside((*steps, "noise"), outcome.noise.assumed, 0, math.inf)
        elif isinstance(outcome, Diary) and isinstance(outcome.between_periods, Unpublished):
            where = (*steps, "between_periods")
            self.inside(where, outcome.between_periods.assumed, 0.01, math.inf)
        elif isinstance(outcome, Recurrent) and outcome.between_sites is not None:
            where = (*steps, "between_sites", "log_sd")
            self.inside(where, outcome.between_sites.log_sd.assumed, 0, 10)

    def inside(self, steps: Steps, interval: Interval, low: float, high: float) -> None:
        if not low <= interval.lower <= interval.upper <= high:
            message = f"expected an interval inside {low:g} to {high:g}, got {interval.text()}"
            self.add(steps, message, "check 'lower' and 'upper'")

    def pairs(self) -> None:
        patients = self.spec.patients.items()
        ordered = [n for n, v in patients if isinstance(v, Category) and v.ordered]
        numbers = [n for n, v in patients if isinstance(v, Number)] + ordered
        single = [n for n in numbers if getattr(self.spec.patients[n], "given", None) is None]
        tied_already: set[frozenset[str]] = set()
        for index, gap in enumerate(self.spec.unpublished):
            self.inside(("unpublished", index, "correlation"), gap.correlation, -1, 1)
        tied: tuple[tuple[str, list[Any]], ...] = (
            ("links", [*self.spec.links]),
            ("unpublished", [*self.spec.unpublished]),
        )
        for kind, items in tied:
            for index, item in enumerate(items):
                first, second = item.between
                steps: Steps = (kind, index, "between")
                if kind == "links":
                    for name in (first, second):
                        self.named(steps, "number", name, single, _LINKED)
                else:
                    self.named(steps, "number", first, numbers, _DRAWN)
                    ends = [*numbers, *(n for n, o in self.spec.outcomes.items() if _has_luck(o))]
                    wanted = f"{_DRAWN}, or an outcome with luck of its own"
                    self.named(steps, "number or outcome", second, ends, wanted)
                if frozenset((first, second)) in tied_already:
                    self.add(steps, "this pair stands here twice", "keep one of the two")
                tied_already.add(frozenset((first, second)))
        self.rows_by_tied({name for pair in tied_already for name in pair})

    def rows_by_tied(self, tied: set[str]) -> None:
        """Refuse ties of what has rows by a tied category: the rows would not keep their laws."""
        patients, outcomes = self.spec.patients.items(), self.spec.outcomes.items()
        blocks: list[tuple[Steps, Any]] = [(("patients", n), v) for n, v in patients]
        blocks += [(("outcomes", n, "time"), getattr(o, "time", None)) for n, o in outcomes]
        for steps, block in blocks:
            by = getattr(block, "given", None)
            if steps[1] in tied and by in tied:
                message = f"{steps[1]!r} has rows by {by!r}, and both are tied"
                self.add((*steps, "given"), message, "keep either the rows or the ties")

    def conditions(self) -> None:
        found: list[tuple[Steps, Expression | None]] = []
        found += [(("rules", i, "always"), rule.always) for i, rule in enumerate(self.spec.rules)]
        found += [(("targets", i, "among"), t.among) for i, t in enumerate(self.spec.targets)]
        for name, outcome in self.spec.outcomes.items():
            if isinstance(outcome, Longitudinal):
                found.append((("outcomes", name, "among"), outcome.among))
        for steps, expression in found:
            if expression is not None:
                check_condition(self, steps, expression)
        for index, target in enumerate(self.spec.targets):
            where: Steps = ("targets", index)
            self.named((*where, "share_of"), "categorical variable", target.share_of, self.states)
            self.named((*where, "number"), "number", target.number, sorted(self.numeric))
            outcomes = self.spec.outcomes.items()
            scores = [n for n, o in outcomes if isinstance(o, ReadAtVisits)]
            events = [n for n, o in outcomes if not isinstance(o, ReadAtVisits)]
            timed = [n for n, o in outcomes if isinstance(o, TimeToEvent) and o.hazard is None]
            wanted = "one with 'time' or 'when'"
            self.named((*where, "time_of"), "outcome", target.time_of, timed, wanted)
            for key in ("free_of", "rate_of"):
                name = getattr(target, key)
                self.named((*where, key), "outcome", name, events, "an outcome of events")
            self.named((*where, "change_of"), "outcome", target.change_of, scores, "a score")
            for name in target.correlation_of or []:
                self.named((*where, "correlation_of"), "number", name, sorted(self.numeric))


def _has_luck(outcome: Any) -> bool:
    """Whether a patient's luck decides an outcome, so that a number may be tied to it.

    A curve is decided by the patient's numbers, a constant hazard by nothing but chance.
    """
    if isinstance(outcome, TimeToEvent):
        return outcome.time is not None
    return isinstance(outcome, (Recurrent, Longitudinal))


def check_condition(check: Any, steps: Steps, expression: Expression) -> None:
    """Add a problem where a condition names something unknown."""
    try:
        expression.check(check.states, check.numeric)
    except ExpressionError as error:
        known = [*check.states, *sorted(check.numeric)]
        check.add(steps, str(error), unknown_name(check.states, error, known))


def unknown_name(
    states: Mapping[str, tuple[str, ...]], error: ExpressionError, known: Iterable[str]
) -> str:
    """Return how to mend a condition: a state stands beside its variable, a name is known."""
    owner = next((name for name, own in states.items() if error.unknown in own), None)
    if error.unknown and owner:
        return f"a state stands beside its variable: '{owner} == {error.unknown}'"
    return did_you_mean(error.unknown, known) if error.unknown else error.mend
