"""Names in the analysis block of a scenario, and what it must not contradict."""

from __future__ import annotations

import math

from raresim import limits
from raresim.analysis.bayesian.basket import MOST_BASKETS
from raresim.disease.checker import Steps
from raresim.disease.people import states_inside
from raresim.disease.references import check_condition
from raresim.disease.score_block import Diary, ReadAtVisits
from raresim.errors import did_you_mean
from raresim.trial.checks.borrowing import check_borrowing
from raresim.trial.checks.boundary import check_boundary
from raresim.trial.checks.estimand import EstimandChecker
from raresim.trial.checks.responder import check_responders
from raresim.trial.grammar.analysis import PERIOD, Analysis, MethodSpec
from raresim.trial.grammar.claim import AnyClaim, Graph
from raresim.trial.grammar.prior import BetaPrior
from raresim.trial.grammar.stage import StagePrior
from raresim.trial.methods.named import METHODS, OPTIONS
from raresim.trial.methods.named import fitting as methods_for

NEEDED = {
    "adjust_for": "add 'adjust_for: [...]' with numbers at baseline",
    "borrowing": "add 'borrowing: {...}'",
}
"""How to mend a method without what it needs."""


class AnalysisChecker(EstimandChecker):
    """Checks methods, and what several of them share."""

    def strata(self, steps: Steps, factors: list[str]) -> None:
        """Check factors of stratification: known, none a number, not too many strata."""
        states = {name: len(own) for name, own in self.model.states.items()}
        states |= {"site": self.spec.design.sites.number}
        for factor in factors:
            if factor in self.numeric:
                message = f"{factor!r} is a number; strata are formed by states"
                self.add(steps, message, "known: " + ", ".join(states))
            else:
                self.known(steps, "factor", factor, states)
        if len(set(factors)) < len(factors):
            self.add(steps, "a factor stands here twice", "keep one of the two")
        if (number := math.prod(states.get(name, 1) for name in factors)) > limits.STRATA.value:
            message = f"the factors form {number:,} strata, more than {limits.STRATA.value:,}"
            self.add(steps, message, f"stratify by fewer factors, {limits.STRATA.mend}")

    def analysis(self) -> None:
        """Check the whole analysis block."""
        analysis = self.spec.analysis
        for name, endpoint in analysis.endpoints.items():
            self.endpoint(name, endpoint)
        for name in analysis.successes:
            self.known(("analysis", "success"), "estimand", name, analysis.estimands)
        for name in analysis.order:
            self.known(("analysis", "order"), "estimand", name, analysis.estimands)
        self.several(analysis)
        for name in sorted(set(analysis.estimands) ^ set(analysis.methods)):
            mend = did_you_mean(name, analysis.estimands)
            if name in analysis.estimands:
                mend = f"add '{name}: {{test: ..., alpha: ...}}'"
            self.add(("analysis", "methods"), f"estimands and methods differ: {name!r}", mend)
        for name, estimand in analysis.estimands.items():
            self.compared(name, estimand.arm)
            if estimand.where is not None:
                steps: Steps = ("analysis", "estimands", name, "population", "where")
                check_condition(self, steps, estimand.where)
            self.estimand(name, estimand.outcome, estimand.variable)
            if name in analysis.methods:
                self.method(name)

    def several(self, analysis: Analysis) -> None:
        """Check that tests which share a level by a procedure can be ordered by their p-values."""
        steps: Steps = ("analysis", "multiplicity")
        names, methods = analysis.together, analysis.methods
        if isinstance(analysis.multiplicity, Graph):
            passes = analysis.multiplicity.graph.passes
            names = [*names, *passes, *(to for own in passes.values() for to in own)]
        for name in names:
            self.known(steps, "estimand", name, analysis.estimands)
        for name in sorted(set(names) - set(analysis.together)):
            if name in analysis.estimands:
                mend = f"add '{name}: 0' to the weights"
                self.add(steps, f"{name!r} is in the graph without a weight", mend)
        if analysis.together and analysis.order:
            message = "a fixed sequence and a procedure by p-values exclude each other"
            self.add(steps, message, "remove 'order', or write it as a graph")
        shared = {*analysis.together, *analysis.order}
        for name in analysis.successes if isinstance(analysis.success, AnyClaim) else []:
            if name in methods and name not in shared and not METHODS[methods[name].test].bayesian:
                message = f"any of several tests is a success, {name!r} at a full level of its own"
                mend = "add 'multiplicity: holm', or an 'order'"
                self.add(("analysis", "success"), message, mend)
        own = {name: methods[name] for name in analysis.together if name in methods}
        if len({(method.alpha, method.posterior_above) for method in own.values()}) > 1:
            message = "tests that share a level have it in common"
            self.add(steps, message, "write the same alpha for all of them")
        for name, method in own.items():
            if METHODS[method.test].bayesian:
                message = f"{name!r} decides by a posterior probability, which is no p-value"
                self.add(steps, message, f"leave {name!r} out")
            if method.boundary is not None:
                message = f"{name!r} spends alpha over looks; a procedure takes one p-value of each"
                self.add(steps, message, "remove 'boundary', or write 'order'")

    def method(self, name: str) -> None:
        """Check the method of an estimand: fit to the variable, factors, covariates."""
        steps: Steps = ("analysis", "methods", name)
        method = self.spec.analysis.methods[name]
        variable = self.spec.analysis.estimands[name].variable
        estimand = self.spec.analysis.estimands[name]
        kind, two = estimand.kind, self.spec.design.control is not None
        fits = methods_for(kind, controlled=two or estimand.within_patients)
        words: list[str] = [word for word in (method.test, method.estimate) if word is not None]
        for word in words:
            if word not in fits:
                self.add(
                    steps, f"{word!r} does not analyse {variable!r}", f"use {' or '.join(fits)}"
                )
        for key in OPTIONS:
            taking = [name for name in fits if key in METHODS[name].takes]
            if getattr(method, key) and not set(words) & set(taking):
                mend = f"use {' or '.join(taking)}" if taking else f"remove {key!r}"
                self.add((*steps, key), f"{' and '.join(words)!r} takes no {key!r}", mend)
        if method.estimate is None and not METHODS[method.test].estimates:
            able = [name for name in fits if METHODS[name].estimates]
            message = f"{method.test!r} does not estimate the summary"
            self.add(steps, message, f"add 'estimate: {' or '.join(able)}'")
        self.rule(steps, method)
        self.prior(steps, method)
        self.baskets(name)
        self.goal(steps, method)
        for key in {key: None for word in words for key in METHODS[word].needs}:
            if not getattr(method, key):
                mend = NEEDED[key]
                self.add(steps, f"{' and '.join(words)!r} needs {key!r}", mend)
        check_borrowing(self, self.spec, steps, method)
        if method.test == "fleming-harrington" and method.weight is None:
            mend = "add 'weight: {rho: 0, gamma: 1}'"
            self.add(steps, "'fleming-harrington' needs its weight", mend)
        if method.test == "bayesian joint stage" and not isinstance(method.prior, StagePrior):
            mend = "add 'prior: {rates: [1, 1], why: ...}'"
            self.add(steps, "'bayesian joint stage' needs its prior", mend)
        self.strata((*steps, "strata"), method.strata)
        check_boundary(self, self.spec, name)
        check_responders(self, self.spec, name)
        read = {n: o for n, o in self.outcomes.items() if isinstance(o, ReadAtVisits)}
        numbers = [f"{name} at baseline" for name in read]
        numbers += [f"log {name} at baseline" for name, o in read.items() if isinstance(o, Diary)]
        numbers += sorted(self.model.numeric - set(self.outcomes))
        where = (*steps, "adjust_for")
        if PERIOD in method.adjust_for:
            self.period(where, words, fits)
        for word in (word for word in method.adjust_for if word != PERIOD):
            wanted = "a number at baseline"
            self.named(where, "covariate", word, numbers, wanted)
        self.looks(name)

    def period(self, steps: Steps, words: list[str], fits: list[str]) -> None:
        """Check that the methods can adjust for the period of recruitment."""
        able = [name for name in fits if METHODS[name].takes_period]
        for word in words:
            if word not in able:
                mend = f"use {' or '.join(able)}" if able else f"remove {PERIOD!r}"
                self.add(steps, f"{word!r} does not adjust for the period", mend)

    def rule(self, steps: Steps, method: MethodSpec) -> None:
        """Check that a test has a level, and a Bayesian method a posterior probability."""
        bayesian = METHODS[method.test].bayesian
        wanted, other = ("posterior_above", "alpha") if bayesian else ("alpha", "posterior_above")
        if getattr(method, other) is not None:
            message = f"{method.test!r} decides by {wanted!r}"
            self.add((*steps, other), message, f"write {wanted!r} in place of {other!r}")

    def prior(self, steps: Steps, method: MethodSpec) -> None:
        """Check that a Bayesian method has the prior that belongs to it."""
        kind = METHODS[method.test].prior
        if kind is None:
            return
        examples = {
            "beta-binomial": "{beta: [1, 1]}",
            "gamma-poisson": "{gamma: [0.5, 0.5]}",
            "basket exchangeability": "{beta: [0.5, 0.5], exchangeable: 0.5}",
            "basket hierarchical": "{mean: -1.4, sd: 2, between: 1}",
        }
        shared = getattr(method.prior, "exchangeable", None) is not None
        fits = isinstance(method.prior, kind)
        if kind is BetaPrior:
            fits &= shared == (method.test == "basket exchangeability")
        if not fits:
            mend = f"write 'prior: {examples[method.test]}', with numbers of your own"
            self.add(steps, f"{method.test!r} needs a prior of its own kind", mend)

    def baskets(self, name: str) -> None:
        """Check that the baskets are states, and that the estimand is about one of them."""
        steps: Steps = ("analysis", "methods", name)
        method, where = self.spec.analysis.methods[name], self.spec.analysis.estimands[name].where
        if "baskets" not in METHODS[method.test].takes:
            return
        if not method.baskets:
            mend = "add 'baskets: VARIABLE', of one that has states"
            self.add(steps, f"{method.test!r} learns from several baskets", mend)
            return
        steps = (*steps, "baskets")
        if not self.named(steps, "variable", method.baskets, self.states, "a category"):
            return
        if (number := len(self.states[method.baskets])) > MOST_BASKETS:
            message = f"{method.baskets!r} has {number} states; at most {MOST_BASKETS} are baskets"
            self.add(steps, message, "use a variable with fewer states")
            return
        others = {*self.states, *self.numeric} - {method.baskets}
        alone = where is not None and not others & set(where.names)
        if where is None or not alone or sum(states_inside(where, method.baskets, self.model)) != 1:
            first = self.states[method.baskets][0]
            mend = f"write 'population: {{where: {method.baskets} == {first}}}'"
            steps = ("analysis", "estimands", name)
            self.add(steps, f"is about no single basket of {method.baskets!r}", mend)

    def goal(self, steps: Steps, method: MethodSpec) -> None:
        """Check that a test of one arm has a goal that it can be held against."""
        if not METHODS[method.test].one_arm:
            return
        if method.goal is None:
            self.add(steps, f"{method.test!r} holds an arm against a goal", "add 'goal: ...'")
        elif "share" in METHODS[method.test].fits and not 0 < method.goal < 1:
            message = f"expected a share between 0 and 1, found {method.goal:g}"
            self.add((*steps, "goal"), message, "write a share, such as 0.2")
        elif "events" in METHODS[method.test].fits and method.goal <= 0:
            message = f"expected a rate per year above zero, found {method.goal:g}"
            self.add((*steps, "goal"), message, "write events per year, such as 1.5")

    def looks(self, name: str) -> None:
        """Several looks at one estimand spend alpha; without a boundary they would inflate it."""
        milestones = self.spec.design.milestones
        looks = [key for key, milestone in milestones.items() if name in milestone.analyses]
        method = self.spec.analysis.methods[name]
        tests = [key for key in looks if key == looks[-1] or not milestones[key].guards]
        if len(tests) > 1 and method.boundary is None and not METHODS[method.test].bayesian:
            message = f"analysed {len(tests)} times without a boundary"
            self.add(("analysis", "methods", name), message, "add 'boundary:'")
        if not looks:
            mend = f"add 'analyse {name}' to what a milestone does, or remove the estimand"
            self.add(("analysis", "estimands", name), "no milestone analyses this estimand", mend)
        for key, milestone in milestones.items():
            primary = self.spec.analysis.primary
            decides = any(milestone.stops) or any(milestone.crossings)
            decides |= any(n.only_if and not n.of for n in milestone.narrowings)
            decides &= primary in self.spec.analysis.estimands
            if decides and primary not in milestone.analyses:
                message = "decides by the success criterion without analysing it"
                mend = f"add 'analyse {primary}'"
                self.add(("design", "milestones", key, "do"), message, mend)
