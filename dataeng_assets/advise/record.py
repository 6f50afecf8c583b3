"""The advice as a decision record in Markdown, and as JSON."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from dataeng_assets.advise.advice import Advice
from dataeng_assets.advise.cost import ASSUMPTIONS
from dataeng_assets.advise.decide import Decided, Flip, Weighed
from dataeng_assets.advise.questions import QUESTIONS
from dataeng_assets.advise.tuning import Setting


def as_markdown(advice: Advice) -> str:
    """The decision record."""
    parts = [
        "# Which architecture: a decision record",
        "Made by `dataeng advise` from the answers below. It weighs rules; whoever decides knows more than they do.",
        "## What to build",
        _table(("decision", "answer"), ((one.decision.title, one.chosen.option.title) for one in advice.decided)),
        *_built(advice),
        "## What was answered",
        _table(("question", "answer", "from"), _answers(advice)),
        *(part for one in advice.decided for part in _section(one, advice.settings.get(one.decision.name, ()))),
        "## What would change the answer",
        _changes(advice.flips),
        "## What it costs",
        *_costs(advice),
    ]
    return "\n\n".join(parts) + "\n"


def as_json(advice: Advice) -> str:
    """The same, for programs."""
    questions = {question.name: question for question in QUESTIONS}
    document = {
        "answers": {name: questions[name].text(value) for name, value in advice.answers.items()},
        "given": sorted(advice.given),
        "gave_way": list(advice.gave_way),
        "decisions": [_decision(one, advice.settings.get(one.decision.name, ())) for one in advice.decided],
        "destination": advice.target,
        "would_change": [
            {
                "question": flip.question.name,
                "answer": flip.answer,
                "changes": {decision.name: option.name for decision, option in flip.changes},
            }
            for flip in advice.flips
        ],
        "command": str(advice.command) if advice.command else None,
        "remarks": list(advice.command.remarks) if advice.command else [],
        "costs": [
            {"what": one.what, "formula": one.formula, "usd_per_month": round(one.amount, 2)} for one in advice.costs
        ],
        "assumptions": dict(advice.prices),
    }
    return json.dumps(document, indent=2) + "\n"


def _built(advice: Advice) -> Iterator[str]:
    yield f"It goes to **{advice.target}**. The command that builds it:"
    if advice.command is None:
        source = advice.answers["source"]
        yield f"None: no pipeline from {source} to anything like {advice.target} is generated."
        return
    yield f"```shell\n{advice.command}\n```"
    yield from advice.command.remarks


def _answers(advice: Advice) -> Iterator[tuple[str, str, str]]:
    for question in QUESTIONS:
        name = question.name
        told = "given" if name in advice.given else "usual"
        if name in advice.gave_way:
            told = "changed from the usual, to go with the others"
        yield f"{question.asks} (`{name}`)", question.text(advice.answers[name]), told


def _section(decided: Decided, settings: Iterable[Setting]) -> Iterator[str]:
    yield f"## {decided.decision.title}: {decided.chosen.option.title}"
    yield _table(("option", "points", "for it", "against it"), (_compared(one) for one in decided.options))
    rows = [(one.name, one.value, one.why) for one in settings]
    if rows:
        yield _table(("to begin with", "value", "because"), rows)


def _compared(one: Weighed) -> tuple[str, str, str, str]:
    speaks_for = [
        f"{_linked(reason.because, reason.source)} (+{reason.weight})" for reason in one.reasons if reason.weight > 0
    ]
    against = [
        f"{_linked(reason.because, reason.source)} ({reason.weight})" for reason in one.reasons if reason.weight < 0
    ]
    barred = [f"**{_linked(bar.because, bar.source)}**" for bar in one.bars]
    points = "ruled out" if barred else str(one.points)
    return one.option.title, points, " ".join(speaks_for), " ".join([*barred, *against])


def _linked(text: str, source: str) -> str:
    return f"{text} [source]({source})" if source else text


def _changes(flips: Iterable[Flip]) -> str:
    rows = (
        (
            f"`{flip.question.name}` {flip.answer}",
            "; ".join(f"{decision.title}: {option.title}" for decision, option in flip.changes),
        )
        for flip in flips
    )
    return _table(("if the answer were", "then"), rows)


def _costs(advice: Advice) -> Iterator[str]:
    lines = [(one.what, f"`{one.formula}`", f"{one.amount:,.0f}") for one in advice.costs]
    total = sum(one.amount for one in advice.costs)
    yield "A sketch, to see what is large and what is small. In USD a month:"
    yield _table(("what", "formula", "USD a month"), [*lines, ("together", "", f"{total:,.0f}")])
    yield "It assumes the following. Put your own in place of each: `--price vcpu-hour=0.04`."
    rows = ((f"`{one.name}`", f"{advice.prices[one.name]:g}", one.what) for one in ASSUMPTIONS)
    yield _table(("assumption", "value", "what it is"), rows)


def _decision(decided: Decided, settings: Iterable[Setting]) -> dict[str, Any]:
    return {
        "name": decided.decision.name,
        "answer": decided.chosen.option.name,
        "title": decided.chosen.option.title,
        "options": [
            {
                "name": one.option.name,
                "points": one.points,
                "ruled_out": [bar.because for bar in one.bars],
                "reasons": [
                    {"weight": reason.weight, "because": reason.because, "source": reason.source}
                    for reason in one.reasons
                ],
            }
            for one in decided.options
        ],
        "settings": {one.name: one.value for one in settings},
    }


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (tuple(head), *rows)]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join([lines[0], f"|{'---|' * len(cells[0])}", *lines[1:]])
