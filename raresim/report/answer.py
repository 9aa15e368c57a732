"""The answer in plain words, and the rows of enrolment with their errors."""

from __future__ import annotations

from typing import Any

import numpy as np

from raresim.evidence import Ratio
from raresim.report import words
from raresim.report.characteristics import Row
from raresim.report.folder import RunFolder, table
from raresim.report.published import how_it_acts
from raresim.report.words import plain
from raresim.study.summary import called

MODES = {
    "fixed": (
        "Natural history and effect are held at their published or assumed values in every trial: "
        "the rate is conditional on these values being true."
    ),
    "nuisance": (
        "Natural history is drawn anew from what the evidence allows, while the effect is held at "
        "its stated value: the rate is averaged over possible natural histories, conditional on "
        "the effect."
    ),
    "effect": (
        "The effect is drawn anew from what its published confidence interval allows, while "
        "natural history is held at its published values: the rate is an assurance, averaged over "
        "possible effects."
    ),
    "all": (
        "Natural history and effect are both drawn anew from what the evidence allows: the rate is "
        "an assurance, averaged over everything that the evidence leaves open."
    ),
}


def answer(run: RunFolder) -> dict[str, Any]:
    """Return the sentences and figures of the first section."""
    summary = run.summary
    duration = summary["trial"].get("duration_days", {})
    analysis = run.scenario.spec.analysis
    method = analysis.methods[analysis.primary]
    variables = [analysis.estimands[name].variable for name in analysis.successes]
    benefit = summary["chance_of_benefit"]
    found: dict[str, Any] = {
        "success": words.share(summary["success"]),
        "estimand": summary["success_estimand"],
        "variable": ", ".join(dict.fromkeys(variables)),
        "alpha": f"{method.level:g}",
        "posterior": method.posterior_above,
        "nominal": f"{100 * method.level:g}{words.SPACE}%",
        "assurance": called(summary["is_null"], summary["uncertainty"]) == "assurance",
        "mode": MODES.get(summary["uncertainty"], summary["uncertainty"]),
        "duration": {level: words.months(duration.get(level)) for level in ("q10", "q50", "q90")},
        "effects": effects(run),
        "benefit": benefit and words.share(benefit),
    }
    return found


def effects(run: RunFolder) -> list[str]:
    """Return what the hypothesis says the arms do, a phrase for each outcome and arm."""
    found = []
    for outcome, arms in run.scenario.spec.truth.hypotheses[run.hypothesis].items():
        for arm, stated in arms.items():
            statistic = stated.statistic
            if stated.is_null:
                text = "no effect"
            elif isinstance(statistic, Ratio):
                text = f"{plain(next(iter(statistic.numbers())))} {words.number(statistic.ratio)}"
            else:
                after = words.duration(statistic.after)
                text = f"difference {words.number(statistic.difference)} after {after}"
            drawn = run.summary["uncertainty"] in ("effect", "all") and stated.evidence is not None
            if drawn and statistic.ci is not None:
                low, high = (words.number(end) for end in statistic.ci)
                text += f", drawn from its 95 % confidence interval {low} to {high}"
            how = how_it_acts(stated)
            text += f"; {how}" if how else ""
            found.append(f"{arm} on {plain(outcome)}: {text}")
    return found


def enrolment(run: RunFolder) -> list[Row]:
    """Return rows of (month, 10 %, 50 %, 90 %) every third month."""
    band = run.summary["enrolment"]
    counts = list(zip(*([cell["value"] for cell in cells] for cells in band.values()), strict=True))
    last = next(k for k, row in enumerate(counts) if row == counts[-1])
    months = sorted({*range(3, last + 1, 3), last})
    levels = ("q10", "q50", "q90")
    return [
        Row(f"month {k}", tuple(words.amount(band[name][k], most=1) for name in levels))
        for k in months
    ]


def caveats(run: RunFolder, duration: float, randomised: int) -> list[str]:
    """Return what a reader must know before the numbers: files changed, a trial that differs."""
    found = []
    if run.changed:
        files = ", ".join(run.changed)
        found.append(
            f"These files are no longer the ones that the run wrote: {files}. What this page says "
            "of them may not belong to the numbers."
        )
    if run.without:
        found.append(
            f"The model was read without these of its sources: {', '.join(run.without)}. Commands "
            "below that do not name them take the whole model."
        )
    columns = ["replicate", "duration_days", "randomised"]
    rows = table(run, "replicates/trials.parquet", columns)
    first = np.flatnonzero(rows["replicate"] == 0)
    then = [(rows["duration_days"][k], int(rows["randomised"][k])) for k in first]
    if not any(np.isclose(days, duration) and n == randomised for days, n in then):
        found.append(
            "Replicate 0, run again for the timelines, differs from the recorded one: this version "
            "of raresim is not the one that made the run, or a file has changed."
        )
    return found
