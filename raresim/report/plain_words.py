"""The answer on one page without terms of statistics, for patients and those who speak for them."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree

from raresim.evidence import Ratio
from raresim.report.arms import gets
from raresim.report.folder import RunFolder
from raresim.report.published import how_it_acts
from raresim.report.svg import PALE, TREATED, printable
from raresim.report.words import DAYS_A_MONTH, duration, number, plain
from raresim.trial.grammar.arm import NOTHING

PHRASES = {
    "rate": "how often {} happens",
    "hazard": "how often {} happens",
    "between patients": "how much patients differ in how often {} happens",
    "spread of change": "how differently {} changes from patient to patient",
    "mean change": "how fast {} changes without treatment",
    "visit noise share": "how exactly {} can be measured",
}
"""What matters most, in words."""


@dataclass(frozen=True)
class PlainWords:
    """The sentences of the page.

    `hits` is how many of 100 trials the picture fills.
    """

    people: str
    asked: str
    assumed: tuple[str, ...]
    answer: str
    hits: int
    lasts: str
    unknown: str


def plain_words(run: RunFolder) -> PlainWords:
    """Return what the page says about a run."""
    rate = float(run.summary["success"]["value"])
    hits = round(100 * rate)
    return PlainWords(
        people=_people(run),
        asked=_asked(run),
        assumed=tuple(_assumed(run)),
        answer=_answer(run, "fewer than 1" if 0 < rate < 0.005 else f"about {hits}"),
        hits=hits,
        lasts=_lasts(run),
        unknown=_unknown(run),
    )


def _people(run: RunFolder) -> str:
    """Return who would take part, and who would receive what."""
    spec = run.scenario.spec.design
    people = f"{spec.randomise.n} people would take part."
    disease = f"The disease: {run.scenario.model.spec.name}."
    control, *others = run.scenario.arms
    if not others:
        return f"{disease} {people} All of them would receive {_given(run, control)}."
    if run.scenario.externally_controlled:
        return f"{disease} {people} {_beside_others(run, control, others)}"
    total = sum(spec.randomise.ratio.values())
    of = {arm: f"{spec.randomise.ratio[arm]} of every {total}" for arm in others}
    gets = ", ".join(f"{of[arm]} would receive {_given(run, arm)}" for arm in others)
    return (
        f"{disease} {people} "
        f"Chance alone would decide who receives what: {gets}, the others {_given(run, control)}."
    )


def _beside_others(run: RunFolder, control: str, others: list[str]) -> str:
    """Return who is treated, and whom they are compared with."""
    assert run.scenario.external is not None
    number = run.scenario.external[1].n
    gets = " or ".join(_given(run, arm) for arm in others)
    return (
        f"All of them would receive {gets}. They would be compared with {number} other people with "
        f"the disease ({plain(control)}), who did not take part: chance would not decide who is "
        "who, so that the two groups may differ from the start."
    )


def _given(run: RunFolder, arm: str) -> str:
    found = run.scenario.spec.design.arms[arm]
    if found.periods:
        return f"{plain(arm)} ({gets(run.scenario, arm)})"
    return plain(arm) if found.give in (NOTHING, arm) else f"{plain(arm)} ({found.give})"


def _asked(run: RunFolder) -> str:
    """Return what taking part would mean."""
    spec = run.scenario.spec.design
    count = len(spec.visits.weeks)
    visits = f"{count} visit" + ("" if count == 1 else "s")
    return (
        f"Each person would be treated for {duration(spec.treat_for)} and asked to come to "
        f"{visits} after the first one, at one of {spec.sites.number} centres."
    )


def _assumed(run: RunFolder) -> list[str]:
    """Return what the medicine is taken to do."""
    periods = run.scenario.spec.design.has_periods
    control = plain(run.scenario.spec.design.control or "no treatment")
    found = []
    for outcome, arms in run.scenario.spec.truth.hypotheses[run.hypothesis].items():
        for arm, stated in arms.items():
            what, statistic = plain(outcome), stated.statistic
            if stated.is_null:
                text = f"{what}: {plain(arm)} changes nothing"
            elif isinstance(statistic, Ratio):
                times = f"{number(statistic.ratio)} times as often"
                other = "without it" if periods else f"with {control}"
                text = f"{what} happens {times} with {plain(arm)} as {other}"
            else:
                size, after = number(statistic.difference), duration(statistic.after)
                between = f"between {plain(arm)} and {'nothing' if periods else control}"
                text = f"{what} differs by {size} {between} after {after}"
            how = how_it_acts(stated)
            found.append(f"{text}; {how}" if how else text)
    return found


def _answer(run: RunFolder, count: str) -> str:
    summary = run.summary
    if summary["is_null"]:
        return (
            f"If the medicine did nothing, {count} of 100 such trials would still seem to show "
            "that it helps. Planners keep this number small on purpose."
        )
    clear = f"{count} of 100 such trials would end with a clear result in favour of the medicine"
    if summary["uncertainty"] in ("effect", "all"):
        return (
            f"Nobody knows yet how well the medicine works. Over all that earlier research leaves "
            f"possible, {clear}."
        )
    return (
        f"If the medicine works as well as assumed, {clear}. The others would not, although the "
        "medicine works."
    )


def _lasts(run: RunFolder) -> str:
    found = run.summary["trial"]["duration_days"]
    half, most = (round(found[level]["value"] / DAYS_A_MONTH) for level in ("q50", "q90"))
    return (
        f"Half of the simulated trials were over within {half} months, counted from the opening "
        f"of the first centre. One in ten took longer than {most} months."
    )


def _unknown(run: RunFolder) -> str:
    """Return what is not known, and what matters most of it."""
    gaps = len(run.scenario.uncertain(run.hypothesis)["unpublished"])
    text = (
        "The simulated patients follow what was published about earlier patients. "
        f"{gaps or 'No'} fact{'' if gaps == 1 else 's'} that the simulation needs "
        f"{'was' if gaps == 1 else 'were'} never published, as far as was found; planners had to "
        "assume a range for them."
    )
    moves = [m for m in (run.sensitivity or {}).get("moves", []) if m["kind"] != "effect"]
    if moves:
        what = _in_words(moves[0]["what"])
        text += f" Besides the size of the benefit itself, the answer depends most on {what}."
    return text


def _in_words(what: str) -> str:
    """Return a number's name as a phrase; an unknown one as it is written in section 3.

    >>> _in_words("flare: rate"), _in_words("age, median")
    ('how often flare happens', 'the number that section 3 calls “age, median”')
    """
    outcome, _, key = what.partition(": ")
    phrase = PHRASES.get(key.partition(",")[0])
    if phrase is None:
        return f"the number that section 3 calls “{plain(what)}”"
    return phrase.format(plain(outcome))


def icons(hits: int) -> str:
    """Draw 100 trials as dots, so many of them filled."""
    label = f"100 dots, {hits} of them filled: so many of 100 trials would succeed."
    root = ElementTree.Element("svg", viewBox="0 0 400 116", role="img")
    root.set("aria-label", printable(label))
    for k in range(100):
        x, y = 12 + 20 * (k % 20) - 2, 14 + 22 * (k // 20)
        look = {"fill": TREATED} if k < hits else {"fill": "none"}
        stroke = TREATED if k < hits else PALE
        attributes = {"cx": str(x), "cy": str(y), "r": "7.5", "stroke": stroke} | look
        ElementTree.SubElement(root, "circle", attributes | {"stroke-width": "1.5"})
    return ElementTree.tostring(root, encoding="unicode")
