"""The results of a run in sentences that a reader without other sources can act on."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator

from search.report import finals_text
from search.report.baseline import chosen_by_rungs, drew
from search.report.document import Pairs
from search.report.findings import Findings, accuracy, unbiased
from search.stats.confidence import CONFIDENCE
from search.stats.differences import Estimate
from search.tables.units import clock, plural, si, times_as_many
from search.trials.trial import Trial
from space import cost, encode
from space.catalog import name_of

LISTED = 10
"""The maximum number of trials that a sentence lists."""


def summary(results: Findings) -> Pairs:
    """Return the paragraphs below the first screen of the page, each with its title."""
    about = (("Data and device", _data(results)), ("Cost", _cost(results)))
    if results.winner is None:
        return (("State", _state(results)), ("Winner", _no_winner(results)), *about)
    return (
        ("State", _state(results)),
        ("Winner", _winner(results)),
        ("Differences", " ".join(differences(results))),
        ("Against random", _against_random(results)),
        ("Against the base", _against_base(results)),
        ("Noise", _noise(results)),
        *about,
        ("Next", _next(results)),
    )


def _state(results: Findings) -> str:
    run = results.run
    states = [trial.state for trial in run.trials]
    counts = ", ".join(f"{states.count(s)} {s}" for s in dict.fromkeys(states)) or "no trial yet"
    total = f" of {run.config.settings.trials}" if run.config.settings.trials else ""
    state = {
        "running": "is running",
        "stopped": "was stopped before its end",
        "empty": "has no trial yet and is not running",
        "finished": "is finished",
    }[results.state]
    left = f"; about {clock(run.left)} left" if results.state == "running" and run.left is not None else ""
    hint = f" Continue with: {run.go_on}" if results.state in ("stopped", "empty") else ""
    gate = f" {sentence(str(run.gate))}" if run.gate else ""
    ended = f" It has ended: {run.ended}." if run.ended else ""
    return f"The search {state}: {counts}{total}{left}.{ended}{gate}{hint}"


def _no_winner(results: Findings) -> str:
    failed = [trial for trial in results.run.trials if trial.state == "failed"]
    if failed:
        return (
            f"There is no winner: no trial is complete. {plural(len(failed), 'trial')} failed, the last because: "
            f"{failed[-1].reason}"
        )
    return "There is no winner yet: no trial is complete."


def _winner(results: Findings) -> str:
    winner, verdict = results.winner, results.verdict
    assert winner and winner.terms and results.comparison
    costs = winner.cost
    ratio = winner.step_ratio
    times = "" if ratio is None else f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
    step = f", and a training step of {times} times the reference's" if times else ""
    if verdict:
        basis = (
            f"{winner.final_terms}, the mean of n = {plural(len(winner.final_accuracies), 'training')} with fresh "
            f"seeds after the search ({interval(results.comparison.accuracy(winner))} of the accuracy). In the "
            f"search it had {winner.terms}."
        )
    else:
        source = "with inherited weights" if results.untrained else "from a single training in the search"
        basis = f"{winner.terms}, {source}."
    so_far = " so far" if results.state == "running" else ""
    return (
        f"The winner{so_far}, by reward, is trial {winner.number}: {basis} It has {si(costs.params)} parameters, "
        f"{si(costs.macs)} multiply-adds{step}. Its network: {winner.architecture}"
    )


def differences(results: Findings) -> Iterator[str]:
    """Yield sentences about the differences of accuracy among the compared networks.

    At most `LISTED` significant pairs are named, and the number of others is given. Each sentence follows from the
    numbers of `search report --json`.
    """
    comparison = results.comparison
    assert comparison
    trials, tested = comparison.trials, comparison.differences
    if len(trials) < 2 and len(results.run.ranked) > 1:
        yield (
            f"Only trial {trials[0].number} was trained with fresh seeds, so no difference between accuracies can be "
            "called significant."
        )
        return
    if len(trials) < 2:
        yield "There is no other network to compare the accuracy of the winner with."
        return
    if results.untrained:
        yield sentence(finals_text.UNTRAINED)
        return
    if not comparison.fresh:
        yield (
            "Every network was trained once, so no difference between accuracies can be called significant: another "
            "seed could reverse it. finals=full trains the best again with fresh seeds."
        )
        return
    if tested.difference(0, 1).half is None and tested.seeds < 2:
        yield "One training with a fresh seed each does not show whether accuracies differ significantly."
        return
    pairs = [
        (trials[better], trials[worse], tested.difference(better, worse)) for better, worse in tested.pairs()
    ]
    kinds = "seeds and validation images" if results.images else "seeds"
    kinds += ", paired image by image" if tested.hits else ""
    test = f"Tukey's test of all pairs together, family-wise error rate {1 - CONFIDENCE:.0%}, over {kinds}"
    if not pairs:
        yield (
            f"No two of the {len(trials)} networks that were trained with fresh seeds differ significantly in "
            f"accuracy ({test})."
        )
        return
    listed = "; ".join(
        f"trial {one.number} is more accurate than trial {other.number} by {estimate.mean:.4f} +- {estimate.half:.4f}"
        for one, other, estimate in pairs[:LISTED]
    )
    more = f"; and {plural(len(pairs) - LISTED, 'more pair')}" if len(pairs) > LISTED else ""
    total = math.comb(len(trials), 2)
    yield (
        f"Of the {plural(total, 'pair')} among the {len(trials)} networks that were trained with fresh seeds, "
        f"{len(pairs)} {'differs' if len(pairs) == 1 else 'differ'} significantly in accuracy: {listed}{more} "
        f"({test})."
    )


def _against_random(results: Findings) -> str:
    run, drawn, winner = results.run, results.drawn, results.winner
    assert winner
    if run.config.sampler.random_until is None and results.baseline is run and not chosen_by_rungs(run):
        return "All networks were drawn at random, so this search has no margin over random search."
    if results.over_random is None:
        return (
            f"The margin over random search is unknown: {plural(len(drawn), 'network')} "
            f"{'was' if len(drawn) == 1 else 'were'} drawn at random. A margin needs at least three of these, and "
            f"other trials to compare with them. {_fair(results)}"
        )
    whose = "this run" if results.baseline is run else results.baseline.name
    margin, count = results.over_random, min(len(drawn), results.complete)
    mean = "mean " if winner.final_terms else ""
    text = (
        f"The winner's {mean}reward is {abs(margin.mean):.4f} {'above' if margin.mean >= 0 else 'below'} the "
        f"expected best of {plural(count, 'random draw')} (95 % interval {margin.low:+.4f} to {margin.high:+.4f}, by "
        f"resampling the n = {len(drawn)} networks that {whose} {drew(results.baseline)})."
    )
    if winner in drawn:
        text += " The winner is one of the draws: no later proposal of the sampler beat it."
    if results.proposals:
        test = results.proposals
        text += (
            f" The sampler's proposals beat a draw in {test.beats:.0%} of all pairs (p = {test.p:.2g}, Mann-Whitney, "
            f"n = {test.proposals} and {test.draws})."
        )
    if count < results.complete:
        text += f" In this comparison, random search had {plural(count, 'training')} and this search "
        text += f"{results.complete}. {_fair(results)}"
    return text


def _fair(results: Findings) -> str:
    equal = math.ceil(results.run.trainings)
    return (
        f"For a fair baseline: the same launch with sampler=random pruner=none trials={equal}, then "
        f"search report {shlex.quote(results.run.name)} --baseline THAT_RUN."
    )


def _against_base(results: Findings) -> str:
    winner, trained, comparison = results.winner, results.base_trial, results.comparison
    assert winner and comparison
    published = name_of(results.base)
    named = f"the base network, {published}" if published else results.base_name
    if trained is winner:
        return f"The winner is {named}: the search found nothing better."
    costs = against_base(results, winner)
    if trained is None:
        first = (
            ""
            if results.run.config.settings.first
            else f": a launch with first={published or encode(results.base)} trains it first"
        )
        return (
            f"Compared with {named}, the winner has {costs}. The base was not trained in this search, so its "
            f"accuracy here is unknown{first}."
        )
    rewards = f"reward {unbiased(winner):.4f} against {unbiased(trained):.4f}"
    estimate = comparison.difference(winner, trained)
    if estimate is None:
        once = [
            name for name, one in (("winner", winner), ("base", trained)) if comparison.place(one) is None
        ]
        lacking = (
            f"the {' and the '.join(once)} {'has' if len(once) == 1 else 'have'} no training with fresh seeds"
        )
        gain = f"accuracy {accuracy(winner) - accuracy(trained):+.4f} ({lacking})"
    else:
        gain = f"accuracy {estimate.mean:+.4f} ({interval(estimate)}; {significance(results, estimate)})"
    how = "with inherited weights" if results.untrained else "as trained here"
    return f"Compared with {named}, {how}, the winner has {costs}; {gain}, {rewards}."


def against_base(results: Findings, trial: Trial) -> str:
    """Return a comparison, in words, of the costs of a trial with the costs of the base network."""
    ours, theirs = trial.cost, cost(results.base)
    return (
        f"{times_as_many(ours.params, theirs.params, 'parameters')} and "
        f"{times_as_many(ours.macs, theirs.macs, 'multiply-adds')} "
        f"({si(theirs.params)} and {si(theirs.macs)} in the base)"
    )


def significance(results: Findings, estimate: Estimate) -> str:
    """Return "significant" or "not significant", or that the significance is unknown, with the reason."""
    if estimate.half is None:
        trained = "with inherited weights" if results.untrained else "one training each"
        return f"{trained}, so its significance is unknown"
    return "significant" if estimate.significant else "not significant"


def _noise(results: Findings) -> str:
    verdict = results.verdict
    unknown = "The noise from seed to seed is unknown: it takes two trials or more, one of them with two fresh seeds."
    seeds = sentence(finals_text.UNTRAINED) if results.untrained else unknown
    text = f"{seeds} The winner was selected for a high value, so that value is somewhat too high."
    if verdict and verdict.noise:
        lines = (finals_text.noise(verdict.noise), *finals_text.warning(results.run, verdict.noise))
        text = " ".join(map(sentence, lines))
        text += _indistinct(results)
    if results.images is None:
        return f"{text} The number of validation images is unknown for this run."
    return (
        f"{text} Accuracies are measured on {results.images:,} validation images, the same for all networks."
    )


def _indistinct(results: Findings) -> str:
    """Return how many trials differ significantly from the winner in the accuracy that the search saw."""
    searched, winner = results.searched, results.winner
    if searched is None or winner is None or len(searched.trials) < 2:
        return ""
    estimates = [searched.difference(trial, winner) for trial in searched.trials if trial is not winner]
    different = [estimate for estimate in estimates if estimate and estimate.significant]
    lower = sum(estimate.mean < 0 for estimate in different)
    return (
        f" By the accuracy that the search saw, {lower} of the {plural(len(estimates), 'other complete trial')} "
        f"{'is' if lower == 1 else 'are'} significantly less accurate than the winner and {len(different) - lower} "
        "more accurate."
    )


def _data(results: Findings) -> str:
    run, environment = results.run, results.environment
    data, proxy = environment.get("data", {}), run.config.proxy
    classes = f", {len(data['classes'])} classes" if data.get("classes") else ""
    counts = ""
    if "train" in data:
        counts = f", {data['train']:,} training and {data['validation']:,} validation images"
    generated = " These images are generated: accuracies on them say nothing about other data." * (
        run.config.data.source == "shapes"
    )
    pixels = f"{proxy.resolution} px" if proxy.resolution else "the networks' own resolution"
    width = f"{proxy.width:g} of the width" if proxy.width != 1 else "full width"
    device = environment.get("processor") or "unknown"
    cores = f", {environment['cores']} cores" if environment.get("cores") else ""
    return (
        f"Images: {run.config.data.source}{classes}{counts}.{generated} Proxy: {plural(proxy.epochs, 'epoch')} at "
        f"{pixels} and {width}; costs are those of the full networks. Device: {device}{cores} "
        f"(proxy.device={proxy.device}). Accuracies are of the validation split; the test split was not read."
    )


def _cost(results: Findings) -> str:
    images = sum(result.images for result in results.trainings)
    each = f", {results.worked / len(results.trainings):.1f} s for a training" if results.trainings else ""
    return (
        f"{clock(results.run.seconds)} on the clock, {clock(results.worked)} of work summed over all workers{each}; "
        f"{images:,} training images, counted in every epoch."
    )


def _next(results: Findings) -> str:
    assert results.winner
    name = shlex.quote(results.run.name)
    path = shlex.quote(f"{results.run.path}:{results.winner.number}")
    return (
        f"search train {name}:best trains the winner in full; search show {name}:{results.winner.number} prints its "
        f"details; scale --base {path} --phi 1 makes it larger."
    )


def interval(estimate: Estimate | None) -> str:
    """Return the interval of an estimate in words."""
    if estimate is None or estimate.half is None:
        return "no interval can be given"
    return f"95 % interval +- {estimate.half:.4f}"


def sentence(line: str) -> str:
    """Return a line of the terminal as a sentence, with a capital letter and a full stop."""
    return f"{line[:1].upper()}{line[1:]}."
