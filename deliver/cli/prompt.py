"""Questions to the person at the terminal; where there is none they are errors that say what to type instead."""

import sys

from deliver.cli import context
from deliver.discovery.types import Question
from deliver.formatting.sanitize import clean
from deliver.model.errors import InputError
from deliver.render.style import is_tty

TRIES = 3


def ask(question: Question) -> object:
    """The value of the chosen one. Raises InputError off a terminal, and for no answer."""
    if not (is_tty(sys.stdin) and is_tty(sys.stderr)):
        raise InputError(f"not clear: {question.what}", why=_listed(question), hint=f"e.g. {question.choices[0].how}")
    context.say(f"{clean(question.what)}?")
    for number, choice in enumerate(question.choices, 1):
        context.say(f"  {number}. {clean(choice.text)}")
    for _ in range(TRIES):
        sys.stderr.write(f"Number from 1 to {len(question.choices)}: ")
        sys.stderr.flush()
        answer = sys.stdin.readline()
        if not answer:
            break
        if answer.strip().isdecimal() and 1 <= int(answer) <= len(question.choices):
            return question.choices[int(answer) - 1].value
    raise InputError(f"no answer to: {question.what}", why=_listed(question), hint=f"e.g. {question.choices[0].how}")


def _listed(question: Question) -> str:
    return "; ".join(f"({number}) {choice.text}" for number, choice in enumerate(question.choices, 1))
