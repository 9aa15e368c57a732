"""Names in the milestones of a design, and what their actions must not contradict."""

from __future__ import annotations

from raresim.disease.checker import Steps
from raresim.disease.references import check_condition
from raresim.trial.checks.adapting import check_adaptive, check_keeping
from raresim.trial.checks.analysis import AnalysisChecker
from raresim.trial.checks.boundary import check_unblinded
from raresim.trial.grammar import milestone as block


class MilestoneChecker(AnalysisChecker):
    """Checks conditions and actions of milestones."""

    def milestones(self) -> None:
        """Check every milestone, and that the last one comes in every trial."""
        milestones = self.spec.design.milestones
        for name, milestone in milestones.items():
            steps: Steps = ("design", "milestones", name)
            for analysis in milestone.analyses:
                self.known((*steps, "do"), "estimand", analysis, self.spec.analysis.estimands)
            for part in milestone.conditions:
                self.condition((*steps, "when"), part)
            for action in milestone.changes:
                self.action((*steps, "do"), action)
            self.reasons((*steps, "do"), milestone)
            self.early(name, milestone)
        self.once(
            "the number of patients", (block.Recruit, block.ReEstimate, block.ReEstimateUnblinded)
        )
        self.once("the follow-up", (block.Extend,))
        last = next(reversed(milestones))
        parts = milestones[last].conditions
        either = isinstance(milestones[last].when, block.AnyOf)
        sure = [isinstance(part, (block.Everybody, block.Calendar)) for part in parts]
        if not (any(sure) if either else all(sure)):
            message = "the last milestone ends the trial and must come in every trial"
            mend = "write {any: [..., {everybody: finished}]}"
            self.add(("design", "milestones", last, "when"), message, mend)
        if milestones[last].changes or milestones[last].decide_after:
            message = "the last milestone ends the trial: nothing can be decided at it"
            self.add(("design", "milestones", last, "do"), message, "only analyse there")

    def condition(self, steps: Steps, part: block.OneCondition) -> None:
        """Check the names and numbers of one condition."""
        design, wanted = self.spec.design, "outcome of events"
        if isinstance(part, (block.FirstEvents, block.AllEvents)):
            outcome = part.first if isinstance(part, block.FirstEvents) else part.events
            self.named(steps, wanted, outcome, self.events, f"an {wanted}")
        if arm := getattr(part, "arm", ""):
            self.known(steps, "arm", arm, design.arms)
        if isinstance(part, block.Seen) and part.visit not in design.visits.weeks:
            mend = f"write one of {', '.join(map(str, design.visits.weeks))}"
            self.add(steps, f"there is no visit at week {part.visit}", mend)
        if isinstance(part, block.Information):
            self.information(steps, part)
        words = ("patients", "randomised", "completed")
        waited = max(int(getattr(part, word, 0)) for word in words)
        if waited > (most := design.most):
            self.add(
                steps, "waits for more patients than are randomised", f"wait for at most {most}"
            )

    def information(self, steps: Steps, part: block.Information) -> None:
        """Check that a share of information can be counted: events of one outcome, or visits."""
        analysis = self.spec.analysis
        if not self.known(steps, "estimand", part.of, analysis.estimands):
            return
        estimand, method = analysis.estimands[part.of], analysis.methods.get(part.of)
        external = self.spec.truth.external
        if method is None or method.boundary is None:
            mend = f"add 'boundary: {{planned_information: ...}}' to the method of {part.of!r}"
            self.add(steps, f"{part.of!r} plans no information", mend)
        elif estimand.where is not None or method.borrow or self.spec.design.control in external:
            message = "all patients of the compared arms are counted as information here"
            mend = "write {visit: W, patients: ...} or {first: OUTCOME, patients: ...}"
            self.add(steps, message, mend)
        elif estimand.is_change or estimand.is_share:
            if estimand.week not in self.spec.design.visits.weeks:
                return  # said at the estimand
            if not estimand.looks_at_everything:
                message = "only patients seen at the visit are counted as information here"
                mend = f"write {{visit: {estimand.week}, patients: ...}}"
                self.add(steps, message, mend)
        elif estimand.outcome not in self.events or not estimand.looks_at_everything:
            message = "only events of one outcome are counted as information here"
            self.add(steps, message, "write {first: OUTCOME, patients: ...}")

    def action(self, steps: Steps, action: block.Action) -> None:
        """Check the names and numbers of one change of the trial's course."""
        design = self.spec.design
        if isinstance(action, str):
            if action != "close recruitment":
                self.treated_arm(steps, action.split()[1])
        elif isinstance(action, block.NewRatio):
            for arm in action.ratio:
                self.known((*steps, "ratio"), "arm", arm, design.arms)
        elif isinstance(action, block.Narrow):
            self.narrow(steps, action)
        elif isinstance(action, block.ReEstimate):
            estimands = self.spec.analysis.estimands
            known = self.known(steps, "estimand", action.re_estimate, estimands)
            named = estimands.get(action.re_estimate)
            if known and named is not None and (named.stages or not named.is_change):
                message = f"{action.re_estimate!r} is no change: it has no SD"
                self.add(steps, message, "name an estimand of a change")
            if action.at_most < design.randomise.n:
                self.add(steps, "n never falls below the planned n", "raise 'at_most'")
        elif isinstance(action, block.ReEstimateUnblinded):
            if self.known(steps, "estimand", action.re_estimate, self.spec.analysis.estimands):
                check_unblinded(self, steps, self.spec, action)
        elif isinstance(action, block.AdaptRatio):
            check_adaptive(self, steps, self.spec, action.adapt_ratio)
        elif isinstance(action, block.KeepBest):
            check_keeping(self, steps, self.spec, action)
        elif isinstance(action, block.CrossOver):
            self.cross_over(steps, action)
        elif isinstance(action, block.Extend) and design.follow_for is None:
            message = "an extended follow-up needs the planned one"
            self.add(("design",), message, "add 'follow_for:' to the design")
        elif isinstance(action, block.Extend) and action.follow_for <= (design.follow_for or 0):
            self.add(steps, "the follow-up is not longer than planned", "follow for longer")

    def narrow(self, steps: Steps, action: block.Narrow) -> None:
        """Check the condition, and that what it hangs on is an estimand analysed here."""
        check_condition(self, (*steps, "eligible"), action.eligible)
        if not action.of:
            return
        name, milestone = action.of, self.spec.design.milestones[str(steps[2])]
        if action.only_if is None:
            self.add(steps, f"says nothing of what about {name!r}", "add 'only_if: futility'")
        known = self.known(steps, "estimand", name, self.spec.analysis.estimands)
        if known and name not in milestone.analyses:
            message = f"decides by {name!r} without analysing it"
            self.add(steps, message, f"add 'analyse {name}'")

    def cross_over(self, steps: Steps, action: block.CrossOver) -> None:
        """Check the arms of a change of treatment: nobody changes twice."""
        arms = self.spec.design.arms
        known = [self.known(steps, "arm", arm, arms) for arm in (action.cross_over, action.to)]
        if all(known) and action.cross_over == action.to:
            message = f"patients on {action.to!r} get that treatment already"
            self.add(steps, message, "name two different arms")
        same = [
            one
            for one in self.spec.design.changes
            if isinstance(one, block.CrossOver) and one.cross_over == action.cross_over
        ]
        if len(same) > 1 and same[0] is not action:
            message = f"patients on {action.cross_over!r} cross over already"
            self.add(steps, message, "remove one of the two changes")

    def treated_arm(self, steps: Steps, arm: str) -> None:
        """Check that an arm is there, and is not the control."""
        known = self.known(steps, "arm", arm, self.spec.design.arms)
        if self.spec.design.control is None:
            message = "no arm is dropped or added where none is the control"
            self.add(steps, message, "remove it")
        elif known and arm == self.spec.design.control:
            others = [name for name in self.spec.design.arms if name != arm]
            message = "the control is open as long as anybody is randomised"
            self.add(steps, message, f"name one of {', '.join(others)}")

    def reasons(self, steps: Steps, milestone: block.Milestone) -> None:
        """Check that futility and harm are defined for what is decided by them."""
        methods, success = self.spec.analysis.methods, self.spec.analysis.primary
        crossings = [f"cross if {reason}" for reason in milestone.crossings]
        for narrow in milestone.narrowings:
            crossings += [f"narrow {narrow.of} if {narrow.only_if}"]
        for word in [*milestone.words, *crossings]:
            head, _, reason = word.partition(" if ")
            if reason not in ("futility", "harm"):
                continue
            own = [success]
            if head.startswith("narrow"):
                own = [head.removeprefix("narrow").strip() or success]
            if head.startswith("drop "):
                arm = head.split()[1]
                own = [name for name in milestone.analyses if self.arm_of(name) == arm]
                if not own:
                    message = f"nothing here compares {arm!r} with the control"
                    self.add(steps, message, f"analyse an estimand with 'arm: {arm}'")
            for name in own:
                if name in methods and getattr(methods[name], reason) is None:
                    mend = f"add '{reason}: {{p_above: ...}}' to the method of {name!r}"
                    self.add(steps, f"nothing says what {reason} means for {name!r}", mend)

    def arm_of(self, name: str) -> str:
        """Return the arm that an estimand compares with the control."""
        design, found = self.spec.design, self.spec.analysis.estimands.get(name)
        others = [arm for arm in design.arms if arm != design.control]
        return (found.arm if found is not None else "") or others[0]

    def once(self, what: str, kinds: tuple[type, ...]) -> None:
        """Check that no more than one action changes something."""
        milestones = self.spec.design.milestones
        places = [n for n, m in milestones.items() for c in m.changes if isinstance(c, kinds)]
        if len(places) > 1:
            steps: Steps = ("design", "milestones", places[1], "do")
            self.add(steps, f"{what} changes twice", "change it at one milestone only")

    def early(self, name: str, milestone: block.Milestone) -> None:
        """Check that somebody can have had the visit by the time a change is analysed."""
        parts, visits = milestone.conditions, self.spec.design.visits
        times = [part.calendar for part in parts if isinstance(part, block.Calendar)]
        every = isinstance(milestone.when, block.AllOf)
        if not times or (every and len(times) < len(parts)):
            return
        latest = max(times) if every else min(times)
        for analysis in milestone.analyses:
            estimand = self.spec.analysis.estimands.get(analysis)
            if estimand is None or not (estimand.is_change or estimand.is_share):
                continue
            if latest <= 7 * estimand.week - visits.window:
                message = f"nobody can have had the visit of week {estimand.week} by then"
                mend = f"wait for {{everybody: finished}}, or for more than {estimand.week} weeks"
                self.add(("design", "milestones", name, "when"), message, mend)
