"""What a run found, in sentences: what a reader with no other source can act on."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from search.report import finals_text
from search.report.baseline import chosen_by_rungs, drew
from search.report.document import Pairs
from search.report.findings import TWO_SIDED, Findings, Lead, unbiased
from search.tables.units import clock, si
from space import cost

_TIED = 10
"""Trials that are named as being as good as the winner."""


def summary(found: Findings) -> Pairs:
    """The top of the page: what each paragraph is about, and the paragraph."""
    about = (("Data and device", _data(found)), ("Cost", _cost(found)))
    if found.winner is None:
        return (("State", _progress(found)), ("Winner", _nothing(found)), *about)
    return (
        ("State", _progress(found)),
        ("Winner", _winner(found)),
        ("Against random", _against_random(found)),
        ("Against the base", _against_base(found)),
        ("Noise", _noisy(found)),
        *about,
        ("Next", " ".join(_next(found))),
    )


def _progress(found: Findings) -> str:
    run = found.run
    states = [trial.state for trial in run.trials]
    counted = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states)) or "no trial yet"
    total = f" of {run.config.settings.trials}" if run.config.settings.trials else ""
    is_ = {
        "running": "is running",
        "stopped": "ended before its time, and nobody drives it",
        "empty": "has begun no trial, and nobody drives it",
        "finished": "is finished",
    }[found.state]
    left = f"; about {clock(run.left)} left" if found.state == "running" and run.left is not None else ""
    on = f" Go on with: {run.go_on}" if found.state in ("stopped", "empty") else ""
    rungs = str(run.gate) if run.gate else ""
    gate = f" {rungs[:1].upper()}{rungs[1:]}." if rungs else ""
    ended = f" It has ended: {run.ended}." if run.ended else ""
    return f"The search {is_}: {counted}{total}{left}.{ended}{gate}{on}"


def _nothing(found: Findings) -> str:
    failed = [trial for trial in found.run.trials if trial.state == "failed"]
    if failed:
        reason = failed[-1].reason
        return f"There is no winner: no trial is complete. {len(failed)} failed, the last because: {reason}"
    return "There is no winner yet: no trial is complete."


def _winner(found: Findings) -> str:
    winner = found.winner
    assert winner and winner.terms and winner.result
    spent = winner.cost
    step = (
        f", a training step {winner.step_ratio:.2g} times the reference's"
        if winner.step_ratio is not None
        else ""
    )
    return (
        f"{_won(found)} It has {si(spent.params)} parameters, {si(spent.macs)} multiply-adds{step}. "
        f"Its network: {winner.architecture}"
    )


def _won(found: Findings) -> str:
    """Who won, by what, and how sure its accuracy is."""
    winner, verdict = found.winner, found.verdict
    assert winner
    if verdict:
        half = "no interval can be given" if verdict.half is None else f"95 % interval +- {verdict.half:.4f}"
        tied = verdict.tied[:_TIED]
        trials = f"trial{'s' * (len(tied) > 1)} {', '.join(str(trial.number) for trial in tied)}"
        apart = f" Its accuracy cannot be told from that of {trials}." if tied else ""
        return (
            f"The winner is trial {winner.number}: {winner.final_terms}, the mean of n = {len(winner.final_accuracies)} trainings "
            f"with fresh seeds after the search ({half} of the accuracy). In the search it had {winner.terms}.{apart}"
        )
    so_far = " so far" if found.state == "running" else ""
    within = ""
    if found.noise and found.noise.accuracy is not None:
        half = f"{TWO_SIDED * found.noise.accuracy:.4f}"
        within = f" The 95 % interval of its accuracy is +- {half}, by its validation images alone."
    return f"The winner{so_far} is trial {winner.number}: {winner.terms}.{within}"


def _against_random(found: Findings) -> str:
    run, drawn, winner = found.run, found.drawn, found.winner
    assert winner
    if run.config.sampler.random_until is None and found.baseline is run and not chosen_by_rungs(run):
        return "All networks were drawn at random: this search is a baseline, and has no margin over it."
    if found.over_random is None:
        return (
            f"Its margin over random search is unknown: {_times(len(drawn), 'network')} "
            f"{'was' if len(drawn) == 1 else 'were'} drawn at random, too few to tell. {_fair(found)}"
        )
    whose = "this run" if found.baseline is run else found.baseline.name
    given, mean = min(len(drawn), found.complete), "mean " if winner.final_terms else ""
    told = (
        f"The winner's {mean}reward is {_less(found.over_random)} what the best of {given} random "
        f"draws is expected to have ({_interval(found.over_random)}, by resampling the n = {len(drawn)} networks "
        f"that {whose} {drew(found.baseline)})."
    )
    if winner in drawn:
        told += " The winner is itself one of them: nothing that the sampler proposed later beat it."
    if found.proposed:
        told += (
            f" What the sampler proposed beats a draw in {found.proposed.beats:.0%} of all pairs (p = "
            f"{found.proposed.p:.2g}, Mann-Whitney, n = {found.proposed.proposals} and {found.proposed.draws})."
        )
    if given < found.complete:
        told += f" Random search had {given} trainings there, this search {found.complete}. {_fair(found)}"
    return told


def _fair(found: Findings) -> str:
    equal = math.ceil(found.run.trainings)
    return (
        f"For a fair baseline: the same launch with sampler=random pruner=none trials={equal}, then "
        f"search report {shlex.quote(found.run.name)} --baseline THAT_RUN."
    )


def _against_base(found: Findings) -> str:
    winner, base, trained = found.winner, found.base, found.base_trial
    assert winner and winner.result
    ours, theirs = winner.cost, cost(base)
    cheaper = (
        f"it has {ours.params / theirs.params:.2g} times the parameters and {ours.macs / theirs.macs:.2g} times "
        f"the multiply-adds ({si(theirs.params)} and {si(theirs.macs)})"
    )
    named = f"the base network, {found.base_name}"
    if trained is winner:
        return f"The winner is {named}: the search found nothing better."
    if found.over_base is None or trained is None:
        return (
            f"Beside {named}, {cheaper}. The base was not trained in this search, so its accuracy here is unknown: "
            f"a launch with seed={found.base_name if '(' not in found.base_name else 'NETWORK'} trains it first."
        )
    seeds = (
        "by the number of validation images; n = 1 training each, so what another seed would do is not in it"
    )
    if winner.final_accuracies and trained.final_accuracies:
        n = found.over_base.n
        seeds = f"of the means of n = {n} training{'s' * (n > 1)} with fresh seeds each, by the noise of the proxy"
    return (
        f"Over {named}, as trained here: accuracy {found.over_base.mean:+.4f} ({_interval(found.over_base)}; "
        f"{seeds}), reward {unbiased(winner):.4f} against {unbiased(trained):.4f}; {cheaper}."
    )


def _noisy(found: Findings) -> str:
    noise, verdict = found.noise, found.verdict
    assert noise
    told = (
        "Every network was trained once (n = 1), so no interval over seeds can be given. The winner was chosen for "
        "its figure, which is therefore somewhat too high."
    )
    if verdict and verdict.noise:
        lines = (finals_text.noise(verdict.noise), *finals_text.warning(found.run, verdict.noise))
        told = sentence("; ".join(lines))
    if noise.images is None or noise.accuracy is None:
        return f"What the choice of validation images does is unknown: this run kept no count of them. {told}"
    return (
        f"Accuracies are of {noise.images:,} validation images, a standard deviation of {noise.accuracy:.4f}. By "
        f"that alone, {noise.rivals} of the {noise.trials} other complete trials cannot be told from the winner by "
        f"the accuracy that they had in the search. {told}"
    )


def _data(found: Findings) -> str:
    run, environment = found.run, found.environment
    data, proxy = environment.get("data", {}), run.config.proxy
    classes = f", {len(data['classes'])} classes" if data.get("classes") else ""
    counts = (
        f", {data['train']:,} training and {data['validation']:,} validation images"
        if "train" in data
        else ""
    )
    drawn = " These images are synthetic: accuracies on them say nothing about other data." * (
        run.config.data.source == "shapes"
    )
    pixels = f"{proxy.resolution} px" if proxy.resolution else "the networks' own resolution"
    width = f"{proxy.width:g} of the width" if proxy.width != 1 else "full width"
    device = environment.get("processor") or "unknown"
    cores = f", {environment['cores']} cores" if environment.get("cores") else ""
    return (
        f"Images: {run.config.data.source}{classes}{counts}.{drawn} Proxy: {_times(proxy.epochs, 'epoch')} at "
        f"{pixels} and {width}; costs are of the full networks. Device: {device}{cores} "
        f"(proxy.device={proxy.device}). Accuracies are of the validation split; the test split was not read."
    )


def _cost(found: Findings) -> str:
    run = found.run
    images = sum(result.images for result in found.trainings)
    each = f", {found.worked / len(found.trainings):.1f} s a training" if found.trainings else ""
    return (
        f"{clock(run.seconds)} on the clock, {clock(found.worked)} of work of all workers together{each}; "
        f"{images:,} images trained on, each epoch's counted."
    )


def _next(found: Findings) -> Iterator[str]:
    assert found.winner
    name = shlex.quote(found.run.name)
    best = f"{name}:{found.winner.number}"
    yield f"search show {best} has every figure of the winner;"
    yield f"scale --base {shlex.quote(f'{found.run.path}:{found.winner.number}')} --phi 1 makes it larger."


def sentence(line: str) -> str:
    """A line of the screen as a sentence of a page."""
    return f"{line[:1].upper()}{line[1:]}."


def _less(found: Lead) -> str:
    return f"{abs(found.mean):.4f} {'above' if found.mean >= 0 else 'below'}"


def _interval(found: Lead) -> str:
    if found.low is None or found.high is None:
        return "no interval can be given"
    return f"95 % interval {found.low:+.4f} to {found.high:+.4f}"


def _times(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
