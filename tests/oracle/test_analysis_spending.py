"""Boundaries of rpact 4.5 and gsDesign, and the type I error that they spend."""

import itertools
import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from raresim.analysis import boundaries, spent
from raresim.errors import InputError

# rpact: getDesignGroupSequential(kMax, alpha, sided = 1, typeOfDesign = "asOF" or "asP")
RPACT = [
    (2, 0.025, "obrien-fleming", (2.96258804272755, 1.96859564632177)),
    (2, 0.05, "obrien-fleming", (2.53798760344278, 1.66210658103228)),
    (3, 0.025, "obrien-fleming", (3.7103028732625, 2.51142748445272, 1.9930474832654)),
    (
        4,
        0.025,
        "obrien-fleming",
        (4.33263364604956, 2.96313159912825, 2.35904427617788, 2.01409014314413),
    ),
    (
        5,
        0.025,
        "obrien-fleming",
        (4.87688494879076, 3.35701192170382, 2.68028006702662, 2.28981677442789, 2.03103206306696),
    ),
    (3, 0.025, "pocock", (2.27942824, 2.29491114, 2.29593959)),
    (
        5,
        0.025,
        "pocock",
        (2.43797668805001, 2.42681386321783, 2.41019413620234, 2.39664929360151, 2.38599970191717),
    ),
]


@pytest.mark.parametrize(("looks", "alpha", "spending", "expected"), RPACT)
def test_rpact(looks: int, alpha: float, spending: str, expected: tuple[float, ...]) -> None:
    information = tuple((k + 1) / looks for k in range(looks))
    found = boundaries(information, 1.0, alpha, spending)  # type: ignore[arg-type]
    np.testing.assert_allclose(found, expected, atol=2e-7)


def test_gsdesign_with_an_early_look_at_60_per_cent() -> None:
    # gsDesign(k = 2, timing = 0.6, test.type = 4, sfu = sfLDOF): upper bounds, futility ignored
    expected = (2.66863014290897, 1.98096503837914)
    np.testing.assert_allclose(boundaries((60, 100), 100, 0.025), expected, atol=1e-6)


def test_spending_functions_of_gsdesign() -> None:
    times = (0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
    of = (1.36135547279537e-12, 7.36680843593795e-06, 0.001525322757989)
    of += (0.00964932495351212, 0.0181449963798115, 0.025)
    pocock = (0.00396412696851073, 0.00893435048771971, 0.0155028626739569)
    pocock += (0.0206997234810717, 0.0233675416000292, 0.025)
    for t, a, b in zip(times, of, pocock, strict=True):
        assert spent(t, 0.025) == pytest.approx(a, rel=1e-9)
        assert spent(t, 0.025, "pocock") == pytest.approx(b, rel=1e-9)


def second_look(information: tuple[float, float], bounds: np.ndarray) -> float:
    """Chance under the null to reject at the second look first, by adaptive quadrature."""
    r = math.sqrt(information[0] / information[1])
    scale = math.sqrt(1.0 - r * r)

    def density(z: float) -> float:
        return math.exp(-z * z / 2) / math.sqrt(2 * math.pi) * ndtr((r * z - bounds[1]) / scale)

    turn = [bounds[1] / r] if bounds[1] / r < bounds[0] else None
    return quad(density, -9.0, bounds[0], points=turn, epsabs=1e-13, limit=500)[0]


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize("first", [1, 7, 13, 20, 27])
@pytest.mark.parametrize("second", [27.3, 28.0, 40.0, 55.0])
def test_two_looks_spend_alpha_exactly(first: int, second: float, spending: str) -> None:
    information = (float(first), second)
    bounds = boundaries(information, 40.0, 0.025, spending)  # type: ignore[arg-type]
    assert ndtr(-bounds[0]) == pytest.approx(spent(first / 40, 0.025, spending), rel=1e-9)  # type: ignore[arg-type]
    assert ndtr(-bounds[0]) + second_look(information, bounds) == pytest.approx(0.025, abs=1e-9)


def test_a_look_before_the_last_spends_only_its_share() -> None:
    information = (12.0, 20.0)
    bounds = boundaries(information, 40.0, 0.025, final=False)
    total = ndtr(-bounds[0]) + second_look(information, bounds)
    assert total == pytest.approx(spent(0.5, 0.025), abs=1e-10)


def test_more_information_than_planned_before_the_last_look_spends_it_all() -> None:
    bounds = boundaries((45, 50), 40, 0.025)
    assert bounds[0] == pytest.approx(1.959963984540054)
    assert bounds[1] == math.inf


def test_a_last_look_without_new_information_spends_what_is_left() -> None:
    bounds = boundaries((20, 20), 40, 0.025)
    assert bounds[1] == pytest.approx(1.959963984540054)
    near = boundaries((20, 20.02), 40, 0.025)
    assert near[1] == pytest.approx(bounds[1], abs=1e-3)
    three = boundaries((20, 20, 40), 40, 0.025)
    assert three[1] == math.inf
    assert three[2] == pytest.approx(boundaries((20, 40), 40, 0.025)[1], abs=1e-12)


def test_a_look_hardly_begun_never_rejects() -> None:
    assert boundaries((1e-6, 40), 40, 0.025)[0] == math.inf


def test_all_looks_together_spend_alpha_by_simulation() -> None:
    information = (9.0, 17.0, 18.0, 33.0)
    rng = np.random.default_rng(4)
    steps = rng.normal(size=(400_000, 4)) * np.sqrt(np.diff((0.0, *information)))
    z = np.cumsum(steps, axis=1) / np.sqrt(information)
    for spending, alpha in itertools.product(("obrien-fleming", "pocock"), (0.025, 0.1)):
        bounds = boundaries(information, 30.0, alpha, spending)  # type: ignore[arg-type]
        rejected = np.mean(np.any(z >= bounds, axis=1))
        assert abs(rejected - alpha) < 3 * math.sqrt(alpha * (1 - alpha) / 400_000)


@pytest.mark.parametrize(
    ("information", "planned", "alpha"),
    [
        ((), 40, 0.025),
        ((20, 10), 40, 0.025),
        ((0, 10), 40, 0.025),
        ((10,), 0, 0.025),
        ((10,), 40, 0.7),
    ],
)
def test_nonsense_is_refused(information: tuple[float, ...], planned: float, alpha: float) -> None:
    with pytest.raises(InputError, match="expected"):
        boundaries(information, planned, alpha)


def test_an_unknown_spending_function_is_refused() -> None:
    with pytest.raises(InputError, match="pocock"):
        boundaries((20, 40), 40, 0.025, "o'brien")  # type: ignore[arg-type]
