"""Model files with pools and curves, made from the minimal one that the faulty files come from."""

from pathlib import Path

MINIMAL = Path(__file__).parents[1] / "faces" / "faulty" / "minimal-model.yaml"

Change = tuple[str, str]

SEXES: Change = (
    "evidence: {share: {male: 0.6, female: rest}, n: 100, source: paper}",
    "evidence: {pool: [{share: {male: 0.6, female: rest}, n: 100, source: paper}, "
    "{share: {female: 0.5, male: rest}, n: 50, source: registry}], heterogeneity: 0.3}",
)
RATES: Change = (
    "rate: {evidence: {events: 56, exposure: 50 patient-years, source: paper}}",
    "rate: {evidence: {pool: [{events: 56, exposure: 50 patient-years, source: paper}, "
    "{events: 20, exposure: 30 patient-years, source: registry}], heterogeneity: 0.3}}",
)
CURVE: Change = (
    "hazard: {evidence: {rate: 0.015 per patient-year, exposure: 300 patient-years, "
    "source: paper}}\n    shares_frailty_with: infection",
    "time:\n      unit: months\n      evidence:\n        curve:\n          unit: months\n"
    "          clicks: [[2, 0.95], [3, 0.9], [5, 0.8], [7, 0.72], [9, 0.7], [12, 0.6], [15, 0.5]]\n"
    "          at_risk: [[0, 40], [6, 30], [12, 15]]\n          events: 18\n"
    "        source: registry",
)
SOURCES: Change = (
    '  paper: {cite: "Author et al., Journal 2020;1:1-9"}\n',
    '  paper: {cite: "Author et al., Journal 2020;1:1-9"}\n'
    '  registry: {cite: "Another et al., Journal 2022;3:1-9"}\n',
)


def written(folder: Path, *changes: Change) -> Path:
    """Return the path of the minimal model with a second source and some changes."""
    text = MINIMAL.read_text(encoding="utf-8")
    for old, new in (SOURCES, *changes):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / "small.yaml"
    path.write_text(text, encoding="utf-8")
    return path
