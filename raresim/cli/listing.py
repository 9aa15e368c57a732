"""`models`, `show` and `validate`: what there is and what it says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from raresim import catalogue
from raresim.cli.output import console, print_json, table
from raresim.disease import DiseaseModel, load_model
from raresim.disease.uncertain import gaps, statements
from raresim.errors import CheckError, InputError, Problem, did_you_mean, shown
from raresim.evidence.plausible import Finding
from raresim.evidence.pooled import spelt_out
from raresim.files import Document, parse, read
from raresim.trial import Scenario, load_scenario
from raresim.trial.typed_in import findings

LEAST_SHARE = 0.01
"""Numbers that make less of an output's variance are counted, not listed."""

SCHEMAS = ("raresim/model/1", "raresim/scenario/1")
"""How the two kinds of file begin."""


def models(as_json: bool, grades: bool = False) -> None:
    """List shipped models with the grade of their evidence, and scenarios."""
    if grades:
        print_json(catalogue_grades())
        return
    known = catalogue.grades()
    rows: list[dict[str, Any]] = []
    for name, path in catalogue.shipped("models").items():
        spec = load_model(path).spec
        row = {"name": name, "disease": spec.name, "version": spec.version}
        rows.append(row | known.get(name, {}))
    kinds = {
        kind: {n: str(read(path).data.get("question", "")) for n, path in files.items()}
        for kind in ("scenarios", "backtests")
        if (files := catalogue.shipped(kind))
    }
    if as_json:
        print_json({"models": rows, **kinds})
        return
    shown = table("Disease models", "name", "grade", words=True)
    for column in ("seen", "sources", "targets met", "gaps"):
        shown.add_column(column, justify="right")
    for row in rows:
        found = defaultdict(lambda: "-", row)
        seen, met = (
            f"{found[a]} of {found[b]}" for a, b in (("seen", "statistics"), ("met", "targets"))
        )
        cells = (found["letter"], seen, found["sources"], met, found["gaps"])
        shown.add_row(row["name"], *map(str, cells))
    console.print(shown)
    console.print(
        "seen: statistics read in their source; targets: numbers that nothing was fitted to, met "
        "within 2 standard errors; gaps: intervals for what nobody published\n"
    )
    for kind, questions in kinds.items():
        listed = table(kind.capitalize(), "name", "question", words=True)
        for name, question in questions.items():
            listed.add_row(name, question)
        console.print(listed)


def catalogue_grades() -> dict[str, Any]:
    """Return the grades of all shipped models, worked out anew."""
    from raresim.cohort.grade import grade

    shipped = catalogue.shipped("models")
    return {name: asdict(grade(load_model(path))) for name, path in shipped.items()}


def load(
    name: str, without: Sequence[str] = (), branch: str | None = None
) -> DiseaseModel | Scenario:
    """Load a model or a scenario, told apart by the file's first line or by where the name is."""
    if name.endswith((".yaml", ".yml")):
        found = [catalogue.find(kind, name) for kind in ("models", "scenarios")]
        path = next(filter(catalogue.is_there, found), found[0])
        document = read(path)
        schema = document.data.get("schema") if isinstance(document.data, dict) else None
        if schema == SCHEMAS[1]:
            return load_scenario(path, without)
        if schema == SCHEMAS[0]:
            return load_model(path, without, branch)
        raise InputError(_kind_unknown(document))
    if catalogue.split_version(name)[0] in catalogue.shipped("scenarios"):
        return load_scenario(name, without)
    return load_model(name, without, branch)


def _kind_unknown(document: Document) -> Problem:
    """Return the problem of a file that does not say which kind of file it is."""
    data, expected, place = document.data, " or ".join(map(repr, SCHEMAS)), (1, 1)
    kind = SCHEMAS[isinstance(data, dict) and ("truth" in data or "design" in data)]
    message, mend = "'schema' is missing", f"write 'schema: {kind}' in the first line"
    if isinstance(data, dict) and "schema" in data:
        place = document.position(("schema",))
        message, found = "unknown kind or version of file", shown(data["schema"])
        near = did_you_mean(str(data["schema"]), SCHEMAS)
        mend = near if near.startswith("did") else f"write {kind!r}"
    elif isinstance(data, dict) and data:
        found = f"the keys {shown(list(data))}"
        meant = next((key for key in data if did_you_mean("schema", [key]).startswith("did")), "")
        if meant:
            place, found = document.position((meant,)), f"the key {meant!r}"
            mend = f"did you mean 'schema'? {mend}"
    else:
        found = "an empty file" if data is None else shown(data)
        mend += "; `raresim new-model NAME` writes a file to start from"
    return Problem(message, document.path, *place, "schema", found, expected, mend)


def validate(files: list[str], as_json: bool) -> None:
    """Load every file; report all faults of all files together."""
    problems: list[Problem] = []
    odd: dict[str, list[tuple[str, Finding]]] = {}
    for name in files:
        try:
            loaded = load(name)
            odd[name] = findings(loaded)
            for branch in loaded.spec.branches if isinstance(loaded, DiseaseModel) else ():
                load(name, branch=branch)
        except InputError as error:
            problems += error.problems
    if as_json:
        told = [
            {"file": name, "where": where} | asdict(finding)
            for name, found in odd.items()
            for where, finding in found
        ]
        faults = [asdict(problem) for problem in problems]
        print_json({"valid": list(odd), "findings": told, "problems": faults})
    else:
        for name, found in odd.items():
            console.print(f"{name}: valid", markup=False)
            for where, finding in found:
                console.print(f"  as printed it cannot be, {where}: {finding}", markup=False)
    if problems:
        raise InputError(problems)


def show(
    name: str,
    asked: list[str],
    as_json: bool,
    column: str = "",
    without: Sequence[str] = (),
    branch: str | None = None,
    picture: Path | None = None,
) -> None:
    """Show a model or a scenario; `asked` names one option, `picture` the file of `--picture`."""
    if len(asked) > 1:
        raise InputError(f"--{asked[0]} and --{asked[1]} cannot go together; ask for one")
    if column and asked != ["lineage"]:
        raise InputError(f"a column goes with --lineage alone; got {column!r}")
    found, part = load(name, without, branch), asked[0] if asked else ""
    if branch is not None and isinstance(found, Scenario):
        raise InputError(f"{name} is a scenario; write 'branch: {branch}' under its truth")
    if part == "lineage":
        _lineage(found, column, as_json)
    elif isinstance(found, Scenario):
        if part not in ("", "luck"):
            raise InputError(f"{name} is a scenario; --{part} is for models")
        _show_luck(found, as_json) if part else _show_scenario(found, as_json)
    elif part == "luck":
        raise InputError(f"{name} is a model; --luck lists the decision points of a scenario")
    elif part == "page":
        from raresim.report.model_page import model_page

        console.file.write(model_page(found))
    elif picture is not None:
        _picture(found, picture, as_json)
    elif part == "uncertainty":
        _uncertainty(found, as_json)
    else:
        _check(found, as_json) if part else _show_model(found, as_json)


def _lineage(found: DiseaseModel | Scenario, column: str, as_json: bool) -> None:
    from raresim.cli import tracing

    if isinstance(found, DiseaseModel):
        tracing.of_model(found, column, as_json)
    elif column:
        raise InputError(f"{column!r}: columns are those of a model, {found.stem} is a scenario")
    else:
        tracing.of_scenario(found, as_json)


def _picture(model: DiseaseModel, path: Path, as_json: bool) -> None:
    from raresim.report.model_picture import write_picture

    seen = write_picture(model, path)
    if as_json:
        print_json({"model": model.stem, "picture": str(path), "seen": seen})
    else:
        console.print(f"{model.spec.name} drawn into {path}", markup=False, soft_wrap=True)


def _uncertainty(model: DiseaseModel, as_json: bool) -> None:
    from raresim.cohort.contributions import contributions

    found = contributions(model)
    if as_json:
        print_json([asdict(row) for row in found])
        return
    for output in dict.fromkeys(row.output for row in found):
        title = f"What makes unsure, {output}"
        shown = table(title, "number", "at its ends", "output there", "variance", words=True)
        rows = [row for row in found if row.output == output]
        for row in [row for row in rows if row.share >= LEAST_SHARE]:
            bar = "█" * max(1, round(8 * row.share))
            ends = f"{row.number.lower} to {row.number.upper}"
            values = f"{row.at_lower:.3g} to {row.at_upper:.3g}"
            shown.add_row(row.number.name, ends, values, f"{100 * row.share:3.0f} % {bar}")
        console.print(shown)
        rest = sum(row.share < LEAST_SHARE for row in rows)
        console.print(f"{rest} more numbers make less than 1 % of its variance each\n")


def _check(model: DiseaseModel, as_json: bool) -> None:
    from raresim.cli import tracing
    from raresim.cohort import check
    from raresim.cohort.achieved import achieved
    from raresim.disease import exact

    exact.network(model)  # pgmpy's own check of structure and tables
    rows, tied = check(model), achieved(model)
    failed = sum(not row.passed for row in rows) + sum(not row.passed for row in tied)
    if as_json:
        answer = [asdict(row) | {"miss": row.miss, "passed": row.passed} for row in rows]
        told = [asdict(row) | {"passed": row.passed} for row in tied]
        found = {"model": model.stem, "passed": not failed, "rows": answer, "correlations": told}
        print_json(found)
    else:
        shown = table(f"{model.spec.name}: published against model", "what", "role", "number")
        for column in ("published", "model", "miss (SE)"):
            shown.add_column(column, justify="right")
        for row in rows:
            miss = "-" if row.miss is None else f"{row.miss:+.2f}"
            mark = "" if row.passed else " FAILS"
            values = (f"{row.published:.4g}", f"{row.model:.4g}", miss + mark)
            shown.add_row(row.what, row.role, row.number, *values)
        console.print(shown)
        console.print("inputs must miss by at most 0.1 SE; targets were not fitted to")
        tracing.correlations(tied)
    if failed:
        raise CheckError(f"{model.stem}: {failed} numbers fail the gate")
    if not as_json:
        console.print(f"[bold]gate passed[/bold]: {model.stem}")


def _show_model(model: DiseaseModel, as_json: bool) -> None:
    spec = model.spec
    if as_json:
        print_json(parse(model.text, model.path).data)
        return
    console.print(f"[bold]{spec.name}[/bold] {spec.version}")
    console.print(spec.about, markup=False)
    for branch, other in spec.branches.items():
        console.print(f"branch {branch}: {other.why} (--branch {branch})", markup=False)
    shown = table("Statistics", "what", "published", "source", "seen", words=True)
    for about, stated, published, why in statements(spec):
        for what, statistic in spelt_out(about, stated):
            source = statistic.source if published else f"assumed: {why}"
            seen = ("yes" if statistic.seen else "no") if published else "-"
            shown.add_row(what, statistic.text(), source, seen)
    console.print(shown)
    listed = table("What nobody published", "what", "interval", "why", words=True)
    for what, interval, why in gaps(spec):
        listed.add_row(what, interval.text(), why)
    console.print(listed)
    out = table("Published, and left out", "what", "printed", "why", words=True)
    for item in spec.left_out:
        out.add_row(item.what, f"{item.printed} ({item.source})", item.why)
    console.print(out)
    sources = table("Sources", "key", "citation", words=True)
    for key, cited in spec.sources.items():
        sources.add_row(key, cited.text())
    console.print(sources)


def _show_scenario(scenario: Scenario, as_json: bool) -> None:
    if as_json:
        print_json(scenario.document.data)
        return
    from raresim.report.arms import gets, regimen_words
    from raresim.report.design import run_in_words

    spec = scenario.spec
    console.print(f"[bold]{spec.question}[/bold]")
    treatments = [f"{name}: {regimen_words(one)}" for name, one in spec.design.treatments.items()]
    external = [
        ("external patients", f"{name}: {own.n}, never randomised")
        for name, own in spec.truth.external.items()
    ]
    rows: list[tuple[str, Any]] = [
        ("model", f"{scenario.model.spec.name} ({spec.truth.model})"),
        ("uncertainty", spec.truth.uncertainty),
        ("hypotheses", ", ".join(scenario.hypotheses)),
        *([("run-in", run_in_words(spec.design))] if spec.design.run_in else []),
        ("eligible", spec.design.eligible.text),
        *([("treatments", "; ".join(treatments))] if treatments else []),
        ("arms", "; ".join(f"{name}: {gets(scenario, name)}" for name in spec.design.arms)),
        *external,
        ("patients", spec.design.randomise.n),
        ("strata", ", ".join(spec.design.randomise.strata) or "none"),
        ("sites", spec.design.sites.number),
        ("visits (weeks)", ", ".join(map(str, spec.design.visits.weeks))),
        ("milestones", ", ".join(scenario.milestones)),
        ("success", " or ".join(spec.analysis.successes)),
    ]
    shown = table("Scenario", "", "value", words=True)
    for label, value in rows:
        shown.add_row(label, str(value))
    console.print(shown)


def _show_luck(scenario: Scenario, as_json: bool) -> None:
    from raresim.trial.engine import decision_points

    points = decision_points(scenario)
    if as_json:
        print_json(points)
        return
    shown = table("Decision points", "point", "units in a replicate")
    for point, units in points.items():
        shown.add_row(point.replace("[", "\\["), str(units))
    console.print(shown)
