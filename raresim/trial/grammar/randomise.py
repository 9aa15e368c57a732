"""How patients are allotted to arms: the `randomise` block of a design."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from raresim import limits
from raresim.errors import Fault
from raresim.files.schema import Spec

Method = Literal["permuted blocks", "simple", "biased coin", "urn", "minimisation", "alternating"]
CHANCES = {"biased coin": 2 / 3, "minimisation": 0.8}
"""Methods that prefer some arms, and by how much where the file does not say."""


class Randomise(Spec):
    """How many patients, in which ratio, by which method."""

    n: Annotated[int, AfterValidator(limits.PATIENTS.check)] = Field(
        gt=1,
        description="patients in all arms",
        examples=[100],
        json_schema_extra={"maximum": limits.PATIENTS.value},
    )
    ratio: dict[str, int] = Field(
        description="whole parts for each arm; 0 for an arm that opens later",
        examples=[{"placebo": 1, "drug": 1}],
    )
    method: Method = Field(
        "permuted blocks",
        description="what decides the next patient's arm; 'alternating' takes the arms in turn, "
        "without chance",
    )
    block: int | None = Field(
        None,
        gt=1,
        le=1000,
        description="length of a block, a multiple of the ratio's sum; of permuted blocks only",
        examples=[4],
    )
    chance: float | None = Field(
        None,
        ge=0.5,
        le=1,
        description="of a biased coin (2/3 if not told) or minimisation (0.8): the chance of the "
        "arms that are behind",
        examples=[0.8],
    )
    strata: list[str] = Field(
        default_factory=list,
        max_length=5,
        description="categorical variables or 'site': a list for each combination; with "
        "minimisation the factors that are balanced one by one",
        examples=[["inheritance"]],
    )
    at_most: dict[str, int | dict[str, int]] = Field(
        default_factory=dict,
        max_length=5,
        description="most patients of each state of a categorical variable or of each 'site', or "
        "of some states",
        examples=[{"site": 8, "inheritance": {"x_linked": 40}}],
    )

    @model_validator(mode="after")
    def _whole_blocks(self) -> Randomise:
        if any(part < 0 for part in self.ratio.values()) or not any(self.ratio.values()):
            raise Fault("expected a ratio of whole numbers, not all zero", "write 1 or more")
        if self.method != "permuted blocks":
            if self.block is not None:
                raise Fault(f"{self.method} has no blocks", "remove 'block'")
        elif self.block is None:
            total = sum(self.ratio.values())
            raise Fault("permuted blocks need their length", f"add 'block: {2 * total}'")
        elif self.block % (total := sum(self.ratio.values())):
            near = max(1, round(self.block / total)) * total
            message = f"the block is a multiple of the ratio's sum, {total}"
            raise Fault(message, f"write 'block: {near}'")
        if self.chance is not None and self.method not in CHANCES:
            raise Fault(f"{self.method} has no 'chance'", "remove 'chance'")
        caps = [c for cap in self.at_most.values() for c in _each(cap)]
        if min(caps, default=1) < 1:
            raise Fault("expected caps of 1 patient or more", "write 1 or more")
        return self

    @property
    def listed(self) -> bool:
        """Whether arms stand on lists that are made beforehand."""
        return self.method in ("permuted blocks", "alternating")

    @property
    def bias(self) -> float:
        """The chance of the arms that are behind, of a method that has one."""
        return CHANCES[self.method] if self.chance is None else self.chance


def _each(cap: int | dict[str, int]) -> list[int]:
    return list(cap.values()) if isinstance(cap, dict) else [cap]
