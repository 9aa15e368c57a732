"""A model whose outcomes follow curves, and a trial on it, as texts for tests."""

MODEL = """\
schema: raresim/model/1
name: Test of curves
version: 1.0.0
about: A test of outcomes that follow a curve of time in each patient.
sources: {x: {cite: "Somebody et al., Journal 2000"}}
patients:
  sex: {states: [female, male], assumed: {share: {female: 0.5, male: rest}}, why: a test}
  level: {unit: points, range: -6 to 6, assumed: {mean: 0, sd: 1}, why: a test}
  slope: {unit: points a year, range: -3 to 3, assumed: {mean: 0.4, sd: 0.3}, why: a test}
  age: {unit: years, range: 4 to 12, assumed: {mean: 8, sd: 1.5}, why: a test}
  fall: {unit: m, range: 900 to 1700, assumed: {mean: 1300, sd: 100}, why: a test}
  pace: {unit: per 28 days, range: 0 or more, family: log-normal,
         assumed: {mean: 12, sd: 9}, why: a test}
  height: {unit: cm, table_of: age, at: [4, 8, 12], value: [100, 128, 150]}
  twice: {unit: points, formula: 2 * level + 3 * (sex == male)}
links: [{between: [level, slope], evidence: {correlation: 0.4, n: 100, source: x}}]
outcomes:
  marker:
    kind: trajectory
    better: lower
    unit: points
    range: -20 to 20
    step: 0.01
    curve: level + slope * t
    noise: {evidence: {sd: 0.35, n: 100, source: x}}
    wanders: {spread: {evidence: {sd: 0.6, n: 100, source: x}}, half_life: 3 months}
  walk:
    kind: trajectory
    better: higher
    unit: m
    range: 0 to 700
    clock: age
    curve: min(270 + 20 * t, fall + drop * t)
    numbers: {drop: {evidence: {slope: -85, se: 6, source: x}}}
    noise: {assumed: {lower: 30, centre: 40, upper: 55}, why: a test}
  fits:
    kind: diary
    better: fewer
    unit: fits per 28 days
    per: 28 days
    rate: pace
    wanders: {spread: {assumed: {lower: 0, centre: 0.3, upper: 0.6}, why: a test},
              half_life: 90 days}
    between_periods: {assumed: {lower: 3, centre: 6, upper: 30}, why: a test}
  death:
    kind: time to event
    better: later
    ends: everything
    time: {unit: years, evidence: {free: {1 year: 0.93, 3 years: 0.81, 10 years: 0.44}, n: 312,
           source: x}}
    follows: [{score: marker, evidence: {hazard_ratio: 2.5, ci: [2.0, 3.1], source: x}}]
  lost:
    kind: time to event
    better: later
    ends: [walk]
    clock: age
    when: {score: walk, below: 100}
"""
SCENARIO = """\
schema: raresim/scenario/1
question: Does a drug help in 24 patients of a test?
truth:
  model: curves.yaml
  uncertainty: nuisance
  hypotheses:
    effect:
      walk: {drug: {assumed: {difference: 30, after: 48 weeks}, why: a test}}
      fits: {drug: {assumed: {rate_ratio: 0.6}, why: a test}}
      death: {drug: {assumed: {hazard_ratio: 0.7}, why: a test}}
    no_effect:
      walk: {drug: {difference: 0, after: 48 weeks}}
      fits: {drug: {rate_ratio: 1}}
      death: {drug: {hazard_ratio: 1}}
  candidates: {stream: {per_site: 2 per month, gamma_shape: 2, why: a test}}
  screening_lasts: 1 to 3 weeks
  stops_treatment: {rate: 0.1 per year, why: a test}
design:
  eligible: walk >= 150 and fits >= 4
  run_in: 28 days
  arms: {sham: {give: nothing}, drug: {give: a drug}}
  control: sham
  randomise: {n: 24, ratio: {sham: 1, drug: 1}, block: 4}
  sites: {number: 8, open: [{first: 8, at: day 0}]}
  recruit_for: 48 months
  visits: {weeks: [12, 24, 48], window: 7 days}
  treat_for: 48 weeks
  milestones: {final: {when: {everybody: finished}, do: [analyse walked, analyse counted]}}
  nulls: [no_effect]
analysis:
  estimands:
    walked: {variable: change in walk at week 48, summary: difference in means,
             intercurrent: {stops_treatment: treatment policy, death: while alive,
                            lost: composite}}
    counted: {variable: log ratio of fits at week 12, summary: difference in means,
              intercurrent: {stops_treatment: treatment policy, death: while alive}}
  methods:
    walked: {test: ancova, adjust_for: [walk at baseline], alpha: 0.025 one-sided}
    counted: {test: ancova, adjust_for: [log fits at baseline], alpha: 0.025 one-sided}
  success: walked
"""
