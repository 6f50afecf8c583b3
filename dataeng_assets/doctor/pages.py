"""The runbook: a page for each cause, made from what the catalogue says of it, and an index by symptom."""

from collections.abc import Iterable, Mapping

from dataeng_assets.causes.catalogue import CAUSES
from dataeng_assets.causes.cause import Cause, Step


def runbook() -> Mapping[str, str]:
    """Text by the name of the page, without its ending; `index` leads to all others."""
    return {"index": _index(), **{cause.id: _page(cause) for cause in CAUSES.values()}}


def _index() -> str:
    rows = [f"| [{cause.title}]({cause.id}.md) | {'<br>'.join(cause.symptoms)} |" for cause in CAUSES.values()]
    return "\n".join(
        [
            "# Runbook",
            "",
            "Every cause that [`dataeng doctor`](../how-to/diagnose.md) knows, with what people notice of it.",
            "",
            "| Cause | What people notice |",
            "|---|---|",
            *rows,
        ]
    )


def _page(cause: Cause) -> str:
    parts = [
        f"# {cause.title}",
        f"`dataeng doctor` names it `{cause.id}`.",
        "## What people notice",
        _listed(cause.symptoms),
        "## Where it is looked for",
        _listed(f"{place[0].upper()}{place[1:]}" for place in cause.looked_for),
        "## What proves it",
        cause.proof,
        "## What to do",
        "\n".join(_step(number, step) for number, step in enumerate(cause.remedy, 1)),
        "Words in capitals stand for what the finding names." if any(step.command for step in cause.remedy) else "",
        f"`dataeng doctor --fix` {cause.fix}." if cause.fix else "Nothing of it is done by `dataeng doctor --fix`.",
        "## What keeps it from coming back",
        cause.prevention,
        f"More: {', '.join(f'[{title}](../{path})' for path, title in cause.pages)}." if cause.pages else "",
    ]
    return "\n\n".join(part for part in parts if part)


def _listed(lines: Iterable[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _step(number: int, step: Step) -> str:
    if not step.command:
        return f"{number}. {step.text}"
    return f"{number}. {step.text}\n\n   ```shell\n   {step.command}\n   ```\n"
