"""Named branches of evidence: sources that contradict each other stay apart, one at a time.

A model file is one branch. `branches` name others, each a few places of the file with what stands
there instead. Nothing is averaged over branches: a reader chooses one, and says so.
"""

from __future__ import annotations

from typing import Any

from pydantic import Field

from raresim.errors import InputError, Problem, did_you_mean
from raresim.evidence.stated import Why
from raresim.files import Document
from raresim.files.schema import Spec


class Branch(Spec):
    """Other evidence in place of some of the file's, and why it cannot be pooled with it."""

    why: Why = Field(min_length=5)
    instead: dict[str, Any] = Field(
        min_length=1,
        max_length=50,
        description="places of the file, their keys joined by dots, and what stands there instead",
        examples=[{"outcomes.infection.rate.evidence": {"rate": "0.2 per year", "source": "x"}}],
    )


def chosen(document: Document, branch: str) -> Document:
    """Return a model file with what a branch puts in place of some of it.

    Raises
    ------
    InputError
        When the file has no such branch, or the branch names a place that the file has not.
    """
    data = document.data if isinstance(document.data, dict) else {}
    known = data.get("branches") or {}
    if branch not in known:
        mend = did_you_mean(branch, list(known)) if known else "the model has no branches"
        raise InputError(Problem(f"no branch {branch!r} in {document.path}", mend=mend))
    instead = known[branch].get("instead", {}) if isinstance(known[branch], dict) else {}
    for path in instead:
        try:
            document.changed({path: None})
        except (KeyError, IndexError, TypeError, ValueError) as error:
            steps = ("branches", branch, "instead", path)
            message = f"the file has no place {path!r}"
            mend = "join the keys that lead there by dots, as in outcomes.infection.rate.evidence"
            raise InputError(document.problem(steps, message, mend=mend)) from error
    return document.changed(instead)
