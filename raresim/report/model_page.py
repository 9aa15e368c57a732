"""The page of a disease model, as Markdown: what is known, from where, and how well it is met."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from raresim.cohort import CheckRow, check
from raresim.cohort.grade import Grade, grade
from raresim.disease import DiseaseModel
from raresim.disease.uncertain import gaps, statements
from raresim.evidence.pooled import spelt_out
from raresim.report.model_panels import panels, told


def model_page(model: DiseaseModel, rows: list[CheckRow] | None = None) -> str:
    """Return the page of a model; `rows` are those of its gate, where they are at hand.

    Examples
    --------
    >>> from raresim.disease import load_model
    >>> model_page(load_model("friedreich-ataxia")).splitlines()[0]
    '# Friedreich ataxia'
    """
    spec = model.spec
    known = [f"ORPHA:{spec.identifiers.orpha}", f"OMIM:{spec.identifiers.omim}"]
    genes, rows = ", ".join(spec.identifiers.genes), rows or check(model)
    parts = [
        f"# {spec.name}",
        f"Model `{model.stem}` {spec.version}. {', '.join(known)}. Genes: {genes}.",
        spec.about,
        _picture(model),
        _grade(grade(model, rows)),
        "## What the model takes in",
        _inputs(model),
        "## What nobody published",
        _table(("what", "interval", "why"), [(w, i.text(), why) for w, i, why in gaps(spec)]),
        "## Published against model",
        "Inputs must be met within 0.1 standard errors of their source. Targets were not fitted "
        "to: their miss is reported, whatever it is.",
        _table(("what", "role", "number", "published", "model", "miss (SE)"), map(_checked, rows)),
        *_branches(model),
        "## Published, and left out",
        _table(
            ("what", "printed", "source", "why"),
            [(item.what, item.printed, item.source, item.why) for item in spec.left_out],
        ),
        "## Sources",
        _table(
            ("key", "citation", "note"),
            [(key, source.text(), source.note) for key, source in spec.sources.items()],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _picture(model: DiseaseModel) -> str:
    """Return the line that shows the picture beside the page (`raresim show NAME --picture`)."""
    seen = told(model, panels(model)).replace("[", "(").replace("]", ")")
    return f"![{seen}]({Path(model.path).stem}.svg)"


def _grade(found: Grade) -> str:
    parts = [
        f"{found.seen} of {found.statistics} statistics read in their source",
        f"{found.sources} sources",
        f"{found.met} of {found.targets} targets met within 2 standard errors",
        f"{found.gaps} intervals for what nobody published",
    ]
    return f"Evidence grade {found.letter}: {', '.join(parts)}."


def _inputs(model: DiseaseModel) -> str:
    """Return the statistics with their sources and seen marks."""
    rows = []
    for about, stated, published, why in statements(model.spec):
        for what, statistic in spelt_out(about, stated):
            seen = ("seen" if statistic.seen else "not seen") if published else "assumed"
            said = (statistic.where, statistic.derived, statistic.note, why)
            rows.append(
                (what, statistic.text(), statistic.source, seen, "; ".join(filter(None, said)))
            )
    return _table(("what", "published", "source", "seen", "where and why"), rows)


def _branches(model: DiseaseModel) -> list[str]:
    """Return the branches of evidence, where there are any."""
    if not model.spec.branches:
        return []
    rows = [
        (name, ", ".join(branch.instead), branch.why)
        for name, branch in model.spec.branches.items()
    ]
    return ["## Other branches of the evidence", _table(("branch", "in place of", "why"), rows)]


def _checked(row: CheckRow) -> tuple[str, ...]:
    miss = "-" if row.miss is None else f"{row.miss:+.1f}"
    if row.role == "input" and row.miss is not None:
        miss = "within 0.1" if row.passed else f"{row.miss:+.2f} FAILS"
    return (row.what, row.role, row.number, f"{row.published:.4g}", f"{row.model:.3g}", miss)


def _table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """Return a Markdown table; a bar inside a cell is escaped."""
    head = [" | ".join(columns), " | ".join("---" for _ in columns)]
    body = (" | ".join(cell.replace("|", "\\|") or " " for cell in row) for row in rows)
    return "\n".join(f"| {line} |" for line in [*head, *body])
