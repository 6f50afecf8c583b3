"""Answers made at random, for tests."""

from hypothesis import strategies as st

from dataeng_assets.advise.contradictions import is_consistent
from dataeng_assets.advise.questions import QUESTIONS, RATE, SIZE, Quantity, Question, Value
from dataeng_assets.advise.units import MB, PB

RANGES = {id(RATE): (MB, PB), id(SIZE): (MB, 10 * PB)}


def value_of(question: Question) -> st.SearchStrategy[Value]:
    """A value of a question; quantities over many orders of magnitude."""
    if not isinstance(question.answer, Quantity):
        return st.sampled_from(sorted(question.answer))
    low, high = RANGES.get(id(question.answer), (0.001, 1e9))
    return st.floats(0, 1).map(lambda share: low * (high / low) ** share)


any_answers = st.fixed_dictionaries({question.name: value_of(question) for question in QUESTIONS})
consistent_answers = any_answers.filter(is_consistent)
