"""Designs with looks: rpact, gsDesign, MAMS, East, lrstat."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
from scipy.special import ndtri

from raresim.analysis.sequential import (
    GroupSequentialDesign,
    binomial_exits,
    conditional_exits,
    conditional_power,
    exit_probabilities,
    fisher_combination,
    group_sequential,
    multi_arm_multi_stage,
    predictive_power,
    spent,
)
from tests.oracle.validation.comparison import Comparison, oracle

DESIGNS, FISHER = "group-sequential designs", "Fisher's combination test"
ON_Z, PROBABILITY = 1e-5, 1e-6
RPACT, GSDESIGN = "rpact 4.3.0", "gsDesign 3.11.0"
RPACT_TESTS = "rpact, tests of its package"
KINDS = {
    "OF": "obrien-fleming",
    "P": "pocock",
    "WT": "wang-tsiatis",
    "asOF": "spending obrien-fleming",
    "asP": "spending pocock",
    "asHSD": "spending hwang-shih-decani",
    "asKD": "spending kim-demets",
    "bsOF": "spending obrien-fleming",
    "bsP": "spending pocock",
}
OF, POCOCK, HSD, KD = KINDS["asOF"], KINDS["asP"], KINDS["asHSD"], KINDS["asKD"]

# rpact's designs by the names of the oracle: looks, power, and what differs from the defaults
RPACT_DESIGNS: dict[str, dict[str, Any]] = {
    "rpact_asOF_bsOF_k3_binding_p90": {"futility": OF, "binding": True},
    "rpact_asOF_bsP_k3_nonbinding_p80": {"futility": POCOCK},
    "rpact_OF_k3_futility0_binding_p80": {"futility_bounds": (0.0, 0.0), "binding": True},
    "rpact_OF_k3_twosided05_p80": {"alpha": 0.05, "sides": 2},
    "rpact_asOF_k2_alpha05_rare_p80": {"alpha": 0.05},
}
GSDESIGNS: dict[str, dict[str, Any]] = {
    "gsDesign_tt1_LDOF_k2_p80": {"timing": 2, "power": 0.8},
    "gsDesign_tt1_LDOF_k3_p90": {"timing": 3},
    "gsDesign_tt1_LDPocock_k3_p90": {"timing": 3, "efficacy": POCOCK},
    "gsDesign_tt1_HSD-4_k3_p90": {"timing": 3, "efficacy": HSD, "efficacy_parameter": -4},
    "gsDesign_tt1_OF_k4_p90": {"timing": 4, "efficacy": "obrien-fleming"},
    "gsDesign_tt1_Pocock_k4_p90": {"timing": 4, "efficacy": "pocock"},
    "gsDesign_tt2_LDOF_k3_p90": {"timing": 3, "alpha": 0.05, "sides": 2},
    "gsDesign_tt4_LDOF_LDOF_k4_p80": {"timing": 4, "power": 0.8, "futility": OF},
    "gsDesign_tt4_LDOF_LDPocock_k2_p80_timing.6": {
        "timing": (0.6, 1.0),
        "power": 0.8,
        "futility": POCOCK,
    },
}


def rows(
    method: str,
    item: str,
    reference: str,
    wanted: Sequence[float],
    got: Callable[[], Sequence[float]],
    tolerance: float,
    shared: bool = False,
) -> list[Comparison]:
    """Compare each number of a list, looks counted from 1."""
    return [
        Comparison(
            method,
            item if len(wanted) == 1 else f"{item}, {k + 1}",
            reference,
            float(value),
            partial(lambda k: float(np.asarray(got())[k]), k),
            tolerance,
            shared=shared,
        )
        for k, value in enumerate(wanted)
    ]


def rpact_arguments(name: str) -> dict[str, Any]:
    """Read a design from its name in the oracle: rpact_asHSD-4_k3_p90."""
    pattern = r"rpact_([A-Za-z]+)([-+]?[\d.]+)?_.*?k(\d).*_p(\d+)"
    found = re.match(pattern, name.replace("_k", "__k", 1))
    assert found is not None
    kind, parameter, looks, power = found.groups()
    return {
        "timing": int(looks),
        "power": int(power) / 100.0,
        "efficacy": KINDS[kind],
        "efficacy_parameter": None if parameter is None else float(parameter),
        **RPACT_DESIGNS.get(name, {}),
    }


@cache
def rpact_design(name: str) -> GroupSequentialDesign:
    return group_sequential(**rpact_arguments(name))


@cache
def gs_design(name: str) -> GroupSequentialDesign:
    return group_sequential(**GSDESIGNS[name])


def from_rpact() -> list[Comparison]:
    found: list[Comparison] = []
    for name, out in oracle("gs_boundaries.json").items():
        if not name.startswith("rpact") or "Fisher" in name:
            continue
        futility = "futilityBounds" in str(RPACT_DESIGNS.get(name)) or out["betaSpent"]
        design = partial(rpact_design, name)
        wanted = [
            ("boundary", out["criticalValues"], lambda d: d.upper, ON_Z),
            ("level of a look", out["stageLevels"], lambda d: d.stage_levels, PROBABILITY),
            ("alpha spent", out["alphaSpent"], lambda d: d.alpha_spent, PROBABILITY),
            ("power", out["rejectProb"], lambda d: d.exits().upper, PROBABILITY),
            ("shift", [out["shift"]], lambda d: [d.drift**2], 1e-6),
            ("inflation", [out["inflationFactor"]], lambda d: [d.inflation], PROBABILITY),
            ("fixed size", [out["nFixed"]], lambda d: [d.fixed_drift**2], 1e-9),
            ("mean size", [out["ASN_H1"]], lambda d: [d.expected_size()], PROBABILITY),
            (
                "mean size, half the effect",
                [out["ASN_H01"]],
                lambda d: [d.expected_size(d.drift / 2)],
                PROBABILITY,
            ),
            (
                "mean size, no effect",
                [out["ASN_H0"]],
                lambda d: [d.expected_size(0.0)],
                PROBABILITY,
            ),
        ]
        if futility or "futility0" in name:
            wanted += [
                ("futility boundary", out["futilityBounds"], lambda d: d.lower, ON_Z),
                ("futility", out["futProb"], lambda d: d.exits().lower, PROBABILITY),
            ]
        if out["betaSpent"]:
            wanted += [
                ("beta spent", out["betaSpent"], lambda d: np.cumsum(d.exits().lower), PROBABILITY)
            ]
        for what, numbers, read, tolerance in wanted:
            got = partial(lambda design, read: read(design()), design, read)
            found += rows(DESIGNS, f"{name}: {what}", RPACT, numbers, got, tolerance, True)
    return found


def from_gsdesign() -> list[Comparison]:
    found: list[Comparison] = []
    known = oracle("gs_boundaries.json")
    for name in GSDESIGNS if known else ():
        out = known[name]
        wanted = [
            ("boundary", out["upper"], lambda d: d.upper, ON_Z),
            ("size", out["n.I"], lambda d: d.timing * d.inflation, PROBABILITY),
            ("mean size", out["en"], lambda d: [d.expected_size(t) for t in (0.0, d.drift)], 1e-6),
        ]
        sides = [("upper", out["upper_prob"], "upper")]
        if out["lower"] is not None:
            wanted.append(("lower boundary", out["lower"], lambda d: d.lower, ON_Z))
            sides.append(("lower", out["lower_prob"], "lower"))
        for label, numbers, side in sides:
            for column, drift in enumerate(("no effect", "the effect")):
                wanted.append(
                    (
                        f"{label} exit, {drift}",
                        [row[column] for row in numbers],
                        partial(
                            lambda d, side, column: getattr(d.exits(column * d.drift), side),
                            side=side,
                            column=column,
                        ),
                        PROBABILITY,
                    )
                )
        for what, numbers, read, tolerance in wanted:
            got = partial(lambda name, read: read(gs_design(name)), name, read)
            found += rows(DESIGNS, f"{name}: {what}", GSDESIGN, numbers, got, tolerance, True)
    return found


def binding_of_gsdesign() -> list[Comparison]:
    """Return what can be compared with gsDesign's binding design (test.type 3).

    gsDesign stops there once its errors are within 1e-6: its boundaries spend 0.02500087 instead
    of 0.025, which moves the last one by 1.7e-5. So its boundaries are taken as they are and
    their exits compared, which agree to 1e-8; rpact's binding designs give the boundaries.
    """
    name = "gsDesign_tt3_HSD_k3_p90_binding"
    out = oracle("gs_boundaries.json").get(name)
    if out is None:
        return []
    found: list[Comparison] = []
    for column, theta in enumerate(out["theta"]):
        exits = partial(exit_probabilities, out["n.I"], out["upper"], out["lower"], theta)
        for side in ("upper", "lower"):
            numbers = [row[column] for row in out[f"{side}_prob"]]
            got = partial(lambda exits, side: getattr(exits(), side), exits, side)
            label = f"{name}: {side} exit, theta {theta:.4g}"
            found += rows(DESIGNS, label, GSDESIGN, numbers, got, PROBABILITY, True)
    return found


def spending_functions() -> list[Comparison]:
    grid = oracle("gs_boundaries.json").get("gsDesign_spending_functions_grid")
    if grid is None:
        return []
    names = {
        "LDOF": ("obrien-fleming", None),
        "LDPocock": ("pocock", None),
        "HSDm4": ("hwang-shih-decani", -4.0),
        "HSDm2": ("hwang-shih-decani", -2.0),
        "HSD1": ("hwang-shih-decani", 1.0),
        "Power2": ("kim-demets", 2.0),
    }
    return [
        Comparison(
            "alpha spending",
            f"{name} at {t:.4g}",
            GSDESIGN,
            value,
            partial(spent, t, 0.025, kind, parameter),  # type: ignore[arg-type]
            1e-12,
            shared=True,
        )
        for name, (kind, parameter) in names.items()
        for t, value in zip(grid["t"], grid[name], strict=True)
    ]


def given_a_look() -> list[Comparison]:
    out = oracle("gs_boundaries.json").get("gsDesign_conditional_power")
    if out is None:
        return []

    @cache
    def design() -> tuple[Any, GroupSequentialDesign, float]:
        found = group_sequential(3, futility=HSD, futility_parameter=-2)
        delta = found.fixed_drift / 10.0  # the effect for which 100 patients are enough
        return found.information(delta), found, delta

    def exits(look: int, z: float, drift: float | None) -> Sequence[float]:
        information, found, delta = design()
        theta = None if drift is None else drift * delta
        return list(
            conditional_exits(information, found.upper, look, z, theta, lower=found.lower).upper
        )

    def predictive() -> Sequence[float]:
        information, found, delta = design()
        grid = np.linspace(-1.0, 2.0, 61)
        prior = np.exp(-0.5 * ((grid - 0.5) / 0.5) ** 2)
        return [
            predictive_power(
                information, found.upper, 1, 1.0, lower=found.lower, grid=(grid * delta, prior)
            )
        ]

    method, found = "conditional power", []
    for column, (label, drift) in enumerate((("trend", None), ("no effect", 0.0), ("effect", 1.0))):
        numbers = [row[column] for row in out["cp_upper"]]
        got = partial(exits, 1, 1.0, drift)
        found += rows(
            method, f"z 1 at look 1, {label}", GSDESIGN + ", gsCP", numbers, got, 1e-6, True
        )
    got = partial(exits, 2, 1.5, 1.0)
    found += rows(
        method, "z 1.5 at look 2", GSDESIGN + ", gsCP", out["cp2_upper"][0], got, 1e-6, True
    )
    item = ("predictive power", "z 1 at look 1, normal prior", GSDESIGN + ", gsPP")
    return found + rows(*item, [out["predictive"]], predictive, 1e-6, True)


def quoted() -> list[Comparison]:
    """Return numbers printed in the packages' own tests, to all their digits."""
    found: list[Comparison] = []
    x4 = {"alpha": 0.035, "efficacy": "wang-tsiatis", "efficacy_parameter": 0.4}
    two = {"sides": 2, "efficacy": KD, "futility": KD}
    designs: list[tuple[dict[str, Any], list[float], list[float], list[float]]] = [
        (
            {"timing": (0.2, 0.4, 1), "alpha": 0.03, "power": 0.86, "efficacy": HSD,
             "efficacy_parameter": 0},
            [2.5121443, 2.4228747, 2.0280392], [], [1.0788327, 0.83081135, 1.0142116, 1.0697705],
        ),
        (
            {"timing": (0.2, 0.4, 1), "alpha": 0.07, "power": 0.86, "efficacy": HSD,
             "efficacy_parameter": -1, "futility": HSD, "futility_parameter": -2},
            [2.364813, 2.1928805, 1.5660474], [-1.1063623, -0.35992438],
            [1.0869177, 0.82636428, 0.91614201, 0.79471657],
        ),
        (
            {"timing": (0.3, 0.7, 1), "alpha": 0.03, "power": 0.66, "efficacy": KD,
             "efficacy_parameter": 2.2, "futility": KD, "futility_parameter": 3.2},
            [2.8594012, 2.2435708, 1.9735737], [-1.1558435, 0.72836893],
            [1.0555891, 0.86740735, 0.87361708, 0.75480974],
        ),
        (
            {"timing": 4, **x4, "futility_bounds": (0.5244,) * 3, "binding": True},
            [2.3284312, 2.1725031, 2.0861776, 2.0270171], [], [],
        ),
        (
            {"timing": 4, "alpha": 0.05, "efficacy": (0.01, 0.02, 0.03, 0.05)},
            [2.3263479, 2.2192994, 2.1201347, 1.8189562], [], [],
        ),
        (
            {"timing": 3, "alpha": 0.03, "power": 0.7, "futility": (0.01, 0.05, 0.3)},
            [3.5815302, 2.417863, 1.9175839], [-0.92327973, 0.29975473], [],
        ),
        (
            {"timing": (0.4, 0.75, 1), "alpha": 0.03, "power": 0.8, "futility": KD,
             "futility_parameter": 2.5, "binding": True},
            [3.2384592, 2.2562378, 1.905812], [-0.29391761, 1.0736333], [],
        ),
        ({"timing": 4, "efficacy": "haybittle-peto"}, [3.0, 3.0, 3.0, 1.9827514], [], []),
        (
            {"timing": (0.3, 0.8, 1), "alpha": 0.035, "efficacy": "pampallona-tsiatis",
             "efficacy_parameter": 0.2, "futility_parameter": 0.3, "binding": True},
            [2.6664156, 1.9867225, 1.8580792], [-0.042079551, 1.4407359], [],
        ),
        (
            {"timing": (0.3, 0.4, 0.8, 1), **two, "alpha": 0.05, "efficacy_parameter": 2.5,
             "futility_parameter": 1.5},
            [3.0276355, 2.8984727, 2.2289649, 2.0639032], [np.nan, 0.13460523, 1.5007674], [],
        ),
        (
            {"timing": (0.4, 0.65, 0.8, 1), **two, "alpha": 0.05, "efficacy_parameter": 2.5,
             "futility_parameter": 1.5, "binding": True},
            [2.8032117, 2.4453423, 2.2956849, 1.9878913], [0.3085062, 0.97461473, 1.3896954], [],
        ),
        (
            {"timing": (0.35, 0.55, 0.8, 1), **two, "alpha": 0.035, "power": 0.935,
             "efficacy_parameter": 1.44, "futility_parameter": 1.35, "binding": True},
            [2.6641472, 2.5778904, 2.3970592, 2.2417317], [0.26890478, 0.80339676, 1.6440939], [],
        ),
    ]  # fmt: skip
    for number, (arguments, upper, futility, sizes) in enumerate(designs):
        design = cache(partial(group_sequential, **arguments))
        item = f"rpact's own test {number + 1}"
        found += rows(
            DESIGNS, f"{item}: boundary", RPACT_TESTS, upper, lambda d=design: d().upper, ON_Z
        )
        side = "inner" if arguments.get("sides") == 2 else "lower"
        looks = rows(
            DESIGNS,
            f"{item}: futility boundary",
            RPACT_TESTS,
            futility,
            lambda d=design, side=side: getattr(d(), side),
            ON_Z,
        )
        found += [look for look in looks if not np.isnan(look.expected)]
        if sizes:

            def read(d: Callable[[], GroupSequentialDesign] = design) -> Sequence[float]:
                drifts = (d().drift, d().drift / 2, 0.0)
                return [d().inflation, *(d().expected_size(x) for x in drifts)]

            found += rows(DESIGNS, f"{item}: inflation, mean sizes", RPACT_TESTS, sizes, read, 1e-6)
    return found


def printed() -> list[Comparison]:
    """Return numbers that were printed rounded, compared to half of their last digit."""
    reference = "gsDesign's own tests (print, k = 5, sfHSD -4 and -2)"
    base = {"timing": 5, "efficacy": HSD, "efficacy_parameter": -4}
    low = {"futility": HSD, "futility_parameter": -2}
    cases: list[tuple[str, dict[str, Any], list[float], list[float], list[float]]] = [
        ("test.type 1", {}, [3.25, 2.99, 2.69, 2.37, 2.03], [], [1.0197, 0.7366]),
        (
            "test.type 2",
            {"sides": 2, "alpha": 0.05},
            [3.25, 2.99, 2.69, 2.37, 2.03],
            [],
            [1.0160, 0.7366],
        ),
        (
            "test.type 3",
            {**low, "binding": True},
            [3.25, 2.99, 2.69, 2.37, 1.97],
            [-0.92, -0.07, 0.66, 1.32, 1.97],
            [0.5636, 0.7306],
        ),
        ("test.type 4", low, [3.25, 2.99, 2.69, 2.37, 2.03], [-0.90, -0.04, 0.69, 1.36, 2.03], []),
        (
            "test.type 5",
            {**low, "binding": True, "under_null": True},
            [3.25, 2.99, 2.69, 2.37, 2.02],
            [-1.44, -0.98, -0.47, 0.21, 2.02],
            [0.7719, 0.7349],
        ),
        (
            "test.type 6",
            {**low, "under_null": True},
            [3.25, 2.99, 2.69, 2.37, 2.03],
            [-1.44, -0.98, -0.47, 0.21, 2.03],
            [0.7726, 0.7353],
        ),
    ]
    found: list[Comparison] = []
    for name, arguments, upper, lower, sizes in cases:
        design = cache(partial(group_sequential, **base, **arguments))
        found += rows(
            DESIGNS, f"{name}: boundary", reference, upper, lambda d=design: d().upper, 0.00501
        )
        if lower:
            found += rows(
                DESIGNS, f"{name}: lower", reference, lower, lambda d=design: d().lower, 0.00501
            )
        if sizes:

            def read(d: Callable[[], GroupSequentialDesign] = design) -> Sequence[float]:
                return [d().expected_size(0.0), d().expected_size()]

            found += rows(DESIGNS, f"{name}: mean size", reference, sizes, read, 0.0000501)
    return found


def combinations() -> list[Comparison]:
    cases: list[tuple[Any, dict[str, Any], list[float]]] = [
        (2, {}, [0.0157880731518787, 0.00222054375435215]),
        (3, {}, [0.012308547, 0.0016635923, 0.00029106687]),
        (4, {}, [0.010404785, 0.0013703718, 0.00023506069, 4.5812899e-05]),
        (
            (0.1, 0.3, 0.7, 1),
            {"alpha0": (0.7, 0.6, 0.5)},
            [0.010565317, 0.00031144789, 2.8609076e-06, 1.4533579e-07],
        ),
        (4, {"method": "full-alpha"}, [0.00015574772] * 4),
        (
            (0.1, 0.3, 0.7, 1),
            {"alpha0": (0.7, 0.6, 0.5), "method": "full-alpha"},
            [0.0075234886, 0.00019010097, 1.4149989e-06, 1.0550077e-06],
        ),
        (
            4,
            {"alpha0": (0.7, 0.6, 0.5), "method": (0.01, 0.015, 0.02, 0.025)},
            [0.01, 0.0011768873, 0.00031357454, 0.00011586425],
        ),
    ]
    found = []
    for looks, arguments, wanted in cases:
        design = cache(partial(fisher_combination, looks, **arguments))
        item = f"looks {looks}, {arguments or 'equal levels'}: critical value"
        for k, value in enumerate(wanted):
            got = partial(lambda d, k: float(d().critical[k]), design, k)
            where = f"{item}, {k + 1}"
            found.append(Comparison(FISHER, where, RPACT_TESTS, value, got, 1e-7, True))
    return found


def others() -> list[Comparison]:
    east = "East 6.5, quoted in gsDesign's tests"

    def z_scale() -> Sequence[float]:
        design = group_sequential(2)
        information = design.information(design.fixed_drift)  # a fixed design has 1
        delta = 0.3 / design.fixed_drift  # the natural scale: 0.3 is the effect planned for
        return list(design.upper / np.sqrt(information) * delta)

    def east_power() -> Sequence[float]:
        design = group_sequential(2, efficacy=HSD, efficacy_parameter=-4)
        n = design.timing * design.inflation * 800.0
        z = 1.151764990571
        return [conditional_power((n[0], n[0] + 403.0), design.upper, 1, z)]

    def look_without_efficacy() -> Sequence[float]:
        design = group_sequential((0.5, 0.75, 1), efficacy=(0.0, spent(0.75, 0.025), 0.025))
        return list(design.upper[1:])

    def mams() -> Sequence[float]:
        effects = np.sqrt(2.0) * ndtri([0.65, 0.55])
        design = multi_arm_multi_stage(
            4, 2, power=0.9, effect=float(effects[0]), uninteresting=float(effects[1])
        )
        mean = design.expected_patients([effects[0], *[effects[1]] * 3])
        return [*design.upper, *design.lower, *design.patients[:, 0], mean]

    simon = "Simon 1989, Control Clin Trials 10:1-10, optimal design 0.05 against 0.25"
    found = rows(
        "boundaries as effects", "LDOF, 2 looks", east, [0.38709581, 0.18188158], z_scale, 1e-6
    )
    found += rows("conditional power", "z 1.1518, 403 more", east, [0.308644], east_power, 3.1e-4)
    found += rows(
        DESIGNS, "no efficacy at look 1", "lrstat, group_sequential_simulation",
        [2.34, 2.012], look_without_efficacy, 0.00051,
    )  # fmt: skip
    mams_rows = rows(
        "multi-arm multi-stage designs", "4 arms, 2 stages: boundaries, patients, mean size",
        "R package MAMS", [3.068, 2.169, 0.0, 2.169, 44, 88, 347.0], cache(mams), 0.00051,
    )  # fmt: skip
    size = mams_rows.pop()  # simulated, 50,000 trials
    found += [*mams_rows, Comparison(**{**vars(size), "tolerance": 1.0})]
    stopped = cache(partial(binomial_exits, (9, 17), (10, 3), 0.05, lower=(0, 2)))
    item = "0 of 9 and 2 of 17 responders at 5 %"
    found += rows(
        "exact binomial looks",
        f"{item}: mean size, stop at 9",
        simon,
        [12.0, 0.63],
        lambda: [stopped().expected_n, stopped().lower[0]],
        0.0501,
    )
    return found


def comparisons() -> list[Comparison]:
    return [
        *from_rpact(),
        *from_gsdesign(),
        *binding_of_gsdesign(),
        *spending_functions(),
        *given_a_look(),
        *quoted(),
        *printed(),
        *combinations(),
        *others(),
    ]
