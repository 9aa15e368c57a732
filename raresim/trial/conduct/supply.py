"""Drug kits in a trial run event by event: sites' shelves, orders, and who waits for a kit."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Generator
from typing import TYPE_CHECKING, Any

from raresim.trial.conduct.moment import At
from raresim.trial.plan import KitPlan
from raresim.trial.ticks import NEVER, Kind

if TYPE_CHECKING:
    from raresim.trial.conduct.events import Trial


class Supply:
    """The kits of each arm at each site of one trial; `kit_block.Kits` states the rules."""

    def __init__(self, trial: Trial, kits: KitPlan) -> None:
        self.trial, self.kits = trial, kits
        self.sites = trial.fate.baseline["site"][0]
        self.opened: list[int] = []
        self.supplied: set[tuple[int, int]] = set()
        self.shelf: Counter[tuple[int, int]] = Counter()
        self.coming: Counter[tuple[int, int]] = Counter()
        self.waiting: defaultdict[int, list[int]] = defaultdict(list)

    def begin(self) -> None:
        """Let sites open as fate has it."""
        for site, tick in enumerate(self.trial.fate.opens[0].tolist()):
            if tick < NEVER:
                self.trial.env.process(self.open(site, tick))

    def open(self, site: int, tick: int) -> Generator[Any, Any, None]:
        """Open a site with its first kits, if recruitment has not closed before."""
        yield At(self.trial.env, tick, Kind.DELIVERY, site)
        self.opened.append(site)
        self.stock(site)

    def stock(self, site: int) -> None:
        """Give a site its first kits of each open arm of which it had none so far."""
        if self.trial.closed != NEVER:
            return
        for arm in self.trial.desk.open:
            if (site, arm) not in self.supplied:
                self.supplied.add((site, arm))
                self.write("kits sent", site, arm, self.kits.first)
                self.shelf[site, arm] = self.kits.first

    def lacking(self, i: int) -> list[int]:
        """Return the open arms of which there is no kit at a candidate's site."""
        site = int(self.sites[i])
        return [arm for arm in self.trial.desk.open if not self.shelf[site, arm]]

    def wait(self, i: int) -> None:
        """Let a candidate wait at its site; the log tells when that begins."""
        self.waiting[int(self.sites[i])].append(i)
        if self.trial.env.now == self.trial.fate.ready[0, i]:
            lacking = " and ".join(self.kits.arms[arm] for arm in self.lacking(i))
            self.trial.write("waits for a kit", i, f"no kit of {lacking}")

    def release(self, site: int, tick: int) -> None:
        """Let who waits at a site try again at a tick: lower candidates first."""
        for i in self.waiting.pop(site, []):
            self.trial.env.process(self.trial.candidate(i, tick))

    def take(self, i: int, arm: int) -> None:
        """Hand a kit out to a patient; order more when few are left and recruitment is open.

        There were more than `order_at` before, so that one order is enough.
        """
        place = int(self.sites[i]), arm
        self.shelf[place] -= 1
        left = self.shelf[place] + self.coming[place]
        if self.trial.closed == NEVER and left <= self.kits.order_at:
            self.trial.env.process(self.order(*place))

    def order(self, site: int, arm: int) -> Generator[Any, Any, None]:
        """Send kits to a site, where they arrive after their time on the way."""
        self.coming[site, arm] += self.kits.order
        self.write("kits sent", site, arm, self.kits.order)
        tick = int(self.trial.env.now) + self.kits.delay
        yield At(self.trial.env, tick, Kind.DELIVERY, site)
        self.coming[site, arm] -= self.kits.order
        self.shelf[site, arm] += self.kits.order
        self.write("kits arrived", site, arm, self.kits.order)
        self.release(site, tick)

    def turn(self) -> None:
        """Follow a change of which arms are open: it acts on who is randomised after this tick."""
        for site in self.opened:
            self.stock(site)
            self.release(site, int(self.trial.env.now) + self.kits.step)

    def write(self, what: str, site: int, arm: int, number: int) -> None:
        """Add an entry about kits to the log."""
        detail = f"{number} of {self.kits.arms[arm]}, {self.kits.sites[site]}"
        self.trial.write(what, detail=detail, number=number)
